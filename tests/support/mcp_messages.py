"""Events for a host, and what its results say, in both eras of MCP."""

import json
from collections.abc import Mapping
from typing import Any

LEGACY = "2025-11-25"
MODERN = "2026-07-28"
ERAS = (LEGACY, MODERN)


def make_event(
    method: str,
    params: dict[str, Any] | None = None,
    *,
    era: str = MODERN,
    scope: str | None = None,
) -> dict[str, object]:
    """One JSON-RPC request as the gateway sends it to a host."""
    params = dict(params or {})
    headers = [
        ["content-type", "application/json"],
        ["accept", "application/json, text/event-stream"],
        ["mcp-protocol-version", era],
    ]
    if era == MODERN:
        headers.append(["mcp-method", method])
        if method == "tools/call":
            headers.append(["mcp-name", params["name"]])
        params["_meta"] = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    return {"method": "POST", "headers": headers, "body": json.dumps(body), "scope": scope}


def make_call(
    tool: str,
    arguments: Mapping[str, object] | None = None,
    *,
    era: str = MODERN,
    scope: str | None = None,
) -> dict[str, object]:
    """One tools/call as the gateway sends it to a host."""
    return make_event(
        "tools/call", {"name": tool, "arguments": dict(arguments or {})}, era=era, scope=scope
    )


def message_of(result: dict[str, Any]) -> dict[str, Any]:
    """The JSON-RPC response in a host's result, be the body JSON or an event stream."""
    assert result["status"] == 200, result
    media_type = dict(result["headers"])["content-type"]
    if media_type == "application/json":
        message: dict[str, Any] = json.loads(result["body"])
        return message
    data = [line for line in result["body"].splitlines() if line.startswith("data: ")]
    message = json.loads(data[-1].removeprefix("data: "))
    assert message["id"] == 7
    return message


def text_of(result: dict[str, Any]) -> str:
    """The text of a tool's successful answer."""
    answer = message_of(result)["result"]
    assert not answer.get("isError"), answer
    return "\n".join(block["text"] for block in answer["content"])


def error_text_of(result: dict[str, Any]) -> str:
    """The text of a tool's error."""
    answer = message_of(result)["result"]
    assert answer["isError"], answer
    return "\n".join(block["text"] for block in answer["content"])
