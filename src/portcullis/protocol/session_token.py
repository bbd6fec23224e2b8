"""The legacy `Mcp-Session-Id`: sealed claims, bound to who they were given to.

Visible ASCII, as 2025-11-25 basic/transports (Session Management) asks. A session id is a
label, never authentication; every use is checked against the principal of the request.
Pure: the key, the time and the session's id come in as arguments.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from portcullis.protocol import sealing
from portcullis.protocol.sealing import number_of, text_of
from portcullis.values import JsonObject

MAX_TOKEN_LENGTH: Final = 2048

# Bits of `SessionClaims.capabilities`.
ACCEPTS_URL: Final = 1  # the client shows its user a link (2025-11-25 client/elicitation)

_PREFIX: Final = "v1"


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
    payload: JsonObject = {
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
    return sealing.seal(_PREFIX, payload, key)


def unseal(
    token: str,
    keys: Sequence[bytes],
    *,
    now_seconds: int,
    principal_digest: str,
    server: str,
) -> SessionClaims | None:
    """Answer the claims of a token that holds here and now, else None; never raises."""
    payload = sealing.unseal(_PREFIX, token, keys, max_length=MAX_TOKEN_LENGTH)
    claims = None if payload is None else _claims(payload)
    if claims is None or claims.expires_at <= now_seconds:
        return None
    is_bound = claims.principal == principal_digest and claims.server == server
    return claims if is_bound else None


def _claims(payload: JsonObject) -> SessionClaims | None:
    try:
        return SessionClaims(
            session_id=text_of(payload, "sid"),
            server=text_of(payload, "server"),
            principal=text_of(payload, "principal"),
            version=text_of(payload, "version"),
            slot=number_of(payload, "slot"),
            capabilities=number_of(payload, "caps"),
            has_upstream=payload.get("upstream") is True,
            issued_at=number_of(payload, "iat"),
            expires_at=number_of(payload, "exp"),
        )
    except LookupError:
        return None
