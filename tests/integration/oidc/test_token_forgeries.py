"""F-02: forged tokens, tokens for somebody else, and tokens that are no access tokens."""

import base64
import hmac
import json
from collections.abc import Callable

import jwt
import pytest

from portcullis.adapters.signed_token import LEEWAY_SECONDS
from portcullis.entrypoints.authorizer import Desk
from support.access_tokens import (
    BASE,
    Claims,
    access_claims,
    access_token,
    assert_unauthorized,
    effect,
)
from support.oidc_provider import OidcProvider, new_rsa_key
from support.takes import START_SECONDS


def forged_none(provider: OidcProvider) -> str:
    return jwt.encode(access_claims(provider), "", algorithm="none", headers={"kid": "one"})


def forged_with_the_public_key(provider: OidcProvider) -> str:
    public = json.dumps(provider.keys[0].public()).encode()
    parts = [{"alg": "HS256", "typ": "JWT", "kid": "one"}, access_claims(provider)]
    text = b".".join(_encode(json.dumps(part).encode()) for part in parts)
    return (text + b"." + _encode(hmac.digest(public, text, "sha256"))).decode()


def forged_payload(provider: OidcProvider) -> str:
    head, _, tail = access_token(provider).split(".")
    claims = json.dumps({**access_claims(provider), "sub": "8"})
    return f"{head}.{_encode(claims.encode()).decode()}.{tail}"


def twice(provider: OidcProvider) -> str:
    text = json.dumps(access_claims(provider))
    payload = (text[:-1] + ', "sub": "8"}').encode()
    key = provider.keys[0]
    return jwt.PyJWS().encode(payload, key.key, algorithm="RS256", headers={"kid": key.kid})


def no_object(provider: OidcProvider) -> str:
    key = provider.keys[0]
    return jwt.PyJWS().encode(b"[]", key.key, algorithm="RS256", headers={"kid": key.kid})


def _encode(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


FORGED: dict[str, Callable[[OidcProvider], str]] = {
    "alg none": forged_none,
    "HS256 with the public key": forged_with_the_public_key,
    "changed payload": forged_payload,
    "duplicate claim": twice,
    "no object": no_object,
    "no token": lambda _: "a",
    "two parts": lambda _: "e30.e30",
    "no base64": lambda _: "e3=0.e30.e30",
    "header no json": lambda _: "YQ.e30.e30",
    "header no object": lambda _: "W10.e30.e30",
    "too long": lambda provider: access_token(provider, x="x" * 30_000),
    "key by path": lambda provider: access_token(provider, header={"kid": "../../one"}),
    "jku": lambda provider: access_token(provider, header={"jku": "https://evil.example"}),
    "x5u": lambda provider: access_token(provider, header={"x5u": "https://evil.example"}),
    "own key": lambda provider: access_token(provider, header={"jwk": {}}),
    "crit": lambda provider: access_token(provider, header={"crit": ["exp"]}),
    "attacker's key": lambda provider: access_token(provider, key=new_rsa_key("one")),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=[f"F02-{name}" for name in FORGED])
def test_a_forged_token_opens_nothing(
    desk: Desk, provider: OidcProvider, forge: Callable[[OidcProvider], str]
) -> None:
    assert_unauthorized(desk, forge(provider))


WRONG: dict[str, Claims] = {
    "expired beyond the leeway": {"exp": START_SECONDS - LEEWAY_SECONDS},
    "not yet": {"nbf": START_SECONDS + LEEWAY_SECONDS + 1},
    "issued in the future": {"iat": START_SECONDS + LEEWAY_SECONDS + 1},
    "no expiry": {"exp": ...},
    "expiry text": {"exp": str(START_SECONDS + 300)},
    "expiry true": {"exp": True},
    "iat null": {"iat": None},
    "another server": {"aud": f"{BASE}/mcp/aws-iam"},
    "longer than the URL": {"aud": f"{BASE}/mcp/amazon-mq/x"},
    "no audience": {"aud": ...},
    "audience number": {"aud": 1},
    "audience of objects": {"aud": [{}]},
    "no issuer": {"iss": ...},
    "another issuer": {"iss": "https://evil.example"},
    "no subject": {"sub": ..., "client_id": ...},
    "empty subject": {"sub": ""},
    "subject number": {"sub": 7},
    "id token by nonce": {"nonce": "n"},
    "id token by hash": {"at_hash": "h"},
    "cognito id token": {"token_use": "id"},
    "keycloak id token": {"typ": "ID"},
    "keycloak refresh token": {"typ": "Refresh"},
    "bound to a key": {"cnf": {"jkt": "x"}},
}


@pytest.mark.parametrize("claims", WRONG.values(), ids=[f"F02-{name}" for name in WRONG])
def test_a_token_that_says_something_else_opens_nothing(
    desk: Desk, provider: OidcProvider, claims: Claims
) -> None:
    assert_unauthorized(desk, access_token(provider, **claims))


def test_F02_an_issuer_is_compared_to_the_last_slash(desk: Desk, provider: OidcProvider) -> None:
    assert_unauthorized(desk, access_token(provider, iss=f"{provider.url}/"))


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "JWT", None])
def test_types_of_access_tokens_are_accepted(
    desk: Desk, provider: OidcProvider, typ: str | None
) -> None:
    assert effect(desk, access_token(provider, header={"typ": typ})) == "Allow"


@pytest.mark.parametrize("typ", ["logout+jwt", "secevent+jwt", "dpop+jwt"])
def test_F02_other_types_of_tokens_are_refused(
    desk: Desk, provider: OidcProvider, typ: str
) -> None:
    assert_unauthorized(desk, access_token(provider, header={"typ": typ}))


def test_keycloak_s_access_tokens_may_carry_a_nonce(desk: Desk, provider: OidcProvider) -> None:
    assert effect(desk, access_token(provider, typ="Bearer", nonce="n")) == "Allow"


@pytest.mark.parametrize(
    "claims",
    [{"exp": START_SECONDS - LEEWAY_SECONDS + 1}, {"nbf": START_SECONDS + LEEWAY_SECONDS}],
)
def test_P16_clocks_may_differ_by_a_minute(
    desk: Desk, provider: OidcProvider, claims: Claims
) -> None:
    assert effect(desk, access_token(provider, **claims)) == "Allow"
