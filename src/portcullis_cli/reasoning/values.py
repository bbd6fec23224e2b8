"""Candidate values for an argument: enough of them that each class has one.

A path may lead on into objects and lists, so candidates are built along the paths: a place
has the values that its own conditions tell apart, and is, where paths lead on, an object or
a list of candidates of what is below.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice, pairwise, product
from typing import Any, TypeAlias

from portcullis.policy.amounts import MAX_DECIMAL_PLACES, MAX_WHOLE_DIGITS
from portcullis.policy.model import Comparison, Each
from portcullis.policy.paths import Step
from portcullis_cli.reasoning.texts import texts_for

MOST_CANDIDATES = 5_000
_LONGEST_LIST = 2  # of candidates; more conditions on one list's elements need more
_LARGEST = 1000  # elements or keys of a candidate
_MOST_MEMBERS = 6  # of a list that conditions look into by `contains`


class Gone:
    """The value of what is not there."""

    def __repr__(self) -> str:
        return "GONE"


GONE = Gone()
Candidate: TypeAlias = Any  # a JSON value, or GONE


@dataclass(slots=True)
class Place:
    """One step of some paths: the conditions on its own value, and what is below it."""

    comparisons: list[Comparison] = field(default_factory=list)
    has_amount: bool = False
    below: dict[Step, "Place"] = field(default_factory=dict)

    def at(self, steps: Sequence[Step]) -> "Place":
        """The place that steps lead to; made where it is new."""
        place = self
        for step in steps:
            place = place.below.setdefault(step, Place())
        return place


@dataclass(slots=True)
class Candidates:
    """Values, each once; `is_whole` False: some class may have none among them."""

    values: list[Candidate] = field(default_factory=list)
    is_whole: bool = True
    _seen: set[str] = field(default_factory=set)

    def add(self, values: Iterable[Candidate]) -> None:
        """Add values, as long as there is room."""
        for value in values:
            key = repr(value) if not isinstance(value, str) else f"text:{value}"
            if key in self._seen:
                continue
            if len(self.values) >= MOST_CANDIDATES:
                self.is_whole = False
                return
            self._seen.add(key)
            self.values.append(value)


def candidates_of(place: Place) -> Candidates:
    """The candidates of a place and everything below it."""
    found = Candidates()
    found.add([GONE, None, True, False, *_numbers(place), [], {}])
    texts = texts_for(place.comparisons)
    found.is_whole = texts.is_whole
    found.add(texts.texts)
    found.add(_operands(place.comparisons))
    found.add(_lists(place.comparisons))
    found.add(_sized(place.comparisons))
    if place.below and any(isinstance(each, list | dict) for each in _operands(place.comparisons)):
        found.is_whole = False  # one value that is compared as a whole, and in its parts
    keys = {step: candidates_of(one) for step, one in place.below.items() if isinstance(step, str)}
    if keys:
        _require_whole(found, keys.values())
        found.add(_objects(keys))
    elements: dict[Step, Candidates] = {
        step: candidates_of(one) for step, one in place.below.items() if not isinstance(step, str)
    }
    if elements:
        _require_whole(found, elements.values())
        found.add(_listed(place, elements, found))
    return found


def _require_whole(found: Candidates, parts: Iterable[Candidates]) -> None:
    found.is_whole = found.is_whole and all(one.is_whole for one in parts)


def _numbers(place: Place) -> list[Any]:
    """Every number that is named, one between each two, one below and one above them."""
    named = {0}
    for one in place.comparisons:
        named |= {each for each in _members(one) if _is_number(each)}
    if place.has_amount:
        named |= {0, 10**MAX_WHOLE_DIGITS}
    ordered = sorted(named)
    between = [(Decimal(low) + Decimal(high)) / 2 for low, high in pairwise(ordered)]
    around = [ordered[0] - 1, *ordered, *between, ordered[-1] + 1]
    if place.has_amount:
        around.append(Decimal(1).scaleb(-MAX_DECIMAL_PLACES - 1))
    return around


def _members(one: Comparison) -> list[Any]:
    if one.operator in ("in", "not_in") and isinstance(one.operand, list):
        return one.operand
    return [one.operand]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _operands(comparisons: Sequence[Comparison]) -> Iterator[Any]:
    for one in comparisons:
        if one.operator in ("eq", "neq", "in", "not_in"):
            yield from _members(one)


def _lists(comparisons: Sequence[Comparison]) -> Iterator[list[Any]]:
    """Lists with every choice of the elements that some condition looks for."""
    looked_for: list[Any] = []
    for one in comparisons:
        if one.operator == "contains" and one.operand not in looked_for:
            looked_for.append(one.operand)
    if not looked_for:
        return
    for choice in product((False, True), repeat=min(len(looked_for), _MOST_MEMBERS)):
        chosen = [value for value, is_in in zip(looked_for, choice, strict=False) if is_in]
        yield chosen
        yield [*chosen, "another element"]
        yield [*chosen, 0.5]  # of a type that cannot be compared with a text
        yield [*chosen, None]
    yield [*looked_for]


def _sized(comparisons: Sequence[Comparison]) -> Iterator[Any]:
    """Lists and objects at the bounds of every length."""
    for one in comparisons:
        if one.operator != "length":
            continue
        told: Any = one.operand
        bounds = told.values() if isinstance(told, dict) else [told]
        for bound in bounds:
            for size in {max(0, int(bound) - 1), int(bound), int(bound) + 1}:
                if size <= _LARGEST:
                    yield ["element"] * size
                    yield {f"key{number}": 1 for number in range(size)}


def _objects(keys: Mapping[str, Candidates]) -> Iterator[dict[str, Any]]:
    for values in product(*(one.values for one in keys.values())):
        yield {
            key: value
            for key, value in zip(keys, values, strict=True)
            if not isinstance(value, Gone)
        }


def _listed(
    place: Place, elements: Mapping[Step, Candidates], found: Candidates
) -> Iterator[list[Any]]:
    """Lists of up to two candidates; for an index, with the candidate at its place."""
    for step, one in elements.items():
        values = [value for value in one.values if not isinstance(value, Gone)]
        if isinstance(step, int):
            yield from ([None] * step + [value] for value in values)
            continue
        assert step is Each.EACH  # noqa: S101 - the only other step
        if _conditions(place.below[step]) > _LONGEST_LIST:
            found.is_whole = False
        for length in range(1, _LONGEST_LIST + 1):
            lists = product(values, repeat=length)
            yield from (list(each) for each in islice(lists, MOST_CANDIDATES))
    if len(elements) > 1:
        found.is_whole = False


def _conditions(place: Place) -> int:
    return len(place.comparisons) + sum(map(_conditions, place.below.values()))
