"""A provider that changes its keys, fails, or describes itself as another; and what is logged."""

from contextlib import ExitStack
from typing import Any

import pytest

from portcullis.adapters.issuer_http import IssuerHttp, is_safe
from portcullis.adapters.issuer_keys import METADATA_SECONDS, IssuerKeys
from portcullis.errors import IssuerUnavailableError
from support.approval_records import Clock
from support.console_fakes import ConsoleWorld
from support.oidc_provider import (
    CLIENT_SECRET,
    OidcProvider,
    SigningKey,
    oidc_provider,
    signed,
)
from support.oidc_sign_in import SESSION, Claims, go, make_issuer, sign_in
from support.takes import START_SECONDS


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
    read = IssuerHttp.get
    monkeypatch.setattr(
        IssuerHttp,
        "get",
        lambda self, url: keys if url.endswith("/keys") else read(self, url),
    )
    browser = world.browser()
    assert sign_in(browser).status in (403, 503)
    assert SESSION not in browser.cookies


def test_an_https_issuer_is_never_left_for_http(
    provider: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer = "https://127.0.0.1:1"
    described = {**provider.describe(), "issuer": issuer}
    monkeypatch.setattr(IssuerHttp, "get", lambda *_: described)
    with pytest.raises(IssuerUnavailableError, match="is not one that we use"):
        IssuerKeys(issuer, clock=Clock()).endpoint("jwks_uri")


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
