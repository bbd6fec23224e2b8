"""What the console says, in tables: each state, each refusal, each fault, once.

Only words may live here. They never hold a value that somebody sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from portcullis.approvals.life import Refusal
from portcullis.approvals.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class StateWords:
    """A state in words: what it is called, and what it means for the call."""

    title: str
    meaning: str


STATES: Final[Mapping[State, StateWords]] = {
    State.PENDING: StateWords(
        title="Waiting for a decision", meaning="Nothing runs until it is approved."
    ),
    State.APPROVED: StateWords(
        title="Approved",
        meaning="The call is executed next, once, if the policy in force still permits it.",
    ),
    State.EXECUTING: StateWords(
        title="Being executed", meaning="The call is being sent. Its outcome is not known yet."
    ),
    State.DONE: StateWords(
        title="Executed",
        meaning="The server answered. Its answer is for the agent and is not shown here; "
        "it may be an error.",
    ),
    State.FAILED: StateWords(
        title="Not executed", meaning="The call was approved, but it did not run and will not."
    ),
    State.UNKNOWN: StateWords(
        title="Outcome unknown",
        meaning="The call may have been executed. Find out before anybody repeats it; "
        "no machine repeats it.",
    ),
    State.DENIED: StateWords(title="Denied", meaning="The call did not run and will not."),
    State.EXPIRED: StateWords(
        title="Expired", meaning="Its time ran out. The call did not run and will not."
    ),
    State.CANCELLED: StateWords(
        title="Taken back", meaning="The agent took it back. The call did not run and will not."
    ),
}


# What became of the last request for exactly the same call, where a person should know it.
EARLIER: Final[Mapping[State, str]] = {
    State.UNKNOWN: "The same call was approved before and may have been executed: find out first",
    State.DONE: "The same call was approved and executed before",
    State.FAILED: "The same call was approved before and was not executed",
    State.DENIED: "The same call was denied before",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why something does not happen: a code for programs, a sentence for people."""

    status: int
    code: str
    message: str


REFUSALS: Final[Mapping[Refusal, Fault]] = {
    Refusal.NOT_NOW: Fault(
        status=409, code="not_now", message="This request has been decided, or has ended."
    ),
    Refusal.TOO_LATE: Fault(
        status=409, code="too_late", message="The deadline of this request has passed."
    ),
    Refusal.OWN_REQUEST: Fault(
        status=403,
        code="own_request",
        message="This request is your own. Another person has to decide it.",
    ),
    Refusal.NOT_AN_APPROVER: Fault(
        status=403,
        code="not_an_approver",
        message="The rule does not name you as an approver of this request.",
    ),
    Refusal.SAID_ALREADY: Fault(
        status=409,
        code="said_already",
        message="You have approved this request already. Another person has to approve it too.",
    ),
}

NOT_FOUND: Final = Fault(
    status=404, code="not_found", message="There is no such request, or it is not for you."
)
NO_SUCH_PAGE: Final = Fault(status=404, code="not_found", message="There is nothing here.")
NOT_ALLOWED: Final = Fault(
    status=405, code="method_not_allowed", message="This cannot be done here."
)
FOREIGN: Final = Fault(
    status=403, code="forbidden", message="This came from another site. Nothing was done."
)
UNKNOWN_CREDENTIAL: Final = Fault(
    status=401, code="unauthorized", message="Sign in with the credential of an approver."
)
NOT_FOR_AGENTS: Final = Fault(
    status=403,
    code="forbidden",
    message="This credential is an agent's. Agents cannot see or decide requests.",
)
MALFORMED: Final = Fault(
    status=400,
    code="bad_request",
    message='Send exactly {"decision": "approve"} or {"decision": "deny"}, '
    'with a "comment" of at most 1000 characters if you like.',
)
MALFORMED_FORM: Final = Fault(
    status=400,
    code="bad_request",
    message="The form was not complete, or its comment is longer than 1000 characters. "
    "Nothing was decided.",
)
WRONG_MEDIA: Final = Fault(
    status=415,
    code="unsupported_media_type",
    message="Programs send application/json with a bearer credential; browsers send the form.",
)
OUTDATED: Final = Fault(
    status=403,
    code="forbidden",
    message="This page was out of date. Nothing was decided. Look again, then decide.",
)
NOT_SHOWN: Final = Fault(
    status=409,
    code="not_shown",
    message="The arguments cannot be shown in full, so this request cannot be approved.",
)
NO_SIGN_IN: Final = Fault(
    status=403, code="forbidden", message="The sign-in did not work. Start again."
)
UNAVAILABLE: Final = Fault(
    status=503,
    code="unavailable",
    message="Something this page depends on did not answer. Nothing runs because of that. "
    "If you were deciding, open the request again to see whether your decision counted.",
)
BROKEN: Final = Fault(
    status=500,
    code="internal_error",
    message="Something went wrong here. Nothing runs because of that. "
    "If you were deciding, open the request again to see whether your decision counted.",
)
