"""What an agent is told of a request for approval: a sentence it can act on, in each state.

No text here holds argument values or names an approver. An approver's comment is passed on
as what it is, quoted.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from portcullis.approvals.record import ApprovalRecord
from portcullis.approvals.states import State
from portcullis.policy.decision import Deny, Outcome
from portcullis.values import JsonObject

ALREADY_DELIVERED = (
    "The result of this approved call was handed over already. If you want the call to be made "
    "once more, wait a few seconds and call again: that asks for another approval."
)
UNAVAILABLE = "This call needs a person's approval, which cannot be asked for now. Try again later."
UNSUPPORTED = "Only a call of a tool can wait for an approval."

_OUTCOMES: Mapping[State, Outcome] = {
    State.PENDING: Outcome.APPROVAL_REQUIRED,
    State.APPROVED: Outcome.APPROVAL_RUNNING,
    State.EXECUTING: Outcome.APPROVAL_RUNNING,
    State.DONE: Outcome.APPROVAL_DELIVERED,
    State.FAILED: Outcome.APPROVAL_FAILED,
    State.UNKNOWN: Outcome.APPROVAL_UNKNOWN,
    State.DENIED: Outcome.APPROVAL_DENIED,
    State.EXPIRED: Outcome.APPROVAL_EXPIRED,
    State.CANCELLED: Outcome.APPROVAL_CANCELLED,
}


def told(record: ApprovalRecord, state: State) -> Deny:
    """What a request in a state means for the call: it was not executed, and why."""
    return Deny(outcome=_OUTCOMES[state], rule=record.binding.rule, reason=_TEXTS[state](record))


def short_text(record: ApprovalRecord, state: State) -> str:
    """One sentence for a client that shows a person where to go."""
    if state is State.PENDING:
        return f"`{record.binding.tool}` waits for an approval."
    return f"`{record.binding.tool}`: {state.value.lower()}."


def approval_meta(record: ApprovalRecord, state: State) -> JsonObject:
    """The machine-readable form, under `approval` of a decision."""
    return {
        "id": record.id,
        "status": state.value,
        "url": record.link,
        "expires_at": _utc(record.expires_at),
    }


def _pending(record: ApprovalRecord) -> str:
    why = f" {_sentence(record.reason)}" if record.reason else ""
    return (
        f"APPROVAL REQUIRED: this call was not executed.{why} A person decides at {record.link} "
        f"until {_utc(record.expires_at)} (request {record.id}). Tell the user, wait, and then "
        f"call `{record.binding.tool}` again with exactly the same arguments."
    )


def _running(record: ApprovalRecord) -> str:
    return (
        f"APPROVED: request {record.id} is being executed. To get its result call "
        f"`{record.binding.tool}` again in a moment, with exactly the same arguments."
    )


def _denied(record: ApprovalRecord) -> str:
    comment = "" if record.denial is None else record.denial.comment
    said = f' The approver wrote: "{comment}"' if comment else ""
    return (
        f"APPROVAL DENIED: this call was not executed (request {record.id}).{said} "
        "Do not repeat it unless the user asks for it."
    )


def _expired(record: ApprovalRecord) -> str:
    return (
        f"APPROVAL EXPIRED: this call was not executed. It was not decided and carried out by "
        f"{_utc(record.expires_at)} (request {record.id}). Calling again asks anew."
    )


def _cancelled(record: ApprovalRecord) -> str:
    return f"APPROVAL CANCELLED: this call was not executed (request {record.id})."


def _failed(record: ApprovalRecord) -> str:
    return (
        f"NOT EXECUTED: request {record.id} was approved, but {record.note or 'it was not made'}. "
        "Calling again asks anew."
    )


def _unknown(record: ApprovalRecord) -> str:
    return (
        f"OUTCOME UNKNOWN: the approved call of request {record.id} may have been executed "
        f"({record.note or 'nothing more is known'}). Find out before you repeat it; nothing "
        "repeats it by itself."
    )


def _delivered(_record: ApprovalRecord) -> str:
    return ALREADY_DELIVERED


_TEXTS: Mapping[State, Callable[[ApprovalRecord], str]] = {
    State.PENDING: _pending,
    State.APPROVED: _running,
    State.EXECUTING: _running,
    State.DONE: _delivered,
    State.FAILED: _failed,
    State.UNKNOWN: _unknown,
    State.DENIED: _denied,
    State.EXPIRED: _expired,
    State.CANCELLED: _cancelled,
}


def _sentence(reason: str) -> str:
    return reason if reason.endswith((".", "!", "?")) else f"{reason}."


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
