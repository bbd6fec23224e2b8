"""Paths: how conditions and amounts point into a call.

Only the path language may live here: compiling a text to a `Path`, and looking one up.
A path is a root (`args`, `principal`, `tool`, `server`, `time`) and at most 64 steps:
`.key`, `["any key"]`, `[0]` and `[*]` (each element). A key step reaches into objects
only, `[0]` and `[*]` into lists only; `args.0` is the key "0". A key with a dot in it is
reached by `["a.b"]`, never by `.a.b`. Looking up never raises.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from enum import Enum
from typing import TypeAlias

from portcullis.policy.compile_error import PathError, shown
from portcullis.policy.model import Call, Each, Instant, Path
from portcullis.values import JsonValue

MAX_STEPS = 64
MAX_VALUES = 10_000

_STEP = re.compile(
    r"""\.(?P<key>[^\s.\[\]"'*]+) | \[(?P<index>0|[1-9][0-9]{0,8})\] | (?P<each>\[\*\])"""
    r""" | \[(?P<quoted>"(?:[^"\\]|\\.)*")\]""",
    re.VERBOSE,
)
_ROOT_END = re.compile(r"[\s.\[\]]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TIME_FIELDS: Mapping[str, Callable[[datetime], JsonValue]] = {
    "epoch": lambda utc: (utc - _EPOCH) // timedelta(seconds=1),
    "hour": lambda utc: utc.hour,
    "minute": lambda utc: utc.minute,
    "weekday": lambda utc: WEEKDAYS[utc.weekday()],
    "date": lambda utc: utc.date().isoformat(),
}
PRINCIPAL_FIELDS = ("issuer", "subject", "key", "groups", "tags", "claims")
ROOTS = ("args", "principal", "tool", "server", "time")


class Missing(Enum):
    """Why a path has no value; the text completes "`args.a` …"."""

    ABSENT = "is missing"
    NO_LIST = "is missing a list to look through"
    EMPTY_LIST = "looks through an empty list"
    MISMATCH = "leads through a value of another shape"
    TOO_MANY = f"reaches more than {MAX_VALUES} values"


_ABSENT = Missing.ABSENT
_PLAIN_TYPES = frozenset({type(None), bool, int, Decimal, str, list, dict, Missing})

Step: TypeAlias = str | int | Each
Found: TypeAlias = "JsonValue | Missing"


@dataclass(slots=True)
class Context:
    """What paths look into: one call at one instant. Derived parts are made when first asked."""

    call: Call
    now: Instant
    principal: dict[str, JsonValue] | None = None
    time: dict[str, JsonValue] | None = None


def compile_path(text: str) -> Path:
    """Compile a path.

    Raises:
        PathError: it is not in the path language, or its root has no such field.
    """
    root = _ROOT_END.split(text, maxsplit=1)[0]
    if root not in ROOTS:
        raise PathError(f"path {shown(text)} starts with no known root", _known_root(text, root))
    steps: list[Step] = []
    position = len(root)
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            raise _unreadable(text, position)
        steps.append(_step(found, text))
        position = found.end()
    if len(steps) > MAX_STEPS:
        raise PathError(f"a path has more than {MAX_STEPS} steps")
    _FIELDS[root](text, steps)
    return Path(text=text, root=root, steps=tuple(steps))


def _known_root(text: str, root: str) -> str:
    close = get_close_matches(root, (*ROOTS, "arguments"), n=1)
    if close:
        return f"write {shown(close[0].replace('arguments', 'args') + text[len(root) :])}"
    return f"write {shown('args.' + text)} for an argument" if root else "start with `args`"


def _unreadable(text: str, position: int) -> PathError:
    if text.startswith("[-", position):
        return PathError(f"path {shown(text)} has a negative index", "count from the start: `[0]`")
    rest = shown(text[position:])
    hint = 'steps are `.key`, `["any key"]`, `[0]` and `[*]`'
    return PathError(f"path {shown(text)} cannot be read at {rest}", hint)


def _step(found: re.Match[str], text: str) -> Step:
    if found["each"]:
        return Each.EACH
    if found["index"]:
        return int(found["index"])
    if found["key"]:
        return found["key"]
    try:
        key = json.loads(found["quoted"])
    except ValueError as cause:
        raise PathError(f"path {shown(text)} has a quoted key that is no JSON string") from cause
    if not key:
        raise PathError(f"path {shown(text)} has an empty key")
    return str(key)


def _require_nothing(text: str, steps: list[Step]) -> None:
    """Any steps will do: arguments have the shape the caller gives them."""


def _require_no_steps(text: str, steps: list[Step]) -> None:
    if steps:
        raise PathError(f"path {shown(text)} reaches into a text")


def _require_time_field(text: str, steps: list[Step]) -> None:
    _require_field(text, tuple(TIME_FIELDS), steps)
    _require_no_steps(text, steps[1:])


def _require_principal_field(text: str, steps: list[Step]) -> None:
    _require_field(text, PRINCIPAL_FIELDS, steps)
    field, rest = steps[0], steps[1:]
    if field in ("tags", "claims"):
        if rest and not isinstance(rest[0], str):
            raise PathError(f"path {shown(text)} looks for a list in an object")
        _require_no_steps(text, rest[1:] if field == "tags" else [])
    elif field == "groups":
        if rest and isinstance(rest[0], str):
            raise PathError(f"path {shown(text)} looks for a key in a list", _GROUPS_HINT)
        _require_no_steps(text, rest[1:])
    else:
        _require_no_steps(text, rest)


def _require_field(text: str, fields: tuple[str, ...], steps: list[Step]) -> None:
    first = steps[0] if steps else None
    if first in fields:
        return
    close = get_close_matches(str(first), fields, n=1)
    suggestion = f"did you mean `{close[0]}`" if close else f"one of {', '.join(fields)}"
    raise PathError(f"path {shown(text)} names no known field", suggestion)


_GROUPS_HINT = "use the operator `contains` on `principal.groups`"
_FIELDS: Mapping[str, Callable[[str, list[Step]], None]] = {
    "args": _require_nothing,
    "principal": _require_principal_field,
    "tool": _require_no_steps,
    "server": _require_no_steps,
    "time": _require_time_field,
}


def lookup(path: Path, context: Context) -> Found:
    """The value a path without `[*]` leads to, or why there is none."""
    value: object = context.call.arguments if path.root == "args" else _root(path.root, context)
    for step in path.steps:
        if type(value) is dict and type(step) is str:  # the usual step, without a call
            value = value.get(step, _ABSENT)
        else:
            value = _stepped(value, step)
    return value if type(value) in _PLAIN_TYPES else _plain(value)  # type: ignore[return-value]  # JSON by contract


def lookup_each(path: Path, context: Context) -> list[Found]:
    """The values a path with `[*]` leads to, in order; never an empty list.

    What is missing stands in its place as a `Missing`: an element without the rest of
    the path is ABSENT, a list that is missing NO_LIST, one without elements EMPTY_LIST.
    More than 10 000 values are answered as TOO_MANY alone.
    """
    values: list[object] = [_root(path.root, context)]
    lists_to_come = sum(step is Each.EACH for step in path.steps)
    for step in path.steps:
        if step is Each.EACH:
            lists_to_come -= 1
            values = [element for value in values for element in _elements(value)]
            if len(values) > MAX_VALUES:
                return [Missing.TOO_MANY]
        else:
            values = [_stepped(value, step) for value in values]
        if lists_to_come:
            values = [Missing.NO_LIST if one is Missing.ABSENT else one for one in values]
    return [_plain(value) for value in values]


def _elements(value: object) -> list[object]:
    if isinstance(value, Missing):
        return [value]
    if value is None:
        return [Missing.NO_LIST]
    if not isinstance(value, list):
        return [Missing.MISMATCH]
    return value or [Missing.EMPTY_LIST]


def _stepped(value: object, step: Step) -> object:
    """One step on: null holds nothing (ABSENT); any other value of the wrong shape MISMATCHes."""
    if isinstance(value, Missing):
        return value
    if isinstance(step, str):
        if isinstance(value, dict):
            return value.get(step, Missing.ABSENT)
        if isinstance(value, Mapping):
            return value.get(step, Missing.ABSENT)
    elif isinstance(value, list) and isinstance(step, int):
        return value[step] if step < len(value) else Missing.ABSENT
    return Missing.ABSENT if value is None else Missing.MISMATCH


def _root(root: str, context: Context) -> object:
    if root == "args":
        return context.call.arguments
    if root == "principal":
        return _principal(context)
    if root == "time":
        return _time(context)
    return context.call.name if root == "tool" else context.call.server


def _principal(context: Context) -> dict[str, JsonValue]:
    if context.principal is None:
        principal = context.call.principal
        context.principal = {
            "issuer": principal.issuer,
            "subject": principal.subject,
            "key": principal.key,
            "tags": dict(principal.tags),
            "claims": dict(principal.claims),
        }
        if principal.groups is not None:
            context.principal["groups"] = list(principal.groups)
    return context.principal


def _time(context: Context) -> dict[str, JsonValue]:
    if context.time is None:
        utc = _EPOCH + timedelta(microseconds=context.now.micros)
        context.time = {name: field(utc) for name, field in TIME_FIELDS.items()}
    return context.time


def _plain(value: object) -> Found:
    """The value as operators know it: a read-only mapping becomes a dict."""
    if isinstance(value, Mapping) and not isinstance(value, dict):
        return dict(value)
    return value  # type: ignore[return-value]  # arguments and claims hold JSON values only
