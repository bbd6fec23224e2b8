"""The approval workflow when something fails, comes twice or at a bad moment; what it tells whom.

Sources of what AWS does: Step Functions guide, "Handling errors in Step Functions workflows",
"Wait for a Callback with Task Token", "Discover service integration patterns", "Choice state";
API reference, StartExecution (one execution for one name and input).
"""

import json
import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from botocore.exceptions import ClientError

from support.approval_world import ARGUMENT, DEFINITION, NOTICE, TABLE, World, a_world, rest
from support.engines import create_state_table
from support.waiting import until

ASKED = "Approval Requested"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with a_world() as made:
        yield made


def test_N22_a_decision_at_any_moment_around_the_start_is_carried_out_once(world: World) -> None:
    """Before the first look, between it and the token, and with the token in the table."""

    def ask(number: int) -> tuple[str, str]:
        approval = world.store(lambda: world.run(approval))
        execution = world.start(approval, wait=1)
        until(lambda: len(world.history(execution)) >= 3 * number)
        token = world.change(approval, "PENDING", "APPROVED")
        if token is not None:
            world.workflow.wake(token)  # at times that of a wait that ended by itself
        return approval, execution

    with ThreadPoolExecutor(4) as threads:
        asked = list(threads.map(ask, range(12)))
    for approval, execution in asked:
        world.ends(execution)
        assert world.record(approval)["state"] == {"S": "DONE"}
        assert world.executor.calls(approval) == 1


def test_a_lost_wake_up_is_made_good_by_looking_again(world: World) -> None:
    approval = world.store(lambda: world.run(approval))
    execution = world.start(approval, wait=1)
    assert until(lambda: "task_token" in world.record(approval))
    world.change(approval, "PENDING", "APPROVED")
    world.ends(execution)
    assert world.executor.calls(approval) == 1


def test_N26_waking_twice_or_from_outside_decides_nothing(world: World) -> None:
    approval = world.store()
    execution = world.start(approval)
    assert until(lambda: "task_token" in world.record(approval))
    token = world.record(approval)["task_token"]["S"]
    client = world.clients["stepfunctions"]
    client.send_task_success(taskToken=token, output='{"item": {"Item": {"state": {"S": "DONE"}}}}')
    with pytest.raises(ClientError) as caught:
        client.send_task_success(taskToken=token, output="{}")
    assert caught.value.response["Error"]["Code"] == "TaskTimedOut"
    world.enters(execution, "AwaitDecision", times=2)
    assert until(lambda: world.record(approval)["task_token"]["S"] != token)
    second = world.record(approval)["task_token"]["S"]
    client.send_task_failure(taskToken=second, error="No")
    assert until(lambda: world.record(approval)["task_token"]["S"] != second)
    world.decide(approval, "DENIED")
    world.ends(execution)
    assert world.executor.calls(approval) == 0


def test_N35_a_topic_that_is_gone_leaves_the_request_waiting(world: World) -> None:
    approval = world.store(lambda: world.run(approval))
    execution = world.start(approval, machine=world.deaf)
    world.decide(approval, "APPROVED")
    assert {"PeopleNotTold", "MachinesNotTold"} <= set(world.states(execution))
    world.enters(execution, "Rest")
    assert world.record(approval)["state"] == {"S": "DONE"}
    assert world.received(world.mail, approval) == []


def test_a_request_without_a_text_still_waits_for_people(world: World) -> None:
    approval = world.store()
    key = {"pk": {"S": f"APPROVAL#{approval}"}, "sk": {"S": "RECORD"}}
    world.clients["dynamodb"].update_item(
        TableName=TABLE, Key=key, UpdateExpression="REMOVE notice"
    )
    execution = world.start(approval)
    world.decide(approval, "DENIED")
    world.ends(execution)
    assert "Announce" not in world.states(execution)


def test_a_request_that_is_gone_ends_as_a_failure(world: World) -> None:
    execution = world.start(uuid.uuid4().hex)
    assert world.ends(execution, "FAILED")["error"] == "Portcullis.RecordGone"


def test_a_table_that_does_not_answer_is_looked_at_until_it_does(world: World) -> None:
    machine = world.make_machine("none", table="comes-later")
    approval = uuid.uuid4().hex
    execution = world.start(approval, machine=machine)
    world.enters(execution, "RestFromTrouble")
    create_state_table(world.clients["dynamodb"], "comes-later")
    assert world.ends(execution, "FAILED")["error"] == "Portcullis.RecordGone"


