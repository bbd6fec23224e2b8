"""Moments: enough of them that every class that conditions on the time tell apart has one."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import count, product
from math import ceil, floor
from typing import Any, Final

from portcullis.policy.model import Comparison, Instant
from portcullis_cli.reasoning.places import Candidates

_DAY: Final = 86_400
_EPOCH: Final = date(1970, 1, 1).toordinal()
_FIRST_DAY: Final = 1 - _EPOCH  # of the calendar, counted from the epoch
_LAST_DAY: Final = date.max.toordinal() - _EPOCH
_MONDAY: Final = date(2026, 1, 5).toordinal() - _EPOCH
_OF_TEXTS: Final = {"regex", "matches_glob", "contains", "starts_with", "ends_with"}


def moments_of(comparisons: Sequence[Comparison]) -> Candidates:
    """Named seconds, and the hours of named days, of the days around seconds, and of a free week.

    At the minutes that are named and those beside them. A week has every weekday, and one that
    no condition names is like all others.
    """
    fields = {one.path.steps[0] for one in comparisons}
    seconds = {
        one for one in _around(comparisons, "epoch") if _FIRST_DAY <= one // _DAY <= _LAST_DAY
    }
    named = set(_days(comparisons))
    reach = 7 * (1 + len(named))  # each weekday before and after, on a day without a name
    days = named | {one // _DAY + by for one in seconds for by in range(-reach, reach + 1)}
    monday = next(day for day in count(_MONDAY, 7) if named.isdisjoint(range(day, day + 7)))
    days |= set(range(monday, monday + 7))
    hours = range(24) if fields & {"hour", "epoch"} else (0,)
    minutes = _minutes(comparisons) if "minute" in fields else [0]
    found = Candidates(is_whole=not _has_open_dates(comparisons))
    found.add(
        _instant(day * _DAY + hour * 3600 + minute * 60)
        for day, hour, minute in product(sorted(days), hours, minutes)
        if _FIRST_DAY <= day <= _LAST_DAY
    )
    found.add(_instant(second) for second in sorted(seconds))
    return found


def _instant(second: int) -> Instant:
    return Instant(micros=1_000_000 * second)


def _named(comparisons: Sequence[Comparison], field: str) -> Iterator[Any]:
    for one in comparisons:
        if one.path.steps[0] == field:
            yield from one.operand if isinstance(one.operand, list) else [one.operand]


def _around(comparisons: Sequence[Comparison], field: str) -> Iterator[int]:
    """The whole numbers that are named, and those beside them."""
    for value in _named(comparisons, field):
        if isinstance(value, int | Decimal):
            yield from (floor(value) - 1, floor(value), ceil(value), ceil(value) + 1)


def _minutes(comparisons: Sequence[Comparison]) -> list[int]:
    return sorted({0, 59} | {one for one in _around(comparisons, "minute") if 0 <= one < 60})


def _days(comparisons: Sequence[Comparison]) -> Iterator[int]:
    for value in _named(comparisons, "date"):
        try:
            yield date.fromisoformat(str(value)).toordinal() - _EPOCH
        except ValueError:
            continue  # no day is written so


def _has_open_dates(comparisons: Sequence[Comparison]) -> bool:
    """Whether a condition may hold on days that it does not name."""
    return any(one.operator in _OF_TEXTS and one.path.steps[0] == "date" for one in comparisons)
