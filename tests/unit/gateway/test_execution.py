"""The executor: once, or not at all, or nobody knows; and nothing that was not approved."""

import json
from typing import Any

import pytest

from portcullis.approvals.states import State
from portcullis.errors import UpstreamNotSentError, UpstreamUncertainError
from portcullis.gateway.deciding import Viewer, Word
from portcullis.gateway.execution import AGAIN_SECONDS, LONGEST_REST_SECONDS
from portcullis.gateway.ports import UpstreamReply
from portcullis.policy.model import Principal
from support.approval_gate import (
    ASKING,
    CALL,
    DAVE,
    ApprovalGate,
    policy,
)
from support.gateway_in_memory import TOOLS

LIMITED = policy(
    "action: require_approval\napproval: {approvers: [group:ops]}\n"
    "rate_limit: {max: 1, window: 1h, per: principal}"
)


def outcomes(gate: ApprovalGate) -> list[str]:
    return [one.outcome for one in gate.log.records if one.approval and one.method == "tools/call"]


def test_an_approved_call_is_sent_once_as_it_was_judged() -> None:
    gate = ApprovalGate()
    record = gate.approved(arguments={"name": "a"})
    assert gate.executor().step(record.id) == 0
    (message,) = gate.upstream.messages
    assert message["params"]["arguments"] == {"name": "a", "publicly_accessible": True}
    assert message["params"]["name"] == "create_broker"
    assert message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] == {}
    assert dict(gate.upstream.sent[0].headers)["mcp-param-broker"] == "a"
    assert gate.upstream.sent[0].scope == record.scope
    done = gate.record(record.id)
    assert done.state is State.DONE
    assert done.result_parts == 1
    last = gate.log.records[-1]
    assert (last.outcome, last.approval, last.rule) == ("allowed", record.id, "create_broker")
    assert last.principal == record.requester.key


@pytest.mark.parametrize("state", [one for one in State if one is not State.APPROVED])
def test_nothing_but_an_approved_request_is_sent(state: State) -> None:
    gate = ApprovalGate()
    record = gate.asked()
    gate.approvals._records[record.id] = _in(record, state)
    assert gate.executor().step(record.id) == 0
    assert gate.upstream.sent == []
    assert gate.record(record.id).state is state


def _in(record: Any, state: State) -> Any:
    from dataclasses import replace  # noqa: PLC0415 - the one place that bypasses the life cycle

    return replace(record, state=state)


def test_a_request_that_is_gone_is_nothing_to_do() -> None:
    gate = ApprovalGate()
    assert gate.executor().step("0" * 32) == 0


def test_N26_a_second_delivery_sends_nothing() -> None:
    gate = ApprovalGate()
    record = gate.approved()
    for _ in range(5):
        gate.executor().step(record.id)
    assert len(gate.upstream.sent) == 1


def test_N26_of_two_executors_at_once_one_sends_and_the_other_gives_its_limits_back() -> None:
    gate = ApprovalGate(LIMITED.replace("max: 1", "max: 5"))
    record = gate.approved()
    gate.racing("replace", lambda: gate.executor().step(record.id))
    gate.executor().step(record.id)
    assert len(gate.upstream.sent) == 1
    assert len(gate.counters.released) == 1
    assert gate.record(record.id).state is State.DONE


def test_N23_a_policy_that_denies_by_now_stops_it() -> None:
    gate = ApprovalGate()
    record = gate.approved()
    gate.put_in_force(policy("action: deny\nreason: Not any more."))
    failed = gate.run(record)
    assert failed.state is State.FAILED
    assert "Not any more." in failed.note
    assert gate.upstream.sent == []
    assert outcomes(gate)[-1] == "approval_failed"


def test_N23_a_policy_that_allows_by_now_runs_only_what_was_approved() -> None:
    gate = ApprovalGate()
    pending = gate.asked()
    gate.put_in_force(policy("action: allow"))
    assert gate.run(pending).state is State.PENDING
    assert gate.run(gate.decide(pending)).state is State.DONE


