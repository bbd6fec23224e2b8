"""Policies that wait, in an emulated account: the real activator and executor handlers, the real
workflow and rules; people decide at a desk on the real stores."""

import asyncio
import importlib
import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from types import ModuleType
from typing import Any
from unittest import mock

from local_stack.intrinsics import ACCOUNT_ID, REGION
from local_stack.provision import CREDENTIALS, Clients
from local_stack.runtime_api import Outcome
from portcullis.adapters.dynamodb_approvals import DynamoDBApprovalStore
from portcullis.adapters.kms_vault import KmsVault
from portcullis.adapters.s3_policies import active_key
from portcullis.adapters.stepfunctions_workflow import StepFunctionsWorkflow
from portcullis.approvals import life
from portcullis.approvals.record import ApprovalRecord
from portcullis.entrypoints.clocks import clock
from portcullis.entrypoints.settings import ActivatorSettings, ExecutorSettings
from portcullis.gateway.deciding import Desk, Viewer, Word
from portcullis.policy.model import Principal
from support.approval_world import TABLE, World
from support.deployment import FUNCTIONS
from support.emulator_process import emulator_process, function_arn, serving_functions
from support.waiting import until

BUCKET = "policies"
RETENTION = 86_400
ANN, BEN = (
    Viewer(principal=Principal(issuer="portcullis:grant", subject=name, groups=("platform",)))
    for name in ("ann", "ben")
)


class HandlerPool:
    """Stands where a function's environments stand: runs a handler, or what a test puts there."""

    def __init__(self) -> None:
        self.handler: Callable[[Any, object], Any] = lambda *_: None
        self.instead: Callable[[Any], Outcome] | None = None
        self.events: list[Any] = []
        self.scripts: dict[str, Any] = {}

    async def invoke(self, event: bytes) -> Outcome:
        tree = json.loads(event)
        self.events.append(tree)
        return await asyncio.to_thread(self._run, tree)

    def _run(self, event: Any) -> Outcome:
        if self.instead is not None:
            return self.instead(event)
        try:
            return Outcome(payload=json.dumps(self.handler(event, None)).encode())
        except Exception as error:  # noqa: BLE001 - as Lambda does
            return Outcome(payload=json.dumps({"errorMessage": repr(error)}).encode(), error="x")

    async def close(self) -> None:
        """There is nothing to end."""


