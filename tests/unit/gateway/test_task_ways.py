"""Calls that wait as MCP tasks: a caller's own, by polling."""

from typing import Any

import pytest

from portcullis.approvals.life import RESULT_SECONDS
from portcullis.approvals.record import ApprovalRecord
from portcullis.approvals.states import State
from portcullis.gateway.deciding import Word
from portcullis.gateway.task_view import STATUSES
from portcullis.protocol.http import HttpReply
from support.approval_gate import AGENT, OTHER_AGENT, TASKS, ApprovalGate
from support.gateway_in_memory import body_of


def task(gate: ApprovalGate) -> dict[str, Any]:
    """Call `create_broker` as a client that declares tasks; answer the task."""
    result: dict[str, Any] = body_of(gate.create(capabilities=TASKS))["result"]
    return result


def about(gate: ApprovalGate, method: str, task_id: str, **more: Any) -> HttpReply:
    return gate.ask(f"tasks/{method}", {"taskId": task_id}, capabilities=TASKS, **more)


def get(gate: ApprovalGate, record: ApprovalRecord) -> dict[str, Any]:
    result: dict[str, Any] = body_of(about(gate, "get", record.id))["result"]
    return result


def asked(gate: ApprovalGate) -> ApprovalRecord:
    return gate.record(task(gate)["taskId"])


def test_the_call_becomes_a_task_that_can_be_read_at_once() -> None:
    gate = ApprovalGate()
    made = task(gate)
    assert made["resultType"] == "task"
    assert made["status"] == "working"
    assert made["ttlMs"] == (1800 + RESULT_SECONDS) * 1000
    assert made["pollIntervalMs"] > 0
    assert made["_meta"]["portcullis/decision"]["approval"]["status"] == "PENDING"
    record = gate.record(made["taskId"])
    assert record.link in made["statusMessage"]
    assert get(gate, record)["status"] == "working"


def test_the_same_call_again_is_the_same_task() -> None:
    gate = ApprovalGate()
    assert task(gate)["taskId"] == task(gate)["taskId"]


def test_an_executed_call_is_a_completed_task_that_can_be_read_again() -> None:
    gate = ApprovalGate()
    record = gate.run(gate.decide(asked(gate)))
    for _ in range(2):
        shown = get(gate, record)
        assert shown["resultType"] == "complete"
        assert shown["status"] == "completed"
        assert shown["result"]["content"][0]["text"] == "executed"
    assert gate.record(record.id).delivered_at is not None
    assert gate.log.records[-1].approval == record.id


def test_what_was_read_as_a_task_is_not_handed_to_the_same_call_again() -> None:
    gate = ApprovalGate()
    record = gate.run(gate.decide(asked(gate)))
    get(gate, record)
    assert b'"executed"' not in gate.create().body


def test_what_was_handed_to_the_same_call_is_told_to_the_task() -> None:
    gate = ApprovalGate()
    record = gate.run(gate.decide(asked(gate)))
    assert b'"executed"' in gate.create().body
    shown = get(gate, record)
    assert shown["status"] == "completed"
    assert shown["result"]["isError"] is True
    assert "handed over already" in shown["result"]["content"][0]["text"]


def test_a_server_s_error_is_a_failed_task() -> None:
    gate = ApprovalGate()
    record = gate.decide(asked(gate))
    gate.upstream.error = {"code": -32602, "message": "no such engine"}
    shown = get(gate, gate.run(record))
    assert shown["status"] == "failed"
    assert shown["error"]["code"] == -32602


def test_a_denial_is_a_completed_task_whose_result_is_an_error() -> None:
    gate = ApprovalGate()
    record = gate.decide(asked(gate), Word.DENY, comment="No.")
    shown = get(gate, record)
    assert shown["status"] == "completed"
    assert shown["result"]["isError"] is True
    assert "APPROVAL DENIED" in shown["result"]["content"][0]["text"]


def test_a_deadline_that_has_passed_completes_the_task_without_waiting_for_any_clock() -> None:
    gate = ApprovalGate()
    record = asked(gate)
    gate.seconds(1800)
    assert gate.record(record.id).state is State.PENDING
    assert "APPROVAL EXPIRED" in get(gate, record)["result"]["content"][0]["text"]


@pytest.mark.parametrize("when", ["pending", "approved"])
def test_cancelling_a_task_closes_its_request(when: str) -> None:
    gate = ApprovalGate()
    record = asked(gate)
    gate.approvals.hold(record.id, "handle")
    if when == "approved":
        record = gate.decide(record)
    reply = about(gate, "cancel", record.id)
    assert body_of(reply)["result"]["resultType"] == "complete"
    assert gate.run(record).state is State.CANCELLED
    assert get(gate, record)["status"] == "cancelled"
    assert "handle" in gate.workflow.woken
    assert gate.upstream.sent == []


def test_cancelling_what_has_ended_changes_nothing() -> None:
    gate = ApprovalGate()
    record = gate.run(gate.decide(asked(gate)))
    about(gate, "cancel", record.id)
    assert gate.record(record.id).state is State.DONE


def test_a_cancel_that_loses_the_race_finds_it_decided() -> None:
    gate = ApprovalGate()
    record = asked(gate)
    gate.racing("replace", lambda: gate.decide(record, Word.DENY))
    about(gate, "cancel", record.id)
    assert gate.record(record.id).state is State.DENIED


def test_N38_nothing_a_client_says_about_its_task_decides_it() -> None:
    gate = ApprovalGate()
    record = asked(gate)
    params = {"taskId": record.id, "inputResponses": {"approval": {"action": "accept"}}}
    reply = gate.ask("tasks/update", params, capabilities=TASKS)
    assert body_of(reply)["result"]["resultType"] == "complete"
    assert gate.record(record.id).state is State.PENDING


@pytest.mark.parametrize("method", ["get", "update", "cancel"])
@pytest.mark.parametrize("whose", ["nobody's", "another caller's", "over"])
def test_N36_a_task_that_is_not_the_caller_s_does_not_exist(method: str, whose: str) -> None:
    gate = ApprovalGate()
    record = asked(gate)
    task_id = "0" * 32 if whose == "nobody's" else record.id
    principal = OTHER_AGENT if whose == "another caller's" else AGENT
    if whose == "over":
        gate.seconds(1800 + RESULT_SECONDS)
    reply = about(gate, method, task_id, principal=principal)
    assert reply.status == 400
    assert body_of(reply)["error"]["code"] == -32602
    assert record.id not in body_of(reply)["error"]["message"]
    assert gate.record(record.id).state is State.PENDING


def test_a_client_that_does_not_declare_tasks_gets_none_and_may_ask_for_none() -> None:
    gate = ApprovalGate()
    record = gate.asked()
    reply = gate.ask("tasks/get", {"taskId": record.id})
    assert reply.status == 400
    assert body_of(reply)["error"]["code"] == -32021


def test_a_store_that_fails_is_an_internal_error_without_a_word() -> None:
    gate = ApprovalGate()
    record = gate.run(gate.decide(asked(gate)))
    with gate.failing("read"):
        assert about(gate, "get", record.id).status == 500
    with gate.failing("result"):
        assert about(gate, "get", record.id).status == 500
    assert get(gate, record)["result"]["content"][0]["text"] == "executed"


def test_a_result_that_cannot_be_read_any_more_was_handed_over() -> None:
    gate = ApprovalGate()
    record = gate.run(gate.decide(asked(gate)))
    get(gate, record)
    gate.vault.is_down = True
    assert "handed over already" in get(gate, record)["result"]["content"][0]["text"]


def test_every_state_has_a_status() -> None:
    assert set(STATUSES) == set(State)
