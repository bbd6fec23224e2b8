"""Numbers: those that conditions and amounts name, and some between, below and above them.

Arithmetic is exact here: a number that was rounded could fall out of the gap it stands for.
"""

from collections.abc import Iterator
from decimal import Context, Decimal, Inexact
from itertools import pairwise
from math import floor
from typing import Any, Final

from portcullis.policy.amounts import MAX_DECIMAL_PLACES, MAX_WHOLE_DIGITS
from portcullis.policy.model import Comparison
from portcullis_cli.reasoning.places import Place

_EXACT: Final = Context(prec=2_000, traps=[Inexact])
_TINY: Final = Decimal(1).scaleb(-MAX_DECIMAL_PLACES - 1)
_HALF: Final = Decimal("0.5")


def numbers_of(place: Place) -> list[Any]:
    """Every number that is named, and of each gap one, as whole and as short as there is."""
    named: set[Any] = {0}
    for one in place.comparisons:
        named |= {each for each in members(one) if _is_number(each)}
    if place.limits:
        named.add(10**MAX_WHOLE_DIGITS)
    ordered = sorted(named)
    found = [*_beyond(ordered[0], -1), *ordered, *_beyond(ordered[-1], 1)]
    for low, high in pairwise(ordered):
        found += _between(low, high)
    if place.limits:  # as near, but with more decimal places than an amount may have
        found += [_EXACT.add(Decimal(one), _TINY) for one in found]
    return found


def members(one: Comparison) -> list[Any]:
    """The values that a comparison names."""
    if one.operator in ("in", "not_in") and isinstance(one.operand, list):
        return one.operand
    return [one.operand]


def _between(low: Any, high: Any) -> Iterator[Any]:
    middle = _EXACT.multiply(_EXACT.add(Decimal(low), Decimal(high)), _HALF)
    for one in (floor(low) + 1, _short(middle), middle):
        if low < one < high:
            yield one


def _beyond(number: Any, sign: int) -> Iterator[Any]:
    """Numbers beyond one: a whole one, and one that a binary double gives back as it is."""
    yield floor(number) + sign
    yield _short(_EXACT.add(Decimal(number), Decimal(sign) * (1 + abs(floor(number)))))


def _short(number: Decimal) -> Decimal:
    """The nearest number that a binary double gives back as it is."""
    return Decimal(repr(float(number)))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)
