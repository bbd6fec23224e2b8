"""What the functions ask of AWS while they run is what their roles allow: no less, no more.

Every handler is driven through what it does and what it refuses, in one emulated account. The
workflow's role is compared with its definition in `tests/infra/test_state_machine.py`; the
hosts' roles follow what the servers' tools do, see the exceptions.
"""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import boto3
import pytest
from moto import mock_aws

from portcullis.activation.signature import SERIAL, SIGNATURE
from portcullis.adapters.dynamodb_grants import create_grant
from portcullis.adapters.s3_activation import incoming_key
from portcullis.adapters.s3_snapshots import snapshot_key
from portcullis.approvals.states import State
from portcullis.entrypoints.clocks import clock
from support.console_fakes import make_event
from support.deployment import FUNCTIONS, ROOT, key_statements, of_type, permissions, target
from support.deployment import targets as targets_of
from support.recorded_operations import Recorder
from support.registering import register
from threats.front_gate import AUTHORIZER_VARIABLES
from threats.gate import BUCKET, TABLE, headers_for, own_module, request_message
from threats.gate_approvals import ALL, POLICY, REGION, SERVER, ApprovingGate, approving_gate, table

HOSTS = {"AmazonMqHostFunction", "AwsIamHostFunction"}  # the servers' tools say what they call
# Allowed, and asked for by nobody whom the recorder sees.
BY_LAMBDA = "Lambda itself asks, in the function's name"
MISSING = "without it S3 answers 403 for an object that is missing, and 404 must be told from it"
THROUGH = "asked by DynamoDB, S3 and SNS in the function's name, where a key of ours encrypts"
UNUSED = {
    "logs:CreateLogStream": BY_LAMBDA,
    "logs:PutLogEvents": BY_LAMBDA,
    "sqs:SendMessage": BY_LAMBDA,
    "xray:GetSamplingRules": BY_LAMBDA,
    "xray:GetSamplingTargets": BY_LAMBDA,
    "xray:PutTelemetryRecords": BY_LAMBDA,
    "xray:PutTraceSegments": BY_LAMBDA,
    "s3:ListBucket": MISSING,
}
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:mcp:live"
CHANGED = POLICY.replace("15m", "20m")


def allowed(function: str) -> set[str]:
    """What a function's role, the policies attached to it and the keys' policies allow."""
    role = target(FUNCTIONS[function]["Properties"]["Role"])
    held = {
        action
        for one in permissions(role)
        if one["Effect"] == "Allow" and one["Sid"] != "ThroughServices"  # see THROUGH
        for action in one["Action"]
    }
    keys = [one for key in of_type("AWS::KMS::Key") for one in key_statements(key).values()]
    return held | {
        action
        for one in keys
        if "GetAtt" in json.dumps(one["Principal"]) and role in targets_of(one["Principal"]["AWS"])
        for action in one["Action"]
    }