def test_N19_what_is_announced_is_the_stored_text_once_and_holds_no_token(world: World) -> None:
    approval = world.store()
    execution = world.start(approval, wait=1)
    world.enters(execution, "AwaitDecision", times=2)
    world.decide(approval, "DENIED")
    world.ends(execution)
    (mail,) = world.received(world.mail, approval)
    assert mail["Subject"] == "Portcullis: a request waits for your approval"
    assert mail["Message"] == NOTICE + approval
    asked, ended = sorted(
        world.received(world.events, approval), key=lambda event: str(event["detail-type"]) != ASKED
    )
    assert (asked["source"], asked["detail-type"]) == ("portcullis", ASKED)
    assert asked["detail"] == {"id": approval, "tool": "delete_broker"}
    assert execution in asked["resources"]
    assert (ended["detail-type"], ended["detail"]) == (
        "Approval Ended",
        {"id": approval, "state": "DENIED"},
    )


def test_N31_a_token_is_in_the_history_where_aws_writes_it_and_arguments_are_nowhere(
    world: World,
) -> None:
    """Step Functions records the parameters of every task it schedules, the token's too.

    Who may read the history could wake a request, which decides nothing.
    """
    approval = world.store(lambda: world.run(approval))
    execution = world.start(approval)
    world.decide(approval, "APPROVED")
    told = world.ends(execution)
    token = world.record(approval)["task_token"]["S"]
    assert token not in told["input"] + told["output"]
    history = world.history(execution)
    assert ARGUMENT not in json.dumps([told, history], default=str)
    holding = [event for event in history if token in json.dumps(event, default=str)]
    assert [event["type"] for event in holding] == ["TaskScheduled"]
    assert holding[0]["taskScheduledEventDetails"]["resourceType"] == "aws-sdk:dynamodb"


def test_N32_nothing_adds_up_from_round_to_round(world: World) -> None:
    approval = world.store()
    execution = world.start(approval, wait=1)
    world.enters(execution, "AwaitDecision", times=3)
    inputs = [
        event["stateEnteredEventDetails"]["input"]
        for event in world.history(execution)
        if event.get("stateEnteredEventDetails", {}).get("name") == "AwaitDecision"
    ]
    assert len(inputs) >= 3
    assert len(set(inputs)) == 1
    assert set(json.loads(inputs[0])) == {"approval", "wait", "deadline", "finish", "rest", "item"}
    world.decide(approval, "DENIED")
    world.ends(execution)


def test_a_round_is_as_many_events_as_the_definition_says(world: World) -> None:
    """25,000 events are all an execution may have (Step Functions guide, "Quotas")."""
    approval = world.store(*[lambda: rest(1)] * 2, lambda: world.run(approval))
    execution = world.start(approval, wait=1)
    world.enters(execution, "AwaitDecision", times=3)
    world.decide(approval, "APPROVED")
    world.ends(execution)
    looks = [
        number
        for number, event in enumerate(world.history(execution))
        if event.get("stateEnteredEventDetails", {}).get("name") == "Look"
    ]
    most = int(
        re.findall(r"at most (\d+) events", json.loads(DEFINITION.read_text())["Comment"])[0]
    )
    assert max(after - before for before, after in pairwise(looks)) <= most


def test_N26_starting_twice_is_one_execution(world: World) -> None:
    approval = world.store()
    deadline = "2099-01-01T00:00:00Z"
    given = {"approval": approval, "wait": 60, "deadline": deadline}

    def start(**changes: object) -> str:
        started = world.clients["stepfunctions"].start_execution(
            stateMachineArn=world.machine, name=approval, input=json.dumps({**given, **changes})
        )
        return str(started["executionArn"])

    execution = start()
    assert start() == execution
    with pytest.raises(ClientError) as caught:
        start(wait=61)
    assert caught.value.response["Error"]["Code"] == "ExecutionAlreadyExists"
    world.decide(approval, "DENIED")
    world.ends(execution)
    with pytest.raises(ClientError) as caught:
        start()
    assert caught.value.response["Error"]["Code"] == "ExecutionAlreadyExists"
    assert len(world.received(world.mail, approval)) == 1
