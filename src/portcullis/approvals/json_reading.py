"""JSON on many lines, as a person reads it; what is hidden in it is written out.

Only that writing may live here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from portcullis import strictjson
from portcullis.approvals.visible_text import Piece, pieces_of
from portcullis.values import JsonValue

MAXIMUM_CHARACTERS: Final = 300_000  # beyond, indenting makes a mountain of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How far a line is indented, and what is on it."""

    depth: int
    pieces: tuple[Piece, ...]


def read_lines(value: JsonValue) -> tuple[Line, ...]:
    """The lines of a value, none where they would be too many."""
    found: list[Line] = []
    size = 0
    for line in _lines(value, 0, "", ""):
        size += 2 * line.depth + sum(len(piece.text) for piece in line.pieces)
        if size > MAXIMUM_CHARACTERS:
            return ()
        found.append(line)
    return tuple(found)


def _lines(value: JsonValue, depth: int, before: str, after: str) -> Iterator[Line]:
    if not isinstance(value, dict | list) or not value:
        yield _line(depth, before + _text(value) + after)
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield _line(depth, before + opening)
    members = (
        [(f"{_text(name)}: ", one) for name, one in value.items()]
        if isinstance(value, dict)
        else [("", one) for one in value]
    )
    for number, (name, member) in enumerate(members, start=1):
        yield from _lines(member, depth + 1, name, "," if number < len(members) else "")
    yield _line(depth, closing + after)


def _line(depth: int, text: str) -> Line:
    return Line(depth=depth, pieces=pieces_of(text, is_json=True))


def _text(value: JsonValue) -> str:
    return strictjson.dump(value).decode("utf-8")
