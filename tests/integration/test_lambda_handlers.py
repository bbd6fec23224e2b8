"""The deployed handlers on the sample events, as Lambda would call them.

moto stands in for AWS; the events are the files under `events/`, which are documentation too.
"""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.sns.models import sns_backends

from portcullis.adapters.dynamodb_grants import create_grant
from portcullis.entrypoints.authorizer import UnauthorizedError
from support.sealed_callers import with_caller
from threats.front_gate import AUTHORIZER_VARIABLES
from threats.gate import ALICE, BUCKET, TABLE, Gate, standing_gate

EVENTS = Path(__file__).parents[2] / "events"
SERVER = "amazon-mq"
TOOLS = [{"name": "list_brokers", "inputSchema": {"type": "object"}}]
POLICY = 'version: "1"\ndefault: deny\ntools:\n  list_brokers: {action: allow}\n'


def event(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    if "authorizer" in read.get("requestContext", {}):  # the file holds a seal that is none
        read = with_caller(read, ALICE, SERVER)
    return read


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    with standing_gate(TOOLS, {SERVER: POLICY}) as gate:
        yield gate


@pytest.fixture
def handler(gate: Gate) -> Any:
    gate.recorder.clear()
    return gate.handler


@pytest.mark.parametrize("name", ["initialize-2025-11-25", "initialize-base64"])
def test_a_handshake_is_answered_with_a_session(handler: Any, name: str) -> None:
    response = handler(event(name), None)
    assert response["statusCode"] == 200
    assert response["multiValueHeaders"]["mcp-session-id"][0].startswith("v1.")
    assert response["isBase64Encoded"] is False


def test_a_modern_call_is_decided(handler: Any, gate: Gate) -> None:
    response = handler(event("tools-call-2026-07-28"), None)
    assert response["statusCode"] == 200
    assert [params["name"] for params in gate.recorder.calls()] == ["list_brokers"]


def test_null_headers_are_refused_without_a_crash(handler: Any, gate: Gate) -> None:
    response = handler(event("null-headers"), None)
    assert 400 <= response["statusCode"] < 500
    assert gate.recorder.received == []


@pytest.mark.parametrize(
    "broken",
    [{}, {"httpMethod": "POST"}, {"requestContext": {"authorizer": {"caller": "pcc1.a.b"}}}],
)
def test_E08_an_event_that_no_authorizer_stands_behind_is_refused(
    handler: Any, gate: Gate, broken: dict[str, Any]
) -> None:
    whole = event("tools-call-2026-07-28")
    response = handler({**whole, "requestContext": {}, **broken}, None)
    assert response["statusCode"] == 400
    assert "error" in json.loads(response["body"])
    assert gate.recorder.received == []


def test_E08_a_caller_that_cannot_be_verified_is_refused(gate: Gate) -> None:
    gate.recorder.clear()
    arn = gate.environment["PORTCULLIS_SESSION_KEY_SECRET"]
    with mock.patch.dict(gate.environment, {"PORTCULLIS_SESSION_KEY_SECRET": arn + "-gone"}):
        handler = gate.cold_start()
    response = handler(event("tools-call-2026-07-28"), None)
    assert response["statusCode"] == 500
    assert gate.recorder.received == []
    assert gate.records[-1].outcome == "store_unavailable"


def test_the_authorizer_opens_what_the_grant_names(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = gate.environment["PORTCULLIS_SESSION_KEY_SECRET"]
    monkeypatch.setenv("PORTCULLIS_SESSION_KEY_SECRET", secret)
    for name, value in AUTHORIZER_VARIABLES.items():
        monkeypatch.setenv(name, value)
    module = importlib.reload(importlib.import_module("portcullis.entrypoints.lambda_authorizer"))
    dynamodb = boto3.client("dynamodb", region_name="us-east-1")
    token = create_grant(
        dynamodb, TABLE, name="ci", servers=[SERVER], now_seconds=0, lifetime_seconds=4_000_000_000
    )
    request = event("authorizer-request")
    with pytest.raises(UnauthorizedError):
        module.handler(request, None)
    request["multiValueHeaders"]["Authorization"] = [f"Bearer {token}"]
    answer = module.handler(request, None)
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Resource"].rpartition("/")[2] == SERVER


def test_an_upload_event_activates_what_was_uploaded(gate: Gate) -> None:
    handler = gate.cold_start("lambda_activator")
    uploaded = event("policy-uploaded")
    s3 = boto3.client("s3", region_name="us-east-1")
    registration = b'version: "1"\nurl: https://mcp.example.com/\n'
    for key, text in (
        (uploaded["detail"]["object"]["key"], POLICY.encode()),
        ("incoming/servers/new.yaml", registration),
    ):
        put = s3.put_object(Bucket=BUCKET, Key=key, Body=text)
        uploaded["detail"]["object"]["key"] = key
        # The upload that the event tells of may be gone by now; another one may be the newest.
        status = handler(uploaded, None)
        assert (status["state"], status["faults"]) == ("active", [])
        uploaded["detail"]["object"]["version-id"] = put["VersionId"]
        assert handler(uploaded, None)["source_version"] == put["VersionId"]
    topic = gate.environment["PORTCULLIS_OPERATOR_TOPIC"]
    messages = sns_backends[ACCOUNT]["us-east-1"].topics[topic].sent_notifications
    assert len(messages) == 1  # an event that is delivered again is no news
    uploaded["detail"]["object"]["key"] = "incoming/locks/nobody.json"
    assert handler(uploaded, None) == {"state": "ignored"}  # a lock waits for its policy
    for foreign in (
        "incoming/policies/../x.yaml", "incoming/policies/x.txt", "active/x.yaml",
        "incoming/locks/x.yaml",
        "incoming/servers/x.yml", "incoming/servers/a/x.yaml", "active/servers/x.json",
    ):  # fmt: skip
        uploaded["detail"]["object"]["key"] = foreign
        assert handler(uploaded, None) == {"state": "ignored"}
