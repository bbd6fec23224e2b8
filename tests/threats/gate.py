"""The gate under attack: the real Lambda handler, an emulated account, a recorder behind it.

Requests enter as API Gateway events; policies enter as uploads through the real activation.
The emulator stands in for S3, DynamoDB and Secrets Manager only.
"""

import importlib.util
import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any
from unittest import mock

import boto3
from aws_lambda_powertools import Logger
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT

from portcullis.adapters.powertools_log import PowertoolsDecisionLog
from portcullis.adapters.s3_activation import PolicyActivation, incoming_key
from portcullis.entrypoints import bootstrap
from portcullis.gateway.ports import DecisionRecord
from portcullis.policy.model import Principal
from support.engines import create_state_table
from support.registering import register
from support.sealed_callers import OCCASION, SECRET, with_caller
from threats.recorder import Recorder, serving

BUCKET, TABLE = "gate-policies", "gate-state"
PROOF = "p" * 64  # what the API's stage shows
MODERN, LEGACY = "2026-07-28", "2025-11-25"
ALICE = Principal(issuer="portcullis:grant", subject="alice")
BOB = Principal(issuer="portcullis:grant", subject="bob")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the client gets."""

    status: int
    headers: Mapping[str, list[str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_denial(self) -> bool:
        """A well-formed MCP denial: an isError result with our machine-readable decision."""
        result = self.json.get("result") or {}
        return bool(result.get("isError")) and "portcullis/decision" in result.get("_meta", {})

    @property
    def decision(self) -> Json:
        decision: Json = self.json["result"]["_meta"]["portcullis/decision"]
        return decision

    @property
    def is_rejection(self) -> bool:
        """HTTP 4xx with a JSON-RPC error."""
        return 400 <= self.status < 500 and "error" in self.json

    @property
    def is_unknown_tool(self) -> bool:
        text = json.dumps(self.json)
        return "Unknown tool" in text and "portcullis/decision" not in text

    @property
    def is_success(self) -> bool:
        return "executed" in self.body.decode() and not self.json["result"].get("isError")


class RecordingLog(PowertoolsDecisionLog):
    """The real decision log, which also keeps what it wrote."""

    def __init__(self, records: list[DecisionRecord], logger: Logger) -> None:
        super().__init__(logger)
        self._records = records

    def record(self, record: DecisionRecord) -> None:
        super().record(record)
        self._records.append(record)


class Gate:
    """One warm environment of the gateway. `records` are the decision records it wrote."""

    def __init__(
        self,
        cold_start: Callable[..., Any],
        recorder: Recorder,
        activation: PolicyActivation,
        records: list[DecisionRecord],
        environment: Mapping[str, str],
    ) -> None:
        self.environment = environment
        self.cold_start = cold_start  # the handler of a further environment, of any function
        self.handler = cold_start()
        self.recorder = recorder
        self._activation = activation
        self._s3 = boto3.client("s3", region_name="us-east-1")
        self.records = records

    def clear(self) -> None:
        """Forget what arrived upstream, the scripts, and the decision records."""
        self.recorder.clear()
        self.records.clear()

    def activate(self, server: str, policy: str) -> Json:
        """Upload a policy and activate it, as the activator does."""
        self._s3.put_object(Bucket=BUCKET, Key=incoming_key(server), Body=policy.encode())
        return dict(self._activation.activate(server, now_seconds=0))

    def send(
        self,
        server: str,
        body: bytes | str,
        *,
        headers: Mapping[str, str | list[str]] | None = None,
        method: str = "POST",
        principal: Principal = ALICE,
        base64: bool = False,
        changed: Json | None = None,
    ) -> Answer:
        """Send one HTTP request as API Gateway would hand it over.

        `changed` replaces members of the event (`path`, `body`, …).
        """
        # API Gateway hands the body over as text; bytes that are no text it hands over in base64.
        event_body: str | None
        if isinstance(body, bytes) and not base64:
            try:
                event_body = body.decode("utf-8")
            except UnicodeDecodeError:
                base64 = True
        if base64:
            raw = body if isinstance(body, bytes) else body.encode()
            event_body = b64encode(raw).decode()
        elif isinstance(body, str):
            event_body = body
        pairs = {"Content-Type": "application/json", **(headers or {})}
        multiple = {k: v if isinstance(v, list) else [v] for k, v in pairs.items()}
        event = {
            "resource": "/mcp/{server}",
            "path": f"/mcp/{server}",
            "httpMethod": method,
            "headers": {name: values[-1] for name, values in multiple.items() if values},
            "multiValueHeaders": multiple,
            "queryStringParameters": None,
            "pathParameters": {"server": server},
            "requestContext": {**OCCASION, "identity": {"sourceIp": "192.0.2.1"}},
            "body": event_body,
            "isBase64Encoded": base64,
            **(changed or {}),
        }
        now_seconds = vars(bootstrap)["clock"]().micros // 1_000_000  # tests may move it
        response = self.handler(
            with_caller(event, principal, server, now_seconds=now_seconds), None
        )
        return Answer(
            status=response["statusCode"],
            headers=response["multiValueHeaders"],
            body=response["body"].encode(),
        )

    # ------------------------------------------------------------ well-formed requests

    def call(
        self,
        server: str,
        tool: str,
        arguments: Json | None = None,
        *,
        principal: Principal = ALICE,
        era: str = MODERN,
        token: str | None = None,
    ) -> Answer:
        """One well-formed tools/call."""
        message = call_message(tool, arguments, era=era)
        return self.send(
            server,
            json.dumps(message),
            headers=headers_for(message, era=era, token=token),
            principal=principal,
        )

    def ask(
        self, server: str, method: str, params: Json | None = None, *, era: str = MODERN,
        principal: Principal = ALICE, token: str | None = None,
    ) -> Answer:  # fmt: skip
        """One well-formed request of any method."""
        message = request_message(method, params, era=era)
        headers = headers_for(message, era=era, token=token)
        return self.send(server, json.dumps(message), headers=headers, principal=principal)

    def open_session(
        self, server: str, *, principal: Principal = ALICE, version: str = LEGACY
    ) -> str:
        """Initialize; answer the session id the gateway minted."""
        params = {
            "protocolVersion": version,
            "capabilities": {"sampling": {}},
            "clientInfo": {"name": "attacker", "version": "1"},
        }
        message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
        answer = self.send(server, json.dumps(message), headers=ACCEPT, principal=principal)
        assert answer.status == 200, answer
        return answer.headers["mcp-session-id"][0]


ACCEPT = {"Accept": "application/json, text/event-stream"}


def request_message(method: str, params: Json | None = None, *, era: str = MODERN) -> Json:
    """A JSON-RPC request with the era's `_meta`."""
    held = dict(params or {})
    if era == MODERN:
        held["_meta"] = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
            **held.get("_meta", {}),
        }
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": held}


