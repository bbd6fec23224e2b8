"""What the other product decides of a call, by its own rules.

Only the meaning of their language may live here: a walk through objects, Go's `%v` for
what is compared, a search for a pattern. Of counters there is only that an amount must be a
number: who tries a conversion does it with calls that no limit has stopped yet.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import IntEnum
from typing import Any, Final

import re2

from portcullis.values import JsonValue
from portcullis_cli.conversion.source import (
    EVERY_TOOL,
    Sense,
    SourcePolicy,
    SourceRule,
    SourceTest,
    SourceTool,
)

_MISSING: Final = object()


class Verdict(IntEnum):
    """What a call comes to; the higher, the stricter."""

    ALLOW = 0
    APPROVAL = 1
    DENY = 2


def decide(source: SourcePolicy, tool: str, args: Mapping[str, JsonValue]) -> Verdict:
    """Decide a call as they do; where releases differ, as the strictest does."""
    if tool in source.hidden or EVERY_TOOL in source.hidden:
        return Verdict.DENY
    entries = {entry.name: entry for entry in source.tools}
    if tool not in entries and not source.permits:
        return Verdict.DENY
    found = [entries[name] for name in (tool, EVERY_TOOL) if name in entries]
    return max((_of_entry(entry, args) for entry in found), default=Verdict.ALLOW)


def _of_entry(entry: SourceTool, args: Mapping[str, JsonValue]) -> Verdict:
    amounts = (limit.amount for limit in entry.limits if limit.amount is not None)
    if not all(is_number(_found(amount, args)) for amount in amounts):
        return Verdict.DENY  # their "Internal policy error"
    return max((_of_rule(rule, args) for rule in entry.rules), default=Verdict.ALLOW)


def _of_rule(rule: SourceRule, args: Mapping[str, JsonValue]) -> Verdict:
    holds = all(is_true(test, args) for test in rule.tests)
    if rule.sense is Sense.MUST:
        return Verdict.ALLOW if holds else Verdict.DENY
    if not holds:
        return Verdict.ALLOW
    return Verdict.APPROVAL if rule.sense is Sense.APPROVE else Verdict.DENY


def is_true(test: SourceTest, args: Mapping[str, JsonValue]) -> bool:
    """Whether a condition is true of the arguments; of a missing one none but `exists` is."""
    value = _found(test.keys, args)
    if test.op == "exists":
        return (value is not _MISSING and value is not None) is test.value
    return value is not _MISSING and _OPERATORS[test.op](value, test.value)


def _found(keys: Sequence[str], args: Mapping[str, JsonValue]) -> Any:
    value: Any = args
    for key in keys:
        value = value.get(key, _MISSING) if isinstance(value, Mapping) else _MISSING
    return value


def _equal(value: Any, operand: Any) -> bool:
    return _is_one_of(value, (operand,))


def _is_one_of(value: Any, members: Sequence[Any]) -> bool:
    text = rendered(value)
    number = float(value) if is_number(value) else None
    return any(
        float(one) == number if number is not None and is_number(one) else rendered(one) == text
        for one in members
    )


def _contains(value: Any, operand: Any) -> bool:
    if isinstance(value, list):
        return any(_equal(element, operand) for element in value)
    return isinstance(value, str) and isinstance(operand, str) and operand in value


def _matches(value: Any, pattern: str) -> bool:
    return isinstance(value, str) and re2.search(pattern, value, _re2_options()) is not None


def _re2_options() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


def _both(value: Any, operand: Any) -> bool:
    return is_number(value) and is_number(operand)


_OPERATORS: Final = {
    "eq": _equal,
    "neq": lambda value, operand: not _equal(value, operand),
    "in": _is_one_of,
    "not_in": lambda value, members: not _is_one_of(value, members),
    "lt": lambda value, bound: _both(value, bound) and float(value) < float(bound),
    "lte": lambda value, bound: _both(value, bound) and float(value) <= float(bound),
    "gt": lambda value, bound: _both(value, bound) and float(value) > float(bound),
    "gte": lambda value, bound: _both(value, bound) and float(value) >= float(bound),
    "regex": _matches,
    "contains": _contains,
}
OPERATORS: Final = (*_OPERATORS, "exists")


def is_number(value: object) -> bool:
    """Whether a value is a JSON number."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def rendered(value: Any) -> str:
    """A decoded JSON value as Go's `%v` writes it."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return f"map[{' '.join(f'{key}:{rendered(value[key])}' for key in sorted(value))}]"
    if isinstance(value, Sequence):
        return f"[{' '.join(rendered(element) for element in value)}]"
    return _number(float(value))


def _number(value: float) -> str:
    """A float64 by `%v`: the shortest digits, with an exponent below -4 and from 21 on."""
    digits = Decimal(repr(value)).normalize()
    exponent = digits.adjusted()
    if not digits or -4 <= exponent < 21:
        return format(digits, "f")
    first, _, rest = format(digits.scaleb(-exponent), "f").partition(".")
    return f"{first}{'.' + rest if rest else ''}e{exponent:+03d}"
