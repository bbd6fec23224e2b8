"""Approvals through the whole gateway: the real workflow, executor, console and table.

Clients of every kind are in `test_approval_clients`, the pages in `tests/browser`.
"""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from e2e.asking_stack import (
    SERVER,
    TOOL,
    AskingStack,
    Json,
    asking_stack,
    at_once,
    decision,
    policy,
    some_arguments,
)
from support.approval_clients import Approver
from threats.recorder import Scripted, reply

TASKS: Json = {"extensions": {"io.modelcontextprotocol/tasks": {}}}


@pytest.fixture(scope="module")
def standing() -> Iterator[AskingStack]:
    with asking_stack() as stack:
        yield stack


@pytest.fixture
def stack(standing: AskingStack) -> Iterator[AskingStack]:
    standing.recorder.scripts.clear()
    yield standing
    standing.recorder.scripts.clear()


@pytest.fixture
def with_policy(stack: AskingStack) -> Iterator[Any]:
    yield lambda text: stack.running.put_in_force(SERVER, text)
    stack.running.put_in_force(SERVER, policy())


def test_an_approved_call_is_executed_once_and_its_result_picked_up_once(
    stack: AskingStack,
) -> None:
    arguments = some_arguments()
    approval = stack.asked(arguments)
    assert stack.executed(arguments) == 0
    seen = stack.view(approval)
    assert seen["state"] == "PENDING"
    assert seen["can_decide"] is True
    assert seen["arguments"] == arguments
    stack.approver.approve(approval)
    result = stack.call(arguments)  # held until the executor has answered
    assert result["content"][0]["text"] == "executed"
    assert stack.executed(arguments) == 1
    assert stack.view(approval)["state"] == "DONE"
    at_once(lambda: stack.execution(approval) == "SUCCEEDED", what="end of the workflow")


def test_a_denied_call_is_never_executed_and_the_agent_reads_why(stack: AskingStack) -> None:
    arguments = some_arguments()
    approval = stack.asked(arguments)
    stack.approver.deny(approval, comment="Use the group instead.")
    for _ in range(2):
        result = stack.call(arguments)
        assert decision(result)["outcome"] == "approval_denied"
        assert "Use the group instead." in result["content"][0]["text"]
    at_once(lambda: stack.execution(approval) == "SUCCEEDED", what="end of the workflow")
    assert stack.executed(arguments) == 0


def test_N21_a_request_nobody_decides_expires(stack: AskingStack, with_policy: Any) -> None:
    with_policy(policy("2s"))
    arguments = some_arguments()
    approval = stack.asked(arguments)
    stack.ended(approval, "EXPIRED")
    answer = stack.approver.decide(approval, "approve")
    assert answer.status_code == 409
    assert stack.executed(arguments) == 0
    at_once(lambda: stack.execution(approval) == "SUCCEEDED", what="end of the workflow")


def test_a_cancelled_task_closes_its_request(stack: AskingStack) -> None:
    arguments = some_arguments()
    task = stack.call(arguments, capabilities=TASKS)
    assert task["resultType"] == "task"
    stack.send("tasks/cancel", {"taskId": task["taskId"]}, capabilities=TASKS)
    stack.ended(task["taskId"], "CANCELLED")
    assert stack.approver.decide(task["taskId"], "approve").status_code == 409
    at_once(lambda: stack.execution(task["taskId"]) == "SUCCEEDED", what="end of the workflow")
    assert stack.executed(arguments) == 0


def test_a_task_is_polled_to_its_result(stack: AskingStack) -> None:
    arguments = some_arguments()
    task = stack.call(arguments, capabilities=TASKS)["taskId"]
    stack.approver.approve(task)

    def completed() -> Json | None:
        _, message = stack.send("tasks/get", {"taskId": task}, capabilities=TASKS)
        shown: Json = message["result"]
        return shown if shown["status"] == "completed" else None

    shown = at_once(completed, what="completed task")
    assert shown["result"]["content"][0]["text"] == "executed"
    assert stack.executed(arguments) == 1


def test_N01_other_arguments_after_the_approval_are_another_request(stack: AskingStack) -> None:
    arguments = some_arguments()
    approval = stack.asked(arguments)
    stack.approver.approve(approval)
    wider = {**arguments, "actions": ["*"]}
    assert stack.asked(wider) != approval
    stack.ended(approval, "DONE")
    assert stack.executed(wider) == 0
    assert stack.executed(arguments) == 1


def test_N04_a_replay_gets_nothing_executed(stack: AskingStack) -> None:
    arguments = some_arguments()
    approval = stack.asked(arguments)
    stack.approver.approve(approval)
    assert stack.call(arguments)["content"][0]["text"] == "executed"
    for _ in range(3):
        assert decision(stack.call(arguments))["outcome"] == "approval_delivered"
    assert stack.executed(arguments) == 1


def test_N04_fifty_pick_ups_at_once_are_one_execution(stack: AskingStack) -> None:
    arguments = some_arguments()
    approval = stack.asked(arguments)
    with ThreadPoolExecutor(50) as pool:
        calls = [pool.submit(stack.call, arguments) for _ in range(25)]
        stack.approver.approve(approval)
        calls += [pool.submit(stack.call, arguments) for _ in range(25)]
        results = [call.result() for call in calls]
    stack.ended(approval, "DONE")
    delivered = [one for one in results if one["content"][0]["text"] == "executed"]
    assert len(delivered) <= 1
    assert stack.executed(arguments) == 1


