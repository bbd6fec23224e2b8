"""The emulator's process: what it corrects, seen through real clients."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from integration.test_runtime_api import LAUNCH, make_function, until
from local_stack.environment_pool import EnvironmentPool
from local_stack.functions import Functions
from local_stack.intrinsics import ACCOUNT_ID, REGION
from local_stack.provision import Clients
from local_stack.runtime_api import Outcome

SOURCE = Path(__file__).parents[2] / "src"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/any"
MISBEHAVE = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:misbehave"


class Listener(EnvironmentPool):
    """A pool that remembers the events it was given; the process behind it is real."""

    events: list[Any]

    async def invoke(self, event: bytes) -> Outcome:
        self.events.append(json.loads(event))
        return await super().invoke(event)


class FunctionsThread:
    """The functions endpoint in a thread of its own."""

    def __init__(self) -> None:
        self.pool: Listener
        self.url = ""
        self._ready = threading.Event()
        self._stop: asyncio.Event
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self) -> None:
        function = replace(make_function("support.lambda_handlers.misbehave"), name="misbehave")
        self.pool = Listener(
            function, LAUNCH, maximum=2, patience_seconds=20, report=lambda _: None
        )
        self.pool.events = []
        functions = Functions({"misbehave": self.pool}, report=lambda _: None)
        await functions.start()
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self.url = functions.url
        self._ready.set()
        await self._stop.wait()
        await functions.close()
        await self.pool.close()

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(20)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


@pytest.fixture(scope="module")
def functions() -> Iterator[FunctionsThread]:
    thread = FunctionsThread()
    thread.start()
    yield thread
    thread.stop()


@pytest.fixture(scope="module")
def clients(functions: FunctionsThread) -> Iterator[Clients]:
    with subprocess.Popen(
        [sys.executable, "-m", "local_stack.emulator", "--functions", functions.url],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        text=True,
    ) as process:
        assert process.stdout is not None
        made = Clients(f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}")
        made["iam"].create_role(RoleName="any", AssumeRolePolicyDocument="{}")
        made["lambda"].create_function(
            FunctionName="misbehave",
            Runtime="python3.13",
            Handler="x.y",
            Role=ROLE,
            Code={"ZipFile": b"PK\x05\x06" + b"\0" * 18},
        )
        yield made
        process.terminate()


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


def test_an_asynchronous_invocation_is_accepted_at_once(
    clients: Clients, functions: FunctionsThread
) -> None:
    event = {"do": "nothing", "id": uuid.uuid4().hex}
    answer = clients["lambda"].invoke(
        FunctionName="misbehave", InvocationType="Event", Payload=json.dumps(event)
    )
    assert answer["StatusCode"] == 202
    assert until(lambda: event in functions.pool.events)


def test_an_upload_reaches_the_function_of_the_rule_that_matches(
    clients: Clients, functions: FunctionsThread
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
        return [one for one in functions.pool.events if one.get("source") == "aws.s3"]

    assert until(lambda: bool(seen()))
    (event,) = seen()
    sample = json.loads((SOURCE.parent / "events" / "policy-uploaded.json").read_text("utf-8"))
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
