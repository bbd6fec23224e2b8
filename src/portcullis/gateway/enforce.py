"""One governed call: decide, reserve, forward, settle. A denial at any step ends it.

`Call`s are made of what a request names (a tool, a resource, a prompt), whatever its
method; the same steps serve them all, so no method has a way round them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from portcullis.errors import CounterStoreError
from portcullis.gateway.exchange import Exchange
from portcullis.gateway.forward import Forwarded, Forwarder
from portcullis.gateway.ports import CounterStore, Refused, Reserved
from portcullis.gateway.sessions import Session
from portcullis.gateway.wording import (
    decision_meta,
    denied_text,
    refused_reason,
    shadow_refusal,
    what_remains,
)
from portcullis.policy.decision import Allow, Deny, Outcome, RequireApproval
from portcullis.policy.evaluate import evaluate
from portcullis.policy.fingerprint import digest
from portcullis.policy.model import Call, Policy
from portcullis.protocol import outbound
from portcullis.protocol.http import HttpReply
from portcullis.protocol.messages import Request
from portcullis.protocol.reply import Rewrite
from portcullis.values import JsonObject

NOT_EXECUTED = "The server could not be reached; this call was not executed."
UNCERTAIN = (
    "The server gave no usable answer; this call may have been executed. "
    "Find out before you repeat it."
)
APPROVALS_DISABLED = "This call needs a person's approval, and approvals are not enabled here."


@dataclass(frozen=True, slots=True, kw_only=True)
class Governed:
    """A request with everything a decision about it rests on."""

    request: Request
    call: Call
    policy: Policy
    session: Session
    exchange: Exchange
    params: JsonObject  # what is forwarded if the call is allowed
    input_schema: JsonObject | None = None
    rewrite: Rewrite | None = None


class Enforcer:
    """Carries decisions out."""

    def __init__(
        self, counters: CounterStore, forwarder: Forwarder, *, new_id: Callable[[], str]
    ) -> None:
        self._counters = counters
        self._forwarder = forwarder
        self._new_id = new_id

    def enforce(self, governed: Governed) -> HttpReply:
        """Decide one call and carry the decision out."""
        exchange, call = governed.exchange, governed.call
        began = exchange.clock()
        exchange.argument_digest = digest(call)
        decision = evaluate(governed.policy, call, now=began)
        exchange.timed("policy", began)
        exchange.shadow = tuple(_told(shadowed) for shadowed in decision.shadowed)
        if isinstance(decision, RequireApproval):
            reason = _approval_reason(decision)
            decision = Deny(outcome=Outcome.APPROVALS_DISABLED, rule=decision.rule, reason=reason)
        if isinstance(decision, Deny):
            return deny(governed.request, exchange, decision)
        return self._reserve_and_forward(governed, decision)

    def _reserve_and_forward(self, governed: Governed, allow: Allow) -> HttpReply:
        exchange = governed.exchange
        exchange.rule = allow.rule
        reserved = self._reserve(governed, allow)
        if isinstance(reserved, HttpReply):
            return reserved
        forwarded = self._forwarder.call(
            governed.request,
            exchange,
            governed.session,
            params=governed.params,
            input_schema=governed.input_schema,
            rewrite=governed.rewrite,
        )
        if not forwarded.executed:
            self._give_back(reserved, exchange)
        return passed(governed.request, exchange, forwarded)

    def _reserve(self, governed: Governed, allow: Allow) -> Reserved | HttpReply:
        """Meet every obligation, or answer the denial in the name of the one that cannot be."""
        exchange, began = governed.exchange, governed.exchange.clock()
        try:
            reserved = self._counters.reserve(
                allow.obligations,
                server=exchange.server,
                reservation_id=self._new_id(),
                now=began,
            )
        except CounterStoreError:
            denial = Deny(
                outcome=Outcome.STORE_UNAVAILABLE,
                rule=allow.rule,
                reason="The limits of this call could not be checked. Try again shortly.",
            )
            return deny(governed.request, exchange, denial)
        finally:
            exchange.timed("store", began)
        if isinstance(reserved, Refused):
            denial = Deny(
                outcome=Outcome.LIMIT_REACHED,
                rule=reserved.take.rule,
                reason=refused_reason(reserved),
            )
            return deny(governed.request, exchange, denial, refused=reserved)
        exchange.shadow += tuple(shadow_refusal(take) for take in reserved.shadow_refused)
        exchange.remaining = tuple(what_remains(one) for one in reserved.remaining)
        return reserved

    def _give_back(self, reserved: Reserved, exchange: Exchange) -> None:
        """Only what provably did not execute comes here; what cannot be given back stays taken."""
        try:
            self._counters.release(reserved, now=exchange.clock())
        except CounterStoreError:
            exchange.upstream_outcome = f"{exchange.upstream_outcome}; reservation kept"


def deny(
    request: Request, exchange: Exchange, denial: Deny, *, refused: Refused | None = None
) -> HttpReply:
    """The reply to a denial; a hidden thing is answered like one that does not exist."""
    exchange.outcome, exchange.rule = denial.outcome.value, denial.rule
    if denial.outcome is Outcome.HIDDEN:
        return outbound.unknown_subject(request)
    return _refusal(request, exchange, denial, denied_text(denial), refused=refused)


def passed(request: Request, exchange: Exchange, forwarded: Forwarded) -> HttpReply:
    """The upstream's reply passed on, or what to say when there is none to pass on."""
    if forwarded.reply is not None:
        exchange.outcome = Outcome.ALLOWED.value
        return forwarded.reply
    if forwarded.session_lost:
        exchange.outcome = "unknown_session"
        return outbound.unknown_session(request)
    text = UNCERTAIN if forwarded.executed else NOT_EXECUTED
    denial = Deny(outcome=Outcome.UPSTREAM_UNAVAILABLE, rule=exchange.rule, reason=text)
    exchange.outcome = denial.outcome.value
    return _refusal(request, exchange, denial, text)


def _refusal(
    request: Request,
    exchange: Exchange,
    denial: Deny,
    text: str,
    *,
    refused: Refused | None = None,
) -> HttpReply:
    meta = decision_meta(
        denial, decision_id=exchange.decision_id, revision=exchange.revision, refused=refused
    )
    return outbound.refusal(request, text, decision=meta)


def _approval_reason(decision: RequireApproval) -> str:
    return f"{APPROVALS_DISABLED} {decision.reason}" if decision.reason else APPROVALS_DISABLED


def _told(shadowed: Deny | RequireApproval) -> JsonObject:
    outcome = shadowed.outcome if isinstance(shadowed, Deny) else Outcome.APPROVAL_REQUIRED
    return {"outcome": outcome.value, "rule": shadowed.rule}