def test_N10_an_approver_whom_the_policy_names_no_more_does_not_count() -> None:
    gate = ApprovalGate()
    record = gate.approved()
    gate.put_in_force(ASKING.replace("group:ops", "group:security"))
    failed = gate.run(record)
    assert failed.state is State.FAILED
    assert "other approvals" in failed.note


def test_N34_a_policy_that_wants_more_people_by_now_is_not_met_by_fewer() -> None:
    gate = ApprovalGate()
    record = gate.approved()
    gate.put_in_force(ASKING.replace("timeout: 30m", "timeout: 30m, min_approvals: 2"))
    assert gate.run(record).state is State.FAILED


def test_N34_two_different_people_are_two() -> None:
    gate = ApprovalGate(ASKING.replace("timeout: 30m", "timeout: 30m, min_approvals: 2"))
    record = gate.asked()
    assert gate.decide(record).state is State.PENDING
    assert gate.run(record).state is State.PENDING
    twin = Viewer(principal=Principal(issuer="oidc", subject="x", person="CAROL", groups=("ops",)))
    refused = gate.desk.decide(record.id, twin, Word.APPROVE, comment="")
    assert not hasattr(refused, "state")
    assert gate.decide(record, by=DAVE).state is State.APPROVED
    assert gate.run(record).state is State.DONE


@pytest.mark.parametrize("what", ["description", "inputSchema", "gone"])
def test_N24_a_tool_that_has_changed_is_not_called(what: str) -> None:
    gate = ApprovalGate()
    record = gate.approved()
    tools = dict(TOOLS)
    if what == "gone":
        del tools["create_broker"]
    else:
        tools["create_broker"] = {**tools["create_broker"], what: {"type": "object"}}
    gate.snapshots.tools = tools
    failed = gate.run(record)
    assert failed.state is State.FAILED
    assert "tool has changed" in failed.note


def test_a_server_that_is_registered_differently_by_now_is_not_called() -> None:
    gate = ApprovalGate()
    record = gate.approved()
    gate.servers.change(digest="another")
    assert gate.run(record).state is State.FAILED
    assert gate.upstream.sent == []


def test_N25_a_caller_whose_credential_is_gone_gets_nothing_executed() -> None:
    gate = ApprovalGate()
    record = gate.approved()
    gate.credentials.live.clear()
    failed = gate.run(record)
    assert failed.state is State.FAILED
    assert "credential" in failed.note


def test_N21_what_was_approved_is_executed_before_its_deadline_or_not_at_all() -> None:
    gate = ApprovalGate()
    record = gate.asked()
    gate.seconds(1799)
    record = gate.decide(record)
    gate.seconds(1)
    assert gate.run(record).state is State.EXPIRED
    assert gate.upstream.sent == []
    assert outcomes(gate)[-1] == "approval_expired"


def test_N21_a_second_before_the_deadline_it_is_executed() -> None:
    gate = ApprovalGate()
    record = gate.asked()
    gate.seconds(1798)
    assert gate.run(gate.decide(record)).state is State.DONE


def test_G19_a_limit_that_refuses_leaves_the_approval_standing() -> None:
    gate = ApprovalGate(LIMITED)
    first, second = gate.asked({"name": "a"}), gate.asked({"name": "b"})
    gate.run(gate.decide(first))
    second = gate.decide(second)
    assert gate.executor().step(second.id) == LONGEST_REST_SECONDS
    assert gate.record(second.id).state is State.APPROVED
    assert outcomes(gate)[-1] == "limit_reached"
    assert len(gate.upstream.sent) == 1


def test_an_amount_no_limit_can_ever_hold_ends_it() -> None:
    gate = ApprovalGate(
        policy(
            "action: require_approval\napproval: {approvers: [group:ops]}\n"
            "spend_limit: {path: args.cost, max: 10, window: 1h}"
        )
    )
    record = gate.approved(arguments={"name": "a", "cost": 5})
    gate.put_in_force(
        policy(
            "action: require_approval\napproval: {approvers: [group:ops]}\n"
            "spend_limit: {path: args.cost, max: 3, window: 1h}"
        )
    )
    assert gate.run(record).state is State.FAILED


