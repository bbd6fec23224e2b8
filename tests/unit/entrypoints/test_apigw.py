"""API Gateway events: every odd shape is read exactly or refused."""

import base64
from typing import Any

import pytest

from portcullis.entrypoints.apigw import (
    BadEventError,
    to_base_url,
    to_request,
    to_response,
)
from portcullis.protocol.http import HttpReply


def event(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "httpMethod": "POST",
        "path": "/mcp/mq",
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "body": "{}",
        "isBase64Encoded": False,
        "pathParameters": {"server": "mq"},
    }
    return {**base, **changes}


def test_a_plain_event_is_read() -> None:
    request = to_request(event())
    assert (request.method, request.path, request.body) == ("POST", "/mcp/mq", b"{}")
    assert request.headers == (("Content-Type", "application/json"),)


@pytest.mark.parametrize(
    ("changes", "headers"),
    [
        pytest.param({"headers": None, "multiValueHeaders": None}, (), id="null headers"),
        pytest.param({"multiValueHeaders": None}, (("Content-Type", "application/json"),), id="x"),
        pytest.param(
            {"headers": {"A": "2"}, "multiValueHeaders": {"A": ["1", "2"]}},
            (("A", "1"), ("A", "2")),
            id="repeated",
        ),
        pytest.param({"headers": {}, "multiValueHeaders": {"A": None}}, (), id="null list"),
    ],
)
def test_E06_headers_are_read_from_both_maps(changes: dict[str, Any], headers: object) -> None:
    assert to_request(event(**changes)).headers == headers


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"headers": {"A": "1"}, "multiValueHeaders": {"A": ["2"]}}, id="E06"),
        pytest.param({"headers": [], "multiValueHeaders": ["A"]}, id="lists"),
        pytest.param({"headers": {"A": 1}, "multiValueHeaders": None}, id="number"),
        pytest.param({"httpMethod": None}, id="no method"),
        pytest.param({"path": 1}, id="no path"),
        pytest.param({"body": {}}, id="object body"),
        pytest.param({"body": "%%%", "isBase64Encoded": True}, id="E02 invalid"),
        pytest.param({"body": "eB==", "isBase64Encoded": True}, id="E02 not canonical"),
        pytest.param({"body": "eA", "isBase64Encoded": True}, id="E02 no padding"),
        pytest.param({"body": "é", "isBase64Encoded": True}, id="E02 not ascii"),
    ],
)
def test_contradictions_and_foreign_shapes_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadEventError):
        to_request(event(**changes))


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        pytest.param({"body": None}, b"", id="E05"),
        pytest.param({"body": "ü"}, "ü".encode(), id="text"),
        pytest.param(
            {"body": base64.b64encode(b"\xff{}").decode(), "isBase64Encoded": True},
            b"\xff{}",
            id="E01",
        ),
        pytest.param({"body": "e30=", "isBase64Encoded": False}, b"e30=", id="E03"),
        pytest.param({"body": "e30=", "isBase64Encoded": "true"}, b"e30=", id="string flag"),
        pytest.param({"body": "\ud800"}, b"\xed\xa0\x80", id="lone surrogate stays refusable"),
    ],
)
def test_bodies_come_out_as_the_bytes_that_were_sent(changes: dict[str, Any], body: bytes) -> None:
    assert to_request(event(**changes)).body == body


def test_replies_keep_repeated_headers() -> None:
    reply = HttpReply(status=200, headers=(("a", "1"), ("b", "2"), ("a", "3")), body="é".encode())
    assert to_response(reply) == {
        "statusCode": 200,
        "multiValueHeaders": {"a": ["1", "3"], "b": ["2"]},
        "body": "é",
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    ("context", "path", "expected"),
    [
        ({"domainName": "x.example", "path": "/prod/mcp/a"}, "/mcp/a", "https://x.example/prod"),
        ({"domainName": "x.example", "path": "/mcp/a"}, "/mcp/a", "https://x.example"),
        ({"domainName": "x.example", "path": "/other"}, "/mcp/a", ""),
        ({"domainName": "x.example"}, "/mcp/a", ""),
        ({"path": "/mcp/a"}, "/mcp/a", ""),
        (None, "/mcp/a", ""),
        ({"domainName": "x.example", "path": "/prod/mcp/a"}, None, ""),
    ],
)
def test_where_the_api_is_comes_from_api_gateway_and_never_from_a_header(
    context: dict[str, Any] | None, path: str | None, expected: str
) -> None:
    event = {"requestContext": context, "path": path, "headers": {"Host": "evil.example"}}
    assert to_base_url(event) == expected
