"""What the agent is told: one sentence it can act on, and the same for machines.

No text here holds argument values, and none names a bucket, table, role or other caller.
"""

from decimal import Decimal

from portcullis.gateway.ports import Refused, Remaining
from portcullis.policy.decision import Deny, Outcome, Take
from portcullis.policy.model import Algorithm, Scope
from portcullis.values import JsonObject, JsonValue

STORE_RETRY_SECONDS = 2

_WHOSE = {
    Scope.SESSION: "in this session",
    Scope.PRINCIPAL: "for this caller",
    Scope.TOOL: "for all callers of this tool",
    Scope.SERVER: "for all callers of this server",
}


def denied_text(denial: Deny) -> str:
    """The sentence for a denial by policy."""
    return f"DENIED: this call was not executed. {_sentence(denial.reason)}"


def refused_reason(refused: Refused) -> str:
    """Why a limit refused, and when to try again."""
    limit = refused.take.limit
    unit = "call" if limit.amount_path is None else "unit"
    unit += "" if limit.maximum == 1 else "s"
    period = "in any" if limit.algorithm is Algorithm.SLIDING_WINDOW else "in each"
    bound = f"at most {_plain(limit.maximum)} {unit} {period} {_span(limit.window_seconds)}"
    if refused.retry_after_seconds is None:
        return f"The amount is above the limit: {bound} {_WHOSE[limit.scope]}."
    wait = f"Try again in {refused.retry_after_seconds} s."
    return f"The limit is reached: {bound} {_WHOSE[limit.scope]}. {wait}"


def decision_meta(
    denial: Deny,
    *,
    decision_id: str,
    revision: str | None,
    refused: Refused | None = None,
    approval: JsonObject | None = None,
) -> JsonObject:
    """The machine-readable form, under `_meta["portcullis/decision"]`."""
    meta: JsonObject = {
        "id": decision_id,
        "outcome": denial.outcome.value,
        "rule": denial.rule,
        "reason": denial.reason,
        "revision": revision,
        "retry_after": None,
        "remaining": None,
        "approval": approval,
    }
    if refused is not None:
        meta["retry_after"] = refused.retry_after_seconds
        meta["remaining"] = refused.remaining if _is_the_callers_own(refused.take) else None
    if denial.outcome in (Outcome.STORE_UNAVAILABLE, Outcome.APPROVAL_UNAVAILABLE):
        meta["retry_after"] = STORE_RETRY_SECONDS
    return meta


def what_remains(remaining: Remaining) -> JsonValue:
    """What is left of a limit after a call took from it, for the decision log."""
    return {
        "rule": remaining.rule,
        "max": _plain(remaining.maximum),
        "remaining": _plain(remaining.remaining),
    }


def shadow_refusal(take: Take) -> JsonValue:
    """A limit in shadow mode that would have refused, for the decision log."""
    return {"outcome": Outcome.LIMIT_REACHED.value, "rule": take.rule}


def _is_the_callers_own(take: Take) -> bool:
    """What is left of a shared limit would tell what other callers used of it."""
    return take.limit.scope in (Scope.SESSION, Scope.PRINCIPAL)


def _sentence(reason: str) -> str:
    return reason if reason.endswith((".", "!", "?")) else f"{reason}."


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")


def _span(seconds: int) -> str:
    for name, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds % length == 0 and (count := seconds // length) > 1:
            return f"{count} {name}s"
        if seconds == length:
            return f"{seconds} s"
    return f"{seconds} s"
