"""Signing in at the tests' own OpenID Connect provider, as a browser does."""

from typing import Any
from urllib.parse import urlsplit

from portcullis.adapters.oidc_issuer import OidcIssuer
from portcullis.console.routes import find_route
from support.approval_records import Clock
from support.console_fakes import Answer, Browser
from support.http_calls import post
from support.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider

SESSION = "__Host-portcullis"
Claims = dict[str, Any]


def make_issuer(provider: OidcProvider, **changes: Any) -> OidcIssuer:
    settings: dict[str, Any] = {
        "client_id": CLIENT_ID,
        "client_secret": lambda: CLIENT_SECRET,
        "groups_claim": "groups",
        "clock": Clock(),
    }
    return OidcIssuer(provider.url, **{**settings, **changes})


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
