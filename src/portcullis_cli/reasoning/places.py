"""Places that conditions look at, and the values that are tried there."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from portcullis.policy.amounts import InvalidAmount, amount_of
from portcullis.policy.conditions import holds
from portcullis.policy.model import (
    Call,
    Comparison,
    Each,
    Instant,
    Kind,
    Limit,
    Path,
    Principal,
)
from portcullis.policy.paths import Context, Step

MOST_CANDIDATES: Final = 5_000
_NOBODY: Final = Principal(issuer="portcullis", subject="nobody")


class Gone:
    """The value of what is not there."""

    def __repr__(self) -> str:
        return "GONE"


GONE: Final = Gone()
Candidate: TypeAlias = Any  # a JSON value, or GONE


@dataclass(slots=True)
class Place:
    """One step of some paths: the conditions and amounts of its own value, and what is below."""

    comparisons: list[Comparison] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    below: dict[Step, "Place"] = field(default_factory=dict)

    def at(self, steps: Sequence[Step]) -> "Place":
        """The place that steps lead to; made where it is new."""
        place = self
        for step in steps:
            place = place.below.setdefault(step, Place())
        return place

    def judge(self) -> Callable[[Candidate], tuple[Any, ...]]:
        """A function that answers what all conditions here and below say of a value."""
        comparisons = [
            replace(one, path=_here(steps), match=one.match if Each.EACH in steps else None)
            for steps, place in _all(self, ())
            for one in place.comparisons
        ]
        limits = [
            replace(one, amount_path=_here(steps))
            for steps, place in _all(self, ())
            for one in place.limits
        ]

        def judged(value: Candidate) -> tuple[Any, ...]:
            if isinstance(value, Gone):
                return ()
            context = _looking_at(value)
            said = [holds(one, context) for one in comparisons]
            is_amount = [not isinstance(amount_of(one, context), InvalidAmount) for one in limits]
            return (*said, *is_amount)

        return judged


@dataclass(slots=True)
class Candidates:
    """Values, one of each `kind`; `is_whole` False: some class may have none among them."""

    kind: Callable[[Candidate], Any] = repr
    values: list[Candidate] = field(default_factory=list)
    is_whole: bool = True
    _seen: set[Any] = field(default_factory=set)

    def add(self, values: Iterable[Candidate]) -> None:
        """Add values, as long as there is room."""
        for value in values:
            kind = self.kind(value)
            if kind in self._seen:
                continue
            if len(self.values) >= MOST_CANDIDATES:
                self.is_whole = False
                return
            self._seen.add(kind)
            self.values.append(value)


def bounds_of(comparisons: Iterable[Comparison]) -> Iterator[int]:
    """The bounds of every condition on a length."""
    for one in comparisons:
        if one.operator == "length":
            told: Any = one.operand
            yield from map(int, told.values() if isinstance(told, dict) else [told])


def _all(place: Place, steps: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], Place]]:
    yield steps, place
    for step, one in place.below.items():
        yield from _all(one, (*steps, step))


def _here(steps: Sequence[Step]) -> Path:
    return Path(text="args", root="args", steps=("x", *steps))


def _looking_at(value: Candidate) -> Context:
    call = Call(
        server="server",
        kind=Kind.TOOL,
        name="tool",
        arguments={"x": value},
        principal=_NOBODY,
        session="session",
    )
    return Context(call, Instant(micros=0))
