"""The workflow's starts and wakes, on Step Functions as moto carries it out.

The state machine here only waits; the real definition has tests of its own. Where moto and
Step Functions differ (`local_stack.emulator.stepfunctions`): stock moto lets several
SendTaskSuccess calls with one token succeed and answers InvalidToken for a token that was
used; corrected it answers TaskTimedOut, as AWS does. That AWS also answers TaskDoesNotExist,
and how long a token lives, is not shown here: the faults name all three.
"""

import json
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws

from local_stack.emulator import dynamodb, stepfunctions
from portcullis.adapters.stepfunctions_workflow import StepFunctionsWorkflow
from portcullis.approvals import life
from portcullis.approvals.record import ApprovalRecord
from portcullis.errors import WorkflowError
from support.approval_engines import DynamoDBApprovals
from support.approval_records import TERMS, make_question, make_record, make_vote
from support.approval_steps import NOW
from support.dynamodb_faults import Faults, client_error, errors_of
from support.engines import TABLE, create_state_table

HANDLE = "AQCEAAAAKgAAAAMAAAAA-the-handle-nobody-may-see"
WAITS = {
    "StartAt": "Wait",
    "States": {
        "Wait": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken",
            "Parameters": {
                "TableName": TABLE,
                "Key": {
                    "pk": {"S.$": "States.Format('APPROVAL#{}', $.approval)"},
                    "sk": {"S": "RECORD"},
                },
                "UpdateExpression": "SET task_token = :token",
                "ExpressionAttributeValues": {":token": {"S.$": "$$.Task.Token"}},
            },
            "End": True,
        }
    },
}
STATES_CODES = (
    "AccessDeniedException",
    "ExecutionLimitExceeded",
    "InvalidArn",
    "InvalidExecutionInput",
    "InvalidName",
    "InvalidOutput",
    "KmsAccessDeniedException",
    "KmsInvalidStateException",
    "KmsThrottlingException",
    "StateMachineDeleting",
    "StateMachineDoesNotExist",
    "ThrottlingException",
    "ValidationException",
)
ERRORS = {**errors_of(""), **{code: client_error(code, "") for code in STATES_CODES}}
SPENT = ("InvalidToken", "TaskDoesNotExist", "TaskTimedOut")


