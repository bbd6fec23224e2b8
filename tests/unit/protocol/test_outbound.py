"""The gateway's own replies, in the shape each era expects (A3, A4.7, A6, A7; K01, E12)."""

import json
from typing import Any

import anyio
import pytest
from mcp.server.mcpserver import MCPServer
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from portcullis.protocol import outbound
from portcullis.protocol.codes import Code
from portcullis.protocol.http import HttpReply, HttpRequest
from portcullis.protocol.messages import Rejection, Request
from portcullis.values import JsonObject
from support.http_requests import admitted, legacy_request, modern_request

GATE = {"io.modelcontextprotocol/serverInfo": {"name": "portcullis", "version": "0.1.0"}}
OWN_HEADERS = (("cache-control", "no-store"), ("content-type", "application/json"))
DECISION: JsonObject = {"outcome": "denied_by_rule"}


def modern(*args: Any, **members: Any) -> Request:
    return admitted(modern_request(*args, **members))


def legacy(*args: Any, **members: Any) -> Request:
    return admitted(legacy_request(*args, **members))


def body(reply: HttpReply) -> Any:
    assert reply.headers[:2] == OWN_HEADERS
    return json.loads(reply.body)


def test_a_modern_tool_error_tells_the_model_and_the_machine() -> None:
    reply = outbound.tool_error(modern(), "no", decision=DECISION)
    assert reply.status == 200
    assert body(reply) == {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {
            "content": [{"type": "text", "text": "no"}],
            "isError": True,
            "resultType": "complete",
            "_meta": {"portcullis/decision": DECISION, **GATE},
        },
    }


def test_a_legacy_tool_error_has_no_modern_fields() -> None:
    reply = outbound.tool_error(legacy(), "no", decision=DECISION)
    assert reply.status == 200
    assert body(reply)["result"] == {
        "content": [{"type": "text", "text": "no"}],
        "isError": True,
        "_meta": {"portcullis/decision": DECISION},
    }


def served_by_the_sdk(request: HttpRequest) -> tuple[int, Any]:
    """What a server of the SDK answers to the same request."""
    received: list[Any] = []

    async def receive() -> Any:
        if received:
            await anyio.sleep_forever()
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: Any) -> None:
        received.append(message)

    async def serve() -> None:
        low = MCPServer("portcullis")._lowlevel_server
        manager = StreamableHTTPSessionManager(low, json_response=True, stateless=True)
        raw = [(k.lower().encode(), v.encode()) for k, v in request.headers if "ession" not in k]
        scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": raw}
        scope |= {"raw_path": b"/", "query_string": b"", "http_version": "1.1", "scheme": "http"}
        async with manager.run():
            await manager.handle_request(scope, receive, send)

    anyio.run(serve)
    return received[0]["status"], json.loads(b"".join(m.get("body", b"") for m in received[1:]))


@pytest.mark.parametrize("make", [modern_request, legacy_request])
def test_K01_A6_an_unknown_tool_is_answered_as_servers_of_the_sdk_do(make: Any) -> None:
    request = make(params={"name": "nope", "arguments": {}})
    reply = outbound.unknown_tool(admitted(request))
    status, theirs = served_by_the_sdk(request)
    ours = body(reply)
    if "_meta" in theirs["result"]:
        theirs["result"]["_meta"] = GATE
    assert (reply.status, ours) == (status, theirs)


def test_K01_a_hidden_subject_is_answered_like_an_absent_one() -> None:
    tool = modern()
    assert outbound.unknown_subject(tool) == outbound.unknown_tool(tool)
    prompt = modern("prompts/get", {"name": "p"})
    assert outbound.unknown_subject(prompt).status == 400
    assert body(outbound.unknown_subject(prompt))["error"] == {
        "code": -32602,
        "message": "Unknown prompt: p",
    }


@pytest.mark.parametrize("make, status, code", [(modern, 400, -32602), (legacy, 200, -32002)])
def test_A3_7_A4_13_an_unknown_resource_has_the_code_of_its_era(
    make: Any, status: int, code: int
) -> None:
    reply = outbound.unknown_subject(make("resources/read", {"uri": "f://x"}))
    error = {"code": code, "message": "Unknown resource: f://x", "data": {"uri": "f://x"}}
    assert (reply.status, body(reply)["error"]) == (status, error)


