"""The gate with its executor: requests for approval through the real handlers.

Decisions are made at the approvers' desk on the same table; the console's own door is attacked
in `test_console_N`. Step Functions only keeps what it was told here: its part is played by
`run`, and by the real definition in `tests/integration`.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3

from portcullis.adapters.dynamodb_approvals import DynamoDBApprovalStore
from portcullis.adapters.dynamodb_grants import CREDENTIAL_PREFIX, create_grant, token_digest
from portcullis.adapters.kms_vault import KmsVault
from portcullis.approvals.record import ApprovalRecord
from portcullis.entrypoints.clocks import clock
from portcullis.gateway.deciding import Desk, Viewer, Word
from portcullis.policy.model import Principal
from support.memory_workflow import MemoryWorkflow
from threats.gate import TABLE, Answer, Gate, Json, standing_gate

REGION = "us-east-1"
SERVER = "asking"
TOOL = "put_user_policy"
CAROL = Viewer(
    principal=Principal(issuer="portcullis:grant", subject="carol", groups=("platform",))
)
TOOLS: list[Json] = [
    {
        "name": TOOL,
        "inputSchema": {
            "type": "object",
            "properties": {
                "user_name": {"type": "string"},
                "policy_document": {"type": "object"},
                "password": {"type": "string"},
                "tags": {"type": "array"},
                "dry_run": {"type": "boolean", "default": False},
            },
        },
    },
    {"name": "delete_broker", "inputSchema": {"type": "object"}},
]
RULE = "{action: require_approval, approval: {approvers: [group:platform], timeout: 15m}}"
POLICY = f'version: "1"\ndefault: deny\ntools:\n  {TOOL}: {RULE}\n  delete_broker: {RULE}\n'
READ = {"user_name": "bob", "policy_document": {"Action": "s3:GetObject"}}
ALL = {"user_name": "bob", "policy_document": {"Action": "iam:*"}}


@dataclass(slots=True)
class ApprovingGate:
    """`gate` before the recorder; `executor` and `desk` on the same account."""

    gate: Gate
    executor: Any
    store: DynamoDBApprovalStore
    desk: Desk
    token: str
    agent: Principal

    def call(self, arguments: Json | None = None, *, tool: str = TOOL, **more: Any) -> Answer:
        more.setdefault("principal", self.agent)
        return self.gate.call(SERVER, tool, READ if arguments is None else arguments, **more)

    def asked(self, arguments: Json | None = None, **more: Any) -> ApprovalRecord:
        return self.record(self.call(arguments, **more).decision["approval"]["id"])

    def record(self, approval_id: str) -> ApprovalRecord:
        found = self.store.read(approval_id)
        assert found is not None
        return found

    def approve(self, record: ApprovalRecord, *, by: Viewer = CAROL) -> ApprovalRecord:
        decided = self.desk.decide(record.id, by, Word.APPROVE, comment="")
        assert isinstance(decided, ApprovalRecord), decided
        return decided

    def run(self, record: ApprovalRecord) -> ApprovalRecord:
        """The workflow's task, once."""
        self.executor({"approval": record.id}, None)
        return self.record(record.id)

    def done(self, arguments: Json | None = None) -> ApprovalRecord:
        return self.run(self.approve(self.asked(arguments)))

    def executed(self, tool: str = TOOL) -> list[Json]:
        """The arguments of every call that reached the server."""
        return [call["arguments"] for call in self.gate.recorder.calls() if call["name"] == tool]

    def clear(self) -> None:
        """Forget what was asked and what arrived, but not the account."""
        self.gate.clear()
        for item in table().scan()["Items"]:
            if item["pk"].partition("#")[0] in {"APPROVAL", "ASK", "ASKER", "COUNTER"}:
                table().delete_item(Key={"pk": item["pk"], "sk": item["sk"]})


def table() -> Any:
    return boto3.resource("dynamodb", region_name=REGION).Table(TABLE)


@contextmanager
def approving_gate(
    policies: Mapping[str, str] | None = None, **settings: str
) -> Iterator[ApprovingGate]:
    """A standing gate whose policy asks for approvals, and everything behind it."""
    with standing_gate(TOOLS, policies or {SERVER: POLICY}, **settings) as gate:
        dynamodb = boto3.client("dynamodb", region_name=REGION)
        token = create_grant(
            dynamodb,
            TABLE,
            name="agent",
            servers=[SERVER],
            now_seconds=clock().micros // 1_000_000,
            lifetime_seconds=3600,
            person="ann@example.com",
        )
        store = DynamoDBApprovalStore(dynamodb, TABLE, clock=clock, retention_seconds=86_400)
        key = gate.environment["PORTCULLIS_APPROVAL_KEY_ID"]
        vault = KmsVault(lambda: boto3.client("kms", region_name=REGION), key)
        yield ApprovingGate(
            gate=gate,
            executor=gate.cold_start("lambda_executor"),
            store=store,
            desk=Desk(store, MemoryWorkflow(), vault, clock=clock),
            token=token,
            agent=Principal(
                issuer="portcullis:grant",
                subject="agent",
                person="ann@example.com",
                credential=CREDENTIAL_PREFIX + token_digest(token),
            ),
        )


def executions() -> list[Json]:
    """What Step Functions was asked to start: name and input."""
    client = boto3.client("stepfunctions", region_name=REGION)
    (machine,) = client.list_state_machines()["stateMachines"]
    arn = machine["stateMachineArn"]
    started = client.list_executions(stateMachineArn=arn)["executions"]
    return [
        {
            "name": one["name"],
            "input": json.loads(
                client.describe_execution(executionArn=one["executionArn"])["input"]
            ),
        }
        for one in started
    ]
