"""Candidate values for an argument: enough of them that each class has one.

A path may lead on into objects and lists, so candidates are built along the paths: a place
has the values that its own conditions tell apart, and is, where paths lead on, an object or
a list of candidates of what is below. Of values that all conditions judge alike one is kept.
What is built is held against the tool's schema, where one is known.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, product
from typing import Any, Final

from portcullis.policy.operators import MAX_ELEMENTS
from portcullis_cli.reasoning.figures import members, numbers_of
from portcullis_cli.reasoning.lists import are_lists_whole, lists_of, sizes_of
from portcullis_cli.reasoning.places import GONE, Candidates, Gone, Place
from portcullis_cli.reasoning.samples import fitted
from portcullis_cli.reasoning.shapes import ANYTHING, Shape
from portcullis_cli.reasoning.texts import texts_for

_MOST_TRIES: Final = 20_000  # lists and objects


def candidates_of(place: Place, shape: Shape = ANYTHING) -> Candidates:
    """The candidates of a place and everything below it."""
    texts = texts_for(place.comparisons)
    compared = [each for one in place.comparisons for each in _compared(one)]
    built = [one for one in compared if isinstance(one, list | dict)]
    found = Candidates(kind=place.judge())
    found.is_whole = (
        texts.is_whole
        and shape.is_plain
        and _are_parts_apart(place, built, shape)
        and are_lists_whole(place, shape)
        and _are_objects_whole(place, shape)
    )
    found.add([GONE])
    told = [None, True, False, *numbers_of(place), *texts.texts, *compared, *shape.declared]
    found.add(chain.from_iterable(map(shape.checked, told)))
    parts = {step: candidates_of(one, shape.at(step)) for step, one in place.below.items()}
    found.is_whole &= all(one.is_whole for one in parts.values())
    values = {step: one.values for step, one in parts.items()}
    _add_built(found, chain(_objects(place, values, shape), lists_of(place, values, shape)), shape)
    return found


def _compared(one: Any) -> list[Any]:
    return members(one) if one.operator in ("eq", "neq", "in", "not_in") else []


def _are_parts_apart(place: Place, built: Sequence[Any], shape: Shape) -> bool:
    """Whether no list or object is both compared as a whole and looked into in another way."""
    looks_into = place.below or any(
        one.operator in ("length", "contains") for one in place.comparisons
    )
    is_alone = not looks_into and shape.schema is True and all(one == built[0] for one in built)
    return not built or is_alone


def _are_objects_whole(place: Place, shape: Shape) -> bool:
    return sizes_of(place)[-1] < MAX_ELEMENTS or not shape.takes(dict)


def _add_built(found: Candidates, built: Iterable[Any], shape: Shape) -> None:
    """Add lists and objects; where one does not fit that another of its class might, say so."""
    tried = 0
    for value in islice(built, _MOST_TRIES):
        tried += 1
        fitting = fitted(value, shape)
        found.add(fitting)
        if not fitting and shape.takes(type(value)):
            found.is_whole = False
    if tried == _MOST_TRIES:
        found.is_whole = False


def _objects(
    place: Place, values: Mapping[Any, Sequence[Any]], shape: Shape
) -> Iterator[dict[str, Any]]:
    """Objects of every choice of members, also with as many others as some length wants."""
    keys = {step: one for step, one in values.items() if isinstance(step, str)}
    present = [
        [one for one in values if not isinstance(one, Gone) or shape.absent(key)]
        for key, values in keys.items()
    ]
    sizes = sizes_of(place)
    for chosen in product(*present):
        told = zip(keys, chosen, strict=True)
        held = {key: value for key, value in told if not isinstance(value, Gone)}
        yield held
        whole = next(iter(fitted(held, shape)), held)
        for size in sizes:
            if size > len(whole):
                yield {**whole, **{f"key{number}": 1 for number in range(size - len(whole))}}
