"""Asking: one call is one request, however often and from wherever it is made."""

import json
from typing import Any

import pytest

from portcullis.approvals.asking import DELIVERED_SECONDS
from portcullis.approvals.record import ApprovalRecord
from portcullis.approvals.states import State
from portcullis.gateway.asking import MAXIMUM_ARGUMENT_BYTES
from portcullis.gateway.deciding import Word
from support.approval_gate import (
    AGENT,
    ASKING,
    BASE_URL,
    CALL,
    OTHER_AGENT,
    TASKS,
    ApprovalGate,
    policy,
)
from support.gateway_in_memory import TOOLS, decision_of

LIMITED = policy(
    "action: require_approval\napproval: {approvers: [group:ops]}\n"
    "rate_limit: {max: 1, window: 1h, per: principal}"
)


def ids(gate: ApprovalGate) -> set[str]:
    return {one.id for one in gate.approvals.listed(is_open=True, limit=100)}


def test_the_call_is_not_executed_and_a_person_is_asked() -> None:
    gate = ApprovalGate()
    record = gate.asked()
    assert gate.upstream.sent == []
    assert gate.workflow.started == [record.id]
    assert record.state is State.PENDING
    assert record.is_started
    assert record.requester == AGENT
    assert record.link == f"{BASE_URL}/approvals/{record.id}"
    assert record.expires_at == record.asked_at + 1800
    assert record.binding.rule == "create_broker"
    assert record.binding.tool == "create_broker"


def test_N08_what_is_stored_are_the_arguments_that_were_judged_with_their_defaults() -> None:
    gate = ApprovalGate()
    record = gate.asked({"name": "a"})
    sealed = gate.approvals.sealed_arguments(record.id)
    content = gate.vault.open(record.id, "arguments", sealed)
    assert json.loads(content) == {"name": "a", "publicly_accessible": True}
    assert b"publicly" not in sealed


def test_N27_a_hundred_equal_calls_are_one_request_and_one_notification() -> None:
    gate = ApprovalGate()
    asked = {gate.asked().id for _ in range(100)}
    assert len(asked) == 1
    assert gate.workflow.started == [*asked]


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": "a", "publicly_accessible": False},
        {"publicly_accessible": False, "name": "a"},
    ],
    ids=["N02", "N02-other-order"],
)
def test_N02_the_order_of_keys_makes_no_difference(arguments: dict[str, Any]) -> None:
    gate = ApprovalGate()
    assert gate.asked().id == gate.asked(arguments).id


@pytest.mark.parametrize("name", ["a ", "a\u200b", "A", "\u0061\u0301", "b"])
def test_N06_another_spelling_is_another_request(name: str) -> None:
    gate = ApprovalGate()
    first = gate.asked().id
    reply = gate.call("create_broker", {**CALL, "name": name}, era="2025-11-25")
    assert decision_of(reply)["approval"]["id"] != first
    assert len(gate.workflow.started) == 2


def test_N07_no_arguments_and_empty_ones_are_the_same_call() -> None:
    gate = ApprovalGate()
    empty = gate.asked({}).id
    reply = gate.ask("tools/call", {"name": "create_broker"})
    assert decision_of(reply)["approval"]["id"] == empty


@pytest.mark.parametrize("other", ["principal", "tool"])
def test_N05_another_caller_or_tool_is_another_request(other: str) -> None:
    gate = ApprovalGate(ASKING + "  get_info: {action: require_approval, "
                        "approval: {approvers: [a]}}\n")  # fmt: skip
    first = gate.asked({}).id
    if other == "principal":
        assert gate.asked({}, principal=OTHER_AGENT).id != first
    else:
        assert decision_of(gate.call("get_info"))["approval"]["id"] != first


def test_a_changed_policy_makes_another_request_and_closes_the_first() -> None:
    gate = ApprovalGate()
    first = gate.asked()
    gate.put_in_force(ASKING.replace("30m", "31m"))
    second = gate.asked()
    assert first.id != second.id
    assert gate.record(first.id).state is State.CANCELLED
    assert ids(gate) == {second.id}


def test_N24_a_changed_definition_of_the_tool_makes_another_request() -> None:
    gate = ApprovalGate()
    first = gate.asked()
    changed = {**TOOLS["create_broker"], "description": "Now it does something else."}
    gate.snapshots.tools = {**TOOLS, "create_broker": changed}
    assert gate.asked().id != first.id
    assert gate.record(first.id).state is State.CANCELLED


def test_N28_a_flood_of_different_calls_is_capped_for_each_caller() -> None:
    gate = ApprovalGate()
    for number in range(3):
        gate.asked({"name": f"n{number}"})
    reply = gate.create({"name": "one-more"})
    assert decision_of(reply)["outcome"] == "approval_limit"
    assert len(gate.workflow.started) == 3
    gate.asked({"name": "another caller"}, principal=OTHER_AGENT)


