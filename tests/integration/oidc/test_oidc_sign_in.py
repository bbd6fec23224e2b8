"""Signing in at a real little OpenID Connect provider, over HTTP, and every way to be refused."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from support.console_fakes import ConsoleWorld
from support.oidc_provider import (
    CLIENT_ID,
    OidcProvider,
    Person,
    SigningKey,
    new_ec_key,
    new_rsa_key,
    signed,
)
from support.oidc_sign_in import SESSION, Claims, go, make_issuer, sign_in
from support.takes import START_SECONDS


def test_a_person_signs_in_and_decides(world: ConsoleWorld, provider: OidcProvider) -> None:
    record = world.ask()
    browser = world.browser()
    assert sign_in(browser).status == 200
    assert browser.decide(record, "approve").status == 303
    (vote,) = world.record(record).approvals
    assert (vote.person, vote.subject, vote.groups) == ("bob@example.com", "7", ("platform",))
    assert vote.key == f"{len(provider.url)}:{provider.url}|7"


def test_what_is_asked_of_the_provider_is_what_it_needs(
    world: ConsoleWorld, provider: OidcProvider
) -> None:
    sign_in(world.browser())
    (asked,) = provider.authorized
    assert asked["response_type"] == "code"
    assert asked["client_id"] == CLIENT_ID
    assert asked["scope"] == "openid email groups"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "https://gate.example/prod/approvals/oidc/callback"
    assert provider.requests == [
        "/.well-known/openid-configuration", "/authorize", "/token", "/keys",
    ]  # fmt: skip
    sign_in(world.browser())
    assert provider.requests[4:] == ["/authorize", "/token"]  # the rest is known


def test_a_public_client_and_a_curve_work_as_well(provider: OidcProvider) -> None:
    provider.needs_secret = False
    provider.keys = [new_ec_key()]
    issuer = make_issuer(provider, client_secret=None, groups_claim="")
    world = ConsoleWorld(issuer=issuer)
    browser = world.browser()
    assert sign_in(browser).status == 200
    assert "Signed in as bob@example.com" in browser.get("/approvals").text
    assert provider.authorized[0]["scope"] == "openid email"


@pytest.mark.parametrize("verified", [False, "true", None, 1, ...])
def test_an_address_that_nobody_verified_is_nobody_s(
    world: ConsoleWorld, provider: OidcProvider, verified: object
) -> None:
    provider.person = Person(email="carol@example.com", email_verified=verified, groups=[])
    record = world.ask()
    browser = world.browser()
    assert sign_in(browser).status == 200
    assert f"Signed in as {provider.url} 7" in browser.get("/approvals").text
    assert browser.open(record).status == 404


def test_groups_are_the_claim_s_and_no_more(world: ConsoleWorld, provider: OidcProvider) -> None:
    provider.claims = {"groups": ..., "roles": ["platform"]}
    browser = world.browser()
    assert sign_in(browser).status == 200
    assert browser.open(world.ask()).status == 404


# ---------------------------------------------------------------- tokens that prove nothing


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def with_none(claims: Claims) -> str:
    head = json.dumps({"alg": "none", "kid": "one"}).encode()
    return f"{b64(head)}.{b64(json.dumps(claims).encode())}."


def forgeries(key: SigningKey, other: SigningKey) -> dict[str, Callable[[Claims], str]]:
    def unsigned(claims: Claims) -> str:
        return signed(claims, key).rpartition(".")[0] + "."

    def with_hmac(claims: Claims) -> str:
        """The provider's public key as the secret of an HMAC."""
        head = b64(json.dumps({"alg": "HS256", "kid": "one"}).encode())
        text = f"{head}.{b64(json.dumps(claims).encode())}"
        secret = json.dumps(key.public()).encode()
        return f"{text}.{b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"

    def tampered(claims: Claims) -> str:
        head, _, tail = signed(claims, key).split(".")
        return f"{head}.{b64(json.dumps({**claims, 'sub': 'eve'}).encode())}.{tail}"

    def own_key(claims: Claims) -> str:
        return signed(claims, other, kid="one", jwk=other.public())

    return {
        "alg none": with_none,
        "unsigned": unsigned,
        "HMAC with the public key": with_hmac,
        "tampered": tampered,
        "own key in the header": own_key,
        "another key": lambda claims: signed(claims, other),
        "another key under our key's name": lambda claims: signed(claims, other, kid="one"),
        "RS512": lambda claims: signed(
            claims, SigningKey(key=key.key, kid=key.kid, algorithm="RS512")
        ),
        "no token": lambda _: "no token",
        "empty": lambda _: "",
        "too long": lambda claims: signed({**claims, "x": "x" * 40_000}, key),
        "a list": lambda _: signed_text(key, b"[]"),
    }


