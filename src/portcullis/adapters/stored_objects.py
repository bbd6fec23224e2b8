"""JSON objects that we stored, read strictly: what is not as we write it is an error.

What may live here: reading members of parsed JSON as what they must be. The messages name no
values.
"""

from collections.abc import Collection
from typing import TypeVar

from portcullis.values import JsonObject, JsonValue

_Member = TypeVar("_Member")


class StoredObject:
    """The members of one object; it has exactly those with the given names.

    Every method, and making one, raises `ValueError` where something else is stored.
    """

    def __init__(self, value: JsonValue, names: Collection[str]) -> None:
        if not isinstance(value, dict) or value.keys() != set(names):
            raise ValueError("a stored object has other members")
        self._members = value

    def text(self, name: str) -> str:
        """The string `name`."""
        return _required(self._text(name))

    def text_or_none(self, name: str) -> str | None:
        """The string `name`, which may be null."""
        return None if self._members[name] is None else self.text(name)

    def whole(self, name: str, *, least: int = 0) -> int:
        """The whole number `name`, `least` or more."""
        number = self._members[name]
        if type(number) is not int or number < least:  # a boolean is no number
            raise ValueError(f"a stored number is not whole, or below {least}")
        return number

    def whole_or_none(self, name: str) -> int | None:
        """The whole number `name`, 0 or more, which may be null."""
        return None if self._members[name] is None else self.whole(name)

    def flag(self, name: str) -> bool:
        """The boolean `name`."""
        value = self._members[name]
        return _required(value if isinstance(value, bool) else None)

    def elements(self, name: str) -> list[JsonValue]:
        """The array `name`."""
        value = self._members[name]
        return _required(value if isinstance(value, list) else None)

    def texts(self, name: str) -> tuple[str, ...]:
        """The array of strings `name`."""
        return tuple(_required(_as_text(one)) for one in self.elements(name))

    def members(self, name: str) -> JsonObject:
        """The object `name`, whatever its members."""
        value = self._members[name]
        return _required(value if isinstance(value, dict) else None)

    def text_members(self, name: str) -> dict[str, str]:
        """The object `name`, whose members are strings."""
        return {key: _required(_as_text(one)) for key, one in self.members(name).items()}

    def object(self, name: str, names: Collection[str]) -> "StoredObject":
        """The object `name`, which has exactly the members `names`."""
        return StoredObject(self._members[name], names)

    def value(self, name: str) -> JsonValue:
        """The member `name`, whatever it is."""
        return self._members[name]

    def _text(self, name: str) -> str | None:
        return _as_text(self._members[name])


def _as_text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None


def _required(value: _Member | None) -> _Member:
    if value is None:
        raise ValueError("a stored value has another type")
    return value