@pytest.mark.parametrize(
    "broken", ["policies", "snapshots", "counters", "vault", "credentials", "sealed_arguments"]
)
def test_P02_what_does_not_answer_before_the_claim_is_asked_again_later(broken: str) -> None:
    gate = ApprovalGate(LIMITED)
    record = gate.approved()
    held = gate.policies.policy, gate.snapshots.tools
    if broken == "policies":
        gate.policies.policy = None
    elif broken == "snapshots":
        gate.snapshots.tools = None
    elif broken == "counters":
        gate.counters.fails_to_reserve = True
    elif broken == "vault":
        gate.vault.is_down = True
    elif broken == "credentials":
        gate.credentials.is_down = True
    if broken == "sealed_arguments":
        with gate.failing(broken):
            assert gate.executor().step(record.id) == AGAIN_SECONDS
    else:
        assert gate.executor().step(record.id) == AGAIN_SECONDS
    assert gate.record(record.id).state is State.APPROVED
    assert gate.upstream.sent == []
    assert outcomes(gate)[-1] == "approval_unavailable"
    gate.policies.policy, gate.snapshots.tools = held
    gate.counters.fails_to_reserve = gate.vault.is_down = gate.credentials.is_down = False
    assert gate.run(record).state is State.DONE


def test_a_claim_that_cannot_be_written_sends_nothing_and_gives_back() -> None:
    gate = ApprovalGate(LIMITED)
    record = gate.approved()
    with gate.failing("replace"):
        assert gate.executor().step(record.id) == AGAIN_SECONDS
    assert gate.upstream.sent == []
    assert len(gate.counters.released) == 1
    assert gate.run(record).state is State.DONE


def test_what_cannot_be_given_back_stays_taken_and_nothing_else_changes() -> None:
    gate = ApprovalGate(LIMITED)
    record = gate.approved()
    gate.counters.fails_to_release = True
    gate.upstream.fault = UpstreamNotSentError("refused")
    assert gate.run(record).state is State.FAILED


def test_a_server_that_provably_was_not_reached_means_not_executed() -> None:
    gate = ApprovalGate(LIMITED)
    record = gate.approved()
    gate.upstream.fault = UpstreamNotSentError("connection refused")
    failed = gate.run(record)
    assert failed.state is State.FAILED
    assert len(gate.counters.released) == 1
    gate.upstream.fault = None
    assert gate.run(record).state is State.FAILED
    assert len(gate.upstream.sent) == 1


@pytest.mark.parametrize(
    "fault",
    [
        UpstreamUncertainError("timed out"),
        UpstreamReply(status=500, headers=(), body=b""),
        UpstreamReply(status=200, headers=(("content-type", "text/html"),), body=b"<p>"),
    ],
    ids=["late", "status", "unreadable"],
)
def test_N26_what_gives_no_usable_answer_is_unknown_and_never_repeated(fault: Any) -> None:
    gate = ApprovalGate(LIMITED)
    record = gate.approved()
    if isinstance(fault, UpstreamReply):
        gate.upstream.reply = fault
    else:
        gate.upstream.fault = fault
    lost = gate.run(record)
    assert lost.state is State.UNKNOWN
    assert gate.counters.released == []
    assert outcomes(gate)[-1] == "approval_unknown"
    gate.run(record)
    assert len(gate.upstream.sent) == 1


def test_a_server_that_asks_for_input_nobody_can_give_is_unknown() -> None:
    gate = ApprovalGate()
    record = gate.approved()
    gate.upstream.result = {"resultType": "input_required", "requestState": "s"}
    lost = gate.run(record)
    assert lost.state is State.UNKNOWN
    assert "asked for input" in lost.note


