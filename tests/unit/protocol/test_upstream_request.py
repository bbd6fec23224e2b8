"""What goes upstream is ours: body, headers, nothing of the client's message (2.M; A1.5, A2)."""

import json
from typing import Any

import pytest

from portcullis.protocol.http import HttpRequest
from portcullis.protocol.inbound import classify
from portcullis.protocol.messages import Notification, Request
from portcullis.protocol.methods import METHODS
from portcullis.protocol.upstream_request import (
    notification_to_upstream,
    own_request,
    session_end_to_upstream,
    to_upstream,
)
from portcullis.protocol.versions import Era
from portcullis.values import JsonObject
from support.http_requests import (
    LEGACY,
    MODERN,
    Headers,
    admitted,
    http_post,
    legacy_request,
    modern_meta,
    modern_request,
)

ALWAYS = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "accept-encoding": "identity",
}
CLIENT_HEADERS: Headers = {
    "Authorization": "Bearer client",
    "Cookie": "a=b",
    "X-Forwarded-For": "127.0.0.1",
    "Forwarded": "for=x",
    "Connection": "Authorization",
    "Proxy-Authorization": "x",
    "Host": "evil.example",
    "Origin": "https://client.example",
    "Last-Event-ID": "7",
    "Accept-Encoding": "gzip",
    "X-HTTP-Method-Override": "DELETE",
    "X-Amz-Date": "x",
    "traceparent": "00-x",
    "Mcp-Param-Undeclared": "x",
}
SCHEMA: dict[str, Any] = {"properties": {"r": {"type": "string", "x-mcp-header": "Region"}}}


def test_M01_M02_a_modern_call_is_written_from_what_was_evaluated() -> None:
    headers: Headers = {**CLIENT_HEADERS, "Mcp-Session-Id": "client", "Mcp-Param-Region": "eu"}
    request = admitted(modern_request(params={"name": "get_info"}, headers=headers, id="a"))
    params: JsonObject = {**request.params, "arguments": {"r": "\u00e9", "z": [1]}, "stray": 1}
    sent, body = to_upstream(request, params=params, input_schema=SCHEMA)
    assert dict(sent) == {
        **ALWAYS,
        "mcp-protocol-version": MODERN,
        "mcp-method": "tools/call",
        "mcp-name": "get_info",
        "mcp-param-region": "=?base64?w6k=?=",
    }
    assert len(sent) == len(dict(sent))
    assert json.loads(body) == {
        "jsonrpc": "2.0",
        "id": "a",
        "method": "tools/call",
        "params": {
            "name": "get_info",
            "arguments": {"r": "\u00e9", "z": [1]},
            "_meta": modern_meta(),
        },
    }


def test_M01_M03_a_legacy_call_carries_the_upstreams_session_alone() -> None:
    request = admitted(legacy_request(headers=CLIENT_HEADERS))
    sent, body = to_upstream(
        request, params=request.params, upstream_session="up", upstream_version="2025-06-18"
    )
    assert dict(sent) == {**ALWAYS, "mcp-protocol-version": "2025-06-18", "mcp-session-id": "up"}
    assert json.loads(body)["params"] == {"name": "get_info", "arguments": {}}
    bare, _ = to_upstream(request, params=request.params)
    assert dict(bare) == ALWAYS


def test_a_modern_call_never_carries_a_session() -> None:
    request = admitted(modern_request())
    sent, _ = to_upstream(
        request, params=request.params, upstream_session="up", upstream_version=LEGACY
    )
    assert "mcp-session-id" not in dict(sent)
    assert dict(sent)["mcp-protocol-version"] == MODERN


def test_a_call_without_arguments_mirrors_none() -> None:
    request = admitted(modern_request())
    sent, _ = to_upstream(request, params={"name": "get_info"}, input_schema=SCHEMA)
    assert not any(name.startswith("mcp-param-") for name, _ in sent)


@pytest.mark.parametrize(
    "method, params, name",
    [
        ("resources/read", {"uri": "f://%C3%A9"}, "f://%C3%A9"),
        ("prompts/get", {"name": "f://\u00e9"}, "=?base64?ZjovL8Op?="),
        ("tools/list", {"cursor": "c"}, None),
        ("server/discover", {}, None),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "p"}, "argument": {}}, None),
    ],
)
def test_A2_11_the_name_header_goes_with_methods_that_name(
    method: str, params: dict[str, Any], name: str | None
) -> None:
    request = admitted(modern_request(method, params))
    sent, _ = to_upstream(request, params=request.params)
    assert dict(sent).get("mcp-name") == name
    assert dict(sent)["mcp-method"] == method


def test_what_is_sent_is_admitted_by_our_own_ladder() -> None:
    request = admitted(modern_request(params={"name": "get_info", "arguments": {"r": "eu"}}))
    sent, body = to_upstream(request, params=request.params, input_schema=SCHEMA)
    again = admitted(HttpRequest(method="POST", headers=sent, body=body))
    assert (again.params, again.param_headers) == (
        request.params,
        {"mcp-param-region": ("eu",)},
    )


def notification(method: str, params: dict[str, Any] | None) -> Notification:
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if params is not None:
        message["params"] = params
    headers: Headers = {**CLIENT_HEADERS, "MCP-Protocol-Version": LEGACY, "Mcp-Session-Id": "mine"}
    note = classify(http_post(json.dumps(message).encode(), headers))
    assert isinstance(note, Notification)
    return note


@pytest.mark.parametrize(
    "method, params",
    [("notifications/initialized", None), ("notifications/cancelled", {"requestId": 3})],
)
def test_B16_a_notification_goes_with_the_senders_own_upstream_session(
    method: str, params: dict[str, Any] | None
) -> None:
    sent, body = notification_to_upstream(
        notification(method, params), upstream_session="up", upstream_version=LEGACY
    )
    assert dict(sent) == {**ALWAYS, "mcp-protocol-version": LEGACY, "mcp-session-id": "up"}
    told = {} if params is None else {"params": params}
    assert json.loads(body) == {"jsonrpc": "2.0", "method": method, **told}


def test_the_end_of_a_session_names_the_upstreams_own() -> None:
    headers = session_end_to_upstream(upstream_session="up", upstream_version=LEGACY)
    assert dict(headers) == {"mcp-protocol-version": LEGACY, "mcp-session-id": "up"}


def test_an_own_modern_request_states_who_asks_and_no_capability() -> None:
    request = own_request("tools/list", version=MODERN, request_id=4, params={"cursor": "c"})
    sent, body = to_upstream(request, params=request.params)
    again = admitted(HttpRequest(method="POST", headers=sent, body=body))
    assert (again.era, again.id, again.client_capabilities) == (Era.MODERN, 4, {})
    assert again.params["cursor"] == "c"


def test_an_own_handshake_states_who_asks_and_no_capability() -> None:
    request = own_request("initialize", version="2025-11-25")
    assert request == Request(
        era=Era.LEGACY,
        version="2025-11-25",
        id=1,
        method=METHODS["initialize"],
        params={
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "portcullis", "version": "0.1.0"},
        },
    )


def test_an_own_legacy_request_has_the_params_it_is_given() -> None:
    assert own_request("tools/list", version=LEGACY).params == {}
