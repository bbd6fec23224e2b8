"""The emulator's process: what it corrects, seen through real clients."""

import json
import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from integration.test_runtime_api import LAUNCH, make_function
from local_stack.environment_pool import EnvironmentPool
from local_stack.provision import Clients
from local_stack.runtime_api import Outcome
from support.emulator_process import ROLE, emulator_process, function_arn, serving_functions
from support.waiting import until

MISBEHAVE = function_arn("misbehave")
EVENTS = Path(__file__).parents[2] / "events"


class Listener(EnvironmentPool):
    """A pool that remembers the events it was given; the process behind it is real."""

    events: list[Any]

    async def invoke(self, event: bytes) -> Outcome:
        self.events.append(json.loads(event))
        return await super().invoke(event)


@pytest.fixture(scope="module")
def pool() -> Listener:
    function = replace(make_function("support.lambda_handlers.misbehave"), name="misbehave")
    made = Listener(function, LAUNCH, maximum=2, patience_seconds=20, report=lambda _: None)
    made.events = []
    return made


@pytest.fixture(scope="module")
def clients(pool: Listener) -> Iterator[Clients]:
    with (
        serving_functions({"misbehave": pool}) as url,
        emulator_process(url, "misbehave") as made,
    ):
        yield made


def code_of(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def test_an_invocation_runs_the_real_function(clients: Clients) -> None:
    answer = clients["lambda"].invoke(FunctionName=MISBEHAVE, Payload=b'{"do": "nothing"}')
    assert "FunctionError" not in answer
    assert set(json.loads(answer["Payload"].read())) == {"pid"}


def test_a_function_s_exception_is_an_unhandled_function_error(clients: Clients) -> None:
    answer = clients["lambda"].invoke(FunctionName="misbehave", Payload=b'{"do": "raise"}')
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == "ValueError"


def test_an_unknown_function_is_not_found(clients: Clients) -> None:
    with pytest.raises(ClientError) as caught:
        clients["lambda"].invoke(FunctionName="nobody", Payload=b"{}")
    assert code_of(caught.value) == "ResourceNotFoundException"


def test_an_asynchronous_invocation_is_accepted_at_once(clients: Clients, pool: Listener) -> None:
    event = {"do": "nothing", "id": uuid.uuid4().hex}
    answer = clients["lambda"].invoke(
        FunctionName="misbehave", InvocationType="Event", Payload=json.dumps(event)
    )
    assert answer["StatusCode"] == 202
    assert until(lambda: event in pool.events)


def test_an_upload_reaches_the_function_of_the_rule_that_matches(
    clients: Clients, pool: Listener
) -> None:
    clients["s3"].create_bucket(Bucket="uploads")
    clients["s3"].put_bucket_notification_configuration(
        Bucket="uploads", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": ["uploads"]}, "object": {"key": [{"prefix": "in/"}]}},
    }
    clients["events"].put_rule(Name="r", EventPattern=json.dumps(pattern))
    clients["events"].put_targets(Rule="r", Targets=[{"Id": "f", "Arn": MISBEHAVE}])
    clients["s3"].put_object(Bucket="uploads", Key="out/a.yaml", Body=b"")
    clients["s3"].put_object(Bucket="uploads", Key="in/a.yaml", Body=b"")

    def seen() -> list[Any]:
        return [one for one in pool.events if one.get("source") == "aws.s3"]

    assert until(lambda: bool(seen()))
    (event,) = seen()
    sample = json.loads((EVENTS / "policy-uploaded.json").read_text("utf-8"))
    assert set(event) == set(sample)
    assert event["detail"]["object"]["key"] == "in/a.yaml"
    assert len(event["time"]) == len(sample["time"])
    clients["events"].disable_rule(Name="r")
    clients["s3"].put_object(Bucket="uploads", Key="in/b.yaml", Body=b"")
    assert len(seen()) == 1


def start_execution(clients: Clients, states: dict[str, Any], **options: str) -> str:
    definition = {"StartAt": next(iter(states)), "States": states}
    machine = clients["stepfunctions"].create_state_machine(
        name=uuid.uuid4().hex, roleArn=ROLE, definition=json.dumps(definition)
    )
    started = clients["stepfunctions"].start_execution(
        stateMachineArn=machine["stateMachineArn"], **options
    )
    return str(started["executionArn"])


def wait_state(clients: Clients, **more: Any) -> tuple[str, dict[str, Any]]:
    """A state that waits for a token, which it leaves in a queue of its own."""
    url = clients["sqs"].create_queue(QueueName=uuid.uuid4().hex)["QueueUrl"]
    return url, {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": url, "MessageBody": {"token.$": "$$.Task.Token"}},
        "TimeoutSeconds": 30,
        "End": True,
        **more,
    }


def token_from(clients: Clients, url: str) -> str:
    received: list[Any] = []

    def look() -> bool:
        received.extend(clients["sqs"].receive_message(QueueUrl=url).get("Messages", ()))
        return bool(received)

    assert until(look)
    return str(json.loads(received[0]["Body"])["token"])


def status_becomes(clients: Clients, execution: str, status: str) -> dict[str, Any]:
    def told() -> dict[str, Any]:
        found: dict[str, Any] = clients["stepfunctions"].describe_execution(executionArn=execution)
        return found

    assert until(lambda: bool(told()["status"] == status)), told()
    return told()


def test_one_of_many_answers_to_a_task_wins_and_later_ones_time_out(clients: Clients) -> None:
    url, state = wait_state(clients)
    execution = start_execution(clients, {"Wait": state})
    token = token_from(clients, url)
    client = clients["stepfunctions"]

    def send(number: int) -> str:
        try:
            client.send_task_success(taskToken=token, output=str(number))
        except ClientError as error:
            return code_of(error)
        return "won"

    with ThreadPoolExecutor(8) as executor:
        outcomes = list(executor.map(send, range(8)))
    assert outcomes.count("won") == 1
    assert outcomes.count("TaskTimedOut") == 7
    told = status_becomes(clients, execution, "SUCCEEDED")
    assert told["output"] == str(outcomes.index("won"))
    assert send(9) == "TaskTimedOut"


def test_a_stopped_execution_is_aborted_and_its_token_is_spent(clients: Clients) -> None:
    url, state = wait_state(clients)
    execution = start_execution(clients, {"Wait": state})
    token = token_from(clients, url)
    clients["stepfunctions"].stop_execution(executionArn=execution)
    status_becomes(clients, execution, "ABORTED")
    with pytest.raises(ClientError) as caught:
        clients["stepfunctions"].send_task_success(taskToken=token, output="1")
    assert code_of(caught.value) == "TaskTimedOut"


def test_a_failure_keeps_its_cause(clients: Clients) -> None:
    url, state = wait_state(clients)
    execution = start_execution(clients, {"Wait": state})
    token = token_from(clients, url)
    clients["stepfunctions"].send_task_failure(taskToken=token, error="No", cause="because")
    assert status_becomes(clients, execution, "FAILED")["cause"] == "because"


def test_executions_without_a_name_are_two_executions(clients: Clients) -> None:
    states = {"Done": {"Type": "Succeed"}}
    first, second = start_execution(clients, states), start_execution(clients, states)
    assert first.rsplit(":", 1)[1] != "None"
    assert first.rsplit(":", 1)[1] != second.rsplit(":", 1)[1]


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-01-01T00:00:00Z", "Past"),
        ("2026-01-01T00:00:00.123456Z", "Past"),
        ("2999-01-01T00:00:00.5Z", "Future"),
        ("2999-01-01T00:00:00+14:00", "Future"),
    ],
)
def test_a_workflow_compares_the_time_as_aws_writes_it(
    clients: Clients, moment: str, end: str
) -> None:
    choice = {"Variable": "$$.State.EnteredTime", "TimestampGreaterThanPath": "$.moment"}
    states = {
        "Tell": {
            "Type": "Pass",
            "Parameters": {"now.$": "$$.State.EnteredTime"},
            "ResultPath": "$.told",
            "Next": "Which",
        },
        "Which": {"Type": "Choice", "Choices": [{**choice, "Next": "Past"}], "Default": "Future"},
        "Past": {"Type": "Succeed"},
        "Future": {"Type": "Succeed"},
    }
    execution = start_execution(clients, states, input=json.dumps({"moment": moment}))
    told = json.loads(status_becomes(clients, execution, "SUCCEEDED")["output"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["told"]["now"])
    history = clients["stepfunctions"].get_execution_history(executionArn=execution)["events"]
    assert history[-2]["stateExitedEventDetails"]["name"] == end


def test_a_state_that_is_entered_again_has_all_its_retries(clients: Clients) -> None:
    fail = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": MISBEHAVE, "Payload": {"do": "raise"}},
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Again"}],
        "End": True,
    }
    again = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.again", "IsPresent": True, "Next": "Done"}],
        "Default": "Mark",
    }
    mark = {"Type": "Pass", "Result": True, "ResultPath": "$.again", "Next": "Fail"}
    states = {"Fail": fail, "Again": again, "Mark": mark, "Done": {"Type": "Succeed"}}
    execution = start_execution(clients, states)
    status_becomes(clients, execution, "SUCCEEDED")
    history = clients["stepfunctions"].get_execution_history(executionArn=execution)["events"]
    assert [event["type"] for event in history].count("TaskFailed") == 4


