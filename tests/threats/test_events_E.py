"""What API Gateway and Lambda hand over (E): read exactly, or refused; nothing else is believed."""

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.deployment import FUNCTIONS, RESOURCES, of_type
from threats.fixtures import C0, F0, TARGET, TOOLS, Client
from threats.gate import ALICE, BOB, Gate, call_message, headers_for, standing_gate

CLIENT = Client()
ONCE = """\
version: "1"
default: deny
tools:
  describe_broker: {action: allow, rate_limit: {max: 1, window: 86400, per: principal}}
"""


@pytest.fixture(scope="module")
def standing() -> Iterator[Gate]:
    with standing_gate(TOOLS, {"f0": F0, "once": ONCE}) as gate:
        yield gate


@pytest.fixture
def gate(standing: Gate) -> Gate:
    standing.clear()
    return standing


def test_E01_a_body_in_base64_is_decided_as_what_it_holds(gate: Gate) -> None:
    body = CLIENT.text(C0).encode()
    answer = gate.send("f0", body, headers=CLIENT.headers(), base64=True)
    assert answer.is_unknown_tool
    assert [record.outcome for record in gate.records] == ["hidden"]
    assert gate.recorder.received == []


@pytest.mark.parametrize("text", ["%%%", "eB==", "eA", "é"])
def test_E02_what_is_no_canonical_base64_is_refused(gate: Gate, text: str) -> None:
    changed = {"body": text, "isBase64Encoded": True}
    assert gate.send("f0", b"", headers=CLIENT.headers(), changed=changed).is_rejection
    assert gate.recorder.received == []


def test_E03_text_that_happens_to_be_base64_is_text(gate: Gate) -> None:
    changed = {"body": "eyJqc29ucnBjIjoiMi4wIn0=", "isBase64Encoded": False}
    assert gate.send("f0", b"", headers=CLIENT.headers(), changed=changed).is_rejection
    assert gate.recorder.received == []


@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(lambda text: text.encode("utf-8-sig"), id="mark"),
        pytest.param(lambda text: text.encode("utf-16"), id="UTF-16"),
        pytest.param(lambda text: text.encode("utf-32-le"), id="UTF-32"),
        pytest.param(lambda text: gzip.compress(text.encode()), id="gzip"),
    ],
)
def test_E04_another_encoding_below_the_base64_is_refused(
    gate: Gate, encode: Callable[[str], bytes]
) -> None:
    body = encode(CLIENT.text(C0))
    answer = gate.send("f0", body, headers=CLIENT.headers(), base64=True)
    assert answer.is_rejection, answer
    assert gate.recorder.executed(TARGET) == []
    assert gate.recorder.received == []


@pytest.mark.parametrize("changed", [{"body": None}, {"body": ""}])
def test_E05_no_body_is_refused(gate: Gate, changed: dict[str, Any]) -> None:
    assert gate.send("f0", b"", headers=CLIENT.headers(), changed=changed).is_rejection
    assert gate.recorder.received == []


def test_E07_neither_a_query_nor_a_path_changes_who_calls_what(gate: Gate) -> None:
    wishes = {"approved": "true", "principal": "admin", "server": "once", "tool": "get_info"}
    changed = {
        "queryStringParameters": wishes,
        "multiValueQueryStringParameters": {name: [value] for name, value in wishes.items()},
        "path": "/mcp/f0/..%2Fonce",
    }
    answer = CLIENT.send(gate, "f0", C0, changed=changed)
    assert answer.is_unknown_tool
    assert [(record.server, record.principal) for record in gate.records] == [("f0", ALICE.key)]
    assert gate.recorder.received == []


@pytest.mark.parametrize("server", ["f0%2Fonce", "f0/once", "../once", "once\x00", "ONCE", ""])
def test_E07_a_server_s_name_is_taken_as_it_stands(gate: Gate, server: str) -> None:
    message = call_message("transfer")
    answer = gate.send(server, json.dumps(message), headers=headers_for(message))
    assert answer.status in {400, 404}, answer
    assert gate.recorder.received == []


def test_E09_there_is_no_way_in_but_the_one_api() -> None:
    """A function URL would be a second one; every default endpoint is the same API's."""
    assert of_type("AWS::Lambda::Url") == []
    assert [name for name, one in FUNCTIONS.items() if "FunctionUrlConfig" in one] == []
    assert not [one for one in FUNCTIONS.values() if "FunctionUrlConfig" in one["Properties"]]
    (api,) = of_type("AWS::Serverless::Api")
    assert RESOURCES[api]["Properties"]["DisableExecuteApiEndpoint"] == {
        "Fn::If": ["HasNoDefaultEndpoint", True, False]
    }
    for kind in ("AWS::Serverless::HttpApi", "AWS::ApiGatewayV2::Api"):
        assert of_type(kind) == []


def test_E15_a_thousand_requests_of_two_callers_never_mix(gate: Gate) -> None:
    """Each has one call; whoever met the other's state would get two, or none."""
    answers = [
        gate.call("once", "describe_broker", {"n": n}, principal=BOB if n % 2 else ALICE)
        for n in range(1000)
    ]
    assert [n for n, answer in enumerate(answers) if answer.is_success] == [0, 1]
    assert [one["arguments"] for one in gate.recorder.calls()] == [{"n": 0}, {"n": 1}]
    principals = [record.principal for record in gate.records]
    assert principals == [(BOB if n % 2 else ALICE).key for n in range(1000)]
