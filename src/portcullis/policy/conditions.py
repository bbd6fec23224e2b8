"""Conditions: three-valued evaluation of a condition tree over one call.

Only Kleene's logic and what a missing value means may live here. `holds` answers fast
and stops early; `trace` evaluates everything and says why; both answer the same truth.

A missing value makes a comparison INDETERMINATE. The exception is `exists`, the presence
test: what is missing does not exist. Two things it cannot tell either: a path that leads
through a value of another shape (a JSON text where an object is expected may hold
anything), and a question about all elements of a list that is missing or empty. Over an
empty list `match: any` is FALSE and `match: all` INDETERMINATE, never vacuously TRUE.
"""

from dataclasses import dataclass

from portcullis.policy.compile_error import shown
from portcullis.policy.json_types import (
    FALSE,
    INDETERMINATE,
    every,
    json_type,
    negation,
    some,
    truth,
)
from portcullis.policy.model import AllOf, AnyOf, Comparison, Condition, Not, Truth
from portcullis.policy.paths import Context, Found, Missing, lookup, lookup_each

_UNKNOWN_TO_EXISTS = (Missing.MISMATCH, Missing.TOO_MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """One node of an evaluated condition. `why` is set on a comparison that could not tell.

    Neither text holds anything from the call but the names of JSON types.
    """

    text: str
    truth: Truth
    why: str | None = None
    parts: tuple["Traced", ...] = ()


def holds(condition: Condition, context: Context) -> Truth:
    """Evaluate a condition. Never raises."""
    if type(condition) is Comparison and condition.match is None:  # the usual one, unrolled
        found = lookup(condition.path, context)
        return _absent(condition, found) if isinstance(found, Missing) else condition.test(found)
    if isinstance(condition, Comparison):
        return _compare(condition, context)
    if isinstance(condition, AllOf):
        return every(holds(part, context) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return some(holds(part, context) for part in condition.parts)
    return negation(holds(condition.part, context))


def trace(condition: Condition, context: Context) -> Traced:
    """Evaluate every part of a condition and keep what each came to. Never raises."""
    if isinstance(condition, Comparison):
        return _traced_comparison(condition, context)
    if isinstance(condition, Not):
        part = trace(condition.part, context)
        return Traced(text="not", truth=negation(part.truth), parts=(part,))
    parts = tuple(trace(part, context) for part in condition.parts)
    outcomes = [part.truth for part in parts]
    if isinstance(condition, AllOf):
        return Traced(text="all of", truth=every(outcomes), parts=parts)
    return Traced(text="any of", truth=some(outcomes), parts=parts)


def first_unknown(traced: Traced) -> str:
    """Why an indeterminate condition is so: what its first undecided comparison says."""
    while traced.why is None:
        traced = next(part for part in traced.parts if part.truth is INDETERMINATE)
    return traced.why


def _compare(condition: Comparison, context: Context) -> Truth:
    if condition.match is None:
        return _outcome(condition, lookup(condition.path, context))
    outcomes = (_outcome(condition, found) for found in lookup_each(condition.path, context))
    return every(outcomes) if condition.match == "all" else some(outcomes)


def _outcome(condition: Comparison, found: Found) -> Truth:
    return _absent(condition, found) if isinstance(found, Missing) else condition.test(found)


def _absent(condition: Comparison, found: Missing) -> Truth:
    if found is Missing.EMPTY_LIST:
        return _over_nothing(condition)
    if condition.operator != "exists" or found in _UNKNOWN_TO_EXISTS:
        return INDETERMINATE
    if found is Missing.NO_LIST:
        return _over_nothing(condition)
    return truth(condition.operand is False)


def _over_nothing(condition: Comparison) -> Truth:
    return INDETERMINATE if condition.match == "all" else FALSE


def _traced_comparison(condition: Comparison, context: Context) -> Traced:
    outcome = _compare(condition, context)
    match = f" ({condition.match})" if condition.match else ""
    return Traced(
        text=f"{shown(condition.path.text)} {condition.operator}{match}",
        truth=outcome,
        why=_why(condition, context) if outcome is INDETERMINATE else None,
    )


def _why(condition: Comparison, context: Context) -> str:
    """What the first undecided value is like: a reason for people, without the value."""
    where = shown(condition.path.text)
    each = condition.match is not None
    values = lookup_each(condition.path, context) if each else [lookup(condition.path, context)]
    found = next(value for value in values if _outcome(condition, value) is INDETERMINATE)
    if isinstance(found, Missing):
        return f"{where} {found.value}"
    return f"{where} is of type {json_type(found).value}, which `{condition.operator}` cannot judge"