class Machine:
    """A state machine that waits, and the workflow in front of it."""

    def __init__(self) -> None:
        config = Config(retries={"total_max_attempts": 1})
        self.client: Any = boto3.client("stepfunctions", region_name="us-east-1", config=config)
        table = boto3.client("dynamodb", region_name="us-east-1")
        create_state_table(table)
        self.approvals = DynamoDBApprovals(table, TABLE)
        self.faults = Faults(self.client)
        self.arn = self.client.create_state_machine(
            name="waits",
            definition=json.dumps(WAITS),
            roleArn="arn:aws:iam::123456789012:role/any",
        )["stateMachineArn"]
        self.workflow = StepFunctionsWorkflow(lambda: self.client, self.arn)

    def asked(self) -> ApprovalRecord:
        """A request that is stored, and that nothing waits for yet."""
        record = make_record()
        assert self.approvals.store().create(make_question(record))
        return record

    def executions(self) -> list[dict[str, Any]]:
        listed = self.client.list_executions(stateMachineArn=self.arn)["executions"]
        arns = [one["executionArn"] for one in listed]
        return [self.client.describe_execution(executionArn=arn) for arn in arns]

    def handle(self, record: ApprovalRecord) -> str:
        """The handle that the waiting execution left with the record."""
        for _ in self.patiently():
            replaced = self.approvals.store().replace(record, life.started(record))
            assert replaced is not None
            record = replaced.record
            if replaced.wake is not None:
                return replaced.wake
        raise AssertionError("nothing waits")

    def status(self) -> str:
        """The status of the only execution, once it has ended."""
        for _ in self.patiently():
            (execution,) = self.executions()
            if execution["status"] != "RUNNING":
                return str(execution["status"])
        raise AssertionError("it still runs")

    @staticmethod
    def patiently() -> Iterator[None]:
        """As often as an emulator's threads may take."""
        pause = threading.Event()
        for _ in range(500):
            yield
            pause.wait(0.02)


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A state machine whose executions are recorded and do nothing."""
    dynamodb.install()
    with mock_aws():
        yield Machine()


@pytest.fixture
def running() -> Iterator[Machine]:
    """A state machine whose executions run, in threads of this process.

    moto cannot stop or wake anything in the instant before an execution has begun, so a test
    that starts one waits for its handle.
    """
    dynamodb.install()
    stepfunctions.install()
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        made = Machine()
        yield made
        made.faults.clear()
        for execution in made.executions():
            if execution["status"] == "RUNNING":
                made.client.stop_execution(executionArn=execution["executionArn"])


# ---------------------------------------------------------------- starting


def test_N32_an_execution_is_named_by_the_id_and_told_nothing_but_it_and_two_times(
    machine: Machine,
) -> None:
    record = machine.asked()
    machine.workflow.start(record)
    (execution,) = machine.executions()
    assert execution["name"] == record.id
    assert execution["input"] == (
        '{"approval":"00000000000000000000000000000001","wait":300,'
        '"deadline":"2027-01-15T08:30:00Z"}'
    )


@pytest.mark.parametrize(
    "timeout,wait",
    [(1, 2), (298, 299), (299, 300), (86_400, 300), (450_000, 300), (1_800_000, 1200)],
)
def test_it_looks_again_after_its_deadline_after_five_minutes_or_1500_times_in_all(
    machine: Machine, timeout: int, wait: int
) -> None:
    machine.asked()
    machine.workflow.start(make_record(terms=replace(TERMS, timeout_seconds=timeout)))
    (execution,) = machine.executions()
    assert json.loads(execution["input"])["wait"] == wait


def test_N27_starting_again_starts_nothing_more(running: Machine) -> None:
    record = running.asked()
    for _ in range(3):
        running.workflow.start(record)
    running.workflow.wake(running.handle(record))
    assert running.status() == "SUCCEEDED"
    running.workflow.start(record)
    assert len(running.executions()) == 1


def test_a_request_is_waited_for_though_another_input_was_used_for_its_name(
    machine: Machine,
) -> None:
    record = machine.asked()
    machine.workflow.start(record)
    machine.workflow.start(replace(record, expires_at=record.expires_at + 1))
    assert len(machine.executions()) == 1


def test_P05_a_start_whose_answer_was_lost_is_an_error_and_can_be_repeated(
    machine: Machine,
) -> None:
    record = machine.asked()
    machine.faults.after("StartExecution", errors_of("")["read-time-out"], times=1)
    with pytest.raises(WorkflowError):
        machine.workflow.start(record)
    machine.workflow.start(record)
    assert len(machine.executions()) == 1


def test_P05_a_start_that_fails_is_an_error_and_starts_nothing(machine: Machine) -> None:
    for error in ERRORS.values():
        machine.faults.before("StartExecution", error)
        with pytest.raises(WorkflowError):
            machine.workflow.start(make_record())
    assert machine.executions() == []


@pytest.mark.parametrize("answer", [{}, {"executionArn": ""}], ids=["empty", "no-arn"])
def test_a_start_that_names_no_execution_is_an_error(
    machine: Machine, answer: dict[str, Any]
) -> None:
    machine.faults.garble("StartExecution", answer)
    with pytest.raises(WorkflowError):
        machine.workflow.start(machine.asked())


# ---------------------------------------------------------------- waking


def test_what_waits_is_woken_by_the_handle_it_left_with_the_record(running: Machine) -> None:
    record = running.asked()
    running.workflow.start(record)
    running.workflow.wake(running.handle(record))
    assert running.status() == "SUCCEEDED"
    (execution,) = running.executions()
    assert execution["output"] == "{}"


def test_N26_waking_many_times_at_once_and_again_is_no_error(running: Machine) -> None:
    record = running.asked()
    running.workflow.start(record)
    handle = running.handle(record)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(running.workflow.wake, [handle] * 8))
    assert running.status() == "SUCCEEDED"
    running.workflow.wake(handle)


def test_a_handle_of_what_was_stopped_is_no_error(running: Machine) -> None:
    record = running.asked()
    running.workflow.start(record)
    handle = running.handle(record)
    (execution,) = running.executions()
    running.client.stop_execution(executionArn=execution["executionArn"])
    running.workflow.wake(handle)
    assert running.status() == "ABORTED"


def test_an_unknown_handle_is_no_error(running: Machine) -> None:
    running.workflow.wake(HANDLE)


@pytest.mark.parametrize("code", SPENT)
def test_N22_a_handle_that_is_spent_in_whatever_way_is_no_error(
    machine: Machine, code: str
) -> None:
    machine.faults.before("SendTaskSuccess", client_error(code, "SendTaskSuccess"))
    machine.workflow.wake(HANDLE)


def quoting(error: Exception) -> Exception:
    """The same error as the service words it: it quotes what it does not like."""
    if not isinstance(error, ClientError):
        return error
    text = f"Value '{HANDLE}' at 'taskToken' is not usable"
    response: Any = {"Error": {**error.response["Error"], "Message": text}}
    return ClientError(response, "SendTaskSuccess")


@pytest.mark.parametrize("when", ["before", "after"])
def test_P06_a_wake_that_fails_is_an_error_and_never_tells_the_handle(
    running: Machine, when: str
) -> None:
    inject = running.faults.before if when == "before" else running.faults.after
    for error in map(quoting, ERRORS.values()):
        inject("SendTaskSuccess", error)
        with pytest.raises(WorkflowError) as caught:
            running.workflow.wake(HANDLE)
        assert caught.value.__context__ is None
        assert HANDLE not in "".join(traceback.format_exception(caught.value))


def test_P06_a_handle_that_botocore_refuses_is_an_error_that_does_not_tell_it(
    machine: Machine,
) -> None:
    handle: Any = (HANDLE,)  # botocore's error quotes a value of the wrong type
    with pytest.raises(WorkflowError) as caught:
        machine.workflow.wake(handle)
    assert HANDLE not in "".join(traceback.format_exception(caught.value))


def test_a_decision_whose_wake_fails_is_still_the_decision(running: Machine) -> None:
    record = running.asked()
    running.workflow.start(record)
    handle = running.handle(record)
    seen = running.approvals.store().read(record.id)
    assert seen is not None
    approved = life.approve(seen, make_vote(), now=NOW)
    assert isinstance(approved, ApprovalRecord)
    running.approvals.store().replace(seen, approved)
    running.faults.before("SendTaskSuccess", ERRORS["ThrottlingException"])
    with pytest.raises(WorkflowError):
        running.workflow.wake(handle)
    assert running.approvals.store().read(record.id) == approved


# ---------------------------------------------------------------- the client


def test_no_client_is_made_before_the_first_call(machine: Machine) -> None:
    made: list[str] = []

    def make() -> Any:
        made.append("stepfunctions")
        return machine.client

    workflow = StepFunctionsWorkflow(make, machine.arn)
    assert made == []
    workflow.start(machine.asked())
    workflow.start(make_record())
    assert made == ["stepfunctions"]


def test_a_client_that_cannot_be_made_is_an_error() -> None:
    def make() -> Any:
        raise OSError("no network")

    with pytest.raises(WorkflowError):
        StepFunctionsWorkflow(make, "arn").start(make_record())
