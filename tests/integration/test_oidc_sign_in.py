"""Signing in at a real little OpenID Connect provider, over HTTP, and every way to be refused."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from portcullis.adapters.oidc_issuer import METADATA_SECONDS, OidcIssuer, is_safe
from portcullis.console.routes import find_route
from portcullis.errors import IssuerUnavailableError
from support.approval_records import Clock
from support.console_fakes import Answer, Browser, ConsoleWorld
from support.http_calls import post
from support.oidc_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    OidcProvider,
    Person,
    SigningKey,
    new_ec_key,
    new_rsa_key,
    oidc_provider,
    signed,
)
from support.takes import START_SECONDS

SESSION = "__Host-portcullis"
Claims = dict[str, Any]


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return new_rsa_key()


@pytest.fixture(scope="module")
def other_key() -> SigningKey:
    return new_rsa_key("other")


@pytest.fixture
def provider(key: SigningKey) -> Iterator[OidcProvider]:
    with oidc_provider(key) as provider:
        provider.now = START_SECONDS
        yield provider


def make_issuer(provider: OidcProvider, **changes: Any) -> OidcIssuer:
    settings: dict[str, Any] = {
        "client_id": CLIENT_ID,
        "client_secret": lambda: CLIENT_SECRET,
        "groups_claim": "groups",
        "clock": Clock(),
    }
    return OidcIssuer(provider.url, **{**settings, **changes})


@pytest.fixture
def world(provider: OidcProvider) -> ConsoleWorld:
    return ConsoleWorld(issuer=make_issuer(provider))


def go(browser: Browser) -> str:
    """Go to the provider and be sent back; answer the target of the way back."""
    there = browser.get("/approvals/oidc/start").header("location")
    _, headers, _ = post(there, method="GET")
    back = urlsplit(headers["location"])
    assert back.netloc == "gate.example"
    assert find_route(back.path.removeprefix("/prod"))
    return f"{back.path.removeprefix('/prod')}?{back.query}"


def sign_in(browser: Browser) -> Answer:
    return browser.get(go(browser), sec_fetch_site="cross-site")


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


# ---------------------------------------------------------------- keys that change, faults


def test_a_new_key_is_found_when_it_is_first_used(
    provider: OidcProvider, key: SigningKey, other_key: SigningKey
) -> None:
    clock = Clock()
    world = ConsoleWorld(issuer=make_issuer(provider, clock=clock))
    assert sign_in(world.browser()).status == 200
    provider.keys = [other_key, key]
    assert sign_in(world.browser()).status == 403  # asked a moment ago; not again at once
    clock.seconds = 10
    provider.now = START_SECONDS + 10
    assert sign_in(world.browser()).status == 200
    assert provider.requests.count("/keys") == 2


def test_a_dropped_key_is_forgotten_with_the_next_reading(
    provider: OidcProvider, key: SigningKey, other_key: SigningKey
) -> None:
    clock = Clock()
    world = ConsoleWorld(issuer=make_issuer(provider, clock=clock))
    sign_in(world.browser())
    clock.seconds = METADATA_SECONDS
    provider.now = START_SECONDS + METADATA_SECONDS
    provider.keys = [other_key]
    provider.forge = lambda claims: signed(claims, key)
    browser = world.browser()
    world.clock.seconds = METADATA_SECONDS
    assert sign_in(browser).status == 403


def test_a_token_that_names_no_key_needs_the_only_one(
    provider: OidcProvider, key: SigningKey, other_key: SigningKey
) -> None:
    provider.forge = lambda claims: signed(claims, key, kid=None)
    assert sign_in(ConsoleWorld(issuer=make_issuer(provider)).browser()).status == 200
    provider.keys = [key, other_key]
    assert sign_in(ConsoleWorld(issuer=make_issuer(provider)).browser()).status == 403


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token"])
@pytest.mark.parametrize("status", [500, 503, 429, 404, 302])
def test_a_provider_that_fails_lets_nobody_in(
    world: ConsoleWorld, provider: OidcProvider, path: str, status: int
) -> None:
    provider.status[path] = status
    browser = world.browser()
    if path.startswith("/.well-known"):
        assert browser.get("/approvals/oidc/start").status == 503
    else:
        is_refusal = path == "/token" and status in (404, 302)
        assert sign_in(browser).status == (403 if is_refusal else 503)
    assert SESSION not in browser.cookies


def test_a_provider_that_is_gone_lets_nobody_in(key: SigningKey) -> None:
    with ExitStack() as stack:
        provider = stack.enter_context(oidc_provider(key))
        provider.now = START_SECONDS
        world = ConsoleWorld(issuer=make_issuer(provider))
        browser = world.browser()
        back = go(browser)
        stack.close()
        assert browser.get(back).status == 503
        fresh = ConsoleWorld(issuer=make_issuer(provider))
        assert fresh.browser().get("/approvals/oidc/start").status == 503
    assert SESSION not in browser.cookies


UNUSABLE: dict[str, Claims] = {
    "another issuer": {"issuer": "https://evil.example"},
    "a slash more": {"issuer": "http://127.0.0.1/"},
    "no token endpoint": {"token_endpoint": None},
    "a foreign scheme": {"authorization_endpoint": "javascript:alert(1)"},
    "plain http elsewhere": {"jwks_uri": "http://id.example/keys"},
    "user info": {"token_endpoint": "https://u:p@id.example/token"},
    "no URL": {"token_endpoint": "https://[::1/token"},
}


@pytest.mark.parametrize("metadata", UNUSABLE.values(), ids=UNUSABLE)
def test_a_provider_that_describes_another_is_not_used(
    world: ConsoleWorld, provider: OidcProvider, metadata: Claims
) -> None:
    provider.metadata = metadata
    assert world.browser().get("/approvals/oidc/start").status == 503


@pytest.mark.parametrize("said", ["no JSON", "[]", '{"issuer": "a", "issuer": "b"}'])
def test_a_provider_that_speaks_something_else_is_not_used(
    world: ConsoleWorld, provider: OidcProvider, said: str
) -> None:
    provider.raw = said
    assert world.browser().get("/approvals/oidc/start").status == 503


@pytest.mark.parametrize("keys", [{"keys": "x"}, {}, {"keys": [1, {"kty": "RSA"}]}])
def test_keys_that_are_none_prove_nothing(
    world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any]
) -> None:
    read = OidcIssuer._get
    monkeypatch.setattr(
        OidcIssuer,
        "_get",
        lambda self, url: keys if url.endswith("/keys") else read(self, url),
    )
    browser = world.browser()
    assert sign_in(browser).status in (403, 503)
    assert SESSION not in browser.cookies


def test_an_https_issuer_is_never_left_for_http(provider: OidcProvider) -> None:
    issuer = OidcIssuer(
        "https://127.0.0.1:1", client_id="c", client_secret=None, groups_claim="", clock=Clock()
    )
    described = {**provider.describe(), "issuer": "https://127.0.0.1:1"}
    with pytest.raises(IssuerUnavailableError, match="is not one that we use"):
        issuer._to_metadata(described)


def test_an_authorization_endpoint_may_have_a_query_of_its_own(
    world: ConsoleWorld, provider: OidcProvider
) -> None:
    provider.metadata = {"authorization_endpoint": f"{provider.url}/authorize?tenant=1"}
    location = world.browser().get("/approvals/oidc/start").header("location")
    assert location.startswith(f"{provider.url}/authorize?tenant=1&response_type=code&")


@pytest.mark.parametrize(
    "url, is_good",
    [
        ("https://id.example", True),
        ("https://id.example:8443/a?b=c", True),
        ("http://127.0.0.1:9", True),
        ("http://localhost", True),
        ("http://[::1]:9", True),
        ("http://id.example", False),
        ("ftp://id.example", False),
        ("https://", False),
        ("https://u@id.example", False),
        ("https://id.example#f", False),
        ("id.example", False),
    ],
)
def test_only_https_and_the_loopback_address_are_safe(url: str, is_good: bool) -> None:
    assert is_safe(url) is is_good


def test_nothing_of_a_sign_in_is_in_the_log(world: ConsoleWorld, provider: OidcProvider) -> None:
    tokens: list[str] = []
    key = provider.keys[0]

    def remembered(claims: Claims) -> str:
        tokens.append(signed(claims, key))
        return tokens[-1]

    provider.forge = remembered
    browser = world.browser()
    back = go(browser)
    browser.get(back)
    text = str(world.log.records)
    for secret in (*tokens, CLIENT_SECRET, back.partition("code=")[2][:6], "bob@example.com"):
        assert secret not in text
