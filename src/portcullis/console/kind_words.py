"""The words of the pages that differ between kinds of requests. Only words may live here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from portcullis.approvals.kinds import RequestKind
from portcullis.approvals.policy_change import governed_server
from portcullis.approvals.record import ApprovalRecord
from portcullis.approvals.states import State
from portcullis.console.wording import STATES, StateWords


@dataclass(frozen=True, slots=True, kw_only=True)
class KindWords:
    """What a page calls a request: `Alice` `wants to run` `create_broker` `on mq`.

    `thing` and `place` hold what others wrote, and have to be escaped.
    """

    states: Mapping[State, StateWords]
    lead: str  # what stands before the thing in a list
    wants: str
    wanted: str
    thing: Callable[[ApprovalRecord], str]
    place: Callable[[ApprovalRecord], str]
    what_open: str
    what_over: str
    caption: str
    revision: str
    rule: str
    approve: str
    deny: str
    reads_comment: str


CALL: Final = KindWords(
    states=STATES,
    lead="",
    wants="wants to run",
    wanted="wanted to run",
    thing=lambda record: record.binding.tool,
    place=lambda record: f"on {record.binding.server}",
    what_open="What will run",
    what_over="What was asked for",
    caption="These are all arguments of the call, to the letter.",
    revision="Policy revision",
    rule="Rule",
    approve="Approve: run it once",
    deny="Deny: do not run it",
    reads_comment="the agent if you deny",
)

_STAYS: Final = "What is in force stays in force."
POLICY: Final = KindWords(
    states={
        State.PENDING: StateWords(
            title="Waiting for a decision", meaning="It is not in force until it is approved."
        ),
        State.APPROVED: StateWords(
            title="Approved",
            meaning="It is put in force next, if it is still the newest upload and what it "
            "replaces is still in force.",
        ),
        State.EXECUTING: StateWords(
            title="Being put in force", meaning="The activator has been asked to put it in force."
        ),
        State.DONE: StateWords(title="Put in force", meaning="It was put in force."),
        State.FAILED: StateWords(
            title="Not put in force", meaning=f"It was approved, but not put in force. {_STAYS}"
        ),
        State.UNKNOWN: StateWords(
            title="Outcome unknown",
            meaning="Nobody said whether it is in force. The status of the policy tells.",
        ),
        State.DENIED: StateWords(title="Denied", meaning=_STAYS),
        State.EXPIRED: StateWords(title="Expired", meaning=f"Its time ran out. {_STAYS}"),
        State.CANCELLED: StateWords(
            title="Taken back", meaning="A newer upload, or another policy, took its place."
        ),
    },
    lead="Policy of",
    wants="wants to become the policy of",
    wanted="wanted to become the policy of",
    thing=governed_server,
    place=lambda _: "",
    what_open="What changes, and the whole file",
    what_over="What would have changed, and the whole file",
    caption="This is the uploaded file, to the letter; nothing in it is masked.",
    revision="Its revision",
    rule="Parameter",
    approve="Approve: put it in force",
    deny="Deny: leave it out",
    reads_comment="the policy's status if you deny",
)

WORDS: Final[Mapping[RequestKind, KindWords]] = {
    RequestKind.CALL: CALL,
    RequestKind.POLICY: POLICY,
}
