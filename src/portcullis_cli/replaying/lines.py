"""Lines of the decision log as a replay needs them: whoever wrote the file, they are read strictly.

A line is taken as the gateway wrote it, or inside what CloudWatch and the audit trail put around
it (`message`). Lines of other kinds are passed over; a broken line of a call is counted.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from portcullis.policy.decision import Outcome
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


def read_lines(texts: Iterable[str], server: str) -> ReadLines:
    """The calls of one server's tools, each once however often its line is there."""
    found: dict[str, Line] = {}
    broken = 0
    for text in texts:
        try:
            for record, stack in _records(text):
                line = _line(record, stack)
                if line is not None and line.server == server:
                    found.setdefault(line.decision_id, line)
        except (ValueError, RecursionError):
            broken += 1
    return ReadLines(lines=tuple(found.values()), broken=broken)


def _records(text: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The decision records of a line.

    Raises:
        ValueError: it begins like one, and is none.
    """
    text = text.strip()
    if not text.startswith("{"):
        return  # what Lambda, or a person, wrote between
    tree = json.loads(text)
    wrapped = tree.get("message")
    if "decision" not in tree and isinstance(wrapped, str) and wrapped.startswith("{"):
        tree = json.loads(wrapped)
    record = tree.get("decision")
    if isinstance(record, dict):
        yield record, str(tree.get("service"))


def _line(record: dict[str, Any], stack: str) -> Line | None:
    """The line of a gateway's call of a tool; None for what is something else.

    Raises:
        ValueError: it lacks what such a line has.
    """
    if record.get("method") != METHOD:
        return None
    for name in ("decision_id", "server", "outcome"):
        if not isinstance(record.get(name), str):
            raise ValueError("a record lacks a member")  # noqa: TRY004 - it is read, not called
    outcome = record["outcome"]
    return Line(
        decision_id=record["decision_id"],
        stack=stack,
        server=record["server"],
        tool=str(record.get("name")),
        outcome=outcome,
        rule=_text(record, "rule"),
        decided=_DECIDED.get(outcome),
        recorded=_text(record, "recorded"),
        recording=_text(record, "recording"),
        was_not_sent=(_text(record, "upstream_outcome") or "").startswith(_NOT_SENT),
    )


def _text(record: dict[str, Any], name: str) -> str | None:
    value = record.get(name)
    return value if isinstance(value, str) else None
