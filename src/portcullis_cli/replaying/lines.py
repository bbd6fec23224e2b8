"""Lines of the decision log as a replay needs them. A broken line is counted, never left out."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from portcullis.policy.decision import Outcome
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
_NOT_SENT: Final = "not sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one line says of a call of a tool.

    `decided` is None where something else than the rules of its policy came in between (a
    store that did not answer, a stop, a tool that drifted); `recorded` where it was not recorded.
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
        elif one.method == METHOD and one.server == server:
            found.setdefault(one.decision_id, _line(one))
    return ReadLines(lines=tuple(found.values()), broken=broken)


def _line(one: Decision) -> Line:
    return Line(
        decision_id=one.decision_id,
        stack=one.stack or "",
        server=one.server,
        tool=one.name or "",
        outcome=one.outcome,
        rule=one.rule,
        decided=_DECIDED.get(one.outcome),
        recorded=one.recorded,
        recording=one.recording,
        was_not_sent=(one.upstream_outcome or "").startswith(_NOT_SENT),
    )
