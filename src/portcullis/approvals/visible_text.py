r"""Text of an agent as a person may safely read it: nothing is hidden, nothing moves the rest.

Only the showing of characters may live here. What does not show itself is written as in JSON:
`\n`, `\t`, `\u202e`; so is the backslash, which makes the writing unambiguous. Spaces at the
ends of a text, and several in a row, are written `␣`.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Final

VISIBLE_SPACE: Final = "\u2423"
_MAXIMUM_CODES = 5
MAXIMUM_MARKS: Final = 2  # accents on one letter; more of them cover the text around it

_NAMES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
# What may have to be written otherwise; the rest of ASCII never has.
_SUSPECT = re.compile(r"^ +| +$| {2,}|[^\x20-\x7e]|\\")
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
_MARKS = frozenset({"Mn", "Me"})
# Letters, a symbol and marks that show as nothing.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0" + VISIBLE_SPACE)
_VARIATION_SELECTORS = re.compile("[\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")

_WORD = re.compile(r"[^\W\d_]+")
_EAST_ASIAN = frozenset({"BOPOMOFO", "CJK", "HANGUL", "HIRAGANA", "IDEOGRAPHIC", "KATAKANA"})
# Cyrillic, Greek, Armenian letters that look like Latin ones in common typefaces.
_LOOKALIKES = frozenset("асԁеһіјӏոорԛѕսνѵԝхуАВЕНІЈКМОРЅТѴХҮΑΒΕΖΗΙΚΜΝΟΡΤΥΧοαιυκρԌԍΥգօ")


class Look(Enum):
    """How a piece of a text is shown."""

    PLAIN = "plain"  # as it is
    ESCAPE = "escape"  # in place of what does not show itself
    LINES = "lines"  # line breaks: written, and broken after
    MASK = "mask"  # in place of a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some characters of a text that are shown one way."""

    text: str
    look: Look = Look.PLAIN


def pieces_of(text: str, *, is_json: bool = False) -> tuple[Piece, ...]:
    """A whole text in pieces; together they stand for every character of it.

    `is_json`: it is JSON as `strictjson.dump` writes it, whose backslashes are escapes already.
    """
    singles = _single_pieces(text, is_json=is_json)
    return tuple(
        Piece(text="".join(piece.text for piece in alike), look=look)
        for look, alike in groupby(singles, key=attrgetter("look"))
    )


def visible(text: str) -> str:
    """The same on one line, for where there is only plain text."""
    return "".join(piece.text for piece in _single_pieces(text, is_json=False))


def oddities(text: str) -> tuple[str, ...]:
    """What about the characters of a text may deceive a person who reads it."""
    if text.isascii() and text.isprintable():
        return ()
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    found = {
        "holds characters that cannot be seen, or that turn the text around": _hidden(text),
        "mixes letters of different alphabets in one word": _strangers(words, _is_mixed),
        "has a word in letters that only look like others": _strangers(words, _is_disguised),
        "has letters or digits in an unusual form": {one for one in text if _is_variant(one)},
        "has letters that are read from right to left": {one for one in text if _is_rtl(one)},
        "has accents written apart from their letters": _loose_marks(text),
    }
    return tuple(f"{what} ({_codes(which)})" for what, which in found.items() if which)


def _single_pieces(text: str, *, is_json: bool) -> Iterator[Piece]:
    end = marks = 0
    for found in _SUSPECT.finditer(text):
        start, stop = found.span()
        if start > end:
            yield Piece(text=text[end:start])
        marks = _marks_so_far(text, start, marks, end)
        is_plain = is_json and text[start] == "\\"
        yield Piece(text="\\") if is_plain else _piece(found.group(), marks)
        end = stop
    if end < len(text):
        yield Piece(text=text[end:])


def _marks_so_far(text: str, at: int, marks: int, end: int) -> int:
    """How many accents stand in a row up to here, this one included."""
    if unicodedata.category(text[at]) not in _MARKS:
        return 0
    return marks + 1 if at == end else 1


def _piece(characters: str, marks: int) -> Piece:
    if characters[0] == " ":
        return Piece(text=VISIBLE_SPACE * len(characters), look=Look.ESCAPE)
    if characters == "\n":
        return Piece(text="\\n", look=Look.LINES)
    if marks > MAXIMUM_MARKS or is_invisible(characters) or characters == "\\":
        return Piece(text=_escape(characters), look=Look.ESCAPE)
    return Piece(text=characters)


def _escape(character: str) -> str:
    named = _NAMES.get(character)
    if named is not None:
        return named
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


@lru_cache(maxsize=4096)
def is_invisible(character: str) -> bool:
    """Whether a character shows as nothing, or changes how others show."""
    if character == " ":
        return False
    return (
        unicodedata.category(character) in _INVISIBLE_CATEGORIES
        or character in _INVISIBLE
        or _VARIATION_SELECTORS.match(character) is not None
    )


def _codes(characters: set[str]) -> str:
    """Which characters, by their codes: they look like others, or like nothing."""
    codes = [_escape(one) for one in sorted(characters)]
    more = len(codes) - _MAXIMUM_CODES
    return ", ".join(codes[:_MAXIMUM_CODES]) + (f" and {more} more" if more > 0 else "")


def _hidden(text: str) -> set[str]:
    return {one for one in set(text) if is_invisible(one)} - {"\n", "\r", "\t", VISIBLE_SPACE}


def _strangers(words: Iterable[str], is_strange: Callable[[str], bool]) -> set[str]:
    """The letters outside ASCII of the words that are strange."""
    return {letter for word in words if is_strange(word) for letter in word if letter > "\x7f"}


def _is_mixed(word: str) -> bool:
    return len({_alphabet(letter) for letter in word} - {""}) > 1


@lru_cache(maxsize=4096)
def _alphabet(letter: str) -> str:
    name = unicodedata.name(letter, "").partition(" ")[0]
    if unicodedata.category(letter) == "Lm":  # a letter that goes with any alphabet
        return ""
    return "EAST ASIAN" if name in _EAST_ASIAN else name


def _is_disguised(word: str) -> bool:
    return all(letter in _LOOKALIKES for letter in word)


@lru_cache(maxsize=4096)
def _is_variant(character: str) -> bool:
    """Whether a letter or digit is a plain one in another form: full width, bold, raised."""
    if character.isascii() or unicodedata.category(character)[0] not in "LN":
        return False
    return unicodedata.normalize("NFKC", character).isascii()


@lru_cache(maxsize=4096)
def _is_rtl(character: str) -> bool:
    return unicodedata.bidirectional(character) in ("R", "AL", "AN")


def _loose_marks(text: str) -> set[str]:
    """Accents that make one character with the letter before them."""
    return {
        mark
        for letter, mark in pairwise(text)
        if unicodedata.combining(mark) and len(unicodedata.normalize("NFC", letter + mark)) == 1
    }
