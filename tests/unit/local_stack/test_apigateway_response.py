import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from local_stack.apigateway_response import (
    MalformedAnswerError,
    function_response,
    gateway_response,
)
from local_stack.http_server import Response
from local_stack.template import Api, Authorizer, GatewayResponse

API = Api(
    stage="prod",
    routes=(),
    authorizer=Authorizer(function="A", identity_headers=()),
    responses={
        "ACCESS_DENIED": GatewayResponse(
            status=403, headers={"X-A": "1"}, template='{"id":"$context.requestId"}'
        ),
        "DEFAULT_4XX": GatewayResponse(headers={"X-B": "2"}),
        "DEFAULT_5XX": GatewayResponse(status=599),
    },
)


def respond(answer: object, api: Api = API) -> Response:
    return function_response(api, json.dumps(answer).encode(), request_id="r")


def own(kind: str, status: int | None = None) -> Response:
    return gateway_response(API, kind, request_id="r", status=status)


def test_a_response_of_its_own_is_shaped_by_its_type_and_then_by_the_default() -> None:
    denied = own("ACCESS_DENIED")
    assert denied.status == 403
    assert denied.body == b'{"id":"r"}'
    assert dict(denied.headers) == {
        "Content-Type": "application/json",
        "x-amzn-RequestId": "r",
        "x-amzn-ErrorType": "AccessDeniedException",
        "X-A": "1",
        "X-B": "2",
    }


def test_without_a_template_the_message_is_api_gateway_s() -> None:
    assert own("UNAUTHORIZED").body == b'{"message":"Unauthorized"}'
    assert own("MISSING_AUTHENTICATION_TOKEN").status == 403
    assert own("AUTHORIZER_FAILURE").body == b'{"message":null}'


def test_a_default_s_status_holds_for_every_type_it_covers_unless_one_is_named() -> None:
    assert own("INTEGRATION_TIMEOUT").status == 599
    assert own("API_CONFIGURATION_ERROR", status=502).status == 502


def test_an_answer_is_sent_with_all_its_headers_once() -> None:
    response = respond(
        {
            "statusCode": 200,
            "headers": {"A": "1", "B": "2", "Content-Type": "text/plain"},
            "multiValueHeaders": {"A": ["1", "3"], "N": [4, True]},
            "body": "é",
        }
    )
    assert response.headers == (
        ("A", "1"),
        ("A", "3"),
        ("N", "4"),
        ("N", "true"),
        ("B", "2"),
        ("Content-Type", "text/plain"),
        ("x-amzn-RequestId", "r"),
    )
    assert response.body == "é".encode()


def test_headers_that_api_gateway_owns_are_renamed_or_dropped() -> None:
    headers = {"WWW-Authenticate": "Bearer", "Date": "d", "Content-Length": "9", "Server": "s"}
    names = [name for name, _ in respond({"statusCode": 200, "headers": headers}).headers]
    assert names == [
        "Content-Type",
        "x-amzn-Remapped-WWW-Authenticate",
        "x-amzn-Remapped-Date",
        "x-amzn-Remapped-Server",
        "x-amzn-RequestId",
    ]


def test_base64_is_decoded_only_where_media_types_are_declared_binary() -> None:
    text = base64.b64encode(b"\0").decode()
    answer: dict[str, Any] = {"statusCode": 200, "body": text, "isBase64Encoded": True}
    assert respond(answer).body == text.encode()
    binary = replace(API, binary_media_types=("*/*",))
    assert respond(answer, binary).body == b"\0"
    with pytest.raises(MalformedAnswerError):
        respond({**answer, "body": "?"}, binary)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"statusCode": "200"},
        {"statusCode": True},
        {"statusCode": 99},
        {"statusCode": 200, "body": {}},
        {"statusCode": 200, "headers": {"A": None}},
        {"statusCode": 200, "headers": {"A": "x\r\nB: y"}},
        {"statusCode": 200, "multiValueHeaders": {"A": 1}},
    ],
)
def test_an_answer_of_another_shape_is_malformed(answer: object) -> None:
    with pytest.raises(MalformedAnswerError):
        respond(answer)