def call_message(tool: Any, arguments: Any = None, *, era: str = MODERN) -> Json:
    """C0 of the catalogue with another tool or other arguments."""
    return request_message("tools/call", {"name": tool, "arguments": arguments or {}}, era=era)


def headers_for(message: Json, *, era: str = MODERN, token: str | None = None) -> dict[str, Any]:
    """The headers a well-behaved client sends with a message."""
    headers: dict[str, Any] = {**ACCEPT, "MCP-Protocol-Version": era}
    if era == MODERN:
        headers["Mcp-Method"] = message["method"]
        name = message["params"].get("name", message["params"].get("uri"))
        if isinstance(name, str):
            headers["Mcp-Name"] = name
    if token is not None:
        headers["Mcp-Session-Id"] = token
    return headers


@contextmanager
def standing_gate(
    tools: list[Json],
    policies: Mapping[str, str],
    servers: Mapping[str, Json] | None = None,
    /,
    **settings: str,
) -> Iterator[Gate]:
    """A gate with one server a policy, all of them the same recorder.

    `servers` are other registrations than that, by name and without their version.
    """
    recorder = Recorder(tools)
    with mock_aws(), serving(recorder) as port:
        account = _make_account()
        if servers is None:
            servers = {name: {"url": f"http://127.0.0.1:{port}/{name}/mcp"} for name in policies}
        environment = {
            **account,
            "PORTCULLIS_SERVERS": "{}",
            "PORTCULLIS_POLICY_REFRESH_SECONDS": "300",
            "PORTCULLIS_POLICY_MAX_AGE_SECONDS": "3600",
            "PORTCULLIS_KILL_SWITCH_REFRESH_SECONDS": "5",
            "PORTCULLIS_KILL_SWITCH_MAX_AGE_SECONDS": "60",
            "PORTCULLIS_SESSION_CAP": "3",
            "PORTCULLIS_SESSION_TTL_SECONDS": "600",
            "PORTCULLIS_ALLOWED_ORIGINS": "https://good.example",
            "PORTCULLIS_ALLOWED_HOSTS": "",
            "PORTCULLIS_ALLOW_LOOPBACK_UPSTREAMS": "true",
            "PORTCULLIS_UPSTREAM_FUNCTION_ARNS": "",
            "PORTCULLIS_UPSTREAM_SECRET_ARNS": "",
            "PORTCULLIS_UPSTREAM_ACCESS_POLICY": "",
            "PORTCULLIS_UPSTREAM_TIMEOUT_SECONDS": "5",
            "PORTCULLIS_APPROVAL_RETENTION_SECONDS": "86400",
            "PORTCULLIS_RECORDING_KEY_ID": "",
            "PORTCULLIS_APPROVAL_CAP": "5",
            "PORTCULLIS_APPROVAL_COOLDOWN_SECONDS": "300",
            "PORTCULLIS_APPROVAL_HOLD_SECONDS": "1",
            "PORTCULLIS_PUBLIC_URL": "https://gate.example/prod",
            "PORTCULLIS_LEGACY_URL_ELICITATION": "false",
            **settings,
        }
        records: list[DecisionRecord] = []
        log = partial(RecordingLog, records)

        def cold_start(function: str = "lambda_mcp") -> Any:
            with (
                mock.patch.dict(os.environ, environment),
                mock.patch.object(bootstrap, "PowertoolsDecisionLog", log),
            ):
                return own_module(f"portcullis.entrypoints.{function}").handler

        s3 = boto3.client("s3", region_name="us-east-1")
        for server, entry in servers.items():
            registered = register(s3, environment, server, entry)
            assert registered["state"] == "active", registered
        activation = PolicyActivation(s3, BUCKET)
        gate = Gate(cold_start, recorder, activation, records, environment)
        for server, policy in policies.items():
            status = gate.activate(server, policy)
            assert status["state"] == "active", status
            gate.call(server, "no_such_tool")  # the tool list is read before the first row
        gate.clear()
        yield gate


