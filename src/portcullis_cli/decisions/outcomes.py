"""What each outcome of the decision log means, what to do about it, and whether it refused.

The words are those of docs/reference/wire-replies.md and docs/reference/decision-log.md; a test
holds the three together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from portcullis.console import audit
from portcullis.policy.decision import Outcome


class Kind(Enum):
    """What came of a request, in one of four ways."""

    DONE = "done"  # let through, or what was asked for
    WAITS = "waits"  # for a person, or for the executor
    REFUSED = "refused"
    FAULT = "fault"  # refused because a part of the gate, or the server, did not answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """`means` is a sentence without its full stop; `do` "" where there is nothing to do."""

    kind: Kind
    means: str
    do: str = ""


def _done(means: str) -> Meaning:
    return Meaning(kind=Kind.DONE, means=means)


def _waits(means: str, do: str) -> Meaning:
    return Meaning(kind=Kind.WAITS, means=means, do=do)


def _refused(means: str, do: str = "") -> Meaning:
    return Meaning(kind=Kind.REFUSED, means=means, do=do)


def _fault(means: str, do: str) -> Meaning:
    return Meaning(kind=Kind.FAULT, means=means, do=do)


_EXPLAIN: Final = "`portcullis policy explain` decides the call again, and says what each rule did"
_SHOW: Final = "`portcullis approvals show ID` shows what was asked"

GOVERNED: Final[Mapping[Outcome, Meaning]] = MappingProxyType(
    {
        Outcome.ALLOWED: _done("the call went through to the server"),
        Outcome.DENIED_BY_RULE: _refused("a rule that denies applied", _EXPLAIN),
        Outcome.DENIED_BY_DEFAULT: _refused("no rule permitted it", _EXPLAIN),
        Outcome.HIDDEN: _refused(
            "a hidden tool was called; the agent was told that there is no such tool"
        ),
        Outcome.INDETERMINATE: _refused(
            "a rule that denies, asks for an approval or has limits could not be evaluated",
            _EXPLAIN,
        ),
        Outcome.INVALID_ARGUMENTS: _refused("the arguments do not fit the tool's own input schema"),
        Outcome.INVALID_AMOUNT: _refused(
            "the amount of a spend limit is missing, not a number, or not positive"
        ),
        Outcome.LIMIT_REACHED: _refused(
            "a limit would have been exceeded", "wait, or change the limit of the rule"
        ),
        Outcome.APPROVAL_REQUIRED: _waits("a person has to approve it, and was asked", _SHOW),
        Outcome.APPROVAL_RUNNING: _waits(
            "it is approved and about to be executed",
            "the same call gets the result in a moment",
        ),
        Outcome.APPROVAL_DENIED: _refused("an approver said no", _SHOW),
        Outcome.APPROVAL_EXPIRED: _refused(
            "nobody decided, or it was not executed, before the deadline",
            "the agent makes the call again, and people are asked again",
        ),
        Outcome.APPROVAL_CANCELLED: _refused(
            "the client took the request back, or another one took its place"
        ),
        Outcome.APPROVAL_FAILED: _refused("approved, and provably not executed", _SHOW),
        Outcome.APPROVAL_UNKNOWN: _fault(
            "approved, and perhaps executed: nobody knows, and no machine repeats it",
            "look in the target system whether it happened, and tell the one who asked",
        ),
        Outcome.APPROVAL_DELIVERED: _done("the result of an approved call was handed over"),
        Outcome.APPROVAL_LIMIT: _refused(
            "too many calls of this caller wait for an approval already",
            "`portcullis approvals list` shows what waits",
        ),
        Outcome.APPROVAL_UNSUPPORTED: _refused(
            "nobody can be asked: it is no tool call, or its arguments are too large to look at"
        ),
        Outcome.APPROVAL_UNAVAILABLE: _fault(
            "the approvals, their key or their workflow did not answer",
            "look at Step Functions, KMS and DynamoDB",
        ),
        Outcome.UNKNOWN_TOOL: _refused(
            "the server offers no such tool", "`portcullis servers show SERVER` lists its tools"
        ),
        Outcome.TOOL_CHANGED: _refused(
            "the tool is not as it was locked", "`portcullis lock --check` shows what changed"
        ),
        Outcome.TOOL_ADDED: _refused(
            "the tool is not in the server's lock", "`portcullis lock --check` shows what is new"
        ),
        Outcome.POLICY_UNAVAILABLE: _fault(
            "no policy was ever activated for the server, or it is too old to trust",
            "`portcullis servers show SERVER` says which policy is in force",
        ),
        Outcome.SNAPSHOT_UNAVAILABLE: _fault(
            "the server's own tool list is not known",
            "look whether the server answers `tools/list`, and at its credential",
        ),
        Outcome.STORE_UNAVAILABLE: _fault(
            "counters, sessions, approvals or the kill switch could not be read",
            "look at DynamoDB's throttled requests, and at S3",
        ),
        Outcome.STOPPED: _refused(
            "a person has stopped all calls to the server",
            "`portcullis kill-switch status` says who and why",
        ),
        Outcome.UPSTREAM_UNAVAILABLE: _fault(
            "the server could not be reached, or gave no usable reply",
            "what became of the call at the server stands beside `upstream`",
        ),
        Outcome.INTERNAL_ERROR: _fault(
            "a fault of the gate itself",
            "read the lines beside this one in its log group, and report it with the id",
        ),
    }
)
UNGOVERNED: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "accepted": _done("no call: it was answered, or passed on, without a decision"),
        "rejected": _refused("it breaks the protocol, so nothing was sent to the server"),
        "unknown_session": _refused("the session is not the caller's, or no longer live"),
        audit.GIVEN: _done("an approver's yes was counted"),
        audit.REFUSED: _refused("an approver's word was not counted", _SHOW),
        audit.SIGNED_IN: _done("somebody signed in to the console"),
        audit.SIGN_IN_REFUSED: _refused("somebody tried to sign in to the console, and could not"),
    }
)
MEANINGS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {**{outcome.value: meaning for outcome, meaning in GOVERNED.items()}, **UNGOVERNED}
)
_LATER: Final = Meaning(kind=Kind.REFUSED, means="this release does not know the outcome")


def meaning_of(outcome: str) -> Meaning:
    """What an outcome means; one of a later release is taken for a refusal."""
    return MEANINGS.get(outcome, _LATER)


def is_refused(outcome: str) -> bool:
    """Whether what was asked for did not happen, and is not about to."""
    return meaning_of(outcome).kind in {Kind.REFUSED, Kind.FAULT}
