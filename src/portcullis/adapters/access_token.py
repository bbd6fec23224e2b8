"""Access tokens of any OAuth 2.0 / OpenID Connect issuer: what they must be to be believed.

Only access tokens: an ID token tells a client who signed in, and is not for us. Where a token
says which of the two it is, that counts; the audience decides in any case. Sources: RFC 9068;
RFC 8725; RFC 8707; OpenID Connect Core 1.0, section 2; for Amazon Cognito "Using the access
token" of its developer guide (`token_use`, `client_id` in place of `aud`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from portcullis.adapters.issuer_keys import IssuerKeys
from portcullis.adapters.signed_token import SignedToken, read_signed, require_now
from portcullis.errors import TokenError

_TYPES: Final = ("jwt", "at+jwt", "application/at+jwt")
_OF_ID_TOKENS: Final = ("at_hash", "c_hash", "nonce", "s_hash")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A token that holds: for whom it is, what it is good for, and all that it says."""

    audiences: frozenset[str]
    scopes: frozenset[str]
    claims: Mapping[str, Any]


def read_access_token(
    token: str, keys: IssuerKeys, *, issuer: str, now_seconds: int
) -> AccessToken:
    """Answer what an issuer's access token says.

    Raises:
        TokenError: it is not the issuer's, not for now, or no access token.
        IssuerUnavailableError: the issuer's keys are not known.
    """
    signed = read_signed(token, keys.key_of(token))
    claims = signed.payload
    if claims.get("iss") != issuer:
        raise TokenError("the token is another issuer's")
    require_now(claims, now_seconds)
    _require_access(signed)
    return AccessToken(audiences=_audiences(claims), scopes=_scopes(claims), claims=claims)


def _require_access(signed: SignedToken) -> None:
    claims, kind = signed.payload, signed.header.get("typ")
    if kind is not None and not (isinstance(kind, str) and kind.lower() in _TYPES):
        raise TokenError("the token is of another type")
    if claims.get("token_use", "access") != "access":  # Cognito
        raise TokenError("the token is no access token")
    is_said_so = claims.get("typ") == "Bearer"  # Keycloak, whose access tokens may have a nonce
    if "typ" in claims and not is_said_so:
        raise TokenError("the token is no access token")
    if not is_said_so and any(name in claims for name in _OF_ID_TOKENS):
        raise TokenError("the token is an id token")
    if "cnf" in claims:
        raise TokenError("the token is bound to a key, and its holder has shown none")


def _audiences(claims: Mapping[str, Any]) -> frozenset[str]:
    """Whom a token is for; Cognito's names the client instead, which then stands for it."""
    found = claims.get("aud")
    if found is None and claims.get("token_use") == "access":
        found = claims.get("client_id")
    values = found if isinstance(found, list) else [found]
    return frozenset(value for value in values if isinstance(value, str))


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """What a token is good for: `scope`, or `scp` as Entra (a text) and Okta (a list) write it."""
    found = claims.get("scope", claims.get("scp"))
    values = found.split(" ") if isinstance(found, str) else found
    if not isinstance(values, list):
        return frozenset()
    return frozenset(value for value in values if isinstance(value, str) and value)