def own_module(name: str) -> ModuleType:
    """Run a handler's module anew, as a cold start does; nobody else sees this copy."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _make_account() -> dict[str, str]:
    """Make what the functions find in their account; answer the variables that name it."""
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    create_state_table(boto3.client("dynamodb", region_name="us-east-1"), TABLE)
    secrets = boto3.client("secretsmanager", region_name="us-east-1")
    machine = boto3.client("stepfunctions", region_name="us-east-1").create_state_machine(
        name="approvals",
        definition='{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}',
        roleArn="arn:aws:iam::123456789012:role/workflow",
    )
    key = boto3.client("kms", region_name="us-east-1").create_key()
    return {
        "PORTCULLIS_STACK": "portcullis",
        "PORTCULLIS_BUCKET": BUCKET,
        "PORTCULLIS_BUCKET_OWNER": ACCOUNT,
        "PORTCULLIS_TABLE": TABLE,
        "PORTCULLIS_STORE_TIMEOUT_SECONDS": "2",
        "PORTCULLIS_IDENTITY": "grants",
        "PORTCULLIS_JWT_ISSUER": "",
        "PORTCULLIS_JWT_STANDING_SECONDS": "86400",
        "PORTCULLIS_ACTIVATOR": "the-activator",
        "PORTCULLIS_OPERATOR_TOPIC": boto3.client("sns", region_name="us-east-1").create_topic(
            Name="operators"
        )["TopicArn"],
        "PORTCULLIS_POLICY_SIGNING_KEY": "",
        "PORTCULLIS_POLICY_SIGNING_ALGORITHM": "ECDSA_SHA_256",
        "PORTCULLIS_POLICY_APPROVERS": "",
        "PORTCULLIS_POLICY_APPROVALS_NEEDED": "2",
        "PORTCULLIS_POLICY_APPROVAL_SECONDS": "259200",
        "PORTCULLIS_SESSION_KEY_SECRET": secrets.create_secret(
            Name="session-key", SecretString=SECRET
        )["ARN"],
        "PORTCULLIS_STAGE_PROOF_SECRET": secrets.create_secret(
            Name="stage-proof", SecretString=PROOF
        )["ARN"],
        "PORTCULLIS_CONSOLE_KEY_SECRET": secrets.create_secret(
            Name="console-key", SecretString="c" * 64
        )["ARN"],
        "PORTCULLIS_STATE_MACHINE": machine["stateMachineArn"],
        "PORTCULLIS_APPROVAL_KEY_ID": key["KeyMetadata"]["Arn"],
        # The console's; the gateway reads none of them.
        "PORTCULLIS_CONSOLE_SESSION_SECONDS": "3600",
        "PORTCULLIS_OIDC_ISSUER": "",
        "PORTCULLIS_OIDC_CLIENT_ID": "",
        "PORTCULLIS_OIDC_CLIENT_SECRET": "",
        "PORTCULLIS_OIDC_GROUPS_CLAIM": "groups",
    }
