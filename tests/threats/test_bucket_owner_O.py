"""O19: a bucket of the expected name in another account is refused, by every function that reads.

The emulator does not compare owners, so the wire does it here, as S3 does: a request whose
`x-amz-expected-bucket-owner` is not the bucket's owner is answered with 403.
"""

import ast
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.endpoint import Endpoint
from botocore.model import OperationModel
from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT

from portcullis.adapters.s3_activation import incoming_key
from portcullis.errors import PolicyUnavailableError
from support.aws_operations import SRC
from threats.gate import BUCKET, Gate, standing_gate

ELSEWHERE = "999988887777"
TOOLS = [{"name": "get_info", "inputSchema": {"type": "object"}}]
POLICY = 'version: "1"\ndefault: deny\ntools:\n  get_info: {action: allow}\n'
UPLOADED = {
    "detail-type": "Object Created",
    "detail": {"object": {"key": incoming_key("o0")}},
}


@pytest.fixture(scope="module")
def standing() -> Iterator[Gate]:
    with standing_gate(TOOLS, {"o0": POLICY}) as gate:
        yield gate


@pytest.fixture
def gate(standing: Gate) -> Gate:
    standing.clear()
    return standing


@contextmanager
def bucket_of(owner: str) -> Iterator[list[tuple[str, str | None]]]:
    """Every bucket is `owner`'s; notes each operation of S3 and the owner that it expects."""
    send, asked = Endpoint.make_request, list[tuple[str, str | None]]()

    def checked(self: Endpoint, model: OperationModel, request: Any) -> Any:
        if model.service_model.service_name != "s3":
            return send(self, model, request)
        expected = request["headers"].get("x-amz-expected-bucket-owner")
        asked.append((model.name, expected))
        if expected is None or expected == owner:
            return send(self, model, request)
        response = AWSResponse(request["url"], 403, HTTPHeaders(), None)
        return response, {
            "Error": {"Code": "AccessDenied", "Message": "Access Denied"},
            "ResponseMetadata": {"HTTPStatusCode": 403},
        }

    with mock.patch.object(Endpoint, "make_request", checked):
        yield asked


def test_O19_every_call_of_the_gateway_names_the_owner(gate: Gate) -> None:
    gate.handler = gate.cold_start()
    with bucket_of(ACCOUNT) as asked:
        assert gate.call("o0", "get_info").is_success
    assert {name for name, _ in asked} == {"GetObject"}
    assert {owner for _, owner in asked} == {ACCOUNT}


def test_O19_a_foreign_bucket_forwards_nothing(gate: Gate) -> None:
    gate.handler = gate.cold_start()
    with bucket_of(ELSEWHERE) as asked:
        answer = gate.call("o0", "get_info")
    assert asked
    assert answer.status == 503
    assert gate.recorder.received == []


def test_O19_a_foreign_bucket_activates_nothing(gate: Gate) -> None:
    handler = gate.cold_start("lambda_activator")
    boto3.client("s3", region_name="us-east-1").put_object(
        Bucket=BUCKET, Key=incoming_key("o0"), Body=POLICY.encode()
    )
    with bucket_of(ELSEWHERE) as asked, pytest.raises(PolicyUnavailableError):
        handler(UPLOADED, None)
    with bucket_of(ACCOUNT) as asked:
        assert handler(UPLOADED, None)["state"] == "active"
    assert {name for name, _ in asked} == {"GetObject", "PutObject"}
    assert {owner for _, owner in asked} == {ACCOUNT}


def test_O19_the_monitor_names_the_owner_and_sees_nothing_elsewhere(
    gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = boto3.client("sqs", region_name="us-east-1").create_queue(QueueName="dead")
    with mock.patch.dict(gate.environment, {"PORTCULLIS_DEAD_LETTERS": queue["QueueUrl"]}):
        look = gate.cold_start("lambda_monitor")
    for owner, failures in ((ACCOUNT, 0), (ELSEWHERE, 2)):
        with bucket_of(owner) as asked:
            look({}, None)
        stack, *_ = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert stack["MonitorFailures"] == failures
        assert ("RejectedUploads" in stack) is (failures == 0)
        assert {named for _, named in asked} == {ACCOUNT}


def test_O19_no_client_of_s3_is_made_that_does_not_name_the_owner() -> None:
    """The executor's too, which is the gateway's account."""
    made, owned = list[ast.AST](), list[ast.AST]()
    for path in (SRC / "portcullis/entrypoints").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and first.value == "s3":
                    made.append(node)
                elif isinstance(node.func, ast.Name) and node.func.id == "of_account":
                    owned.append(first)
    assert len(made) == 3
    assert set(made) == set(owned)
