"""The legacy `Mcp-Session-Id`: claims sealed with HMAC-SHA-256, bound to who they were given to.

Form: `v1.<payload>.<tag>`, both parts base64url without padding: visible ASCII, as
2025-11-25 basic/transports (Session Management) asks. A session id is a label, never
authentication; every use is checked against the principal of the request. Pure: the key,
the time and the session's id come in as arguments.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from portcullis import strictjson
from portcullis.errors import StrictJsonError
from portcullis.values import JsonObject, JsonValue

MAX_TOKEN_LENGTH: Final = 2048

_PREFIX: Final = "v1"
_TOKEN: Final = re.compile(r"v1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionClaims:
    """What a session token says.

    Attributes:
        session_id: the gateway's id of the session.
        server: the server it was opened for.
        principal: digest of the principal it was given to.
        version: the negotiated revision.
        slot: the counter slot the session shares.
        capabilities: bits for client capabilities the gateway remembers.
        has_upstream: whether the upstream keeps a session of its own.
        issued_at: epoch seconds.
        expires_at: epoch seconds; from then on the token is void.
    """

    session_id: str
    server: str
    principal: str
    version: str
    slot: int
    capabilities: int
    has_upstream: bool
    issued_at: int
    expires_at: int


def seal(claims: SessionClaims, key: bytes) -> str:
    """Write claims as a token."""
    payload = strictjson.dump(
        {
            "sid": claims.session_id,
            "server": claims.server,
            "principal": claims.principal,
            "version": claims.version,
            "slot": claims.slot,
            "caps": claims.capabilities,
            "upstream": claims.has_upstream,
            "iat": claims.issued_at,
            "exp": claims.expires_at,
        }
    )
    signed = f"{_PREFIX}.{_encode(payload)}"
    return f"{signed}.{_tag(signed, key)}"


def unseal(
    token: str,
    keys: Sequence[bytes],
    *,
    now_seconds: int,
    principal_digest: str,
    server: str,
) -> SessionClaims | None:
    """Answer the claims of a token that holds here and now, else None; never raises.

    Several keys serve key rotation. Every tag is compared in constant time, and nothing
    of the payload is read before one matched.
    """
    if len(token) > MAX_TOKEN_LENGTH or not _TOKEN.fullmatch(token):
        return None
    signed, _, tag = token.rpartition(".")
    matches = [hmac.compare_digest(_tag(signed, key), tag) for key in keys]
    if not any(matches):
        return None
    claims = _read(signed.partition(".")[2])
    if claims is None or claims.expires_at <= now_seconds:
        return None
    is_bound = claims.principal == principal_digest and claims.server == server
    return claims if is_bound else None


def _read(payload: str) -> SessionClaims | None:
    try:
        claims = strictjson.parse(base64.b64decode(payload + "==", altchars=b"-_"))
    except (binascii.Error, StrictJsonError):
        return None
    return _claims(claims) if isinstance(claims, dict) else None


def _claims(claims: JsonObject) -> SessionClaims | None:
    try:
        return SessionClaims(
            session_id=_text(claims["sid"]),
            server=_text(claims["server"]),
            principal=_text(claims["principal"]),
            version=_text(claims["version"]),
            slot=_number(claims["slot"]),
            capabilities=_number(claims["caps"]),
            has_upstream=claims["upstream"] is True,
            issued_at=_number(claims["iat"]),
            expires_at=_number(claims["exp"]),
        )
    except (KeyError, TypeError):
        return None


def _text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: JsonValue) -> int:
    if not isinstance(value, int):
        raise TypeError
    return value


def _tag(signed: str, key: bytes) -> str:
    return _encode(hmac.new(key, signed.encode("ascii"), hashlib.sha256).digest())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")
