"""JSON for programs and for people's eyes; in neither can a character hide or move the rest."""

import re

from portcullis import strictjson
from portcullis.approvals.json_reading import read_lines
from portcullis.approvals.visible_text import pieces_of
from portcullis.values import JsonValue

_BEYOND_ASCII = re.compile(r"[^\x20-\x7e]")


def for_programs(value: JsonValue) -> str:
    """One line, in ASCII: what is beyond it is escaped as JSON has it."""
    return _BEYOND_ASCII.sub(_escape, strictjson.dump(value).decode("utf-8"))


def for_people(value: JsonValue) -> str:
    """Indented where that is not too long; what does not show itself is escaped."""
    lines = read_lines(value)
    if not lines:
        return unhidden(strictjson.dump(value).decode("utf-8"))
    return "\n".join(
        "  " * line.depth + "".join(piece.text for piece in line.pieces) for line in lines
    )


def unhidden(text: str) -> str:
    """A text whose backslashes are escapes already, on one line."""
    return "".join(piece.text for piece in pieces_of(text, is_json=True))


def _escape(found: re.Match[str]) -> str:
    units = found.group().encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