def test_N09_the_requester_approves_nothing(stack: AskingStack) -> None:
    approval = stack.asked(some_arguments())
    agent = Approver(stack.ready["console_url"], stack.ready["agent_token"])
    assert agent.decide(approval, "approve").status_code == 403
    assert stack.view(approval)["state"] == "PENDING"


def test_N34_two_people_are_needed_where_the_rule_says_so(
    stack: AskingStack, with_policy: Any
) -> None:
    with_policy(policy(minimum=2))
    arguments = some_arguments()
    approval = stack.asked(arguments)
    stack.approver.approve(approval)
    assert stack.approver.decide(approval, "approve").status_code == 409
    assert stack.view(approval)["state"] == "PENDING"
    assert stack.executed(arguments) == 0
    stack.second_approver.approve(approval)
    stack.ended(approval, "DONE")
    assert stack.executed(arguments) == 1


def test_N23_a_policy_that_denies_in_between_stops_it(stack: AskingStack, with_policy: Any) -> None:
    arguments = some_arguments()
    approval = stack.asked(arguments)
    with_policy(f'version: "1"\ndefault: deny\ntools:\n  {TOOL}: {{action: deny, reason: No.}}\n')
    stack.approver.approve(approval)
    ended = stack.ended(approval, "FAILED")
    assert "the policy denies it now" in ended["note"]
    assert stack.executed(arguments) == 0


def test_N26_an_executor_killed_between_claim_and_result_is_unknown(stack: AskingStack) -> None:
    arguments = some_arguments()
    arrived, go_on = threading.Event(), threading.Event()

    def hang(message: Json) -> Scripted:
        arrived.set()
        go_on.wait(30)
        return reply(message, {"resultType": "complete", "content": []})

    approval = stack.asked(arguments)
    stack.recorder.scripts["tools/call"] = hang
    try:
        stack.approver.approve(approval)
        assert arrived.wait(20)
        assert stack.view(approval)["state"] == "EXECUTING"
        stack.kill_executors()
        stack.ended(approval, "UNKNOWN", within=40)
    finally:
        go_on.set()
    at_once(lambda: stack.execution(approval) == "FAILED", what="alarm of the workflow")
    result = stack.call(arguments)
    assert decision(result)["outcome"] == "approval_unknown"
    assert "may have been executed" in result["content"][0]["text"]
    time.sleep(3)
    assert stack.executed(arguments) == 1


def test_a_result_is_recorded_when_the_agent_is_gone(stack: AskingStack) -> None:
    arguments = some_arguments()
    approval = stack.asked(arguments)  # and nobody calls again
    stack.approver.approve(approval)
    stack.ended(approval, "DONE")
    assert stack.executed(arguments) == 1
    assert stack.call(arguments)["content"][0]["text"] == "executed"


def test_G19_a_full_limit_leaves_the_approval_standing_until_it_frees(
    stack: AskingStack, with_policy: Any
) -> None:
    with_policy(policy(more="    rate_limit: {max: 1, window: 4s, per: principal}\n"))
    first, second = some_arguments(), some_arguments()
    approvals = [stack.asked(first), stack.asked(second)]
    for approval in approvals:
        stack.approver.approve(approval)
    for approval in approvals:
        stack.ended(approval, "DONE")
    assert stack.executed(first) == stack.executed(second) == 1


def test_approvers_are_told_once_without_a_token_and_without_arguments(
    stack: AskingStack,
) -> None:
    queue, topic = stack.running.aws("sqs"), stack.running.aws("sns")
    url = queue.create_queue(QueueName="approvers")["QueueUrl"]
    arn = queue.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    arns = [one["TopicArn"] for one in topic.list_topics()["Topics"]]
    (one,) = [found for found in arns if "ApprovalTopic" in found]
    topic.subscribe(TopicArn=one, Protocol="sqs", Endpoint=arn["QueueArn"])
    arguments = some_arguments()
    approval = stack.asked(arguments)
    for _ in range(3):
        assert stack.asked(arguments) == approval

    def received() -> list[Json]:
        found = queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in found]

    (message,) = at_once(received, what="notification")
    assert f"{stack.ready['console_url']}/{approval}" in message["Message"]
    assert arguments["user_name"] not in message["Message"]

    def task_token() -> str | None:
        item = stack.running.aws("dynamodb").get_item(
            TableName=stack.ready["table"],
            Key={"pk": {"S": f"APPROVAL#{approval}"}, "sk": {"S": "RECORD"}},
        )["Item"]
        return item["task_token"]["S"] if "task_token" in item else None

    assert at_once(task_token, what="task token") not in json.dumps(message)
    time.sleep(1)
    assert received() == []


def test_the_approval_s_token_is_of_no_use_at_a_server(stack: AskingStack) -> None:
    status, _ = stack.send("tools/list", {}, who="approver")
    assert status == 401
    assert stack.send("tools/list", {})[0] == 200
