"""HTTP requests as MCP clients send them: valid by default, each part replaceable."""

import json
from typing import Any

from portcullis.protocol.header_codec import encode
from portcullis.protocol.http import HttpRequest
from portcullis.protocol.inbound import classify
from portcullis.protocol.messages import Request

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
NAMED_BY = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "resources/subscribe": "uri",
    "resources/unsubscribe": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}

Headers = dict[str, str | None]


def http_post(body: bytes, headers: Headers) -> HttpRequest:
    """A POST with the headers every client sends; None leaves one out."""
    merged: Headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        **headers,
    }
    pairs = tuple((name, value) for name, value in merged.items() if value is not None)
    return HttpRequest(method="POST", path="/mcp/mq", headers=pairs, body=body)


def modern_meta(**more: Any) -> dict[str, Any]:
    return {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        **more,
    }


def modern_request(
    method: str = "tools/call",
    params: dict[str, Any] | None = None,
    *,
    headers: Headers | None = None,
    meta: dict[str, Any] | None = None,
    **members: Any,
) -> HttpRequest:
    """A 2026-07-28 request whose headers agree with its body unless told otherwise."""
    own = {"name": "get_info", "arguments": {}} if params is None else params
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": method,
        "params": {**own, "_meta": modern_meta() if meta is None else meta},
        **members,
    }
    stated: Headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
    named = own.get(NAMED_BY.get(method, ""))
    if isinstance(named, str):
        stated["Mcp-Name"] = encode(named)
    return http_post(json.dumps(body).encode(), {**stated, **(headers or {})})


def legacy_request(
    method: str = "tools/call",
    params: dict[str, Any] | None = None,
    *,
    headers: Headers | None = None,
    **members: Any,
) -> HttpRequest:
    """A 2025-11-25 request within a session."""
    own = {"name": "get_info", "arguments": {}} if params is None else params
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": own, **members}
    stated: Headers = {"MCP-Protocol-Version": LEGACY, "Mcp-Session-Id": "v1.session"}
    return http_post(json.dumps(body).encode(), {**stated, **(headers or {})})


def admitted(request: HttpRequest) -> Request:
    """The request, which must be one that is admitted."""
    inbound = classify(request)
    assert isinstance(inbound, Request), inbound
    return inbound
