"""Signing in at an issuer on another site, with the cookies of a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from browser.console_server import ConsoleServer, console_server
from portcullis.adapters.oidc_issuer import OidcIssuer
from support.approval_records import Clock
from support.oidc_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    OidcProvider,
    new_rsa_key,
    oidc_provider,
)
from support.takes import START_SECONDS


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with oidc_provider(new_rsa_key()) as provider:
        provider.now = START_SECONDS
        # Another site than the console's, which is at 127.0.0.1.
        provider.url = provider.url.replace("127.0.0.1", "localhost")
        yield provider


@pytest.fixture
def server(provider: OidcProvider) -> Iterator[ConsoleServer]:
    issuer = OidcIssuer(
        provider.url,
        client_id=CLIENT_ID,
        client_secret=lambda: CLIENT_SECRET,
        groups_claim="groups",
        clock=Clock(),
    )
    with console_server(issuer) as server:
        yield server


@pytest.mark.parametrize("java_script", [True, False])
def test_a_person_signs_in_with_their_account_and_decides(
    chromium: Browser, server: ConsoleServer, java_script: bool
) -> None:
    record = server.world.ask()
    context = chromium.new_context(base_url=server.url, java_script_enabled=java_script)
    page = context.new_page()
    page.goto(f"/approvals/{record.id}")
    page.get_by_role("link", name="Sign in with your account").click()
    expect(page.get_by_text("Signed in as bob@example.com")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("put_user_policy")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Approved")).to_be_visible()
    cookies = {cookie.get("name"): cookie.get("sameSite") for cookie in context.cookies()}
    assert cookies == {"portcullis": "Strict", "portcullis-start": "Strict"}
    context.close()
