"""A stored answer reaches whoever asks for it in the words of their revision."""

import json
from typing import Any

import pytest

from portcullis.protocol import outbound
from portcullis.protocol.delivery import MAX_DELIVERED_BYTES, is_deliverable
from portcullis.protocol.http import HttpReply
from portcullis.protocol.messages import Request
from portcullis.values import JsonObject
from support.http_requests import admitted, legacy_request, modern_request

SERVER_INFO = "io.modelcontextprotocol/serverInfo"
GATE = {SERVER_INFO: {"name": "portcullis", "version": "0.1.0"}}
THEIRS = {SERVER_INFO: {"name": "mq", "version": "2"}}
CONTENT: JsonObject = {"content": [{"type": "text", "text": "hi"}], "x-vendor": None}


def modern() -> Request:
    return admitted(modern_request(id="mine"))


def legacy() -> Request:
    return admitted(legacy_request(id="mine"))


def body(reply: HttpReply) -> Any:
    told = json.loads(reply.body)
    assert (told.pop("jsonrpc"), told.pop("id")) == ("2.0", "mine")
    return told


MODERN_RESULTS: list[tuple[Any, Any]] = [
    (CONTENT, {**CONTENT, "resultType": "complete", "_meta": GATE}),
    ({"_meta": {"a": 1}}, {"resultType": "complete", "_meta": {"a": 1, **GATE}}),
    ({"_meta": {"a": 1, **THEIRS}}, {"resultType": "complete", "_meta": {"a": 1, **THEIRS}}),
    ({"resultType": "input_required"}, {"resultType": "input_required", "_meta": GATE}),
    (
        {"resultType": "task", "taskId": "t"},
        {"resultType": "complete", "taskId": "t", "_meta": GATE},
    ),
    ({"resultType": 3, "_meta": None}, {"resultType": "complete", "_meta": GATE}),
]


@pytest.mark.parametrize("stored, told", MODERN_RESULTS)
def test_a_modern_client_gets_what_every_modern_result_has(stored: Any, told: Any) -> None:
    reply = outbound.delivered(modern(), {"result": stored})
    assert (reply.status, body(reply)) == (200, {"result": told})


LEGACY_RESULTS: list[tuple[Any, Any]] = [
    (CONTENT, CONTENT),
    ({**CONTENT, "resultType": "complete", "_meta": {"a": 1}}, {**CONTENT, "_meta": {"a": 1}}),
    ({"_meta": {"a": 1, **THEIRS}}, {"_meta": {"a": 1}}),
]


@pytest.mark.parametrize("stored, told", LEGACY_RESULTS)
def test_a_legacy_client_gets_no_modern_words(stored: Any, told: Any) -> None:
    reply = outbound.delivered(legacy(), {"result": stored})
    assert (reply.status, body(reply)) == (200, {"result": told})


@pytest.mark.parametrize("code, status", [(-32602, 400), (-32601, 404), (-32603, 200), (7, 200)])
def test_an_error_travels_in_the_status_of_its_code(code: int, status: int) -> None:
    error: JsonObject = {"code": code, "message": "m", "data": {"x": 1}}
    reply = outbound.delivered(modern(), {"error": error})
    assert (reply.status, body(reply)) == (status, {"error": error})
    reply = outbound.delivered(legacy(), {"error": error})
    assert (reply.status, body(reply)) == (200, {"error": error})


@pytest.mark.parametrize("request_", [modern(), legacy()], ids=["modern", "legacy"])
def test_E16_a_result_that_cannot_be_carried_is_told_as_an_error(request_: Request) -> None:
    reply = outbound.delivered(request_, {"result": {"content": "x" * MAX_DELIVERED_BYTES}})
    assert is_deliverable(reply.body)
    told = body(reply)["result"]
    assert told["isError"] is True
    assert told["content"] == [{"type": "text", "text": outbound.TOO_LARGE}]


@pytest.mark.parametrize(
    "body_, fits",
    [
        (b"x" * (MAX_DELIVERED_BYTES - 2), True),
        (b"x" * (MAX_DELIVERED_BYTES - 1), False),
        (b'"' * (MAX_DELIVERED_BYTES // 2), False),
        (b"", True),
    ],
)
def test_E16_a_body_fits_as_the_string_it_becomes(body_: bytes, fits: bool) -> None:
    assert is_deliverable(body_) is fits
