"""ID tokens of an OpenID Connect issuer: what they must be before anybody is let in.

Signatures and the shape of claims are checked by PyJWT; the times are checked here, against the
clock that everything else goes by. Sources: OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725;
RFC 7517.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from portcullis.errors import SignInError
from portcullis.policy.model import Principal

if TYPE_CHECKING:
    from jwt import PyJWK

ALGORITHMS: Final = {"RS256": "RSA", "ES256": "EC"}  # and the type of key that each needs
LEEWAY_SECONDS: Final = 60
MAXIMUM_AGE_SECONDS: Final = 600  # of a token that was just asked for
MAXIMUM_LENGTH: Final = 32_768
_REQUIRED = ("iss", "sub", "aud", "exp", "iat", "nonce")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token must say: by whom, for whom, in answer to what, when."""

    issuer: str
    client_id: str
    nonce: str
    now_seconds: int


def signing_keys(token: str, keys: Sequence[Mapping[str, Any]]) -> list["PyJWK"]:
    """The keys of a key set that a token may be signed with; none where it names another.

    Raises:
        SignInError: the token is not one, or is signed in a way that proves nothing.
    """
    from jwt import PyJWK, PyJWTError, get_unverified_header  # noqa: PLC0415 - few calls sign in

    if len(token) > MAXIMUM_LENGTH:
        raise SignInError("the id token is too long")
    try:
        header = get_unverified_header(token)
        algorithm = str(header.get("alg"))
        if algorithm not in ALGORITHMS:
            raise SignInError("the id token is not signed in a way that we accept")
        fitting = [key for key in keys if _fits(key, algorithm, header.get("kid"))]
        return [PyJWK(dict(key), algorithm) for key in fitting]
    except PyJWTError as error:
        raise SignInError("the id token cannot be read") from error


def read_id_token(token: str, key: "PyJWK", expected: Expected, *, groups_claim: str) -> Principal:
    """Answer the person whom a token names.

    Raises:
        SignInError: it is not the issuer's, not for us, not in answer to us, or not for now.
    """
    from jwt import PyJWTError, decode  # noqa: PLC0415 - as above

    try:
        claims = decode(
            token,
            key,
            algorithms=list(ALGORITHMS),
            audience=expected.client_id,
            issuer=expected.issuer,
            options={
                "require": list(_REQUIRED),
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "enforce_minimum_key_length": True,
            },
        )
    except PyJWTError as error:
        raise SignInError("the id token does not hold") from error
    _require_ours(claims, expected)
    _require_now(claims, expected.now_seconds)
    return _person(claims, groups_claim)


def _fits(key: Mapping[str, Any], algorithm: str, key_id: object) -> bool:
    is_for_signing = key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm
    is_of_type = key.get("kty") == ALGORITHMS[algorithm] and key.get("crv", "P-256") == "P-256"
    return is_for_signing and is_of_type and (key_id is None or key.get("kid") == key_id)


def _require_ours(claims: Mapping[str, Any], expected: Expected) -> None:
    nonce = claims["nonce"]
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode("utf-8", "surrogatepass"), expected.nonce.encode()
    ):
        raise SignInError("the id token answers another request")
    party = claims.get("azp")
    has_several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if party != expected.client_id and (party is not None or has_several):
        raise SignInError("the id token was given to somebody else")


def _require_now(claims: Mapping[str, Any], now_seconds: int) -> None:
    expires, issued = _instant(claims, "exp"), _instant(claims, "iat")
    begins = _instant(claims, "nbf") if "nbf" in claims else issued
    if expires <= now_seconds - LEEWAY_SECONDS:
        raise SignInError("the id token is over")
    if max(issued, begins) > now_seconds + LEEWAY_SECONDS:
        raise SignInError("the id token is not valid yet")
    if issued < now_seconds - MAXIMUM_AGE_SECONDS:
        raise SignInError("the id token is an old one")


def _instant(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SignInError("the id token has a time that is none")
    return float(value)


def _person(claims: Mapping[str, Any], groups_claim: str) -> Principal:
    issuer, subject, email = claims["iss"], claims["sub"], claims.get("email")
    if not isinstance(subject, str) or not subject:
        raise SignInError("the id token names nobody")
    is_verified = claims.get("email_verified") is True and isinstance(email, str) and email
    groups = claims.get(groups_claim, []) if groups_claim else []
    if not isinstance(groups, list) or not all(isinstance(one, str) for one in groups):
        raise SignInError("the id token's groups are no list of names")
    return Principal(
        issuer=str(issuer),
        subject=subject,
        person=str(email) if is_verified else f"{issuer} {subject}",
        groups=tuple(groups),
    )
