"""Which decisions change between two policies, told to people and to programs."""

from collections.abc import Iterator
from dataclasses import dataclass

from portcullis.policy.model import Policy
from portcullis.values import JsonObject
from portcullis_cli.policy.examples import example_text, example_tree
from portcullis_cli.reasoning.questions import Change, Names, World, changes, names_of
from portcullis_cli.rendering import plain, span


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The changes, those first that permit more; and the names that were asked about."""

    found: tuple[Change, ...]
    names: Names

    @property
    def is_wider(self) -> bool:
        """Whether some call may be let through that was not before."""
        return any(one.is_wider for one in self.found)

    @property
    def is_surely_wider(self) -> bool:
        """Whether there is a call that shows it."""
        return any(one.is_wider and one.answer.example is not None for one in self.found)

    @property
    def is_surely_not_wider(self) -> bool:
        """Whether certainly no call is let through that was not before."""
        return not self.is_wider and self.names.is_whole

    @property
    def is_same(self) -> bool:
        """Whether every call is certainly decided as before."""
        return not self.found and self.names.is_whole


def compared(before: Policy, after: Policy, world: World) -> Compared:
    """Every way in which a call is decided differently, by reasoning over all calls."""
    if (before.revision, before.lock) == (after.revision, after.lock):
        return Compared(found=(), names=Names(names=(), invented=frozenset(), is_whole=True))
    names = names_of([before, after], world)
    found = [one for name in names.names for one in changes(before, after, name, world)]
    found.sort(key=lambda one: (not one.is_wider, one.tool))
    return Compared(found=tuple(found), names=names)


def change_lines(told: Compared) -> Iterator[str]:
    """One change after the other, each with a call as an example."""
    for one in told.found:
        sign = "WIDER   " if one.is_wider else "narrower"
        other = "any other name like " if one.tool in told.names.invented else ""
        what = f"{one.before} -> {one.after}"
        if one.limit is not None:
            limit = one.limit
            what = f"the limit of {limit.maximum} in {span(limit.window_seconds)} is looser or gone"
        sure = "" if one.answer.example else ", perhaps: a condition has too many cases"
        yield f"{sign} {other}{plain(one.tool)}: {what}{sure}"
        if one.answer.example is not None:
            yield from (f"         {line}" for line in example_text(one.answer.example))
    if not told.found:
        yield "every call is decided as before" if told.is_same else "no change was found"
    if not told.names.is_whole:
        yield "not every name could be looked at: patterns match in too many ways"


def change_tree(one: Change, names: Names) -> JsonObject:
    """A change for programs."""
    example = one.answer.example
    return {
        "tool": one.tool,
        "stands_for_others": one.tool in names.invented,
        "before": one.before,
        "after": one.after,
        "wider": one.is_wider,
        "looser_limit": one.limit is not None,
        "certain": example is not None,
        "example": None if example is None else example_tree(example),
    }
