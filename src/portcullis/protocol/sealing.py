"""What a client is given to keep and bring back: an object sealed with HMAC-SHA-256.

Form: `<prefix>.<payload>.<tag>`, both parts base64url without padding, so visible ASCII.
A client can read what it holds and change none of it; who may use it, where and until when
is for the caller to say and to check. The prefix is under the seal, so that what was sealed
for one purpose is nothing for another. Pure: keys come in as arguments.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

from portcullis import strictjson
from portcullis.errors import StrictJsonError
from portcullis.values import JsonObject, JsonValue

_SEALED: Final = re.compile(r"([a-z0-9]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})")


def seal(prefix: str, payload: JsonObject, key: bytes) -> str:
    """Write an object as sealed text."""
    signed = f"{prefix}.{_encode(strictjson.dump(payload))}"
    return f"{signed}.{_tag(signed, key)}"


def unseal(prefix: str, token: str, keys: Sequence[bytes], *, max_length: int) -> JsonObject | None:
    """Answer the object sealed under a prefix with one of the keys, else None; never raises.

    Several keys serve key rotation. Every tag is compared in constant time, and nothing
    of the payload is read before one matched.
    """
    if len(token) > max_length:
        return None
    found = _SEALED.fullmatch(token)
    if found is None or found[1] != prefix:
        return None
    signed = f"{prefix}.{found[2]}"
    matches = [hmac.compare_digest(_tag(signed, key), found[3]) for key in keys]
    return _read(found[2]) if any(matches) else None


def text_of(payload: JsonObject, name: str) -> str:
    """Answer a claim that must be text.

    Raises:
        LookupError: it is absent or something else.
    """
    value = payload.get(name)
    if isinstance(value, str):
        return value
    raise LookupError(name)


def number_of(payload: JsonObject, name: str) -> int:
    """Answer a claim that must be a whole number.

    Raises:
        LookupError: it is absent or something else.
    """
    value = payload.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise LookupError(name)


def _read(encoded: str) -> JsonObject | None:
    padding = "=" * (-len(encoded) % 4)
    try:
        raw = base64.b64decode(encoded + padding, altchars=b"-_", validate=True)
        payload: JsonValue = strictjson.parse(raw)
    except (binascii.Error, StrictJsonError):
        return None
    is_canonical = _encode(raw) == encoded
    return payload if is_canonical and isinstance(payload, dict) else None


def _tag(signed: str, key: bytes) -> str:
    return _encode(hmac.new(key, signed.encode("ascii"), hashlib.sha256).digest())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")
