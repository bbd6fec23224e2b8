"""Registered servers when AWS does not answer, through the gateway's handler."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.credentials import Credentials
from botocore.exceptions import CredentialRetrievalError, ReadTimeoutError
from botocore.session import Session
from moto import mock_aws

from support.aws_faults import FAULTS, calls_that_fail
from threats.gate import Gate, standing_gate
from threats.recorder import Recorder, serving

REGION = "us-east-1"
TOOLS: list[dict[str, Any]] = [{"name": "get_info", "inputSchema": {"type": "object"}}]
POLICY = (
    'version: "1"\ndefault: deny\ntools:\n'
    "  get_info: {action: allow, rate_limit: {max: 1, window: 60}}\n"
)
CANARY = "canary-of-the-upstream"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:mcp:live"
REGISTRATION = {"service": "s3", "operation": "GetObject", "Key": "active/servers/"}
SECRET = {"service": "secretsmanager", "operation": "GetSecretValue", "SecretId": "arn:aws:"}


@pytest.fixture(scope="module")
def standing() -> Iterator[tuple[Gate, str]]:
    """A gate before one server with a secret, and the secret's ARN."""
    recorder = Recorder(TOOLS)
    with mock_aws(), serving(recorder) as port:
        client = boto3.client("secretsmanager", region_name=REGION)
        arn = client.create_secret(Name="upstream", SecretString=CANARY)["ARN"]
        servers: dict[str, dict[str, Any]] = {
            "own": {"url": f"http://127.0.0.1:{port}/mcp", "credential": {"secret": arn}},
            "hosted": {"lambda": FUNCTION},
            "signed": {
                "url": "https://mcp.example.com/",
                "credential": {"sigv4": {"service": "execute-api", "region": "eu-west-1"}},
            },
        }
        permitted = {
            "PORTCULLIS_UPSTREAM_SECRET_ARNS": arn,
            "PORTCULLIS_UPSTREAM_FUNCTION_ARNS": FUNCTION,
            "PORTCULLIS_UPSTREAM_ACCESS_POLICY": "arn:aws:iam::123456789012:policy/servers",
        }
        with standing_gate(TOOLS, {"own": POLICY}, servers, **permitted) as gate:
            gate.recorder = recorder
            for server in ("hosted", "signed"):
                assert gate.activate(server, POLICY)["state"] == "active"
            yield gate, arn


@pytest.fixture
def gate(standing: tuple[Gate, str]) -> Gate:
    """A cold environment, whose limits nobody has used."""
    gate, _ = standing
    table = boto3.resource("dynamodb", region_name=REGION).Table(
        gate.environment["PORTCULLIS_TABLE"]
    )
    for item in table.scan()["Items"]:
        table.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})
    gate.handler = gate.cold_start()
    gate.clear()
    return gate


@contextmanager
def failing(error: Exception, target: dict[str, str]) -> Iterator[list[Any]]:
    with calls_that_fail(target["service"], target["operation"], error, **{
        key: text for key, text in target.items() if key not in {"service", "operation"}
    }) as failed:  # fmt: skip
        yield failed


@pytest.mark.parametrize("error", FAULTS)
def test_P01_where_registrations_cannot_be_read_nothing_is_sent(
    gate: Gate, error: Exception
) -> None:
    with failing(error, REGISTRATION) as failed:
        answers = [gate.call("own", "get_info") for _ in range(3)]
    assert len(failed) == 1, "a bucket that does not answer is asked once a second"
    assert [answer.status for answer in answers] == [503, 503, 503]
    assert {one.outcome for one in gate.records} == {"store_unavailable"}
    assert gate.recorder.received == []


@pytest.mark.parametrize("error", FAULTS)
def test_a_warm_environment_goes_on_without_the_bucket(gate: Gate, error: Exception) -> None:
    gate.ask("own", "tools/list")
    with failing(error, REGISTRATION):
        assert gate.call("own", "get_info").is_success


@pytest.mark.parametrize("error", FAULTS)
def test_P08_a_secret_that_cannot_be_read_sends_nothing_and_takes_nothing(
    gate: Gate, standing: tuple[Gate, str], error: Exception
) -> None:
    gate.call("own", "no_such_tool")  # the tool list is read
    gate.handler = gate.cold_start()
    gate.clear()
    with failing(error, {**SECRET, "SecretId": standing[1]}):
        answer = gate.call("own", "get_info")
    assert answer.decision["outcome"] == "upstream_unavailable"
    assert "was not executed" in answer.decision["reason"]
    assert gate.recorder.received == []
    gate.handler = gate.cold_start()
    assert gate.call("own", "get_info").is_success, "its one call is still there"


@pytest.mark.parametrize("error", FAULTS)
def test_a_function_that_cannot_be_asked_has_no_tools(gate: Gate, error: Exception) -> None:
    with calls_that_fail("lambda", "Invoke", error, FunctionName=FUNCTION) as failed:
        answer = gate.call("hosted", "get_info")
    assert answer.decision["outcome"] == "snapshot_unavailable"
    assert len(failed) == 2, "once in each era, and never again"


@pytest.mark.parametrize(
    "error",
    [
        CredentialRetrievalError(provider="p", error_msg=CANARY),
        ReadTimeoutError(endpoint_url="x"),
        None,
    ],
    ids=["fails", "late", "none"],
)
def test_P08_a_call_that_cannot_be_signed_is_not_sent(
    gate: Gate, error: Exception | None, capfd: pytest.CaptureFixture[str]
) -> None:
    gate.ask("own", "tools/list")  # every client but the signer has its credentials

    def get_credentials(_session: Session) -> Credentials | None:
        if error is not None:
            raise error
        return None

    with (
        mock.patch.object(Session, "get_credentials", get_credentials),
        mock.patch("portcullis.adapters.http_upstream.HttpUpstream._checked_address") as connected,
    ):
        answer = gate.call("signed", "get_info")
    assert answer.decision["outcome"] == "snapshot_unavailable", (answer, gate.records)
    connected.assert_not_called()
    told = capfd.readouterr()
    assert CANARY not in f"{answer} {gate.records} {told.out} {told.err}"


def test_the_bucket_is_not_asked_for_a_warm_call(gate: Gate) -> None:
    assert gate.ask("own", "tools/list").status == 200
    gate.call("own", "no_such_tool")
    with calls_that_fail("s3", "GetObject", ReadTimeoutError(endpoint_url="x")) as asked:
        assert gate.call("own", "get_info").is_success
    assert asked == []
