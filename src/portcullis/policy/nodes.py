"""Reading typed values out of an unchecked tree, recording faults instead of raising.

Only readers that know nothing of any particular key may live here. Each answers the
value, or None after it recorded why there is none, so that a caller goes on and finds
the other faults too. Types are strict: `true` is no number, "10" is no number, 10.0 is
no whole number, and nothing is converted.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from portcullis.policy.faults import Findings, NodePath, closest, quoted
from portcullis.policy.words import MISSING_HINTS
from portcullis.values import JsonValue

MAXIMUM_SECONDS = 31 * 86_400
MAXIMUM_DIGITS = 38

T = TypeVar("T")

_DURATION = re.compile(r"([1-9][0-9]{0,8})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the document, where it stands, and where its faults go."""

    value: JsonValue
    path: NodePath
    findings: Findings

    def fault(self, message: str, suggestion: str | None = None) -> None:
        """Record a fault of this value."""
        self.findings.fault(self.path, message, suggestion)

    def key_fault(self, message: str, suggestion: str | None = None) -> None:
        """Record a fault of this value's key."""
        self.findings.key_fault(self.path, message, suggestion)


def read_members(node: Node, what: str) -> dict[str, Node] | None:
    """Read a mapping with free keys; `what` completes "must be …"."""
    if isinstance(node.value, dict):
        return {
            key: Node(value, (*node.path, key), node.findings) for key, value in node.value.items()
        }
    node.fault(f"{_described(node.value)} stands where {what} must be")
    return None


def read_mapping(
    node: Node, what: str, keys: Iterable[str], hints: Mapping[str, str]
) -> dict[str, Node] | None:
    """Read a mapping of known keys; `hints` says what to write instead of a wrong one."""
    members = read_members(node, what)
    if members is None:
        return None
    known = tuple(keys)
    for key, member in members.items():
        if key not in known:
            member.key_fault(f"the key {quoted(key)} is unknown", _instead(key, known, hints))
    return {key: member for key, member in members.items() if key in known}


def read_optional(
    members: Mapping[str, Node],
    key: str,
    read: Callable[[Node], T | None],
    absent: T | None = None,
) -> T | None:
    """Read what stands under a key; `absent` where the key is not there."""
    return read(members[key]) if key in members else absent


def has_keys(node: Node, members: Mapping[str, Node], keys: Iterable[str]) -> bool:
    """Whether the keys are all there, recording those that are missing.

    Where the mapping also has unknown keys, one of them is probably the missing one
    misspelt and has its fault already.
    """
    missing = [key for key in keys if key not in members]
    if missing and isinstance(node.value, dict) and len(members) == len(node.value):
        for key in missing:
            node.fault(f"`{key}` is missing", MISSING_HINTS.get(key))
    return not missing


def read_elements(node: Node, what: str, maximum: int) -> list[Node] | None:
    """Read a list with at least one and at most `maximum` elements; `what` names it."""
    if not isinstance(node.value, list):
        node.fault(f"{_described(node.value)} stands where {what} must be", "write it in `[...]`")
        return None
    if not node.value:
        node.fault(f"{what} must not be empty", "list at least one")
        return None
    if len(node.value) > maximum:
        node.fault(f"{what} must not have more than {maximum} elements")
        return None
    return [
        Node(value, (*node.path, index), node.findings) for index, value in enumerate(node.value)
    ]


def read_text(node: Node, maximum: int) -> str | None:
    """Read a text of 1 to `maximum` characters that is more than white space."""
    if not isinstance(node.value, str):
        hint = None if isinstance(node.value, list | dict) else "put it in quotes"
        node.fault(f"{_described(node.value)} stands where a text must be", hint)
        return None
    if not node.value.strip():
        node.fault("the text must not be empty")
        return None
    if len(node.value) > maximum:
        node.fault(f"the text must not be longer than {maximum} characters")
        return None
    return node.value


def read_word(node: Node, words: Iterable[str], hints: Mapping[str, str]) -> str | None:
    """Read one of the given words; `hints` says what to write instead of a wrong one."""
    known = tuple(words)
    if isinstance(node.value, str):
        if node.value in known:
            return node.value
        message = f"{quoted(node.value)} is not one of {', '.join(known)}"
        node.fault(message, _instead(node.value, known, hints))
        return None
    node.fault(f"{_described(node.value)} stands where one of {', '.join(known)} must be")
    return None


def read_whole(node: Node, minimum: int, maximum: int) -> int | None:
    """Read a whole number between the bounds, both included."""
    if isinstance(node.value, bool) or not isinstance(node.value, int):
        message = f"{_described(node.value)} stands where a whole number must be"
        node.fault(message, _as_whole_number(node.value))
        return None
    if not minimum <= node.value <= maximum:
        node.fault(f"the number must be from {minimum} to {maximum}")
        return None
    return node.value


def read_amount(node: Node) -> Decimal | None:
    """Read a finite number above 0 with at most 38 digits on either side of the point."""
    if isinstance(node.value, bool) or not isinstance(node.value, int | Decimal):
        message = f"{_described(node.value)} stands where a number must be"
        node.fault(message, _as_whole_number(node.value))
        return None
    amount = Decimal(node.value)
    if not amount.is_finite() or amount <= 0:
        node.fault("the amount must be more than 0")
        return None
    if max(amount.adjusted() + 1, 1) - min(int(amount.as_tuple().exponent), 0) > MAXIMUM_DIGITS:
        node.fault(f"the amount must not have more than {MAXIMUM_DIGITS} digits")
        return None
    return amount


def read_seconds(node: Node) -> int | None:
    """Read a duration of 1 second to 31 days: whole seconds, or a text like `30s` or `1h`."""
    if isinstance(node.value, str):
        found = _DURATION.fullmatch(node.value)
        if found is None:
            node.fault(f"{quoted(node.value)} is not a duration", _as_duration(node.value))
            return None
        seconds = int(found[1]) * _SECONDS[found[2]]
    elif isinstance(node.value, int) and not isinstance(node.value, bool):
        seconds = node.value
    else:
        message = f"{_described(node.value)} stands where a duration must be"
        node.fault(message, "write whole seconds, or 30s, 1m, 1h, 1d")
        return None
    if not 1 <= seconds <= MAXIMUM_SECONDS:
        node.fault("the duration must be from 1 second to 31 days")
        return None
    return seconds


def _described(value: JsonValue) -> str:
    """What a value is, in words; never more of it than a word."""
    if isinstance(value, str):
        return f"the text {quoted(value)}" if value.strip() else "an empty text"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | Decimal):
        return f"the number {quoted(str(value))}"
    if value is None:
        return "`null`"
    return "a list" if isinstance(value, list) else "a mapping"


def _instead(word: str, known: tuple[str, ...], hints: Mapping[str, str]) -> str:
    plain = word.strip().lower().replace("-", "_").replace(" ", "_")
    meant = closest(word, known)
    if meant is not None and plain == meant:
        return f"did you mean `{meant}`"
    if plain in hints:
        return hints[plain]
    return f"did you mean `{meant}`" if meant else f"known are {', '.join(known)}"


def _as_whole_number(value: JsonValue) -> str | None:
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        return "write it without quotes"
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        return "write it without a point or exponent"
    return None


def _as_duration(text: str) -> str:
    words = {"second": "1s", "minute": "1m", "hour": "1h", "day": "1d", "week": "7d"}
    if text.isascii() and text.isdigit():
        return "write it without quotes, or with a unit: 30s, 1m, 1h, 1d"
    meant = closest(text, words)
    return f"did you mean `{words[meant]}`" if meant else "write whole seconds, or 30s, 1m, 1h, 1d"
