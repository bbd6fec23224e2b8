"""The plays that are checked: who approves, how many must, who else has a hand in it."""

from collections.abc import Mapping

from model.approval_world import Actor, Cast, Role
from model.records import make_record, make_requester, make_terms, make_vote


def approver(human: str, name: str = "", **vote: object) -> Actor:
    """A person with a say, under a credential of their own or the one described."""
    return Actor(name=name or human, role=Role.APPROVER, human=human, vote=make_vote(human, **vote))


ANNA, BEN = approver("anna"), approver("ben")
ANNA_AGAIN = approver(
    "anna", "anna at the console", key="18:https://id.example|a-17", person="ANNA", subject="a-17"
)
RITA = approver("rita")  # the person behind the agent that asks
RITAS_AGENT = approver(
    "rita", "rita's agent", key=make_requester().key, subject="build-agent", groups=("platform",)
)
CANCELS = Actor(name="agent (to cancel)", role=Role.CANCELLER)
PICKS = Actor(name="agent (again)", role=Role.PICKER)
PICKS_TOO = Actor(name="agent (and again)", role=Role.PICKER)
STARTS = Actor(name="gateway", role=Role.STARTER)

ONE = make_record(terms=make_terms(approvers=("anna", "ben", "rita", "group:platform")))
TWO = make_record(
    terms=make_terms(approvers=("anna", "ben", "rita", "group:platform"), min_approvals=2)
)
_PLAYS = (
    Cast(name="one of one", record=ONE, actors=(ANNA, PICKS, PICKS_TOO)),
    Cast(name="one of two", record=ONE, actors=(ANNA, BEN, CANCELS, PICKS, PICKS_TOO)),
    Cast(name="two of two", record=TWO, actors=(ANNA, BEN, CANCELS, PICKS)),
    Cast(name="one person twice", record=TWO, actors=(ANNA, ANNA_AGAIN, CANCELS)),
    Cast(name="the requester too", record=TWO, actors=(ANNA, RITA, RITAS_AGENT)),
    Cast(name="only the requester", record=ONE, actors=(RITA, RITAS_AGENT, CANCELS)),
    Cast(name="started by the way", record=ONE, actors=(STARTS, ANNA, BEN, PICKS)),
)
CASTS: Mapping[str, Cast] = {cast.name: cast for cast in _PLAYS}
