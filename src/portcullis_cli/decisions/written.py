"""Decisions for programs: JSON, and CSV that no spreadsheet takes for a formula."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from portcullis.values import JsonObject
from portcullis_cli.decision_log import Broken, Decision
from portcullis_cli.decisions.outcomes import meaning_of
from portcullis_cli.decisions.wanted import readable
from portcullis_cli.rendering import plain

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
COLUMNS: Final = (
    "time",
    "outcome",
    "server",
    "method",
    "name",
    "principal",
    "rule",
    "total_micros",
    "upstream_outcome",
    "approval",
    "decision_id",
)
COUNTED: Final[Mapping[str, Callable[[Decision], str | None]]] = MappingProxyType(
    {
        "outcome": lambda one: one.outcome,
        "tool": lambda one: one.name,
        "principal": lambda one: one.principal,
        "rule": lambda one: one.rule,
        "server": lambda one: one.server,
    }
)


def moment(at_ms: int) -> str:
    """An instant to the millisecond, in UTC."""
    seconds, millis = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{millis:03}Z"


def tree_of(decision: Decision) -> JsonObject:
    """One decision; `decision` is the record as it was written."""
    return {
        "time": moment(decision.at_ms),
        "log_group": decision.group,
        "event_id": decision.event_id,
        "decision": {**decision.fields},
    }


def full_tree(decision: Decision) -> JsonObject:
    """The same with what its outcome means."""
    meaning = meaning_of(decision.outcome)
    return {**tree_of(decision), "means": meaning.means, "do": meaning.do or None}


def broken_tree(broken: Broken) -> JsonObject:
    """Where a decision stands that cannot be read."""
    return {
        "time": moment(broken.at_ms),
        "log_group": broken.group,
        "event_id": broken.event_id,
        "why": broken.why,
    }


def to_csv(decisions: Iterable[Decision]) -> str:
    """A header and one row a decision (RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(one) for one in _row(decision)] for decision in decisions)
    return out.getvalue()


def counts(decisions: Iterable[Decision], by: str) -> list[tuple[str, int]]:
    """How many of each, most first; "" stands for those without one."""
    found = Counter(COUNTED[by](one) or "" for one in decisions)
    return sorted(found.items(), key=lambda one: (-one[1], one[0]))


def _row(decision: Decision) -> Sequence[str | int | None]:
    return (
        moment(decision.at_ms),
        decision.outcome,
        decision.server,
        decision.method,
        decision.name,
        readable(decision.principal),
        decision.rule,
        decision.latency_micros.get("total"),
        decision.upstream_outcome,
        decision.approval,
        decision.decision_id,
    )


def _cell(value: str | int | None) -> str:
    """A text that stays a text: callers choose names, and spreadsheets run what looks like a sum.

    Source: OWASP, "CSV Injection".
    """
    if value is None or isinstance(value, int):
        return "" if value is None else str(value)
    shown = plain(value)
    return f"'{shown}" if value.lstrip(" ").startswith(_FORMULA) else shown
