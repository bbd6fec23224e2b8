"""Arguments without what nobody may read later: for recordings, which outlive the call.

Only what is taken out, and the copy of the arguments without it, may live here. What masking
hides from a person is taken out, what the tool's schema calls secret, and what the policy's
`redact` names. A marker says the JSON type of what stood there: no length, no digest, no part.
What runs, and what is decided, are untouched.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from portcullis.approvals.masking import Mask, masked_value, secret_members, split
from portcullis.approvals.secret_schema import secret_properties
from portcullis.policy.json_types import json_type
from portcullis.policy.model import Each, Path
from portcullis.policy.paths import Step
from portcullis.values import JsonMapping, JsonObject, JsonValue

Steps: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """What is left, and the ways to what was taken out; `()` alone: all of it."""

    arguments: JsonObject
    removed: tuple[Steps, ...]


def redact(arguments: JsonMapping, *, schema: JsonMapping, paths: Sequence[Path] = ()) -> Redacted:
    """A copy of the arguments without their secrets.

    Args:
        arguments: as they were judged.
        schema: the tool's input schema (`writeOnly` and `format: password`, JSON Schema
            validation 9.4 and OpenAPI's format registry).
        paths: the policy's `redact`, below `args`.
    """
    names = secret_properties(schema)
    if names is None or _names_hide(arguments):
        return Redacted(arguments={}, removed=((),))
    work = _Work(names=names)
    left = work.object(arguments, (), (_listed(paths),))
    return Redacted(arguments=left, removed=tuple(work.removed))


def meets(path: Sequence[Step], removed: Steps) -> bool:
    """Whether a path leads to, into, or over something that was taken out."""
    return all(_is_step(*pair) for pair in zip(path, removed, strict=False))


@dataclass(slots=True, kw_only=True)
class _Listed:
    """How paths of the list go on from one place; `ends`: one of them ends here."""

    ends: bool = False
    on: "dict[Step, _Listed]" = field(default_factory=dict)


_Places: TypeAlias = tuple[_Listed, ...]


def _listed(paths: Iterable[Path]) -> _Listed:
    """Paths by their steps: a value is held against few, however many are listed."""
    root = _Listed()
    for path in paths:
        place = root
        for step in path.steps:
            place = place.on.setdefault(step, _Listed())
        place.ends = True
    return root


@dataclass(slots=True, kw_only=True)
class _Work:
    """One pass over the arguments of one call."""

    names: frozenset[str]
    removed: list[Steps] = field(default_factory=list)

    def object(self, members: JsonMapping, steps: Steps, places: _Places) -> JsonObject:
        secrets = secret_members(members)
        found: JsonObject = {}
        for name, value in members.items():
            way = (*steps, name)
            if name in self.names or (name in secrets and not _says_nothing(value)):
                found[name] = self._gone(value, way)
            else:
                found[name] = self._value(value, way, _after(places, name))
        return found

    def _value(self, value: JsonValue, steps: Steps, places: _Places) -> JsonValue:
        if places and _is_listed(value, places):
            return self._gone(value, steps)
        if isinstance(value, dict):
            hides = _names_hide(value)
            return self._gone(value, steps) if hides else self.object(value, steps, places)
        if isinstance(value, list):
            return [
                self._value(one, (*steps, index), _after(places, index, Each.EACH))
                for index, one in enumerate(value)
            ]
        if isinstance(value, str) and masked_value(value) != value:
            return self._gone(value, steps)
        return value

    def _gone(self, value: JsonValue, steps: Steps) -> str:
        self.removed.append(steps)
        return f"[redacted: {json_type(value).value}]"


def _after(places: _Places, *steps: Step) -> _Places:
    return tuple(place.on[step] for place in places for step in steps if step in place.on)


def _is_listed(value: JsonValue, places: _Places) -> bool:
    """Whether a path ends here, or leads on through a value that is of another shape.

    Such a value may hold what is meant: an object as a JSON text, one element without its list.
    """
    if any(place.ends for place in places):
        return True
    if not isinstance(value, str | list | dict):
        return False
    fits = {str: (), list: (int, Each), dict: (str,)}[type(value)]
    return any(not isinstance(step, fits) for place in places for step in place.on)


def _names_hide(members: JsonMapping) -> bool:
    """Whether a name is a secret itself; it would stay in the way to what it holds."""
    return any(isinstance(part, Mask) for name in members for part in split(name))


def _is_step(step: Step, taken: str | int) -> bool:
    """A list is looked through by number; a key that looks like one is none."""
    if step is Each.EACH:
        return isinstance(taken, int)
    return type(step) is type(taken) and step == taken


def _says_nothing(value: JsonValue) -> bool:
    """Whether a value under a secret's name is none that a secret can be."""
    return value is None or isinstance(value, bool)