@pytest.mark.parametrize("broken", ["put_result", "vault"])
def test_a_result_that_cannot_be_kept_is_unknown_to_the_caller(broken: str) -> None:
    gate = ApprovalGate()
    record = gate.approved()
    if broken == "vault":
        gate.upstream.on_call = lambda: setattr(gate.vault, "is_down", True)
        lost = gate.run(record)
    else:
        with gate.failing("put_result"):
            lost = gate.run(record)
    assert lost.state is State.UNKNOWN
    assert "could not be kept" in lost.note


def test_an_answer_after_the_workflow_gave_the_call_up_stays_unknown_and_is_logged_so() -> None:
    gate = ApprovalGate()
    record = gate.approved()
    gate.upstream.on_call = lambda: gate.approvals.lose(record.id, at=record.asked_at + 200)
    assert gate.run(record).state is State.UNKNOWN
    assert len(gate.upstream.sent) == 1
    assert outcomes(gate)[-1] == "approval_unknown"


def test_of_two_executors_that_refuse_a_call_at_once_one_says_so() -> None:
    gate = ApprovalGate()
    record = gate.approved()
    gate.put_in_force(policy("action: deny\nreason: Not any more."))
    gate.racing("replace", lambda: gate.executor().step(record.id))
    assert gate.executor().step(record.id) == 0
    assert gate.record(record.id).state is State.FAILED
    assert outcomes(gate).count("approval_failed") == 1
    assert "internal_error" not in outcomes(gate)


def test_an_end_that_cannot_be_written_is_tried_again_and_then_left_to_the_workflow() -> None:
    gate = ApprovalGate()
    record = gate.approved()
    with gate.failing("replace", after=1) as calls:  # the claim is written
        assert gate.executor().step(record.id) == 0
    assert len(calls) == 4
    assert gate.record(record.id).state is State.EXECUTING
    assert outcomes(gate)[-1] == "approval_unknown"
    gate.run(record)
    assert len(gate.upstream.sent) == 1


def test_a_large_result_is_kept_in_pieces_and_handed_over_whole() -> None:
    gate = ApprovalGate()
    text = "x" * 700_000
    gate.upstream.result = {"content": [{"type": "text", "text": text}]}
    record = gate.run(gate.approved())
    assert record.result_parts == 3
    assert json.loads(gate.create().body)["result"]["content"][0]["text"] == text


def test_a_server_of_an_earlier_revision_is_greeted_first() -> None:
    gate = ApprovalGate()
    record = gate.approved(era="2025-11-25")
    executed = gate.upstream.result
    gate.upstream.headers = (("mcp-session-id", "s1"),)
    gate.upstream.result = {
        "protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {}, **executed,
    }  # fmt: skip
    assert gate.run(record).state is State.DONE
    methods = [message["method"] for message in gate.upstream.messages]
    assert methods == ["initialize", "notifications/initialized", "tools/call"]
    call = dict(gate.upstream.sent[2].headers)
    assert call["mcp-session-id"] == "s1"
    assert call["mcp-protocol-version"] == "2025-06-18"


def test_a_greeting_that_fails_means_that_the_call_was_not_executed() -> None:
    gate = ApprovalGate(LIMITED)
    record = gate.approved(era="2025-11-25")
    failed = gate.run(record)  # the echo's result agrees on no revision
    assert failed.state is State.FAILED
    assert len(gate.counters.released) == 1


def test_N31_secrets_are_executed_as_they_were_and_shown_nowhere() -> None:
    gate = ApprovalGate(ASKING.replace("args.name", "args.password"))
    arguments = {**CALL, "password": "hunter2-hunter2"}
    record = gate.asked(arguments)
    gate.run(gate.decide(record))
    assert gate.upstream.messages[-1]["params"]["arguments"]["password"] == "hunter2-hunter2"
    (question,) = gate.approvals._questions.values()
    for seen in (question.notice, question.event, repr(gate.log.records), repr(record)):
        assert "hunter2" not in seen
    assert b"hunter2" not in question.sealed_arguments
