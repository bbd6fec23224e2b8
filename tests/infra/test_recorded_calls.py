"""The actions of each function's role are the AWS calls that its handler makes: none is missing,
none is unused.

Every handler runs in this process, through what makes it call all it can call; a stand-in
before all clients notes the operations. What is allowed and not called has its reason below.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest

from portcullis.activation.signature import SERIAL, SIGNATURE, statement
from portcullis.adapters import approval_items as items
from portcullis.adapters.dynamodb_grants import create_grant
from portcullis.adapters.s3_activation import incoming_key
from portcullis.adapters.s3_snapshots import snapshot_key
from portcullis.adapters.server_activation import incoming_server_key
from portcullis.approvals.states import State
from portcullis.entrypoints.clocks import clock
from portcullis.values import JsonObject
from support.console_fakes import make_event
from support.deployment import (
    FUNCTIONS,
    HOST_ROLES,
    ROOT,
    key_statements,
    listed,
    of_type,
    permissions,
    targets,
)
from support.deployment import target as target_of
from support.recorded_calls import Recorder, needed
from support.registering import register
from threats.front_gate import AUTHORIZER_VARIABLES
from threats.gate import BUCKET, TABLE, headers_for, request_message
from threats.gate_approvals import READ, SERVER, TOOL, ApprovingGate, approving_gate

REGION = "us-east-1"
LIMITS = "rate_limit: {max: 9, window: 60, per: %s}"
POLICY = f"""\
version: "1"
default: deny
tools:
  {TOOL}:
    rules:
      - {{action: require_approval, approval: {{approvers: [group:platform], timeout: 15m}}}}
      - {{{LIMITS % "principal"}}}
      - {{{LIMITS % "server"}}}
