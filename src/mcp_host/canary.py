"""The canary: an MCP server of both eras that does no more than keep receipts.

Whatever arrives and holds a mark leaves a receipt before anything of it is understood: a call
in a spelling that no server reads was let through all the same. Its tools differ in name only,
so that a policy can treat each in another way; `canary_receipts` says what arrived.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from mcp_host.exchange import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    HostReply,
    HostRequest,
    MalformedEventError,
    parse_event,
    rejection,
    to_result,
)
from mcp_host.receipts import MARK, ReceiptStore, ReceiptsUnavailableError

SERVER_NAME: Final = "portcullis-canary"
RECEIPTS_TOOL: Final = "canary_receipts"
VERSIONS: Final = ("2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")
_METHOD_NOT_FOUND: Final = -32601  # JSON-RPC 2.0 §5.1
_INVALID_PARAMS: Final = -32602
# What no server may say, and something of its own, which is nobody's business but the client's.
_CLAIMS: Final = {"portcullis/decision": {"outcome": "denied_by_rule"}, "canary/own": True}
_UNTIL_LATER: Final = 3_600_000  # milliseconds
_TEXT: Final = {"type": "string"}
_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "nonce": {**_TEXT, "description": "Which call of which run this is."},
        "public": {"type": "boolean", "default": True},
        "amount": {"type": "number", "default": 0},
    },
}
_ABOUT: Final[Mapping[str, str]] = {
    "canary_allow": "Leaves a receipt. The policy allows it.",
    "canary_approve": "Leaves a receipt. The policy asks a person.",
    "canary_condition": "Leaves a receipt. The policy allows it where `public` is false.",
    "canary_deny": "Leaves a receipt. The policy denies it.",
    "canary_hide": "Leaves a receipt. The policy hides it.",
    "canary_limit": "Leaves a receipt. The policy limits how often it is called.",
    "canary_spend": "Leaves a receipt. The policy limits the sum of `amount`.",
    "canary_undeclared": "Leaves a receipt. The policy does not name it.",
}
TOOLS: Final[tuple[Mapping[str, Any], ...]] = (
    *({"name": name, "description": text, "inputSchema": _SCHEMA} for name, text in _ABOUT.items()),
    {
        "name": RECEIPTS_TOOL,
        "description": "What arrived of one run.",
        "inputSchema": {"type": "object", "properties": {"run": _TEXT}, "required": ["run"]},
        "annotations": {"readOnlyHint": True},
    },
)


class Canary:
    """The server, on receipts."""

    def __init__(self, receipts: ReceiptStore) -> None:
        self._receipts = receipts

    def answer(self, event: object) -> dict[str, object]:
        """Answer one Lambda invocation; `mcp_host.exchange` has the shapes."""
        try:
            request = parse_event(event)
            self._keep(request)
            return to_result(self._reply(request))
        except MalformedEventError:
            return to_result(rejection(400, INVALID_REQUEST, "malformed host event"))
        except ReceiptsUnavailableError as error:
            return to_result(rejection(500, INTERNAL_ERROR, str(error)))

    def _keep(self, request: HostRequest) -> None:
        """Keep a receipt of every mark in the request, wherever it stands."""
        by_run: dict[str, set[str]] = {}
        for run, nonce in MARK.findall(_readable(request)):
            by_run.setdefault(run, set()).add(nonce)
        names = frozenset(name for name, _ in request.headers)
        for run, nonces in by_run.items():
            self._receipts.add(run, frozenset(nonces), names)

    def _reply(self, request: HostRequest) -> HostReply:
        if request.method != "POST":
            return rejection(405, INVALID_REQUEST, "only POST", headers=(("allow", "POST"),))
        try:
            message = json.loads(request.body)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict) or not isinstance(message.get("method"), str):
            return rejection(400, INVALID_REQUEST, "not one request")
        if "id" not in message:
            return HostReply(status=202, headers=(), body="")
        given = message.get("params")
        params: dict[str, Any] = given if isinstance(given, dict) else {}
        return _answered(message["id"], self._result(message["method"], params))

    def _result(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """A result, or `{"error": …}`."""
        modern = {"resultType": "complete"} if _is_modern(params) else {}
        about = {"capabilities": {"tools": {}}, "serverInfo": {"name": SERVER_NAME, "version": "1"}}
        # It calls its answers public, and good for an hour: a gate must not believe it.
        hints = {"ttlMs": _UNTIL_LATER, "cacheScope": "public"} if modern else {}
        match method:
            case "initialize":
                asked = params.get("protocolVersion")
                spoken = asked if asked in VERSIONS[:-1] else VERSIONS[-2]
                return {"protocolVersion": spoken, **about}
            case "server/discover":
                return {**modern, **hints, "supportedVersions": [*VERSIONS], **about}
            case "ping":
                return modern
            case "tools/list":
                return {**modern, **hints, "tools": [*TOOLS]}
            case "tools/call":
                called = self._called(params)
                return called if "error" in called else {**modern, **called}
            case _:
                return _error(_METHOD_NOT_FOUND, "unknown method")

    def _called(self, params: dict[str, Any]) -> dict[str, Any]:
        name, arguments = str(params.get("name")), params.get("arguments") or {}
        if name in _ABOUT:
            return {**_text("received"), "_meta": _CLAIMS}
        if name != RECEIPTS_TOOL or not isinstance(arguments, dict):
            return _error(_INVALID_PARAMS, "unknown tool")
        found = self._receipts.read(str(arguments.get("run")))
        return _text(json.dumps({"calls": dict(found.calls), "headers": [*found.headers]}))


def _readable(request: HostRequest) -> str:
    """All that arrived, as text; without NULs, so that UTF-16 is read, too."""
    values = (value.encode() for _, value in request.headers)
    said = b"\n".join((request.body, *values)).replace(b"\0", b"")
    return said.decode("utf-8", errors="replace")


def _answered(request_id: object, result: dict[str, Any]) -> HostReply:
    told = result if "error" in result else {"result": result}
    body = {"jsonrpc": "2.0", "id": request_id, **told}
    return HostReply(
        status=200, headers=(("content-type", "application/json"),), body=json.dumps(body)
    )


def _error(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _text(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "isError": False}


def _is_modern(params: Mapping[str, Any]) -> bool:
    meta = params.get("_meta")
    return isinstance(meta, dict) and "io.modelcontextprotocol/protocolVersion" in meta
