"""Clients that know nothing but a URL find the issuer, get a token there, and are let in."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from mcp.client.auth import TokenStorage
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from conformance.stack import local_stack
from e2e.agents import CLIENT_SECONDS, NODE, run_node
from e2e.running_stack import RunningStack
from support.http_calls import post
from support.oidc_provider import OidcProvider, new_rsa_key, oidc_provider

SERVER: Final = "amazon-mq"
MACHINE, SECRET = "build-agent", "machine-secret"
POLICY: Final = """\
version: "1"
default: deny
tools:
  list_brokers:
    action: allow
    when:
      - {path: principal.groups, op: contains, value: agents}
      - {path: principal.tags.team, op: eq, value: payments}
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with oidc_provider(new_rsa_key()) as provider:
        provider.machines[MACHINE] = SECRET
        # The Python client asks for what the issuer lists, where the 401 names no scope.
        provider.metadata = {"scopes_supported": ["openid", f"mcp:{SERVER}"]}
        provider.claims = {
            "groups": ["agents"],
            "https://sts.amazonaws.com/": {"principal_tags": {"team": "payments"}},
        }
        yield provider


@pytest.fixture(scope="module")
def stack(
    provider: OidcProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningStack]:
    policies = tmp_path_factory.mktemp("policies")
    (policies / f"{SERVER}.yaml").write_text(POLICY)
    parameters = {
        "Identity": "grants,jwt",
        "JwtIssuer": provider.url,
        "JwtScopePrefix": "mcp:",
    }
    with local_stack({}, Path(policies), PARAMETERS=json.dumps(parameters)) as ready:
        yield RunningStack(ready)


class InMemory(TokenStorage):
    """Keeps what the client is given."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """A client of ours is registered already."""


async def python_tools(url: str, issuer: str) -> tuple[list[str], bool]:
    auth = ClientCredentialsOAuthProvider(
        url, InMemory(), MACHINE, SECRET, issuer=issuer, scope=f"mcp:{SERVER}"
    )
    async with (
        httpx2.AsyncClient(auth=auth, timeout=CLIENT_SECONDS) as http,
        Client(streamable_http_client(url, http_client=http), mode="auto") as client,
    ):
        listed = await client.list_tools()
        answer = await client.call_tool("list_brokers", {"region": "us-east-1"})
        return [tool.name for tool in listed.tools], answer.is_error


def test_the_python_client_finds_the_issuer_and_calls_a_tool(
    stack: RunningStack, provider: OidcProvider
) -> None:
    url = stack.ready["mcp_urls"][SERVER]
    tools, is_error = asyncio.run(python_tools(url, provider.url))
    assert "list_brokers" in tools
    assert not is_error


@pytest.mark.node
@pytest.mark.usefixtures("node_packages")
@pytest.mark.parametrize("sdk", ["v1", "v2"])
def test_the_typescript_clients_find_the_issuer_and_list_the_tools(
    stack: RunningStack, provider: OidcProvider, sdk: str
) -> None:
    task = {
        "url": stack.ready["mcp_urls"][SERVER],
        "sdk": sdk,
        "clientId": MACHINE,
        "clientSecret": SECRET,
        "issuer": provider.url,
        "scope": f"mcp:{SERVER}",
    }
    answer = json.loads(run_node([str(NODE / "oauth_client.mjs")], given=json.dumps(task)))
    assert "list_brokers" in answer["tools"]


def ask(url: str, token: str | None = None, *, method: str = "POST") -> Any:
    headers = {"content-type": "application/json"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    return post(url, b"{}", headers, method=method)


def test_F01_a_refusal_says_where_the_issuer_is_found(
    stack: RunningStack, provider: OidcProvider
) -> None:
    url = stack.ready["mcp_urls"][SERVER]
    base = url.removesuffix(f"/mcp/{SERVER}")
    for token in (None, "x", "e30.e30.e30"):
        status, headers, _ = ask(url, token)
        assert status == 401
        found = f'Bearer resource_metadata="{base}/.well-known/oauth-protected-resource"'
        assert headers["www-authenticate"] == found
    for path, resource in (("", base), (f"/mcp/{SERVER}", url)):
        status, _, body = post(f"{base}/.well-known/oauth-protected-resource{path}", method="GET")
        told = json.loads(body)
        assert (status, told["resource"]) == (200, resource)
        assert told["authorization_servers"] == [provider.url]


def test_F02_a_token_for_another_server_is_refused_and_one_without_the_scope_is_told_so(
    stack: RunningStack, provider: OidcProvider
) -> None:
    url = stack.ready["mcp_urls"][SERVER]
    now = int(time.time())
    claims = {"iss": provider.url, "sub": "7", "aud": url, "iat": now, "exp": now + 60}
    status, _, _ = ask(url, provider.sign({**claims, "aud": f"{url}x", "scope": f"mcp:{SERVER}"}))
    assert status == 401
    status, headers, _ = ask(url, provider.sign({**claims, "scope": "openid"}))
    assert status == 403
    assert headers["www-authenticate"].startswith('Bearer error="insufficient_scope", ')


def test_grants_go_on_beside_tokens(stack: RunningStack) -> None:
    endpoint = stack.endpoint(SERVER)
    status, _, body = post(
        endpoint.url,
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode(),
        {
            **endpoint.headers,
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
            "mcp-protocol-version": "2025-11-25",
        },
    )
    assert (status, json.loads(body)["result"]) == (200, {})
