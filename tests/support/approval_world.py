"""An account with the approval workflow in it, and what people and executors do to requests."""

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from local_stack.errors import ThrottledError
from local_stack.intrinsics import ACCOUNT_ID, REGION
from local_stack.provision import Clients
from local_stack.runtime_api import Outcome
from local_stack.template import substituted
from portcullis.adapters.dynamodb_approvals import DynamoDBApprovalStore
from portcullis.adapters.stepfunctions_workflow import StepFunctionsWorkflow
from portcullis.approvals.record import ApprovalRecord
from portcullis.entrypoints.clocks import clock
from support.approval_records import ALICE, TERMS, make_question, make_record
from support.emulator_process import ROLE, emulator_process, function_arn, serving_functions
from support.engines import create_state_table
from support.waiting import until

DEFINITION = Path(__file__).parents[2] / "src" / "statemachines" / "approval.asl.json"
TABLE = "state"
NOTICE = "Someone asks to delete the broker b-1. Decide: https://gate.example/approvals/"
ARGUMENT = "an argument that only the sealed item holds"
LATER = 3600

Step: TypeAlias = Callable[[], Outcome]
Item: TypeAlias = dict[str, dict[str, str]]


class ScriptedExecutor:
    """Takes the place of the executor's environments: one step of the script an invocation."""

    def __init__(self) -> None:
        self.scripts: dict[str, list[Step]] = {}
        self.events: list[Any] = []

    async def invoke(self, event: bytes) -> Outcome:
        tree = json.loads(event)
        self.events.append(tree)
        return await asyncio.to_thread(self.scripts[tree["approval"]].pop(0))

    async def close(self) -> None:
        """There is nothing to end."""

    def calls(self, approval: str) -> int:
        return self.events.count({"approval": approval})


def rest(seconds: int) -> Outcome:
    return Outcome(payload=json.dumps({"seconds": seconds}).encode())


def crash() -> Outcome:
    return Outcome(payload=b'{"errorType":"Runtime.ExitError"}', error="Unhandled")


def throttle() -> Outcome:
    raise ThrottledError("busy")