def test_a_tool_without_a_subject_is_unknown_too() -> None:
    reply = outbound.unknown_subject(legacy("ping", {}))
    assert body(reply)["result"]["content"][0]["text"] == "Unknown tool: "


@pytest.mark.parametrize("make", [modern, legacy])
def test_a_refused_read_is_an_error_in_200(make: Any) -> None:
    request = make("resources/read", {"uri": "f://x"})
    reply = outbound.refusal(request, "no", decision=DECISION)
    assert reply.status == 200
    assert body(reply) == {
        "jsonrpc": "2.0",
        "id": 1,
        "error": {"code": 40301, "message": "no", "data": {"portcullis/decision": DECISION}},
    }
    assert "data" not in body(outbound.refusal(request, "no"))["error"]


def test_a_refused_call_is_a_tool_result() -> None:
    assert outbound.refusal(modern(), "no") == outbound.tool_error(modern(), "no")


def test_A4_9_ping_is_answered_with_nothing() -> None:
    assert body(outbound.ping(legacy("ping", {}))) == {"jsonrpc": "2.0", "id": 1, "result": {}}


def test_an_own_result_keeps_its_own_meta() -> None:
    reply = outbound.result(modern(), {"_meta": {"a": 1}, "x": 2})
    assert body(reply)["result"] == {"x": 2, "resultType": "complete", "_meta": {"a": 1, **GATE}}


@pytest.mark.parametrize("make, status", [(modern, 404), (legacy, 200)])
def test_an_error_has_the_status_of_its_code_and_era(make: Any, status: int) -> None:
    reply = outbound.error(make(), Code.METHOD_NOT_FOUND, "m")
    assert reply.status == status
    assert body(reply)["error"] == {"code": -32601, "message": "m"}


def test_a_rejection_is_told_with_its_id_data_and_headers() -> None:
    refused = Rejection(
        status=405,
        code=Code.INVALID_REQUEST,
        message="m",
        id="a",
        data={"x": 1},
        headers=(("allow", "POST"),),
    )
    reply = outbound.rejection(refused)
    assert (reply.status, reply.headers) == (405, (*OWN_HEADERS, ("allow", "POST")))
    error = {"code": -32600, "message": "m", "data": {"x": 1}}
    assert body(reply) == {"jsonrpc": "2.0", "id": "a", "error": error}


def test_a_rejection_without_an_id_says_null() -> None:
    reply = outbound.rejection(Rejection(status=400, code=Code.PARSE_ERROR, message="m"))
    assert body(reply)["id"] is None


@pytest.mark.parametrize("inbound, request_id", [(modern(), 1), (None, None)])
def test_E12_an_internal_error_is_500_and_tells_only_the_id_of_its_record(
    inbound: Any, request_id: Any
) -> None:
    reply = outbound.internal_error(inbound, correlation_id="d-1")
    assert reply.status == 500
    told = body(reply)
    assert told["id"] == request_id
    assert told["error"]["code"] == -32603
    assert told["error"]["data"] == {"correlation_id": "d-1"}


@pytest.mark.parametrize("request_, request_id", [(legacy(), 1), (None, None)])
def test_A4_2_a_void_session_is_404(request_: Request | None, request_id: Any) -> None:
    reply = outbound.unknown_session(request_)
    assert (reply.status, body(reply)["id"]) == (404, request_id)


def test_replies_without_a_body() -> None:
    no_store = (("cache-control", "no-store"),)
    assert outbound.accepted() == HttpReply(status=202, headers=no_store)  # A2.5, A4.6
    assert outbound.ended() == HttpReply(status=204, headers=no_store)  # A4.3


def test_A4_3_declining_to_end_a_session_is_405() -> None:
    reply = outbound.session_end_declined()
    assert (reply.status, reply.headers[2:]) == (405, (("allow", "POST"),))