class Driver:
    """One account, and every handler in it under the recorder."""

    def __init__(self, gate: ApprovingGate, recorder: Recorder) -> None:
        self.gate, self.recorder = gate, recorder
        self.s3 = boto3.client("s3", region_name=REGION)

    def cold(self, function: str, module: str, **changed: str) -> Callable[..., Any]:
        """A cold start of a function; the calls of its start are its own too."""
        with mock.patch.dict(self.gate.gate.environment, changed):
            return self.recorder.of(function, self.gate.gate.cold_start(module))

    def upload(self, text: str, **metadata: str) -> str:
        put = self.s3.put_object(
            Bucket=BUCKET, Key=incoming_key(SERVER), Body=text.encode(), Metadata=metadata
        )
        return put["VersionId"]

    def waits(self, approval_id: str) -> None:
        """Let the workflow wait for a request, as its first state does."""
        table().update_item(
            Key={"pk": f"APPROVAL#{approval_id}", "sk": "RECORD"},
            UpdateExpression="SET task_token = :token",
            ExpressionAttributeValues={":token": "a-handle"},
        )

    def mint(self, **grant: Any) -> str:
        now = clock().micros // 1_000_000
        dynamodb = boto3.client("dynamodb", region_name=REGION)
        return create_grant(dynamodb, TABLE, now_seconds=now, lifetime_seconds=900, **grant)

    # ---------------------------------------------------------------- each function

    def gateway_and_executor(self) -> None:
        gate, inner = self.gate, self.gate.gate
        inner.handler = self.cold("GatewayFunction", "lambda_mcp")
        gate.executor = self.cold("ExecutorFunction", "lambda_executor")
        assert not inner.call("hosted", "get_info").is_success
        assert gate.call(tool="no_such_tool").is_unknown_tool
        record = gate.approve(gate.asked())
        self.s3.delete_object(Bucket=BUCKET, Key=snapshot_key(SERVER))
        assert gate.run(record).state is State.DONE
        assert gate.call().is_success, "the result is handed over"
        self._cancelled(gate.asked(ALL).id)

    def _cancelled(self, approval_id: str) -> None:
        self.waits(approval_id)
        meta = {"io.modelcontextprotocol/clientCapabilities": TASKS}
        message = request_message("tasks/cancel", {"taskId": approval_id, "_meta": meta})
        headers = {**headers_for(message), "Mcp-Name": approval_id}
        answer = self.gate.gate.send(
            SERVER, json.dumps(message), headers=headers, principal=self.gate.agent
        )
        assert answer.status == 200, answer

    def activator(self) -> None:
        look = self.cold("ActivatorFunction", "lambda_activator")
        first = self.upload(CHANGED)
        told = look(uploaded(first))
        assert told["state"] == "waiting"
        self.waits(told["waiting"]["approval"])
        self.upload(CHANGED.replace("20m", "21m"))
        told = look(uploaded(first))
        record = self.gate.approve(self.gate.record(told["waiting"]["approval"]))
        self.gate.executor({"approval": record.id})
        look({"detail-type": "Approval Ended", "detail": {"id": record.id}})
        signed = {"PORTCULLIS_POLICY_SIGNING_KEY": self.signing_key()}
        look = self.cold("ActivatorFunction", "lambda_activator", **signed)
        self.upload(CHANGED, **{SIGNATURE: "AAAA", SERIAL: "1"})
        assert look(uploaded(first))["state"] == "rejected"

    def signing_key(self) -> str:
        kms = boto3.client("kms", region_name=REGION)
        made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        return str(made["KeyMetadata"]["Arn"])

    def authorizer(self) -> None:
        secret = self.gate.gate.environment["PORTCULLIS_SESSION_KEY_SECRET"]
        variables = {**AUTHORIZER_VARIABLES, "PORTCULLIS_SESSION_KEY_SECRET": secret}
        with mock.patch.dict(os.environ, variables):
            module = own_module("portcullis.entrypoints.lambda_authorizer")
        authorize = self.recorder.of("AuthorizerFunction", module.handler)
        event = json.loads((ROOT / "events/authorizer-request.json").read_text("utf-8"))
        token = self.mint(name="ci", servers=["amazon-mq"])
        event["multiValueHeaders"]["Authorization"] = [f"Bearer {token}"]
        assert authorize(event)["policyDocument"]["Statement"][0]["Effect"] == "Allow"

    def console(self) -> None:
        answer = self.cold("ConsoleFunction", "lambda_console")
        token = self.mint(name="carol", role="approver", groups=["platform"])
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        record = self.gate.asked({"user_name": "eve"})
        self.waits(record.id)
        shown = f"/approvals/{record.id}"
        page = {"sec-fetch-site": "same-origin"}
        answer(make_event("GET", "/approvals/login", headers=page, body=None))
        for method, path, body in (
            ("GET", "/approvals", None),
            ("GET", shown, None),
            ("POST", shown, '{"decision": "approve"}'),
        ):
            told = answer(make_event(method, path, headers=headers, body=body))
            assert told["statusCode"] == 200, told

    def monitor(self) -> None:
        queue = boto3.client("sqs", region_name=REGION).create_queue(QueueName="dead")
        url = {"PORTCULLIS_DEAD_LETTERS": queue["QueueUrl"]}
        self.cold("MonitorFunction", "lambda_monitor", **url)({})

    def metadata(self) -> None:
        self.recorder.needed["MetadataFunction"] = set()  # it has no client at all


TASKS: dict[str, Any] = {"extensions": {"io.modelcontextprotocol/tasks": {}}}


def uploaded(version: str) -> dict[str, Any]:
    found = {"key": incoming_key(SERVER), "version-id": version}
    return {"detail-type": "Object Created", "detail": {"object": found}}


@pytest.fixture(scope="module")
def needed() -> Iterator[dict[str, set[str]]]:
    """What each function needed, after all of them were driven."""
    recorder = Recorder()
    with mock_aws():
        secrets = boto3.client("secretsmanager", region_name=REGION)
        arn = secrets.create_secret(Name="upstream", SecretString="s")["ARN"]
        settings = {
            "PORTCULLIS_UPSTREAM_SECRET_ARNS": arn,
            "PORTCULLIS_UPSTREAM_FUNCTION_ARNS": FUNCTION,
            "PORTCULLIS_POLICY_APPROVERS": "group:platform",
            "PORTCULLIS_POLICY_APPROVALS_NEEDED": "1",
        }
        with approving_gate(None, **settings) as gate, recorder.noting():
            s3, environment = boto3.client("s3", region_name=REGION), gate.gate.environment
            active = s3.get_object(Bucket=BUCKET, Key=f"active/servers/{SERVER}.json")["Body"]
            url = json.loads(active.read())["document"]["url"]
            entry = {"url": url, "credential": {"secret": arn, "scheme": "Bearer"}}
            register(s3, environment, SERVER, entry)
            register(s3, environment, "hosted", {"lambda": FUNCTION})
            gate.gate.activate("hosted", POLICY)
            driver = Driver(gate, recorder)
            driver.gateway_and_executor()
            driver.console()
            driver.activator()
            driver.authorizer()
            driver.monitor()
            driver.metadata()
        yield recorder.needed


def test_every_function_but_the_hosts_is_driven(needed: dict[str, set[str]]) -> None:
    assert needed.keys() == FUNCTIONS.keys() - HOSTS


@pytest.mark.parametrize("function", sorted(FUNCTIONS.keys() - HOSTS))
def test_what_is_asked_of_aws_is_allowed(needed: dict[str, set[str]], function: str) -> None:
    assert needed[function] - allowed(function) == set()


@pytest.mark.parametrize("function", sorted(FUNCTIONS.keys() - HOSTS))
def test_what_is_allowed_is_asked_for_or_has_a_reason(
    needed: dict[str, set[str]], function: str
) -> None:
    assert allowed(function) - needed[function] - UNUSED.keys() == set()


def test_every_reason_is_still_needed(needed: dict[str, set[str]]) -> None:
    spare = {action for name in needed for action in allowed(name) - needed[name]}
    assert UNUSED.keys() <= spare
