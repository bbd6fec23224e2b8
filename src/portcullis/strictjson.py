"""Strict JSON: the one parser and the one writer of everything on the wire.

Only what turns bytes into JSON values and back may live here. A text that two readers
could read differently (duplicate keys, NaN, `1e400`, a BOM, UTF-16, lone surrogates) is
refused, because a decision taken on one reading says nothing about the other. Messages
never quote the text. Source: RFC 8259, RFC 7493 (I-JSON).
"""

import json
import math
import re
from collections.abc import Callable
from decimal import Decimal
from json.encoder import encode_basestring
from typing import NoReturn

from portcullis.errors import StrictJsonError
from portcullis.values import JsonValue

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64
MAX_NUMBER_LENGTH = 64
MAX_EXPONENT = 400

_BOM = "\ufeff"
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_ONE_KIND_OF_BRACKET = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


def parse(data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> JsonValue:
    """Read exactly one JSON value.

    Whole numbers become `int` (at most 64 characters), all others an exact `Decimal`
    within the range of an IEEE double, so that every reader sees the same value.

    Args:
        data: UTF-8 without a byte order mark.
        max_bytes: the longest text read.
        max_depth: how deep arrays and objects may be nested; `[]` has depth 1.

    Raises:
        StrictJsonError: anything else than one strict JSON value.
    """
    if len(data) > max_bytes:
        raise StrictJsonError("text is over the size limit")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as cause:
        raise StrictJsonError("text is not UTF-8") from cause
    if text.startswith(_BOM):
        raise StrictJsonError("text starts with a byte order mark")
    _require_shallow(text, max_depth)
    try:
        value: JsonValue = _DECODER.decode(text)
    except ValueError as cause:
        raise StrictJsonError("text is not one JSON value") from cause
    if b"\\u" in data and _SURROGATE_ESCAPE.search(text):
        _require_whole_characters(value)
    return value


def dump(value: JsonValue) -> bytes:
    """Write a value compactly as UTF-8, key order and the digits of a `Decimal` kept.

    Raises:
        StrictJsonError: the value has no JSON form (half a surrogate pair, NaN).
    """
    try:
        return _text(value).encode("utf-8")
    except ValueError as cause:  # UnicodeEncodeError is one
        raise StrictJsonError("value has no JSON form") from cause


def canonical(value: JsonValue) -> bytes:
    """Write a value so that equal values, and no others, give equal bytes.

    Keys are sorted by code point; `1`, `1.0` and `1e0` are one number. For digests.

    Raises:
        StrictJsonError: the value has no JSON form.
    """
    try:
        return _canonical_text(value).encode("utf-8")
    except UnicodeEncodeError as cause:
        raise StrictJsonError("value has no JSON form") from cause


def _require_shallow(text: str, max_depth: int) -> None:
    """Refuse deep nesting before the decoder recurses into it.

    Each pass removes the innermost brackets, so what is left after `max_depth` passes
    is nested deeper or does not pair up. Linear in C; a shallow text is not scanned.
    """
    if text.count("[") + text.count("{") <= max_depth:
        return
    brackets = _STRING.sub("", text).encode("utf-8").translate(_ONE_KIND_OF_BRACKET, _NO_BRACKET)
    for _ in range(max_depth):
        if not brackets:
            return
        brackets = brackets.replace(b"[]", b"")
    if brackets:
        raise StrictJsonError("text is nested too deeply or its brackets do not pair up")


def _require_whole_characters(value: JsonValue) -> None:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError as cause:
        raise StrictJsonError("text holds half a surrogate pair") from cause


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise StrictJsonError("an object names a key twice")
    return members


def _whole_number(text: str) -> int:
    if len(text) > MAX_NUMBER_LENGTH:
        raise StrictJsonError("a number is too long")
    return int(text)


def _fraction(text: str) -> Decimal:
    if len(text) > MAX_NUMBER_LENGTH:
        raise StrictJsonError("a number is too long")
    number = float(text)
    significand = text.lower().partition("e")[0]
    is_zero = not significand.strip("-0.")
    if math.isinf(number) or (number == 0 and not is_zero):
        raise StrictJsonError("a number is out of range")
    if is_zero:  # its exponent says nothing, and may be too long for a Decimal
        return Decimal(significand)
    return Decimal(text)


def _not_a_number(_: str) -> NoReturn:
    raise StrictJsonError("a number is not finite")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=_fraction,
    parse_int=_whole_number,
    parse_constant=_not_a_number,
)


class _DecimalMetError(Exception):
    """The fast encoder met a value it cannot write exactly."""


def _refuse(_: object) -> NoReturn:
    raise _DecimalMetError


_ENCODER = json.JSONEncoder(
    ensure_ascii=False,
    check_circular=False,
    allow_nan=False,
    separators=(",", ":"),
    default=_refuse,
)


def _text(value: JsonValue) -> str:
    try:
        return _ENCODER.encode(value)
    except _DecimalMetError:
        pieces: list[str] = []
        _write(value, pieces.append)
        return "".join(pieces)


def _write(value: JsonValue, emit: Callable[[str], None]) -> None:
    if isinstance(value, dict):
        opening = "{"
        for key, member in value.items():
            emit(opening)
            emit(encode_basestring(key))
            emit(":")
            _write(member, emit)
            opening = ","
        emit("}" if opening == "," else "{}")
    elif isinstance(value, list):
        opening = "["
        for element in value:
            emit(opening)
            _write(element, emit)
            opening = ","
        emit("]" if opening == "," else "[]")
    else:
        emit(_scalar(value, _decimal_text))


def _canonical_text(value: JsonValue) -> str:
    if isinstance(value, dict):
        members = (
            f"{encode_basestring(key)}:{_canonical_text(value[key])}" for key in sorted(value)
        )
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical_text, value)) + "]"
    return _scalar(value, _canonical_decimal)


def _scalar(value: object, decimal_text: Callable[[Decimal], str]) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) <= MAX_EXPONENT:
        return decimal_text(value)
    raise StrictJsonError("value has no JSON form")


def _decimal_text(number: Decimal) -> str:
    return str(number)


def _canonical_decimal(number: Decimal) -> str:
    """Digits without trailing zeros, and an exponent where some digit is behind the point."""
    sign, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    stripped = text.rstrip("0")
    if not stripped or not isinstance(exponent, int):
        return "0"
    shift = exponent + len(text) - len(stripped)
    tail = "0" * shift if shift >= 0 else f"E{shift}"
    return ("-" if sign else "") + stripped + tail