"""
HOSTED = 'version: "1"\ndefault: deny\ntools:\n  x: {action: allow}\n'

# Allowed and not called by the code: who needs it instead.
OTHERWISE = {
    "logs:CreateLogStream": "the Lambda service writes the function's log",
    "logs:PutLogEvents": "the Lambda service writes the function's log",
    "s3:ListBucket": "S3 tells a missing key from a forbidden one only to who may list",
    "sqs:SendMessage": "the Lambda service keeps events that failed",
    "xray:GetSamplingRules": "the Lambda service traces, where it is switched on",
    "xray:GetSamplingTargets": "the Lambda service traces, where it is switched on",
    "xray:PutTelemetryRecords": "the Lambda service traces, where it is switched on",
    "xray:PutTraceSegments": "the Lambda service traces, where it is switched on",
}
# Statements for a service on the caller's behalf, never for a call of the code.
THROUGH_SERVICES = {"ThroughServices"}
# Without the hosts', whose servers' calls test_hosted_calls knows.
ROLES = sorted({target_of(one["Properties"]["Role"]) for one in FUNCTIONS.values()} - HOST_ROLES)


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """What every handler called, once all of them have run."""
    found = Recorder()
    settings = {
        "PORTCULLIS_SERVERS": json.dumps({"hosted": "the-host"}),
        "PORTCULLIS_KILL_SWITCH_REFRESH_SECONDS": "1",
    }
    with approving_gate({SERVER: POLICY}, **settings) as gate, found.listening():
        key = boto3.client("kms", region_name=REGION).create_key()["KeyMetadata"]["Arn"]
        _set(gate, {"PORTCULLIS_RECORDING_KEY_ID": key})
        _authorizes(gate, found)
        _waits_and_executes(gate, found)
        _invokes_a_host(gate)
        _activates(gate, found)
        _monitors(gate, found)
        yield found


def _now() -> int:
    return clock().micros // 1_000_000


def _set(gate: ApprovingGate, variables: Mapping[str, str]) -> None:
    """Give the next environments further variables."""
    environment = gate.gate.environment
    assert isinstance(environment, dict)
    environment.update(variables)


def _bring_credential(gate: ApprovingGate) -> None:
    """Register the server anew, with a secret that its calls bring along."""
    s3 = boto3.client("s3", region_name=REGION)
    held = s3.get_object(Bucket=BUCKET, Key=incoming_server_key(SERVER))["Body"].read()
    secret = boto3.client("secretsmanager", region_name=REGION).create_secret(
        Name="upstream", SecretString="of-the-server"
    )["ARN"]
    _set(gate, {"PORTCULLIS_UPSTREAM_SECRET_ARNS": secret})
    entry = {"url": json.loads(held)["url"], "credential": {"secret": secret}}
    assert register(s3, gate.gate.environment, SERVER, entry)["state"] == "active"


def _forget_tools() -> None:
    key = snapshot_key(SERVER)
    boto3.client("s3", region_name=REGION).delete_object(Bucket=BUCKET, Key=key)


def _give_token(approval_id: str) -> None:
    """What the workflow writes once it waits: the handle it is woken by."""
    boto3.client("dynamodb", region_name=REGION).update_item(
        TableName=TABLE,
        Key=items.record_key(approval_id),
        UpdateExpression="SET task_token = :t",
        ExpressionAttributeValues={":t": {"S": "token"}},
    )


def _authorizes(gate: ApprovingGate, found: Recorder) -> None:
    _set(gate, AUTHORIZER_VARIABLES | dict(gate.gate.environment))
    handler = found.by("AuthorizerRole", gate.gate.cold_start("lambda_authorizer"))
    event = json.loads((ROOT / "events" / "authorizer-request.json").read_text())
    event["multiValueHeaders"]["Authorization"] = [f"Bearer {gate.token}"]
    event["pathParameters"] = {"server": SERVER}
    assert "policyDocument" in handler(event, None)


def _waits_and_executes(gate: ApprovingGate, found: Recorder) -> None:
    """A call is asked for, shown, approved, executed and picked up; another is taken back."""
    _bring_credential(gate)
    gate.gate.handler = found.by("GatewayRole", gate.gate.cold_start())
    gate.executor = found.by("ExecutorRole", gate.gate.cold_start("lambda_executor"))
    console = found.by("ConsoleRole", gate.gate.cold_start("lambda_console"))
    approver = create_grant(
        boto3.client("dynamodb", region_name=REGION),
        TABLE,
        name="carol",
        servers=[],
        now_seconds=_now(),
        lifetime_seconds=3600,
        role="approver",
        groups=["platform"],
    )
    _forget_tools()  # so that the server is asked for them, and they are kept
    gate.gate.open_session(SERVER)
    record = gate.asked()
    _give_token(record.id)
    page = make_event("GET", "/approvals/login", headers={}, body=None)
    assert console(page, None)["statusCode"] == 200
    for method, path, body in (
        ("GET", "/approvals", None),
        ("GET", f"/approvals/{record.id}", None),
        ("POST", f"/approvals/{record.id}", '{"decision": "approve"}'),
    ):
        headers: dict[str, str | list[str]] = {"authorization": f"Bearer {approver}"}
        if body is not None:
            headers["content-type"] = "application/json"
        answer = console(make_event(method, path, headers=headers, body=body), None)
        assert answer["statusCode"] == 200, answer
    _forget_tools()
    assert gate.run(record).state is State.DONE
    assert gate.call().is_success
    taken_back = gate.asked({**READ, "user_name": "eve"})
    _give_token(taken_back.id)
    _cancels(gate, taken_back.id)
    assert gate.record(taken_back.id).state is State.CANCELLED


def _cancels(gate: ApprovingGate, task: str) -> None:
    declared: JsonObject = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
    meta = {"io.modelcontextprotocol/clientCapabilities": declared}
    message = request_message("tasks/cancel", {"taskId": task, "_meta": meta})
    headers = {**headers_for(message), "Mcp-Name": task}
    gate.gate.send(SERVER, json.dumps(message), headers=headers, principal=gate.agent)


def _invokes_a_host(gate: ApprovingGate) -> None:
    gate.gate.activate("hosted", HOSTED)
    gate.gate.call("hosted", "x")  # its tools are asked for; nobody answers here


def _activates(gate: ApprovingGate, found: Recorder) -> None:
    """A policy is signed, waits for people, is replaced by a newer one and carried out."""
    kms = boto3.client("kms", region_name=REGION)
    key = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]["Arn"]
    approving = {"APPROVERS": "group:platform", "APPROVALS_NEEDED": "1", "SIGNING_KEY": key}
    _set(gate, {f"PORTCULLIS_POLICY_{name}": value for name, value in approving.items()})
    activator = found.by("ActivatorRole", gate.gate.cold_start("lambda_activator"))
    first = _uploaded(HOSTED, key, serial=1)
    told = activator(_event(first), None)
    assert told["state"] == "waiting", told["faults"]
    waiting = told["waiting"]["approval"]
    _give_token(waiting)
    second = _uploaded(POLICY, key, serial=2)
    activator(_event(first), None)  # an old event, which asks for the version it speaks of
    newer = activator(_event(second), None)["waiting"]["approval"]
    assert gate.record(waiting).state is State.CANCELLED
    gate.approve(gate.record(newer))
    gate.run(gate.record(newer))  # by the activator, which does not answer here
    activator({"approval": newer, "server": "signed"}, None)


def _uploaded(text: str, key: str, *, serial: int) -> str:
    body = text.encode()
    digest = hashlib.sha256(body).hexdigest()
    message = statement(bucket=BUCKET, server="signed", digest=digest, serial=serial)
    signed = boto3.client("kms", region_name=REGION).sign(
        KeyId=key, Message=message, MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256"
    )
    put = boto3.client("s3", region_name=REGION).put_object(
        Bucket=BUCKET,
        Key=incoming_key("signed"),
        Body=body,
        Metadata={SIGNATURE: b64encode(signed["Signature"]).decode(), SERIAL: str(serial)},
    )
    return str(put["VersionId"])


def _event(version: str) -> Any:
    event = json.loads((ROOT / "events" / "policy-uploaded.json").read_text())
    event["detail"]["object"] |= {"key": incoming_key("signed"), "version-id": version}
    return event


def _monitors(gate: ApprovingGate, found: Recorder) -> None:
    queue = boto3.client("sqs", region_name=REGION).create_queue(QueueName="dead")["QueueUrl"]
    _set(gate, {"PORTCULLIS_DEAD_LETTERS": queue})
    found.by("MonitorRole", gate.gate.cold_start("lambda_monitor"))({}, None)


def allowed(role: str) -> set[str]:
    """What a role, and the keys, let its function do by itself."""
    found = {
        action
        for one in permissions(role)
        if one["Effect"] == "Allow" and one["Sid"] not in THROUGH_SERVICES
        for action in listed(one["Action"])
    }
    for key in of_type("AWS::KMS::Key"):
        for sid, one in key_statements(key).items():
            whom = one["Principal"].get("AWS")
            if (
                sid not in ("Administer", "OpenRecordings")
                and whom not in (None, "*")
                and role in targets(whom)
            ):
                found |= set(listed(one["Action"]))
    return found


@pytest.mark.parametrize("role", ROLES)
def test_every_call_is_allowed(recorder: Recorder, role: str) -> None:
    assert recorder.actions.get(role, set()) - allowed(role) == set()


@pytest.mark.parametrize("role", ROLES)
def test_every_allowed_action_is_called(recorder: Recorder, role: str) -> None:
    unused = allowed(role) - recorder.actions.get(role, set())
    assert unused - OTHERWISE.keys() == set()


def test_every_reason_is_still_needed() -> None:
    assert OTHERWISE.keys() <= {action for role in ROLES for action in allowed(role)}


def test_a_transaction_needs_what_it_is_made_of() -> None:
    parts: list[JsonObject] = [{"Update": {}}, {"ConditionCheck": {}}]
    assert needed("dynamodb", "TransactWriteItems", {"TransactItems": parts}) == {
        "dynamodb:UpdateItem",
        "dynamodb:ConditionCheckItem",
    }
    assert needed("s3", "HeadObject", {"VersionId": "x"}) == {"s3:GetObjectVersion"}
