"""Header values that carry names and arguments (2026-07-28 streamable-http, Value Encoding).

A value that would not survive an HTTP field is wrapped as `=?base64?…?=`. Only the codec
lives here; which headers exist is the business of its callers.
"""

import base64
import binascii
import re

_PLAIN = re.compile(r"[\x20-\x7E]*")
_WRAPPED = re.compile(r"=\?base64\?(.*)\?=", re.DOTALL)


def encode(value: str) -> str:
    """Write a value for a header; printable ASCII without edge spaces stays as it is."""
    if _PLAIN.fullmatch(value) and value == value.strip(" ") and not _WRAPPED.fullmatch(value):
        return value
    return f"=?base64?{base64.b64encode(value.encode('utf-8')).decode('ascii')}?="


def decode(text: str) -> str | None:
    """Read a header value; None when it is malformed and so equals no value.

    Malformed: characters outside printable ASCII, base64 that the encoder would not have
    written (padding, alphabet, stray bits), content that is not UTF-8.
    """
    if not _PLAIN.fullmatch(text):
        return None
    wrapped = _WRAPPED.fullmatch(text)
    if wrapped is None:
        return text
    payload = wrapped.group(1)
    try:
        raw = base64.b64decode(payload, validate=True)
        value = raw.decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return value if base64.b64encode(raw).decode("ascii") == payload else None
