"""The gateway's event, and the result the host gives back."""

import json
from typing import Any

import pytest

from mcp_host.exchange import (
    INVALID_REQUEST,
    HostReply,
    HostRequest,
    MalformedEventError,
    parse_event,
    rejection,
    to_result,
)

GOOD: dict[str, Any] = {
    "method": "POST",
    "headers": [["Content-Type", "application/json"], ["Content-Length", "2"]],
    "body": "{}",
    "scope": "ab" * 32,
}


def test_an_event_becomes_a_request_without_the_framing_of_another_connection() -> None:
    assert parse_event(GOOD) == HostRequest(
        method="POST",
        headers=(("content-type", "application/json"),),
        body=b"{}",
        scope="ab" * 32,
    )


def test_duplicate_headers_stay_visible() -> None:
    event = {**GOOD, "headers": [["mcp-name", "a"], ["Mcp-Name", "b"]]}
    assert parse_event(event).headers == (("mcp-name", "a"), ("mcp-name", "b"))


@pytest.mark.parametrize("scope", [None, ""])
def test_an_empty_scope_is_no_scope(scope: object) -> None:
    assert parse_event({**GOOD, "scope": scope}).scope is None
    assert parse_event({k: v for k, v in GOOD.items() if k != "scope"}).scope is None


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="list"),
        pytest.param("{}", id="text"),
        pytest.param({}, id="empty"),
        pytest.param({**GOOD, "method": "post"}, id="lower-case method"),
        pytest.param({**GOOD, "method": "POST /"}, id="method with more"),
        pytest.param({**GOOD, "method": 1}, id="method of wrong type"),
        pytest.param({**GOOD, "headers": {"a": "b"}}, id="headers as object"),
        pytest.param({**GOOD, "headers": ["ab"]}, id="header as text"),
        pytest.param({**GOOD, "headers": [["a"]]}, id="header without value"),
        pytest.param({**GOOD, "headers": [["a", None]]}, id="header with null"),
        pytest.param({**GOOD, "headers": [["a b", "c"]]}, id="header name with blank"),
        pytest.param({**GOOD, "headers": [["a", "b\r\nc: d"]]}, id="header injection"),
        pytest.param({**GOOD, "headers": [["a", "\u20ac"]]}, id="header outside latin-1"),
        pytest.param({**GOOD, "body": None}, id="no body"),
        pytest.param({**GOOD, "body": {}}, id="body as object"),
        pytest.param({**GOOD, "body": "\ud800"}, id="lone surrogate"),
        pytest.param({**GOOD, "scope": 7}, id="scope of wrong type"),
        pytest.param({**GOOD, "scope": "AB" * 32}, id="scope in upper case"),
        pytest.param({**GOOD, "scope": "ab"}, id="short scope"),
        pytest.param({**GOOD, "scope": "ab" * 32 + "\n"}, id="scope with more"),
    ],
)
def test_anything_else_is_malformed(event: object) -> None:
    with pytest.raises(MalformedEventError):
        parse_event(event)


def test_a_rejection_is_a_json_rpc_error_without_id() -> None:
    result = to_result(rejection(400, INVALID_REQUEST, "no", headers=(("allow", "POST"),)))

    assert result["status"] == 400
    assert result["headers"] == [["content-type", "application/json"], ["allow", "POST"]]
    assert json.loads(str(result["body"])) == {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": -32600, "message": "no"},
    }


def test_a_reply_keeps_its_header_pairs() -> None:
    reply = HostReply(status=202, headers=(("a", "1"), ("a", "2")), body="")
    assert to_result(reply) == {"status": 202, "headers": [["a", "1"], ["a", "2"]], "body": ""}