def test_an_event_of_a_workflow_reaches_the_function_of_the_rule_that_matches(
    clients: Clients, pool: Listener
) -> None:
    mark = uuid.uuid4().hex
    pattern = {"source": ["a-workflow"], "detail": {"mark": [mark]}}
    clients["events"].put_rule(Name=mark, EventPattern=json.dumps(pattern))
    clients["events"].put_targets(Rule=mark, Targets=[{"Id": "f", "Arn": MISBEHAVE}])
    entry = {"Source": "a-workflow", "DetailType": "T", "Detail": {"mark": mark}}
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::events:putEvents",
        "Parameters": {"Entries": [{"EventBusName": "default", **entry}]},
        "End": True,
    }
    execution = start_execution(clients, {"Tell": state})
    status_becomes(clients, execution, "SUCCEEDED")

    def seen() -> list[Any]:
        return [one for one in pool.events if one.get("source") == "a-workflow"]

    assert until(lambda: bool(seen()))
    assert execution in seen()[0]["resources"]


@pytest.mark.parametrize(("do", "status"), [("nothing", "SUCCEEDED"), ("raise", "FAILED")])
def test_a_workflow_s_task_runs_the_real_function(clients: Clients, do: str, status: str) -> None:
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": MISBEHAVE, "Payload.$": "$"},
        "OutputPath": "$.Payload",
        "End": True,
    }
    execution = start_execution(clients, {"Run": state}, input=json.dumps({"do": do}))
    told = status_becomes(clients, execution, status)
    if status == "FAILED":
        assert told["error"] == "ValueError"
    else:
        assert set(json.loads(told["output"])) == {"pid"}