def signed_text(key: SigningKey, payload: bytes) -> str:
    from jwt import PyJWS  # noqa: PLC0415 - for this one forgery

    return PyJWS().encode(payload, key.key, algorithm="RS256", headers={"kid": key.kid})


FORGERIES = list(forgeries(new_rsa_key(), new_rsa_key()))


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_lets_nobody_in(
    world: ConsoleWorld,
    provider: OidcProvider,
    key: SigningKey,
    other_key: SigningKey,
    name: str,
) -> None:
    provider.forge = forgeries(key, other_key)[name]
    browser = world.browser()
    assert sign_in(browser).status == 403
    assert SESSION not in browser.cookies
    assert world.log.outcomes == ["sign_in_refused"]


NOW = START_SECONDS
WRONG_CLAIMS: dict[str, Claims] = {
    "another nonce": {"nonce": "n"},
    "no nonce": {"nonce": ...},
    "a nonce that is no text": {"nonce": 1},
    "another client": {"aud": "other"},
    "no audience": {"aud": ...},
    "several audiences, no party": {"aud": [CLIENT_ID, "other"]},
    "several audiences, another party": {"aud": [CLIENT_ID, "other"], "azp": "other"},
    "another party": {"azp": "other"},
    "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": ...},
    "issuer with a slash": {"iss": "http://127.0.0.1/"},
    "over": {"exp": NOW - 60},
    "no end": {"exp": ...},
    "an end that is no time": {"exp": "tomorrow"},
    "true as an end": {"exp": True},
    "issued in the future": {"iat": NOW + 61},
    "not valid yet": {"nbf": NOW + 61},
    "an old one": {"iat": NOW - 601},
    "no subject": {"sub": ...},
    "an empty subject": {"sub": ""},
    "a subject that is no text": {"sub": 7},
    "groups as text": {"groups": "platform"},
    "groups that are no names": {"groups": ["platform", 1]},
}


@pytest.mark.parametrize("claims", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
def test_a_true_token_with_a_wrong_claim_lets_nobody_in(
    world: ConsoleWorld, provider: OidcProvider, claims: Claims
) -> None:
    provider.claims = claims
    browser = world.browser()
    assert sign_in(browser).status == 403
    assert SESSION not in browser.cookies


GOOD_CLAIMS: dict[str, Claims] = {
    "several audiences, our party": {"aud": [CLIENT_ID, "other"], "azp": CLIENT_ID},
    "one audience in a list": {"aud": [CLIENT_ID]},
    "just over, within the leeway": {"exp": NOW - 59},
    "just ahead, within the leeway": {"iat": NOW + 60, "nbf": NOW + 60},
    "no address": {"email": ..., "email_verified": ...},
}


@pytest.mark.parametrize("claims", GOOD_CLAIMS.values(), ids=GOOD_CLAIMS)
def test_what_the_specification_allows_is_let_in(
    world: ConsoleWorld, provider: OidcProvider, claims: Claims
) -> None:
    provider.claims = claims
    assert sign_in(world.browser()).status == 200


def test_a_short_key_proves_nothing(provider: OidcProvider) -> None:
    short = new_rsa_key("one", bits=1024)

    def by_hand(claims: Claims) -> str:
        """PyJWT would warn of the key."""
        assert isinstance(short.key, RSAPrivateKey)
        head = b64(json.dumps({"alg": "RS256", "kid": "one"}).encode())
        text = f"{head}.{b64(json.dumps(claims).encode())}"
        return f"{text}.{b64(short.key.sign(text.encode(), PKCS1v15(), SHA256()))}"

    provider.keys, provider.forge = [short], by_hand
    world = ConsoleWorld(issuer=make_issuer(provider))
    assert sign_in(world.browser()).status == 403


# ---------------------------------------------------------------- codes and states


def test_a_code_counts_once_whoever_brings_it(world: ConsoleWorld) -> None:
    browser = world.browser()
    back = go(browser)
    cookies = dict(browser.cookies)
    assert browser.get(back).status == 200
    thief = world.browser()
    thief.cookies = cookies  # whoever stole the cookie of the way there
    assert thief.get(back).status == 403
    assert SESSION not in thief.cookies


def test_a_code_of_another_browser_is_worth_nothing(world: ConsoleWorld) -> None:
    victim, attacker = world.browser(), world.browser()
    stolen = go(victim)
    own = go(attacker)
    code = stolen.partition("code=")[2].partition("&")[0]
    mixed = f"{own.partition('?')[0]}?code={code}&state={own.partition('state=')[2]}"
    assert attacker.get(mixed).status == 403
    assert SESSION not in attacker.cookies


def test_an_invented_code_is_refused(world: ConsoleWorld) -> None:
    browser = world.browser()
    back = go(browser)
    state = back.partition("state=")[2]
    assert browser.get(f"/approvals/oidc/callback?code=x&state={state}").status == 403