class PolicyWorld:
    """One account in which two people of `platform` have to approve a policy."""

    def __init__(self, clients: Clients, activator: HandlerPool, executor: HandlerPool) -> None:
        self.clients, self.activator, self.executor = clients, activator, executor
        self.world = World(clients, executor)  # type: ignore[arg-type]  # another that invokes
        self.s3 = clients["s3"]
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self.s3.put_bucket_notification_configuration(
            Bucket=BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        self.topic = clients["sns"].create_topic(Name="operators")["TopicArn"]
        self.key = clients["kms"].create_key()["KeyMetadata"]["Arn"]
        for name, pattern in _patterns().items():
            clients["events"].put_rule(Name=name, EventPattern=json.dumps(pattern))
            target = {"Id": "activator", "Arn": function_arn("activator")}
            clients["events"].put_targets(Rule=name, Targets=[target])
        self.store = DynamoDBApprovalStore(
            clients["dynamodb"], TABLE, clock=clock, retention_seconds=RETENTION
        )
        self.desk = Desk(
            self.store,
            StepFunctionsWorkflow(lambda: clients["stepfunctions"], ""),
            KmsVault(lambda: clients["kms"], self.key),
            clock=clock,
        )

    def environment(self) -> dict[str, str]:
        given = {
            "STACK": "portcullis", "BUCKET": BUCKET, "BUCKET_OWNER": "123456789012",
            "TABLE": TABLE, "STORE_TIMEOUT_SECONDS": "10",
            "IDENTITY": "grants", "SERVERS": "{}", "POLICY_REFRESH_SECONDS": "1",
            "POLICY_MAX_AGE_SECONDS": "60", "KILL_SWITCH_REFRESH_SECONDS": "1",
            "KILL_SWITCH_MAX_AGE_SECONDS": "60", "ALLOW_LOOPBACK_UPSTREAMS": "false",
            "UPSTREAM_FUNCTION_ARNS": "", "UPSTREAM_SECRET_ARNS": "", "UPSTREAM_ACCESS_POLICY": "",
            "UPSTREAM_TIMEOUT_SECONDS": "5", "APPROVAL_KEY_ID": self.key,
            "APPROVAL_RETENTION_SECONDS": str(RETENTION), "STATE_MACHINE": self.world.machine,
            "JWT_ISSUER": "", "JWT_STANDING_SECONDS": "60", "ACTIVATOR": "activator",
            "PUBLIC_URL": "https://gate.example", "POLICY_APPROVERS": "group:platform",
            "POLICY_APPROVALS_NEEDED": "2", "POLICY_APPROVAL_SECONDS": "3600",
            "OPERATOR_TOPIC": self.topic, "POLICY_SIGNING_ALGORITHM": "ECDSA_SHA_256",
        }  # fmt: skip
        # What may be empty is, unless it is given above: other parts of the two are turned off.
        known = (*fields(ActivatorSettings), *fields(ExecutorSettings))
        return {
            **{one.metadata["variable"]: "" for one in known if one.metadata["empty"]},
            **{f"PORTCULLIS_{name}": value for name, value in given.items()},
            **CREDENTIALS,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.clients.endpoint_url,
            "NO_PROXY": "*",
        }

    def server(self) -> str:
        """A server that nothing was uploaded for yet."""
        return f"mq-{uuid.uuid4().hex[:12]}"

    def upload(self, server: str, text: str) -> str:
        key = f"incoming/policies/{server}.yaml"
        answer = self.s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode())
        return str(answer["VersionId"])

    def read(self, key: str) -> Any:
        try:
            return json.loads(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        except self.s3.exceptions.NoSuchKey:
            return None

    def revision(self, server: str) -> str | None:
        """The revision in force."""
        found = self.read(active_key(server))
        return None if found is None else str(found["revision"])

    def status(self, server: str, state: str, version: str) -> Any:
        """Wait until the status of an upload has a state."""

        def there() -> bool:
            told = self.read(f"status/{server}.json") or {}
            return (told.get("state"), told.get("source_version")) == (state, version)

        assert until(there), self.read(f"status/{server}.json")
        return self.read(f"status/{server}.json")

    def waiting(self, server: str, text: str) -> ApprovalRecord:
        """Upload, and answer the request that came of it."""
        told = self.status(server, "waiting", self.upload(server, text))
        return self.record(told["waiting"]["approval"])

    def record(self, approval_id: str) -> ApprovalRecord:
        found = self.store.read(approval_id)
        assert found is not None
        return found

    def say(self, record: ApprovalRecord, *people: Viewer, word: Word = Word.APPROVE,
            comment: str = "") -> None:  # fmt: skip
        for one in people:
            decided = self.desk.decide(record.id, one, word, comment=comment)
            assert isinstance(decided, ApprovalRecord), decided

    def ends(self, record: ApprovalRecord, state: str) -> ApprovalRecord:
        """Wait until a request has ended so."""
        assert until(lambda: self.record(record.id).state.value == state), self.record(record.id)
        return self.record(record.id)

    def in_force(self, server: str, text: str) -> str:
        """Put a first policy in force, as people would; answer its revision."""
        record = self.waiting(server, text)
        self.say(record, ANN, BEN)
        self.ends(record, "DONE")
        assert until(lambda: self.revision(server) is not None)
        return str(self.revision(server))

    def claim(self, record: ApprovalRecord) -> None:
        """What an executor does first."""
        now = clock().micros // 1_000_000
        current = self.record(record.id)
        changed = life.claim(current, now=now)
        assert isinstance(changed, ApprovalRecord)
        assert self.store.replace(current, changed) is not None

    @contextmanager
    def impatient(self, module: ModuleType, seconds: int) -> Iterator[None]:
        """Requests that are made meanwhile wait for so long."""
        terms = replace(module.REQUESTS._terms, seconds=seconds)
        with mock.patch.object(module.REQUESTS, "_terms", terms):
            yield


def _patterns() -> dict[str, Any]:
    """The patterns of the activator's rules, as the template has them."""
    events = FUNCTIONS["ActivatorFunction"]["Properties"]["Events"]
    found = {
        name: json.loads(json.dumps(one["Properties"]["Pattern"])) for name, one in events.items()
    }
    for pattern in found.values():
        if "bucket" in pattern.get("detail", {}):
            pattern["detail"]["bucket"] = {"name": [BUCKET]}
    return found


@contextmanager
def a_policy_world() -> Iterator[tuple[PolicyWorld, ModuleType]]:
    """The account, and the activator's module."""
    activator, executor = HandlerPool(), HandlerPool()
    with (
        serving_functions({"activator": activator, "executor": executor}) as url,
        emulator_process(url, "activator", "executor") as clients,
    ):
        world = PolicyWorld(clients, activator, executor)
        with mock.patch.dict(os.environ, world.environment()):
            name = "portcullis.entrypoints.lambda_"
            modules = {
                one: importlib.reload(importlib.import_module(name + one))
                for one in ("activator", "executor")
            }
            activator.handler = modules["activator"].handler
            executor.handler = modules["executor"].handler
            assert ACCOUNT_ID in world.world.machine
            yield world, modules["activator"]