@pytest.mark.parametrize("how", ["deny", "cancel", "expire", "execute"])
def test_N28_a_request_that_has_ended_makes_room(how: str) -> None:
    gate = ApprovalGate()
    records = [gate.asked({"name": f"n{number}"}) for number in range(3)]
    if how == "deny":
        gate.decide(records[0], Word.DENY)
    elif how == "execute":
        gate.run(gate.decide(records[0]))
    elif how == "cancel":
        gate.ask("tasks/cancel", {"taskId": records[0].id}, capabilities=TASKS)
    else:
        gate.seconds(1801)
    assert gate.asked({"name": "one-more"}).state is State.PENDING


def test_G26_a_call_its_limits_refuse_asks_nobody() -> None:
    gate = ApprovalGate(LIMITED)
    gate.run(gate.approved())
    gate.create()  # hands the result over
    gate.seconds(DELIVERED_SECONDS)
    reply = gate.create()
    assert decision_of(reply)["outcome"] == "limit_reached"
    assert decision_of(reply)["retry_after"] > 0
    assert len(gate.workflow.started) == 1


def test_limits_do_not_stand_between_a_caller_and_a_result_that_waits() -> None:
    gate = ApprovalGate(LIMITED)
    gate.run(gate.approved())  # took the only call of the hour
    assert b"executed" in gate.create().body


def test_limits_that_cannot_be_checked_ask_nobody() -> None:
    gate = ApprovalGate(LIMITED)
    gate.counters.fails_to_reserve = True
    assert decision_of(gate.create())["outcome"] == "store_unavailable"
    assert gate.workflow.started == []


def test_arguments_no_person_could_look_at_are_refused() -> None:
    gate = ApprovalGate()
    reply = gate.call("create_broker", {"name": "x" * MAXIMUM_ARGUMENT_BYTES}, era="2025-11-25")
    assert decision_of(reply)["outcome"] == "approval_unsupported"
    assert gate.workflow.started == []


@pytest.mark.parametrize("method", ["find", "open_requests", "create", "read", "replace"])
def test_N35_a_store_that_fails_denies(method: str) -> None:
    gate = ApprovalGate()
    if method == "read":
        gate.asked()
    with gate.failing(method):
        reply = gate.create()
    assert decision_of(reply)["outcome"] == "approval_unavailable"
    assert decision_of(reply)["retry_after"] > 0
    assert gate.upstream.sent == []


def test_N35_a_key_that_cannot_be_used_denies_and_stores_nothing() -> None:
    gate = ApprovalGate()
    gate.vault.is_down = True
    assert decision_of(gate.create())["outcome"] == "approval_unavailable"
    assert ids(gate) == set()


def test_N35_a_workflow_that_did_not_start_denies_and_is_started_by_the_next_call() -> None:
    gate = ApprovalGate()
    gate.workflow.is_down = True
    assert decision_of(gate.create())["outcome"] == "approval_unavailable"
    (record,) = gate.approvals.listed(is_open=True, limit=10)
    assert not record.is_started
    gate.workflow.is_down = False
    assert gate.asked().id == record.id
    assert gate.workflow.started == [record.id]
    assert gate.record(record.id).is_started


def test_a_rival_that_asks_in_the_same_moment_is_joined() -> None:
    gate = ApprovalGate()
    first: list[ApprovalRecord] = []
    gate.racing("create", lambda: first.append(gate.asked()))
    assert gate.asked().id == first[0].id
    assert gate.workflow.started == [first[0].id]


def test_a_request_that_is_decided_while_it_is_superseded_is_looked_at_again() -> None:
    gate = ApprovalGate()
    first = gate.asked()
    gate.put_in_force(ASKING.replace("30m", "31m"))
    gate.racing("replace", lambda: gate.decide(first, Word.DENY))
    assert decision_of(gate.create())["outcome"] == "approval_denied"
    assert gate.workflow.started == [first.id]


def test_a_request_names_the_last_one_for_the_same_call() -> None:
    gate = ApprovalGate()
    first = gate.decide(gate.asked(), Word.DENY)
    gate.seconds(300)
    assert first.previous is None
    assert gate.asked().previous == first.id


def test_the_notice_and_the_event_hold_what_the_rule_shows_and_no_more() -> None:
    gate = ApprovalGate()
    kept: list[Any] = []
    create = gate.approvals.create

    def keeping(question: Any) -> bool:
        kept.append(question)
        return create(question)

    gate.approvals.create = keeping  # type: ignore[method-assign]  # to see what is stored
    record = gate.asked({"name": "orders", "publicly_accessible": False})
    (question,) = kept
    assert "orders" in question.notice
    assert "publicly" not in question.notice
    assert record.link in question.notice
    event = json.loads(question.event)
    assert event["arguments"] == {"args.name": '"orders"'}
    assert event["id"] == record.id
    assert event["link"] == record.link
