"""Registered servers when AWS does not answer, through the executor's handler."""

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from portcullis.approvals.states import State
from support.aws_faults import FAULTS, calls_that_fail
from support.registering import register
from threats.gate import BUCKET
from threats.gate_approvals import SERVER, ApprovingGate, approving_gate

REGION = "us-east-1"
CANARY = "canary-of-the-upstream"


@pytest.fixture
def approving() -> Iterator[tuple[ApprovingGate, str]]:
    """A gate whose policy asks, before one server with a secret; and the secret's ARN."""
    with mock_aws():
        client = boto3.client("secretsmanager", region_name=REGION)
        arn = client.create_secret(Name="upstream", SecretString=CANARY)["ARN"]
        with approving_gate(PORTCULLIS_UPSTREAM_SECRET_ARNS=arn) as gate:
            s3 = boto3.client("s3", region_name=REGION)
            active = s3.get_object(Bucket=BUCKET, Key=f"active/servers/{SERVER}.json")
            url = _url(active["Body"].read())
            entry = {"url": url, "credential": {"secret": arn, "scheme": "Bearer"}}
            assert register(s3, gate.gate.environment, SERVER, entry)["state"] == "active"
            gate.gate.handler = gate.gate.cold_start()
            gate.executor = gate.gate.cold_start("lambda_executor")
            yield gate, arn


def _url(body: bytes) -> str:
    return str(json.loads(body)["document"]["url"])


@pytest.mark.parametrize("error", FAULTS)
def test_an_approved_call_waits_while_registrations_cannot_be_read(
    approving: tuple[ApprovingGate, str], error: Exception
) -> None:
    gate, _ = approving
    record = gate.approve(gate.asked())
    with calls_that_fail("s3", "GetObject", error, Key="active/servers/"):
        assert gate.run(record).state is State.APPROVED
    assert gate.executed() == []
    gate.executor = gate.gate.cold_start("lambda_executor")
    assert gate.run(record).state is State.DONE
    assert len(gate.executed()) == 1
    (sent,) = [one for one in gate.gate.recorder.received if b"tools/call" in one.body]
    assert sent.header("authorization") == [f"Bearer {CANARY}"]


@pytest.mark.parametrize("error", FAULTS)
def test_P08_an_approved_call_whose_secret_cannot_be_read_is_not_sent(
    approving: tuple[ApprovingGate, str], error: Exception, capfd: pytest.CaptureFixture[str]
) -> None:
    gate, arn = approving
    record = gate.approve(gate.asked())
    with calls_that_fail("secretsmanager", "GetSecretValue", error, SecretId=arn):
        failed = gate.run(record)
    assert failed.state is State.FAILED
    assert gate.executed() == []
    told = capfd.readouterr()
    assert CANARY not in f"{failed} {gate.gate.records} {told.out} {told.err}"


def test_an_approval_for_a_server_that_was_registered_anew_is_not_carried_out(
    approving: tuple[ApprovingGate, str],
) -> None:
    gate, _ = approving
    record = gate.approve(gate.asked())
    s3 = boto3.client("s3", region_name=REGION)
    entry = {"url": "http://127.0.0.1:9/elsewhere"}
    assert register(s3, gate.gate.environment, SERVER, entry)["state"] == "active"
    gate.executor = gate.gate.cold_start("lambda_executor")
    failed = gate.run(record)
    assert (failed.state, gate.executed()) == (State.FAILED, [])
    assert "registered differently" in failed.note


def test_an_approval_for_a_server_that_was_removed_is_not_carried_out(
    approving: tuple[ApprovingGate, str],
) -> None:
    gate, _ = approving
    record = gate.approve(gate.asked())
    s3 = boto3.client("s3", region_name=REGION)
    removed = register(s3, gate.gate.environment, SERVER, {"state": "removed"})
    assert removed["state"] == "removed"
    gate.executor = gate.gate.cold_start("lambda_executor")
    assert gate.run(record).state is State.FAILED
    assert gate.executed() == []
    gate.gate.handler = gate.gate.cold_start()
    assert gate.call().status == 404
