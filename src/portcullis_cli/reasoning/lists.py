"""Candidates that are lists: what they hold, what stands at a place in them, how long they are."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import compress, product
from math import floor
from typing import Any, Final

from portcullis.policy.json_types import TRUE, JsonType, equality, json_type
from portcullis.policy.model import Each
from portcullis.policy.operators import MAX_ELEMENTS
from portcullis.policy.paths import Step
from portcullis_cli.reasoning.places import Gone, Place, bounds_of
from portcullis_cli.reasoning.samples import fitted, sample
from portcullis_cli.reasoning.shapes import Shape

_MOST_MEMBERS: Final = 10  # of a list that conditions look into by `contains`
_LONGEST_PAIR: Final = 2  # conditions on one list's elements that two elements can meet
_OTHERS: Final[Sequence[Any]] = (
    "another element",
    None,
    True,
    False,
    [],
    {},
    ["another"],
    {"another": 1},
)


def sizes_of(place: Place) -> list[int]:
    """Lengths at the bounds of every condition on a length, and nothing, and one."""
    found = {0, 1}
    for bound in bounds_of(place.comparisons):
        found |= {max(0, bound - 1), bound, bound + 1}
    return sorted(one for one in found if one <= MAX_ELEMENTS)


def are_lists_whole(place: Place, shape: Shape) -> bool:
    """Whether `lists_of` has a list of every class that the conditions tell apart."""
    if not shape.takes(list):
        return True
    looked_for = _looked_for(place)
    steps = [step for step in place.below if not isinstance(step, str)]
    element = shape.at(Each.EACH)
    return (
        len(steps) + bool(looked_for) <= 1
        and len(looked_for) <= _MOST_MEMBERS
        and not _needs_parts(looked_for, shape)
        and all(_conditions(place.below[one]) <= _LONGEST_PAIR for one in steps if one is Each.EACH)
        and all(bound < MAX_ELEMENTS for bound in bounds_of(place.comparisons))
        and all(one < MAX_ELEMENTS for one in steps if isinstance(one, int))
        and (bool(sample(element)) or not element.forms)
    )


def lists_of(
    place: Place, elements: Mapping[Step, Sequence[Any]], shape: Shape
) -> Iterator[list[Any]]:
    """Lists of every class; `elements` are the candidates at each step into a list."""
    sizes, element = sizes_of(place), shape.at(Each.EACH)
    others = sample(element)
    yield from (others * size for size in sizes)
    looked_for = _looked_for(place)
    if looked_for:
        yield from _holding(looked_for, element, sizes)
    for step, values in elements.items():
        present = [value for value in values if not isinstance(value, Gone)]
        if isinstance(step, int) and step < MAX_ELEMENTS:
            yield from _at(step, present, others, sizes)
        elif step is Each.EACH:
            yield from _pairs(present, sizes)
    if looked_for or Each.EACH in elements:
        yield others * (MAX_ELEMENTS + 1)  # too many to be looked through


def _looked_for(place: Place) -> list[Any]:
    found: list[Any] = []
    for one in place.comparisons:
        if one.operator == "contains" and one.operand not in found:
            found.append(one.operand)
    return found


def _needs_parts(looked_for: Sequence[Any], shape: Shape) -> bool:
    """Whether an element may be like a list or an object that is looked for, in parts."""
    is_alone = len(looked_for) == 1 and shape.schema is True
    return not is_alone and any(isinstance(one, list | dict) for one in looked_for)


def _conditions(place: Place) -> int:
    return len(place.comparisons) + sum(map(_conditions, place.below.values()))


def _holding(
    looked_for: Sequence[Any], element: Shape, sizes: Sequence[int]
) -> Iterator[list[Any]]:
    """Lists with every choice of what is looked for, alone or beside other elements."""
    wanted = [one for told in looked_for for one in element.checked(told)][:_MOST_MEMBERS]
    others = _fresh(looked_for, element)
    beside = [[], *([one] for one in others), others[:2]]  # of two types: no text, no number …
    for choice in product((False, True), repeat=len(wanted)):
        for more in beside:
            held = [*compress(wanted, choice), *more]
            yield held
            if held:
                yield from ([*held, *held[-1:] * (size - len(held))] for size in sizes)


def _fresh(looked_for: Sequence[Any], element: Shape) -> list[Any]:
    """An element of each JSON type that may be there and equals nothing that is looked for."""
    numbers = [floor(one) for one in looked_for if json_type(one) is JsonType.NUMBER]
    number = max(numbers, default=0) + 1
    found: dict[Any, Any] = {}
    for told in (*element.declared, *_OTHERS, number):
        for one in fitted(told, element):
            if all(equality(one, other) is not TRUE for other in looked_for):
                found.setdefault(json_type(one), one)
    return list(found.values())


def _at(
    index: int, values: Sequence[Any], others: Sequence[Any], sizes: Sequence[int]
) -> Iterator[list[Any]]:
    for value in values:
        for size in {index + 1, *sizes}:
            if size > index and (others or size == 1):
                yield [*[*others] * index, value, *[*others] * (size - index - 1)]


def _pairs(values: Sequence[Any], sizes: Sequence[int]) -> Iterator[list[Any]]:
    for size in {2, *sizes} - {0}:
        for first, last in product(values, values) if size > 1 else ((one, one) for one in values):
            yield [*[first] * (size - 1), last]