class World:
    """The account, the workflow in it, and what people and executors do to records."""

    def __init__(self, clients: Clients, executor: ScriptedExecutor) -> None:
        self.clients = clients
        self.executor = executor
        create_state_table(clients["dynamodb"], TABLE)
        topic = clients["sns"].create_topic(Name="approvals")["TopicArn"]
        self.mail, self.events = (self._make_queue(name) for name in ("mail", "events"))
        queue = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:"
        clients["sns"].subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue + "mail")
        clients["events"].put_rule(Name="all", EventPattern='{"source": ["portcullis"]}')
        clients["events"].put_targets(Rule="all", Targets=[{"Id": "q", "Arn": queue + "events"}])
        self.machine = self.make_machine(topic)
        self.workflow = StepFunctionsWorkflow(lambda: clients["stepfunctions"], self.machine)
        self.patient = self.make_machine(topic, finish_seconds=3)
        self.deaf = self.make_machine(topic + "-that-is-gone", bus="no-such-bus")

    def _make_queue(self, name: str) -> str:
        return str(self.clients["sqs"].create_queue(QueueName=name)["QueueUrl"])

    def make_machine(
        self, topic: str, *, bus: str = "default", table: str = TABLE, finish_seconds: int = 1
    ) -> str:
        """The workflow as it is deployed, with pauses that tests can wait for."""
        values = {
            "StateTable": table,
            "ApprovalTopic": topic,
            "EventBus": bus,
            "ExecutorFunction": function_arn("executor"),
            "FinishSeconds": str(finish_seconds),
            "RestSeconds": "1",
        }
        made = self.clients["stepfunctions"].create_state_machine(
            name=uuid.uuid4().hex,
            roleArn=ROLE,
            definition=substituted(DEFINITION.read_text("utf-8"), values),
        )
        return str(made["stateMachineArn"])

    def store(self, *script: Step, state: str = "PENDING") -> str:
        """A request as the gateway stores it, and what its executor will do."""
        approval = uuid.uuid4().hex
        self.executor.scripts[approval] = list(script)
        put = self.clients["dynamodb"].put_item
        key = {"pk": {"S": f"APPROVAL#{approval}"}}
        put(TableName=TABLE, Item={**key, "sk": {"S": "ARGUMENTS"}, "sealed": {"S": ARGUMENT}})
        record = {
            "state": {"S": state},
            "v": {"N": "0"},
            "listing": {"S": "open"},
            "facts": {"S": json.dumps({"secret": ARGUMENT})},
            "notice": {"S": NOTICE + approval},
            "event": {"S": json.dumps({"id": approval, "tool": "delete_broker"})},
        }
        put(TableName=TABLE, Item={**key, "sk": {"S": "RECORD"}, **record})
        return approval

    def start(
        self,
        approval: str,
        *,
        wait: int = LATER,
        deadline_in: float = LATER,
        machine: str | None = None,
    ) -> str:
        deadline = datetime.now(UTC) + timedelta(seconds=deadline_in)
        given = {
            "approval": approval,
            "wait": wait,
            "deadline": deadline.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        started = self.clients["stepfunctions"].start_execution(
            stateMachineArn=machine or self.machine, name=approval, input=json.dumps(given)
        )
        return str(started["executionArn"])

    def record(self, approval: str) -> Item:
        key = {"pk": {"S": f"APPROVAL#{approval}"}, "sk": {"S": "RECORD"}}
        found: Item = self.clients["dynamodb"].get_item(TableName=TABLE, Key=key)["Item"]
        return found

    def change(self, approval: str, before: str, after: str) -> str | None:
        """One compare-and-set, as every one who changes a record does it; answers the token."""
        changed = self.clients["dynamodb"].update_item(
            TableName=TABLE,
            Key={"pk": {"S": f"APPROVAL#{approval}"}, "sk": {"S": "RECORD"}},
            UpdateExpression="SET #s = :after ADD v :one",
            ConditionExpression="#s = :before",
            ExpressionAttributeNames={"#s": "state"},
            ExpressionAttributeValues={
                ":before": {"S": before},
                ":after": {"S": after},
                ":one": {"N": "1"},
            },
            ReturnValues="ALL_NEW",
        )
        token = changed["Attributes"].get("task_token")
        return None if token is None else str(token["S"])

    def decide(self, approval: str, state: str) -> None:
        """Decide a request that waits, and wake what waits."""
        assert until(lambda: "task_token" in self.record(approval))
        token = self.change(approval, "PENDING", state)
        assert token is not None
        client = self.clients["stepfunctions"]
        with suppress(client.exceptions.TaskTimedOut):  # the wait ended by itself just before
            client.send_task_success(
                taskToken=token, output=json.dumps({"from": "outside", "state": "DONE"})
            )

    def run(self, approval: str) -> Outcome:
        """What the executor does when all goes well."""
        self.change(approval, "APPROVED", "EXECUTING")
        self.change(approval, "EXECUTING", "DONE")
        return rest(0)

    def ends(self, execution: str, status: str = "SUCCEEDED") -> dict[str, Any]:
        """Wait for an end; answer what is told of it."""

        def told() -> dict[str, Any]:
            client = self.clients["stepfunctions"]
            found: dict[str, Any] = client.describe_execution(executionArn=execution)
            return found

        assert until(lambda: bool(told()["status"] != "RUNNING")), self.states(execution)
        assert told()["status"] == status, told()
        return told()

    def history(self, execution: str) -> list[dict[str, Any]]:
        client = self.clients["stepfunctions"]
        pages = client.get_paginator("get_execution_history").paginate(executionArn=execution)
        return [event for page in pages for event in page["events"]]

    def states(self, execution: str) -> list[str]:
        """The states entered, in order."""
        return [
            event["stateEnteredEventDetails"]["name"]
            for event in self.history(execution)
            if "stateEnteredEventDetails" in event
        ]

    def received(self, queue: str, approval: str) -> list[Any]:
        """What has reached a queue of one request, in any order; earlier requests are dropped."""
        client, found = self.clients["sqs"], []
        while messages := client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            found += [message["Body"] for message in messages if approval in message["Body"]]
            for message in messages:
                client.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(body) for body in found]

    def enters(self, execution: str, state: str, *, times: int = 1) -> None:
        """Wait until a state was entered so often."""
        assert until(lambda: self.states(execution).count(state) >= times), self.states(execution)

    def stored(self, seconds: int) -> tuple[DynamoDBApprovalStore, ApprovalRecord]:
        """A request as the real store keeps it, which waits for so many seconds."""
        now = clock().micros // 1_000_000
        store = DynamoDBApprovalStore(
            self.clients["dynamodb"], TABLE, clock=clock, retention_seconds=LATER
        )
        record = make_record(
            id=uuid.uuid4().hex,
            requester=replace(ALICE, subject=uuid.uuid4().hex),
            terms=replace(TERMS, timeout_seconds=seconds),
            asked_at=now,
            expires_at=now + seconds,
        )
        assert store.create(make_question(record))
        return store, record

    def waits_for(self, record: ApprovalRecord) -> str:
        """Start the workflow as the gateway does, twice; answer the one execution."""
        self.workflow.start(record)
        self.workflow.start(record)
        return self.machine.replace(":stateMachine:", ":execution:") + ":" + record.id


@contextmanager
def a_world() -> Iterator[World]:
    """The account, in a process of its own."""
    executor = ScriptedExecutor()
    with (
        serving_functions({"executor": executor}) as url,
        emulator_process(url, "executor") as clients,
    ):
        yield World(clients, executor)
