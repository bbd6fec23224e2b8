"""One governed call: decide, reserve, forward, settle. A denial at any step ends it.

`Call`s are made of what a request names (a tool, a resource, a prompt), whatever its
method; the same steps serve them all, so no method has a way round them.
"""

from collections.abc import Callable

from portcullis.errors import CounterStoreError
from portcullis.gateway.approvals import Approvals, brings_own_state
from portcullis.gateway.exchange import Exchange
from portcullis.gateway.forward import Forwarder
from portcullis.gateway.governed import Governed
from portcullis.gateway.ports import CounterStore, Refused, Reserved
from portcullis.gateway.recording import Recorder, record
from portcullis.gateway.replies import deny, limit_reached, passed
from portcullis.gateway.wording import shadow_refusal, what_remains
from portcullis.policy.decision import Allow, Deny, Outcome, RequireApproval
from portcullis.policy.drift import decide
from portcullis.policy.fingerprint import digest
from portcullis.protocol.http import HttpReply
from portcullis.values import JsonObject

LIMITS_UNCHECKED = "The limits of this call could not be checked. Try again shortly."


class Enforcer:
    """Carries decisions out."""

    def __init__(
        self,
        counters: CounterStore,
        forwarder: Forwarder,
        approvals: Approvals,
        *,
        new_id: Callable[[], str],
        recorder: Recorder | None = None,
    ) -> None:
        self._counters = counters
        self._forwarder = forwarder
        self._approvals = approvals
        self._new_id = new_id
        self._recorder = recorder

    def enforce(self, governed: Governed) -> HttpReply:
        """Decide one call and carry the decision out."""
        exchange, call = governed.exchange, governed.call
        began = exchange.clock()
        exchange.argument_digest = digest(call)
        decision = decide(governed.policy, call, governed.definition, now=began)
        exchange.timed("policy", began)
        if self._recorder is not None:
            record(self._recorder, governed, at=began)
        exchange.shadow = tuple(_told(shadowed) for shadowed in decision.shadowed)
        if isinstance(decision, Deny):
            return deny(governed.request, exchange, decision)
        if brings_own_state(governed):
            return self._approvals.follow(governed)
        if isinstance(decision, RequireApproval):
            return self._ask(governed, decision)
        return self._reserve_and_forward(governed, decision)

    def _ask(self, governed: Governed, decision: RequireApproval) -> HttpReply:
        """Ask a person, unless the limits would refuse the call already."""
        exchange, takes = governed.exchange, decision.obligations

        def check() -> Refused | None:
            now = exchange.clock()
            return self._counters.check(takes, server=exchange.server, now=now) if takes else None

        try:
            return self._approvals.answer(governed, decision, check)
        except CounterStoreError:
            return deny(governed.request, exchange, _unchecked(decision.rule))

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
            return deny(governed.request, exchange, _unchecked(allow.rule))
        finally:
            exchange.timed("store", began)
        if isinstance(reserved, Refused):
            return deny(governed.request, exchange, limit_reached(reserved), refused=reserved)
        exchange.shadow += tuple(shadow_refusal(take) for take in reserved.shadow_refused)
        exchange.remaining = tuple(what_remains(one) for one in reserved.remaining)
        return reserved

    def _give_back(self, reserved: Reserved, exchange: Exchange) -> None:
        """Only what provably did not execute comes here; what cannot be given back stays taken."""
        try:
            self._counters.release(reserved, now=exchange.clock())
        except CounterStoreError:
            exchange.upstream_outcome = f"{exchange.upstream_outcome}; reservation kept"


def _unchecked(rule: str) -> Deny:
    return Deny(outcome=Outcome.STORE_UNAVAILABLE, rule=rule, reason=LIMITS_UNCHECKED)


def _told(shadowed: Deny | RequireApproval) -> JsonObject:
    outcome = shadowed.outcome if isinstance(shadowed, Deny) else Outcome.APPROVAL_REQUIRED
    return {"outcome": outcome.value, "rule": shadowed.rule}
