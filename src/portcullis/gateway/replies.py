"""Decisions as replies: what the client gets, and what the record says of it."""

from portcullis.gateway.exchange import Exchange
from portcullis.gateway.forward import Forwarded
from portcullis.gateway.ports import Refused
from portcullis.gateway.wording import decision_meta, denied_text, refused_reason
from portcullis.policy.decision import Deny, Outcome
from portcullis.protocol import outbound
from portcullis.protocol.http import HttpReply
from portcullis.protocol.messages import Request
from portcullis.values import JsonObject

NOT_EXECUTED = "The server could not be reached; this call was not executed."
UNCERTAIN = (
    "The server gave no usable answer; this call may have been executed. "
    "Find out before you repeat it."
)


def deny(
    request: Request, exchange: Exchange, denial: Deny, *, refused: Refused | None = None
) -> HttpReply:
    """The reply to a denial; a hidden thing is answered like one that does not exist."""
    if denial.outcome is Outcome.HIDDEN:
        exchange.outcome, exchange.rule = denial.outcome.value, denial.rule
        return outbound.unknown_subject(request)
    meta = noted(exchange, denial, refused=refused)
    return outbound.refusal(request, denied_text(denial), decision=meta)


def limit_reached(refused: Refused) -> Deny:
    """The denial in the name of a limit."""
    return Deny(
        outcome=Outcome.LIMIT_REACHED, rule=refused.take.rule, reason=refused_reason(refused)
    )


def noted(
    exchange: Exchange,
    denial: Deny,
    *,
    refused: Refused | None = None,
    approval: JsonObject | None = None,
) -> JsonObject:
    """Note a denial for the record; answer what machines are told of it."""
    exchange.outcome, exchange.rule = denial.outcome.value, denial.rule
    return decision_meta(
        denial,
        decision_id=exchange.decision_id,
        revision=exchange.revision,
        refused=refused,
        approval=approval,
    )


def passed(request: Request, exchange: Exchange, forwarded: Forwarded) -> HttpReply:
    """The upstream's reply passed on, or what to say when there is none to pass on."""
    if forwarded.reply is not None:
        exchange.outcome = Outcome.ALLOWED.value
        return forwarded.reply
    if forwarded.denial is not None:
        return deny(request, exchange, forwarded.denial)
    if forwarded.session_lost:
        exchange.outcome = "unknown_session"
        return outbound.unknown_session(request)
    text = UNCERTAIN if forwarded.executed else NOT_EXECUTED
    denial = Deny(outcome=Outcome.UPSTREAM_UNAVAILABLE, rule=exchange.rule, reason=text)
    return outbound.refusal(request, text, decision=noted(exchange, denial))
