"""What an unquoted word of a policy text means.

Only the reading of plain YAML scalars may live here. A word means one thing to every
reader of YAML 1.1, YAML 1.2 and JSON, or it is refused with what to write instead:
`no`, `010`, `1:30`, `2026-01-01` and `1e3` are a boolean, a number or a text depending
on the reader (YAML 1.1 type repository; YAML 1.2.2 section 10.3).
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from portcullis.policy.faults import quoted
from portcullis.values import JsonScalar

MAXIMUM_DIGITS = 38

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FRACTION = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")
_WORDS = {"true": True, "false": False, "null": None}
_BOOLEAN_TO_SOME = frozenset({"y", "n", "yes", "no", "on", "off"})
_NOT_FINITE = re.compile(r"[-+]?\.?(?:inf|infinity|nan)", re.IGNORECASE)
_EXPONENT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)[eE][-+]?[0-9]+")
_OTHER_BASE = re.compile(r"[-+]?0(?:x[0-9a-fA-F_]+|o[0-7_]+|b[01_]+)", re.IGNORECASE)
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+(?:\.[0-9_]*)?")
_UNDERSCORE = re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(?:\.[0-9_]*)?")
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?", re.DOTALL)
_BARE_POINT = re.compile(r"[-+]?(?:\.[0-9_]+|[0-9]+\.)|\+[0-9]+(?:\.[0-9]+)?|-0(?:\.0+)?")

_AMBIGUOUS = (
    (_NOT_FINITE, "is not a finite number"),
    (_EXPONENT, "is a number to some readers and a text to others"),
    (_OTHER_BASE, "is a number to some readers and a text to others"),
    (_LEADING_ZERO, "starts with 0, which some readers take as octal"),
    (_UNDERSCORE, "is a number to some readers and a text to others"),
    (_BASE_60, "is a base 60 number to some readers"),
    (_DATE, "is a date to some readers and a text to others"),
    (_BARE_POINT, "is not written as a plain decimal number"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surprise:
    """A word that readers of YAML do not agree about, and what to write instead."""

    message: str
    suggestion: str


def read_plain(word: str) -> JsonScalar | Surprise:
    """Answer the one value every reader gives an unquoted word, or a Surprise."""
    if word in _WORDS:
        return _WORDS[word]
    if word == "":
        return Surprise(message="there is no value", suggestion="write one, or remove the key")
    if _is_number(word):
        return _number(word)
    message = _ambiguity(word)
    if message is None:
        return word
    return Surprise(message=f"{quoted(word)} {message}", suggestion=_instead(word))


def _is_number(word: str) -> bool:
    if _BARE_POINT.fullmatch(word):  # negative zero
        return False
    return _WHOLE.fullmatch(word) is not None or _FRACTION.fullmatch(word) is not None


def _number(word: str) -> JsonScalar | Surprise:
    if len(word.lstrip("-").replace(".", "")) > MAXIMUM_DIGITS:
        return Surprise(
            message=f"a number has more than {MAXIMUM_DIGITS} digits",
            suggestion="quote it if it is meant as a text",
        )
    return int(word) if _WHOLE.fullmatch(word) else Decimal(word)


def _ambiguity(word: str) -> str | None:
    lowered = word.lower()
    if lowered in _BOOLEAN_TO_SOME:
        return "is a boolean to some readers and a text to others"
    if lowered in _WORDS or word == "~":
        return "is a boolean or null to some readers and a text to others"
    if word in {"<<", "="}:
        return "has a special meaning to some readers"
    for pattern, message in _AMBIGUOUS:
        if pattern.fullmatch(word):
            return message
    return None


def _instead(word: str) -> str:
    lowered = word.lower()
    in_quotes = f'quote it if it is meant as a text: "{word[:40]}"'
    if lowered in _BOOLEAN_TO_SOME:
        return f"write `true` or `false`, or {in_quotes}"
    if lowered in _WORDS or word == "~":
        return f"write `{'null' if word == '~' else lowered}`, or {in_quotes}"
    if _EXPONENT.fullmatch(word):
        return f"write all digits, or {in_quotes}"
    return in_quotes
