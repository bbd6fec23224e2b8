"""Which decisions change between two policies, told to people and to programs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from portcullis.policy.model import Kind, Policy
from portcullis.values import JsonObject
from portcullis_cli.policy.examples import example_text, example_tree
from portcullis_cli.reasoning.questions import (
    Change,
    Names,
    World,
    changes,
    drift_changes,
    kinds_of,
    names_of,
)
from portcullis_cli.rendering import plain, span

OTHER: Final = "any other name like this"
NOT_WHOLE: Final = "not every name could be looked at: patterns match in too many ways"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The changes, those first that permit more; and the names that were asked about."""

    found: tuple[Change, ...]
    names: Mapping[Kind, Names]

    @property
    def is_wider(self) -> bool:
        """Whether some call may be let through that was not before."""
        return any(one.is_wider for one in self.found)

    @property
    def is_surely_wider(self) -> bool:
        """Whether that is certain, mostly by a call that shows it."""
        return any(one.is_wider and is_sure(one) for one in self.found)

    @property
    def is_surely_not_wider(self) -> bool:
        """Whether certainly no call is let through that was not before."""
        return not self.is_wider and self.is_whole

    @property
    def is_same(self) -> bool:
        """Whether every call is certainly decided as before."""
        return not self.found and self.is_whole

    @property
    def is_whole(self) -> bool:
        """Whether all names were looked at."""
        return all(one.is_whole for one in self.names.values())

    def is_invented(self, one: Change) -> bool:
        """Whether a change is one of all names that match alike."""
        return one.tool in self.names[one.kind].invented


def compared(before: Policy, after: Policy, world: World) -> Compared:
    """Every way in which a call is decided differently, by reasoning over all calls."""
    if (before.revision, before.lock) == (after.revision, after.lock):
        return Compared(found=(), names={})
    names = {}
    found = list(drift_changes(before, after))
    for kind in kinds_of([before, after]):
        asked = replace(world, kind=kind)
        names[kind] = names_of([before, after], asked)
        found += (one for name in names[kind].names for one in changes(before, after, name, asked))
    found.sort(key=lambda one: (not one.is_wider, one.kind is not Kind.TOOL, one.tool))
    return Compared(found=tuple(found), names=names)


def name_of(name: str, kind: Kind, *, is_invented: bool) -> str:
    """A tool by its name, a resource or prompt by what it is as well."""
    what = plain(name) if kind is Kind.TOOL else f"{kind.value} {plain(name)}"
    return f"{OTHER}: {what}" if is_invented else what


def is_sure(one: Change) -> bool:
    """Whether a change is certain: by a call, or without one for what no call shows (drift)."""
    return one.answer.example is not None or one.answer.is_certain


def difference(one: Change) -> str:
    """What is different, in a few words."""
    if one.limit is not None:
        limit = one.limit
        return f"the limit of {limit.maximum} in {span(limit.window_seconds)} is looser or gone"
    if one.before == one.after:
        return "the approval takes fewer or other people"
    return f"{one.before} -> {one.after}"


def change_lines(told: Compared) -> Iterator[str]:
    """One change after the other, each with a call as an example."""
    for one in told.found:
        sign = "WIDER   " if one.is_wider else "narrower"
        name = name_of(one.tool, one.kind, is_invented=told.is_invented(one))
        name = f"a tool that was {one.drift} after the lock" if one.drift else name
        sure = "" if is_sure(one) else ", perhaps: a condition has too many cases"
        yield f"{sign} {name}: {difference(one)}{sure}"
        if one.answer.example is not None:
            yield from (f"         {line}" for line in example_text(one.answer.example))
    if not told.found:
        yield "every call is decided as before" if told.is_same else "no change was found"
    if not told.is_whole:
        yield NOT_WHOLE


def change_tree(one: Change, told: Compared) -> JsonObject:
    """A change for programs."""
    example = one.answer.example
    return {
        "kind": one.kind.value,
        "tool": one.tool,
        "stands_for_others": told.is_invented(one) or bool(one.drift),
        "before": one.before,
        "after": one.after,
        "wider": one.is_wider,
        "looser_limit": one.limit is not None,
        "drift": one.drift or None,
        "certain": is_sure(one),
        "example": None if example is None else example_tree(example),
    }
