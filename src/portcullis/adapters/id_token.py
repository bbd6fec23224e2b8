"""ID tokens of an OpenID Connect issuer: what they must be before anybody is let in.

Sources: OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from portcullis.adapters.signed_token import instant, require_now
from portcullis.errors import TokenError
from portcullis.policy.model import Principal
from portcullis.values import JsonObject

MAXIMUM_AGE_SECONDS: Final = 600  # of a token that was just asked for
_REQUIRED: Final = ("iss", "sub", "aud", "exp", "iat", "nonce")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token must say: by whom, for whom, in answer to what, when."""

    issuer: str
    client_id: str
    nonce: str
    now_seconds: int


def read_id_token(claims: JsonObject, expected: Expected, *, groups_claim: str) -> Principal:
    """Answer the person whom a token names; its signature has been checked.

    Raises:
        TokenError: it is not the issuer's, not for us, not in answer to us, or not for now.
    """
    if any(claims.get(name) is None for name in _REQUIRED):
        raise TokenError("the id token does not say what it must")
    _require_ours(claims, expected)
    require_now(claims, expected.now_seconds)
    if instant(claims, "iat") < expected.now_seconds - MAXIMUM_AGE_SECONDS:
        raise TokenError("the id token is an old one")
    return _person(claims, groups_claim)


def verified_email(claims: Mapping[str, Any]) -> str:
    """The e-mail address that the issuer has verified; "" where there is none."""
    email = claims.get("email")
    return email if isinstance(email, str) and claims.get("email_verified") is True else ""


def _require_ours(claims: Mapping[str, Any], expected: Expected) -> None:
    audience = claims["aud"]
    audiences = audience if isinstance(audience, list) else [audience]
    if claims["iss"] != expected.issuer or expected.client_id not in audiences:
        raise TokenError("the id token is another issuer's, or for somebody else")
    nonce = claims["nonce"]
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode("utf-8", "surrogatepass"), expected.nonce.encode()
    ):
        raise TokenError("the id token answers another request")
    party = claims.get("azp")
    if party != expected.client_id and (party is not None or len(audiences) > 1):
        raise TokenError("the id token was given to somebody else")


def _person(claims: Mapping[str, Any], groups_claim: str) -> Principal:
    issuer, subject = claims["iss"], claims["sub"]
    if not isinstance(subject, str) or not subject:
        raise TokenError("the id token names nobody")
    groups = claims.get(groups_claim, []) if groups_claim else []
    if not isinstance(groups, list) or not all(isinstance(one, str) for one in groups):
        raise TokenError("the id token's groups are no list of names")
    return Principal(
        issuer=str(issuer),
        subject=subject,
        person=verified_email(claims) or f"{issuer} {subject}",
        groups=tuple(groups),
    )
