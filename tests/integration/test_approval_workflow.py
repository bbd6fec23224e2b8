"""The approval workflow as it is deployed, on the emulator: how a request goes and ends.

Sources of what AWS does: Step Functions guide, "Handling errors in Step Functions workflows",
"Wait for a Callback with Task Token", "Discover service integration patterns", "Choice state";
API reference, StartExecution (one execution for one name and input).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from local_stack.runtime_api import Outcome
from portcullis.approvals import life
from portcullis.approvals.record import ApprovalRecord
from portcullis.approvals.states import State
from support.approval_records import make_vote
from support.approval_world import LATER, World, a_world, crash, rest, throttle


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with a_world() as made:
        yield made


def test_an_approved_call_is_executed_once_and_the_end_is_told(world: World) -> None:
    approval = world.store(lambda: world.run(approval))
    execution = world.start(approval)
    world.decide(approval, "APPROVED")
    world.ends(execution)
    assert world.states(execution)[-1] == "Executed"
    assert world.executor.calls(approval) == 1
    told = [event["detail-type"] for event in world.received(world.events, approval)]
    assert sorted(told) == ["Approval Ended", "Approval Requested"]


@pytest.mark.parametrize(("state", "end"), [("DENIED", "Denied"), ("CANCELLED", "Cancelled")])
def test_what_is_denied_or_cancelled_ends_without_an_execution(
    world: World, state: str, end: str
) -> None:
    approval = world.store()
    execution = world.start(approval)
    world.decide(approval, state)
    world.ends(execution)
    assert world.states(execution)[-1] == end
    assert world.executor.calls(approval) == 0
    assert world.record(approval)["v"] == {"N": "1"}


@pytest.mark.parametrize(
    ("state", "end", "status"),
    [
        ("DONE", "Executed", "SUCCEEDED"),
        ("FAILED", "NotExecuted", "SUCCEEDED"),
        ("UNKNOWN", "OutcomeUnknown", "FAILED"),
        ("DENIED", "Denied", "SUCCEEDED"),
        ("EXPIRED", "Expired", "SUCCEEDED"),
        ("CANCELLED", "Cancelled", "SUCCEEDED"),
        ("SOMETHING ELSE", "NoSuchState", "FAILED"),
    ],
)
def test_a_request_that_is_over_ends_at_once_and_is_not_touched(
    world: World, state: str, end: str, status: str
) -> None:
    approval = world.store(state=state)
    execution = world.start(approval)
    world.ends(execution, status)
    assert world.states(execution)[-1] == end
    assert (world.record(approval)["state"], world.record(approval)["v"]) == (
        {"S": state},
        {"N": "0"},
    )
    assert world.executor.calls(approval) == 0


def test_N21_a_request_that_nobody_answers_expires_at_its_deadline(world: World) -> None:
    approval = world.store()
    before = datetime.now(UTC)
    execution = world.start(approval, wait=1, deadline_in=1)
    world.ends(execution)
    record = world.record(approval)
    assert world.states(execution)[-1] == "Expired"
    assert (record["state"], record["listing"], record["v"]) == (
        {"S": "EXPIRED"},
        {"S": "closed"},
        {"N": "1"},
    )
    ended = datetime.fromisoformat(record["ended_iso"]["S"])
    assert before + timedelta(seconds=1) <= ended <= datetime.now(UTC)


def test_N21_what_is_approved_and_not_begun_by_its_deadline_is_not_executed(world: World) -> None:
    approval = world.store(state="APPROVED")
    execution = world.start(approval, deadline_in=0)
    world.ends(execution)
    assert world.record(approval)["state"] == {"S": "EXPIRED"}
    assert world.executor.calls(approval) == 0


def test_a_decision_that_came_before_the_workflow_is_carried_out(world: World) -> None:
    approval = world.store(lambda: world.run(approval), state="APPROVED")
    execution = world.start(approval)
    world.ends(execution)
    assert "AwaitDecision" not in world.states(execution)
    assert world.record(approval)["state"] == {"S": "DONE"}


def test_N26_an_executor_that_dies_after_its_claim_ends_as_unknown(
    world: World,
) -> None:
    def claim_and_crash() -> Outcome:
        world.change(approval, "APPROVED", "EXECUTING")
        return crash()

    approval = world.store(claim_and_crash, state="APPROVED")
    execution = world.start(approval)
    told = world.ends(execution, "FAILED")
    assert told["error"] == "Portcullis.OutcomeUnknown"
    assert world.executor.calls(approval) == 1
    record = world.record(approval)
    assert (record["state"], record["listing"]) == ({"S": "UNKNOWN"}, {"S": "closed"})
    subjects = [mail["Subject"] for mail in world.received(world.mail, approval)]
    assert subjects == [
        "Portcullis: a request waits for your approval",
        "Portcullis: find out what became of a request",
    ]


def test_an_executor_that_ends_before_its_claim_is_tried_again(world: World) -> None:
    approval = world.store(crash, lambda: world.run(approval), state="APPROVED")
    execution = world.start(approval)
    world.ends(execution)
    assert world.record(approval)["state"] == {"S": "DONE"}
    assert "RestFromTrouble" in world.states(execution)


def test_an_executor_that_is_late_to_say_so_has_still_executed(world: World) -> None:
    def claim() -> Outcome:
        world.change(approval, "APPROVED", "EXECUTING")
        return rest(0)

    approval = world.store(claim, state="APPROVED")
    execution = world.start(approval, machine=world.patient)
    world.enters(execution, "AllowToFinish")
    world.change(approval, "EXECUTING", "DONE")
    world.ends(execution)
    assert world.states(execution)[-6:] == [
        "MarkUnknown",
        "Look",
        "Choose",
        "TellEnd",
        "Ended",
        "Executed",
    ]


def test_what_a_limit_refuses_rests_and_runs_later(world: World) -> None:
    approval = world.store(lambda: rest(1), lambda: rest(0), lambda: world.run(approval))
    execution = world.start(approval)
    world.decide(approval, "APPROVED")
    world.ends(execution)
    assert world.executor.calls(approval) == 3
    assert world.record(approval)["state"] == {"S": "DONE"}


def test_what_a_limit_refuses_until_the_deadline_expires(world: World) -> None:
    approval = world.store(lambda: rest(1), lambda: rest(1), lambda: rest(1), state="APPROVED")
    execution = world.start(approval, deadline_in=1)
    world.ends(execution)
    assert world.record(approval)["state"] == {"S": "EXPIRED"}


def test_an_executor_without_a_free_environment_is_asked_again(world: World) -> None:
    approval = world.store(throttle, throttle, lambda: world.run(approval), state="APPROVED")
    execution = world.start(approval)
    world.ends(execution)
    assert world.states(execution).count("Execute") == 1
    assert world.executor.calls(approval) == 3
    assert world.record(approval)["state"] == {"S": "DONE"}


def test_the_store_reads_what_the_workflow_has_expired(world: World) -> None:
    store, record = world.stored(1)
    world.ends(world.waits_for(record))
    read = store.read(record.id)
    assert read is not None
    assert (read.state, read.version) == (State.EXPIRED, record.version + 1)
    assert read.ended_at is not None
    assert read.ended_at >= record.expires_at
    assert read in store.listed(is_open=False, limit=100)
    assert read not in store.listed(is_open=True, limit=100)


def test_the_store_reads_what_the_workflow_calls_unknown(world: World) -> None:
    store, record = world.stored(LATER)

    def step_to(changed: ApprovalRecord | life.Refusal) -> ApprovalRecord:
        assert isinstance(changed, ApprovalRecord)
        replaced = store.replace(record, changed)
        assert replaced is not None
        return replaced.record

    def claim_and_crash() -> Outcome:
        step_to(life.claim(record, now=record.asked_at))
        return crash()

    record = step_to(life.approve(record, make_vote(), now=record.asked_at))
    world.executor.scripts[record.id] = [claim_and_crash]
    world.ends(world.waits_for(record), "FAILED")
    read = store.read(record.id)
    assert read is not None
    assert (read.state, read.version) == (State.UNKNOWN, record.version + 2)
    assert read in store.listed(is_open=False, limit=100)
