"""Lines of the decision log as a replay needs them. A broken line is counted, never left out."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from portcullis.policy.decision import Outcome
from portcullis.policy.lock_text import DRIFT_LABELS
from portcullis_cli.decision_log import Broken, Decision, Read
from portcullis_cli.reasoning.solve import ALLOW, ASK, DENY

METHOD: Final = "tools/call"
LIMIT: Final = "limit"  # permitted, were it not for a limit

_ALLOWED: Final = {Outcome.ALLOWED, Outcome.UPSTREAM_UNAVAILABLE}
_DENIED: Final = {
    Outcome.DENIED_BY_RULE,
    Outcome.DENIED_BY_DEFAULT,
    Outcome.INDETERMINATE,
    Outcome.INVALID_AMOUNT,
}
_DECIDED: Final = {
    **{one.value: ALLOW for one in _ALLOWED},
    **{one.value: DENY for one in _DENIED},
    **{one.value: ASK for one in Outcome if one.value.startswith("approval_")},
    Outcome.LIMIT_REACHED.value: LIMIT,
}
_DRIFTED: Final = {Outcome.TOOL_CHANGED.value, Outcome.TOOL_ADDED.value}
_NOT_SENT, _KEPT = "not sent", "reservation kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one line says of a call of a tool.

    `decided` is None where something else than the rules of its policy came in between (a
    store that did not answer, a stop, a tool that drifted); `recorded` where it was not recorded.
    `was_not_sent`: it took nothing from limits, or what it took was given back.
    """

    decision_id: str
    stack: str
    server: str
    tool: str
    outcome: str
    rule: str | None = None
    decided: str | None = None
    recorded: str | None = None
    recording: str | None = None
    is_drifted: bool = False
    was_not_sent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLines:
    """The calls of a log, and how many lines of it could not be read."""

    lines: tuple[Line, ...]
    broken: int


def calls_in(read: Iterable[Read], server: str) -> ReadLines:
    """The calls of one server's tools, each once however often its line is there."""
    found: dict[str, Line] = {}
    broken = 0
    for one in read:
        if isinstance(one, Broken):
            broken += 1
        elif one.method == METHOD and one.server == server and not _is_executors(one):
            found.setdefault(one.decision_id, _line(one))
    return ReadLines(lines=tuple(found.values()), broken=broken)


def _is_executors(one: Decision) -> bool:
    """Whether it tells how an approved call went on: the gateway's line holds the call itself.

    The audit trail has both. Only the gateway says how old what it judged by was.
    """
    return one.approval is not None and not one.age_seconds


def _line(one: Decision) -> Line:
    is_drifted = one.outcome in _DRIFTED or one.rule in DRIFT_LABELS
    decided = None if is_drifted else _DECIDED.get(one.outcome)
    went = one.upstream_outcome
    return Line(
        decision_id=one.decision_id,
        stack=one.stack or "",
        server=one.server,
        tool=one.name or "",
        outcome=one.outcome,
        rule=one.rule,
        decided=decided,
        recorded=one.recorded,
        recording=one.recording,
        is_drifted=is_drifted,
        was_not_sent=decided is None if went is None else _was_given_back(went),
    )


def _was_given_back(went: str) -> bool:
    return went.startswith(_NOT_SENT) and not went.endswith(_KEPT)
