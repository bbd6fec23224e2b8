"""The Lambda upstream: what is sent, and which failures provably executed nothing."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from portcullis.adapters.function_calls import _NOT_STARTED
from portcullis.adapters.lambda_upstream import LambdaUpstream
from portcullis.errors import UpstreamNotSentError, UpstreamUncertainError
from portcullis.gateway.ports import UpstreamReply, UpstreamRequest

REQUEST = UpstreamRequest(
    method="POST", headers=(("content-type", "application/json"),), body="{é}".encode(), scope="ab"
)


class FakeLambda:
    """Answers one invocation the way boto3's client does."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[dict[str, Any]] = []

    def invoke(self, **arguments: Any) -> Any:
        self.calls.append(arguments)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def payload(value: Any, **more: Any) -> dict[str, Any]:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return {"StatusCode": 200, "Payload": io.BytesIO(data), **more}


def test_the_function_gets_exactly_method_headers_body_and_scope() -> None:
    client = FakeLambda(payload({"status": 200, "headers": [["a", "b"]], "body": "ü"}))
    reply = LambdaUpstream(client, "host").send(REQUEST, timeout_seconds=1)
    assert reply == UpstreamReply(status=200, headers=(("a", "b"),), body="ü".encode())
    assert json.loads(client.calls[0].pop("Payload")) == {
        "method": "POST",
        "headers": [["content-type", "application/json"]],
        "body": "{é}",
        "scope": "ab",
    }
    assert client.calls == [{"FunctionName": "host"}]


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "Invoke")


NOT_SENT = [client_error(code) for code in sorted(_NOT_STARTED)]
NOT_SENT_IDS = [error.response["Error"]["Code"] for error in NOT_SENT]


@pytest.mark.parametrize("error", NOT_SENT, ids=NOT_SENT_IDS)
def test_a_refusal_by_the_service_started_nothing(error: ClientError) -> None:
    with pytest.raises(UpstreamNotSentError):
        LambdaUpstream(FakeLambda(error), "f").send(REQUEST, timeout_seconds=1)


def test_a_connection_that_never_opened_started_nothing() -> None:
    error = ConnectTimeoutError(endpoint_url="x")
    with pytest.raises(UpstreamNotSentError):
        LambdaUpstream(FakeLambda(error), "f").send(REQUEST, timeout_seconds=1)


@pytest.mark.parametrize(
    "answer",
    [
        client_error("ServiceException"),
        ReadTimeoutError(endpoint_url="x"),
        payload({"errorMessage": "Task timed out"}, FunctionError="Unhandled"),
        payload(b"not json"),
        payload([]),
        payload({"status": "200", "headers": [], "body": ""}),
        payload({"status": 200, "headers": [], "body": None}),
        payload({"status": 200, "headers": {}, "body": ""}),
        payload({"status": 200, "headers": [["a"]], "body": ""}),
    ],
)
def test_G15_everything_else_may_have_executed(answer: Any) -> None:
    with pytest.raises(UpstreamUncertainError):
        LambdaUpstream(FakeLambda(answer), "f").send(REQUEST, timeout_seconds=1)
