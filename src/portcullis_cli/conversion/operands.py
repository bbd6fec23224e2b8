"""One condition of theirs as conditions of this language that never decide more loosely.

Only operators and operands may live here. Under MUST a condition has to be false wherever
theirs is; elsewhere it must not be false wherever theirs is true. What cannot be compared
is indeterminate, and refuses the call in both.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from portcullis.policy.json_types import JsonType, json_type
from portcullis.values import JsonObject, JsonValue
from portcullis_cli.conversion.source import SourceTest, exact
from portcullis_cli.conversion.theirs import rendered

_EXACT_UP_TO: Final = 2**53  # of two whole numbers above it a double may make one
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_COMPOUND: Final = (JsonType.LIST, JsonType.OBJECT)


class OperandError(ValueError):
    """An operand that cannot be carried over; `hint` says what to write."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """How an operator is carried over, and by which row of the table it is noted."""

    construct: str
    write: Callable[[SourceTest, bool], JsonObject]  # the condition, and whether it must hold


def written(test: SourceTest, *, must: bool) -> JsonObject:
    """The condition in this language.

    Raises:
        OperandError: it cannot be said without letting more pass.
    """
    return CARRIED[test.op].write(test, must)


def path_of(keys: tuple[str, ...]) -> str:
    """A walk through the arguments as a path of this language."""
    steps = (f".{key}" if _PLAIN_KEY.fullmatch(key) else f"[{json.dumps(key)}]" for key in keys)
    return "args" + "".join(steps)


def _same(test: SourceTest, value: JsonValue) -> JsonObject:
    return {"path": path_of(test.keys), "op": test.op, "value": value}


def _equality(test: SourceTest, must: bool) -> JsonObject:  # noqa: FBT001 - one of a table
    return _same(test, _single(test.value, loose=_is_loose(test.op, must=must)))


def _membership(test: SourceTest, must: bool) -> JsonObject:  # noqa: FBT001 - one of a table
    if not isinstance(test.value, list) or not test.value:
        raise OperandError("an empty list holds nothing", "list at least one value")
    loose = _is_loose(test.op, must=must)
    members = [_comparable(member, loose=loose) for member in test.value]
    return _same(test, _with_twins(members) if loose else members)


def _is_loose(op: str, *, must: bool) -> bool:
    """Whether a value that theirs takes for equal, and this language does not, would pass."""
    return (op in ("neq", "not_in")) is must


def _comparable(value: JsonValue, *, loose: bool) -> JsonValue:
    if loose and json_type(value) in _COMPOUND:
        raise OperandError(
            "theirs compares lists and objects by how they are printed, where different ones "
            "look the same",
            "compare their parts",
        )
    return _number(value)


def _single(value: JsonValue, *, loose: bool) -> JsonValue:
    """An operand by itself: here every value can be compared with null, and a text is none."""
    if loose and value is None:
        raise OperandError(
            "theirs takes the text `<nil>` for null", "use `exists`, which is false for null"
        )
    return _comparable(value, loose=loose)


def _number(value: JsonValue) -> JsonValue:
    number = exact(value)
    if number is None:
        return value
    if abs(number) >= _EXACT_UP_TO or Decimal(repr(float(number))) != number:
        raise OperandError("theirs cannot tell this number from its neighbours")
    return value


def _with_twins(members: list[JsonValue]) -> list[JsonValue]:
    """The members, and in a list of several types also what theirs takes for the same."""
    known = {(json_type(member), member) for member in members}
    if len({kind for kind, _ in known}) == 1:
        return members  # a value of another type cannot be compared, and refuses
    found = {(json_type(twin), twin): twin for member in members for twin in _twins(member)}
    return members + [twin for key, twin in found.items() if key not in known]


def _twins(member: JsonValue) -> list[JsonValue]:
    text = rendered(member)
    if not isinstance(member, str):
        return [text]
    words: Mapping[str, JsonValue] = {"<nil>": None, "true": True, "false": False}
    if text in words:
        return [words[text]]
    try:
        number = Decimal(text)
    except ArithmeticError:
        return []
    if not number.is_finite() or rendered(number) != text:
        return []
    return [int(number) if number == number.to_integral_value() else number]


def _ordering(test: SourceTest, _must: bool) -> JsonObject:  # noqa: FBT001 - one of a table
    return _same(test, _number(test.value))


def _regex(test: SourceTest, _must: bool) -> JsonObject:  # noqa: FBT001 - one of a table
    # Theirs is found anywhere, and its dot stops at a line break; here the whole text matches,
    # and the dot does not.
    return _same(test, f"(?s:.*)(?-s:{test.value})(?s:.*)")


def _contains(test: SourceTest, must: bool) -> JsonObject:  # noqa: FBT001 - one of a table
    if test.value == "":
        raise OperandError("every text contains the empty text", "use `exists`")
    return _same(test, _single(test.value, loose=not must))


def _exists(test: SourceTest, _must: bool) -> JsonObject:  # noqa: FBT001 - one of a table
    null: JsonObject = {"path": path_of(test.keys), "op": "neq" if test.value else "eq"}
    null["value"] = None
    return {"all" if test.value else "any": [_same(test, test.value), null]}


CARRIED: Final[Mapping[str, Carried]] = {
    "eq": Carried(construct="eq", write=_equality),
    "neq": Carried(construct="neq", write=_equality),
    "in": Carried(construct="eq", write=_membership),
    "not_in": Carried(construct="neq", write=_membership),
    "lt": Carried(construct="ordering", write=_ordering),
    "lte": Carried(construct="ordering", write=_ordering),
    "gt": Carried(construct="ordering", write=_ordering),
    "gte": Carried(construct="ordering", write=_ordering),
    "regex": Carried(construct="regex", write=_regex),
    "contains": Carried(construct="contains", write=_contains),
    "exists": Carried(construct="exists", write=_exists),
}
