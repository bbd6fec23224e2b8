"""Signed tokens (JWS, compact): which key fits, and what a good signature stands under.

Signatures are checked by PyJWT, which is loaded when the first token is; header and payload are
parsed by us, strictly, so that no member stands there twice. Sources: RFC 7515; RFC 7518,
section 3.1; RFC 8725.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from portcullis import strictjson
from portcullis.errors import StrictJsonError, TokenError
from portcullis.values import JsonObject

if TYPE_CHECKING:
    from jwt import PyJWK

LEEWAY_SECONDS: Final = 60
MAXIMUM_LENGTH: Final = 32_768
# Never `none`, and no algorithm whose key is a secret. Each with its type of key, and its curve.
ALGORITHMS: Final[Mapping[str, tuple[str, str | None]]] = {
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
}
# Header members by which a token would bring its own key, or rules that we do not know.
_REFUSED: Final = ("crit", "jku", "jwk", "x5u")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedToken:
    """A token whose signature holds."""

    header: JsonObject
    payload: JsonObject


def fitting_keys(token: str, keys: Sequence[Mapping[str, Any]]) -> list["PyJWK"]:
    """The keys of a key set that a token may be signed with; none where it names another.

    Raises:
        TokenError: the token is not one, or is signed in a way that proves nothing.
    """
    from jwt import PyJWK, PyJWTError  # noqa: PLC0415 - most cold starts see no token

    header = _header(token)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenError("the token is not signed in a way that we accept")
    if any(name in header for name in _REFUSED):
        raise TokenError("the token's header says where its key is, or what must be understood")
    fitting = [key for key in keys if _fits(key, algorithm, header.get("kid"))]
    try:
        return [PyJWK(dict(key), algorithm) for key in fitting]
    except PyJWTError as error:
        raise TokenError("the issuer's key cannot be used") from error


def read_signed(token: str, key: "PyJWK") -> SignedToken:
    """Answer what a token says, where the key has signed it.

    Raises:
        TokenError: it has not, or what it signed is no JSON object.
    """
    from jwt import PyJWS, PyJWTError  # noqa: PLC0415 - as above

    try:
        found = PyJWS().decode_complete(
            token,
            key,
            algorithms=[key.algorithm_name],
            options={"verify_signature": True, "enforce_minimum_key_length": True},
        )
    except PyJWTError as error:
        raise TokenError("the token's signature does not hold") from error
    return SignedToken(header=_header(token), payload=_object(found["payload"]))


def require_now(claims: Mapping[str, Any], now_seconds: int) -> None:
    """See that a token is valid now, give or take a minute.

    Raises:
        TokenError: it is over, does not hold yet, or does not say.
    """
    expires = instant(claims, "exp")
    begins = [instant(claims, name) for name in ("iat", "nbf") if name in claims]
    if expires <= now_seconds - LEEWAY_SECONDS:
        raise TokenError("the token is over")
    if max(begins, default=0) > now_seconds + LEEWAY_SECONDS:
        raise TokenError("the token is not valid yet")


def instant(claims: Mapping[str, Any], name: str) -> float:
    """The time a claim tells, in epoch seconds.

    Raises:
        TokenError: it tells none.
    """
    value = claims.get(name)
    if value is None or isinstance(value, bool | str | list | dict):
        raise TokenError("the token has a time that is none")
    return float(value)


def _header(token: str) -> JsonObject:
    if len(token) > MAXIMUM_LENGTH:
        raise TokenError("the token is too long")
    encoded, dot, _ = token.partition(".")
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise TokenError("the token cannot be read") from error
    if not dot:
        raise TokenError("the token cannot be read")
    return _object(raw)


def _object(raw: bytes) -> JsonObject:
    try:
        tree = strictjson.parse(raw)
    except StrictJsonError as error:
        raise TokenError("the token cannot be read") from error
    if not isinstance(tree, dict):
        raise TokenError("the token cannot be read")
    return tree


def _fits(key: Mapping[str, Any], algorithm: str, key_id: object) -> bool:
    kind, curve = ALGORITHMS[algorithm]
    is_for_signing = key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm
    is_of_type = key.get("kty") == kind and (curve is None or key.get("crv", curve) == curve)
    return is_for_signing and is_of_type and (key_id is None or key.get("kid") == key_id)
