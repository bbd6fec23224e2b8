"""The characters a policy text may hold.

Only the refusal of characters may live here. What is refused shows one thing to a person
and says another to a parser: line breaks that an editor does not show (`# note` U+2028
`default: allow` sets the default), marks that reorder or hide text, and tabs, which
YAML forbids where it matters and shows as nothing in particular.
"""

import re
from dataclasses import dataclass

_REFUSED = re.compile(
    "[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u061c\u2028\u2029"
    "\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufffe\uffff\ud800-\udfff]|\r(?!\n)"
)
_NAMES = (
    ("\x00", "a NUL character", "remove it"),
    ("\t", "a tab", "use spaces"),
    ("\r", "a carriage return without a line feed", "end lines with LF or CR LF"),
    ("\x85\u2028\u2029", "an invisible line break", "remove it, or use a plain new line"),
    ("\ufeff", "a byte order mark", "save the file as UTF-8 without one"),
    (
        "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
        "a mark that changes the direction of the text",
        "remove it",
    ),
    ("\u200b\u2060\u2061\u2062\u2063\u2064", "an invisible character", "remove it"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedCharacter:
    """A character that may not be in the text: its offset, its description, what to do."""

    offset: int
    message: str
    suggestion: str


def first_refused(text: str, *, allowed: str = "") -> RefusedCharacter | None:
    """Find the first character that may not be in a text; CR LF is a line break."""
    for match in _REFUSED.finditer(text):
        if match.group() not in allowed:
            return _described(match.start(), match.group())
    return None


def _described(offset: int, character: str) -> RefusedCharacter:
    code = f"U+{ord(character):04X}"
    for characters, name, suggestion in _NAMES:
        if character in characters:
            return RefusedCharacter(
                offset=offset, message=f"{name} ({code}) is not allowed", suggestion=suggestion
            )
    return RefusedCharacter(
        offset=offset, message=f"the character {code} is not allowed", suggestion="remove it"
    )
