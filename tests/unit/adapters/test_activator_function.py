"""The activator as the executor asks it: what it answered, or whether it may have run."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from portcullis.adapters.activator_function import MAXIMUM_NOTE, NO_REASON, ActivatorFunction
from portcullis.errors import UpstreamNotSentError, UpstreamUncertainError


class Lambda:
    """Answers one thing to every invocation."""

    def __init__(self, answer: Any, **more: Any) -> None:
        self.answer = answer
        self.more = more
        self.invoked: list[dict[str, Any]] = []

    def invoke(self, **arguments: Any) -> dict[str, Any]:
        self.invoked.append(arguments)
        if isinstance(self.answer, Exception):
            raise self.answer
        body = self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()
        return {"Payload": io.BytesIO(body), **self.more}


def asked(client: Lambda) -> str | None:
    return ActivatorFunction(lambda: client, "activator:live").put_in_force("f" * 32, "mq")


def test_the_claimed_request_and_the_server_are_all_it_is_told() -> None:
    client = Lambda({"state": "active"})
    assert asked(client) is None
    (invoked,) = client.invoked
    assert invoked["FunctionName"] == "activator:live"
    assert json.loads(invoked["Payload"]) == {"approval": "f" * 32, "server": "mq"}


@pytest.mark.parametrize(
    ("faults", "note"),
    [
        ([{"message": "a newer upload", "path": ""}, {"message": "x"}], "a newer upload"),
        ([{"message": "x" * 900}], "x" * MAXIMUM_NOTE),
        ([], NO_REASON),
        ([{"message": 7}], NO_REASON),
        (None, NO_REASON),
    ],
)
def test_a_refusal_is_told_by_its_first_fault(faults: Any, note: str) -> None:
    assert asked(Lambda({"state": "rejected", "faults": faults})) == note


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "Invoke")


@pytest.mark.parametrize(
    "failure",
    [
        error("TooManyRequestsException"),
        error("AccessDeniedException"),
        error("ResourceNotFoundException"),
        ConnectTimeoutError(endpoint_url="x"),
    ],
    ids=["throttled", "forbidden", "gone", "connect time-out"],
)
def test_an_activator_that_did_not_start_did_nothing(failure: Exception) -> None:
    with pytest.raises(UpstreamNotSentError, match="the activator did not start"):
        asked(Lambda(failure))


@pytest.mark.parametrize(
    "client",
    [
        Lambda(error("ServiceException")),
        Lambda(ReadTimeoutError(endpoint_url="x")),
        Lambda({"errorType": "Runtime.ExitError"}, FunctionError="Unhandled"),
        Lambda(b"{"),
        Lambda(b"7"),
        Lambda({"state": "waiting"}),
        Lambda({}),
    ],
    ids=["server error", "read time-out", "crashed", "no JSON", "no object", "waiting", "empty"],
)
def test_N26_an_activator_that_may_have_run_is_not_known_to_have(client: Lambda) -> None:
    with pytest.raises(UpstreamUncertainError):
        asked(client)
    assert len(client.invoked) == 1
