"""What a client is answered while its call waits, and when it has been decided."""

from typing import Any

import pytest

from portcullis.approvals.asking import DELIVERED_SECONDS
from portcullis.approvals.life import RESULT_SECONDS
from portcullis.approvals.states import State
from portcullis.gateway.approvals import STATE_SECONDS
from portcullis.gateway.deciding import Word
from portcullis.protocol.http import HttpReply
from portcullis.protocol.request_state import LAST_ROUND
from support.approval_gate import (
    ASKING,
    CALL,
    OTHER_AGENT,
    TASKS,
    URLS,
    ApprovalGate,
    policy,
    text_of,
)
from support.gateway_in_memory import HOLD_SECONDS, body_of, decision_of, header

LEGACY = "2025-11-25"
ALLOWING = policy("action: allow")
DENYING = policy("action: deny\nreason: No brokers any more.")


def retry(gate: ApprovalGate, reply: HttpReply, **responses: Any) -> HttpReply:
    """What an SDK sends after an `input_required` result."""
    params: dict[str, Any] = {
        "name": "create_broker",
        "arguments": CALL,
        "requestState": body_of(reply)["result"]["requestState"],
    }
    if responses:
        params["inputResponses"] = responses
    extra = {"mcp-param-broker": "a"}
    return gate.ask("tools/call", params, capabilities=URLS, extra=extra)


def accepted(gate: ApprovalGate, reply: HttpReply) -> HttpReply:
    return retry(gate, reply, approval={"action": "accept"})


# ---- A client that can do nothing else gets a text, and makes the call again.


@pytest.mark.parametrize("era", ["2026-07-28", LEGACY])
def test_it_says_where_and_what_to_do_and_the_same_for_machines(era: str) -> None:
    gate = ApprovalGate()
    reply = gate.create(era=era)
    text, decision = text_of(reply), decision_of(reply)
    (record,) = gate.approvals.listed(is_open=True, limit=10)
    assert body_of(reply)["result"]["isError"] is True
    assert reply.status == 200
    assert "not executed" in text
    assert "Brokers cost money." in text
    assert record.link in text
    assert decision["outcome"] == "approval_required"
    assert decision["rule"] == "create_broker"
    assert decision["approval"] == {
        "id": record.id,
        "status": "PENDING",
        "url": record.link,
        "expires_at": "2001-09-09T02:16:40Z",
    }


def test_N04_the_same_call_gets_the_result_once_and_then_asks_anew() -> None:
    gate = ApprovalGate()
    record = gate.run(gate.approved())
    assert record.state is State.DONE
    first = gate.create()
    assert body_of(first)["result"]["content"][0]["text"] == "executed"
    assert gate.log.records[-1].outcome == "approval_delivered"
    assert gate.log.records[-1].approval == record.id
    again = gate.create()
    assert decision_of(again)["outcome"] == "approval_delivered"
    gate.seconds(DELIVERED_SECONDS)
    assert gate.asked().id != record.id
    assert len(gate.upstream.sent) == 1


@pytest.mark.parametrize("asked,picked", [(LEGACY, "2026-07-28"), ("2026-07-28", LEGACY)])
def test_a_result_can_be_picked_up_in_another_revision(asked: str, picked: str) -> None:
    gate = ApprovalGate()
    gate.upstream.result = {"content": [{"type": "text", "text": "executed"}]}
    gate.run(gate.approved(era=asked)) if asked != LEGACY else _run_legacy(gate)
    result = body_of(gate.create(era=picked))["result"]
    assert result["content"][0]["text"] == "executed"
    assert ("resultType" in result) is (picked != LEGACY)


def _run_legacy(gate: ApprovalGate) -> None:
    record = gate.approved(era=LEGACY)
    executed = gate.upstream.result
    gate.upstream.result = {
        "protocolVersion": LEGACY, "capabilities": {}, "serverInfo": {}, **executed,
    }  # fmt: skip
    assert gate.run(record).state is State.DONE


def test_an_error_of_the_server_is_handed_over_as_one() -> None:
    gate = ApprovalGate()
    record = gate.approved()
    gate.upstream.error = {"code": -32602, "message": "no such engine"}
    assert gate.run(record).state is State.DONE
    assert body_of(gate.create())["error"]["code"] == -32602


def test_a_denial_tells_the_comment_and_stands_for_the_cool_down() -> None:
    gate = ApprovalGate()
    record = gate.decide(gate.asked(), Word.DENY, comment="Use the shared broker.")
    for _ in range(3):
        reply = gate.create()
        assert decision_of(reply)["outcome"] == "approval_denied"
        assert '"Use the shared broker."' in text_of(reply)
        assert "carol" not in reply.body.decode()
    assert gate.workflow.started == [record.id]
    gate.seconds(300)
    assert gate.asked().id != record.id


def test_N21_a_request_nobody_decided_is_asked_anew() -> None:
    gate = ApprovalGate()
    record = gate.asked()
    gate.seconds(1800)
    assert gate.asked().id != record.id


def test_a_result_nobody_picked_up_is_gone_after_an_hour() -> None:
    gate = ApprovalGate()
    record = gate.run(gate.approved())
    gate.seconds(RESULT_SECONDS)
    assert gate.asked().id != record.id


def test_an_unknown_outcome_is_told_once_and_never_hidden() -> None:
    gate = ApprovalGate()
    record = gate.approved()
    gate.upstream.drops = True
    assert gate.run(record).state is State.UNKNOWN
    gate.upstream.drops = False
    reply = gate.create()
    assert decision_of(reply)["outcome"] == "approval_unknown"
    assert "may have been executed" in text_of(reply)


def test_a_call_is_held_while_its_request_is_being_executed() -> None:
    gate = ApprovalGate()
    record = gate.approved()
    gate.during_pause = lambda: _ignored(gate.run(record))
    assert body_of(gate.create())["result"]["content"][0]["text"] == "executed"


def test_a_call_is_not_held_for_ever() -> None:
    gate = ApprovalGate()
    gate.approved()
    before = gate.now
    assert decision_of(gate.create())["outcome"] == "approval_running"
    assert HOLD_SECONDS <= (gate.now - before) / 1_000_000 <= HOLD_SECONDS + 1


def test_what_cannot_be_read_back_is_kept_for_the_next_call() -> None:
    gate = ApprovalGate()
    gate.run(gate.approved())
    gate.vault.is_down = True
    assert decision_of(gate.create())["outcome"] == "approval_unavailable"
    gate.vault.is_down = False
    with gate.failing("result"):
        assert decision_of(gate.create())["outcome"] == "approval_unavailable"
    with gate.failing("forget_result"):
        assert b"executed" in gate.create().body


def test_only_one_of_two_equal_calls_gets_the_result() -> None:
    gate = ApprovalGate()
    gate.run(gate.approved())
    replies: list[HttpReply] = []
    gate.racing("replace", lambda: replies.append(gate.create()))
    replies.append(gate.create())
    delivered = [reply for reply in replies if b'"executed"' in reply.body]
    assert len(delivered) == 1


# ---- 2026-07-28 with elicitation by URL: one link, then rounds of waiting.


def test_it_carries_a_link_and_a_state() -> None:
    gate = ApprovalGate()
    result = body_of(gate.create(capabilities=URLS))["result"]
    (record,) = gate.approvals.listed(is_open=True, limit=10)
    assert result["resultType"] == "input_required"
    assert result["inputRequests"]["approval"]["params"]["url"] == record.link
    assert record.id not in result["requestState"]
    assert "isError" not in result


def test_N38_accepting_approves_nothing() -> None:
    gate = ApprovalGate()
    reply = accepted(gate, gate.create(capabilities=URLS))
    result = body_of(reply)["result"]
    assert result["resultType"] == "input_required"
    assert "inputRequests" not in result
    (record,) = gate.approvals.listed(is_open=True, limit=10)
    assert record.state is State.PENDING
    assert gate.upstream.sent == []


def test_a_retry_is_held_until_the_result_is_there() -> None:
    gate = ApprovalGate()
    reply = gate.create(capabilities=URLS)
    (record,) = gate.approvals.listed(is_open=True, limit=10)
    gate.during_pause = lambda: _ignored(gate.run(gate.decide(record)))
    result = body_of(accepted(gate, reply))["result"]
    assert result["content"][0]["text"] == "executed"
    assert gate.workflow.started == [record.id]


def test_a_retry_without_an_answer_gets_the_link_again() -> None:
    gate = ApprovalGate()
    reply = retry(gate, gate.create(capabilities=URLS))
    assert "inputRequests" in body_of(reply)["result"]


@pytest.mark.parametrize("word", ["decline", "cancel"])
def test_declining_takes_the_request_back(word: str) -> None:
    gate = ApprovalGate()
    reply = gate.create(capabilities=URLS)
    (record,) = gate.approvals.listed(is_open=True, limit=10)
    told = retry(gate, reply, approval={"action": word})
    assert decision_of(told)["outcome"] == "approval_cancelled"
    assert gate.record(record.id).state is State.CANCELLED


def test_it_ends_in_a_text_before_clients_give_up() -> None:
    gate = ApprovalGate()
    reply = gate.create(capabilities=URLS)
    for _ in range(LAST_ROUND - 1):
        reply = accepted(gate, reply)
        assert body_of(reply)["result"]["resultType"] == "input_required"
        gate.now -= HOLD_SECONDS * 1_000_000  # rounds are shorter than that here
    reply = accepted(gate, reply)
    assert decision_of(reply)["outcome"] == "approval_required"
    assert "again" in text_of(reply)


@pytest.mark.parametrize(
    "word,outcome", [(Word.DENY, "approval_denied"), (None, "approval_expired")]
)
def test_a_retry_learns_how_it_ended(word: Word | None, outcome: str) -> None:
    gate = ApprovalGate(ASKING.replace("30m", "10m"))
    reply = gate.create(capabilities=URLS)
    (record,) = gate.approvals.listed(is_open=True, limit=10)
    if word is None:
        gate.seconds(600)
    else:
        gate.decide(record, word)
    assert decision_of(accepted(gate, reply))["outcome"] == outcome
    assert len(gate.workflow.started) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: state[:-1] + ("A" if state[-1] != "A" else "B"),
        lambda _: "pcs1.e30.AAAA",
        lambda state: state + ".x",
    ],
    ids=["last", "made-up", "longer"],
)
def test_a_state_that_was_touched_is_refused_and_never_forwarded(spoil: Any) -> None:
    gate = ApprovalGate()
    reply = gate.create(capabilities=URLS)
    state = spoil(body_of(reply)["result"]["requestState"])
    params = {"name": "create_broker", "arguments": CALL, "requestState": state}
    told = gate.ask("tools/call", params, extra={"mcp-param-broker": "a"})
    assert told.status == 400
    assert body_of(told)["error"]["code"] == -32602
    assert gate.upstream.sent == []


@pytest.mark.parametrize("change", ["principal", "arguments", "late", "tool"])
def test_N05_a_state_is_good_for_its_own_call_alone(change: str) -> None:
    allowing = "  get_info: {action: allow}\n"
    gate = ApprovalGate(ASKING + allowing)
    state = body_of(gate.create(capabilities=URLS))["result"]["requestState"]
    params = {"name": "create_broker", "arguments": CALL, "requestState": state}
    more: dict[str, Any] = {"extra": {"mcp-param-broker": "a"}}
    if change == "principal":
        more["principal"] = OTHER_AGENT
    elif change == "arguments":
        params["arguments"] = {**CALL, "name": "b"}
        more["extra"] = {"mcp-param-broker": "b"}
    elif change == "tool":
        params |= {"name": "get_info", "arguments": {}}
        more = {}
    else:
        gate.seconds(STATE_SECONDS)
    assert gate.ask("tools/call", params, **more).status == 400
    assert gate.upstream.sent == []


def test_a_policy_that_allows_by_now_does_not_run_the_call_a_second_time() -> None:
    gate = ApprovalGate()
    reply = gate.create(capabilities=URLS)
    (record,) = gate.approvals.listed(is_open=True, limit=10)
    gate.run(gate.decide(record))
    gate.put_in_force(ALLOWING)
    assert b"executed" in accepted(gate, reply).body
    assert len(gate.upstream.sent) == 1


def test_N23_a_policy_that_denies_by_now_denies() -> None:
    gate = ApprovalGate()
    reply = gate.create(capabilities=URLS)
    gate.put_in_force(DENYING)
    assert decision_of(accepted(gate, reply))["outcome"] == "denied_by_rule"


def test_another_way_in_the_middle_is_the_same_request() -> None:
    gate = ApprovalGate()
    first = gate.create(capabilities=URLS)
    record = gate.asked()
    task = body_of(gate.create(capabilities=TASKS))["result"]
    assert task["taskId"] == record.id
    gate.run(gate.decide(record))
    assert b"executed" in accepted(gate, first).body
    assert gate.workflow.started == [record.id]


def test_a_request_that_is_gone_is_an_invalid_state() -> None:
    gate = ApprovalGate()
    reply = gate.create(capabilities=URLS)
    (record,) = gate.approvals.listed(is_open=True, limit=10)
    del gate.approvals._records[record.id]
    assert accepted(gate, reply).status == 400


def test_a_store_that_fails_while_a_call_is_held_denies() -> None:
    gate = ApprovalGate()
    reply = gate.create(capabilities=URLS)
    with gate.failing("read"):
        assert decision_of(accepted(gate, reply))["outcome"] == "approval_unavailable"


def test_a_state_of_the_server_s_own_still_passes() -> None:
    gate = ApprovalGate(ALLOWING)
    params = {"name": "create_broker", "arguments": CALL, "requestState": "theirs"}
    gate.ask("tools/call", params, extra={"mcp-param-broker": "a"})
    assert gate.upstream.messages[0]["params"]["requestState"] == "theirs"


# ---- 2025-11-25: the error -32042, where the deployment opts in and the client can show it.


def test_a_client_that_opens_urls_gets_the_error() -> None:
    gate = ApprovalGate(legacy_url=True)
    opened = gate.initialize(URLS)
    reply = gate.create(era=LEGACY, token=header(opened, "mcp-session-id"))
    error = body_of(reply)["error"]
    assert reply.status == 200
    assert error["code"] == -32042
    (record,) = gate.approvals.listed(is_open=True, limit=10)
    assert error["data"]["elicitations"][0]["url"] == record.link


@pytest.mark.parametrize("legacy_url,declared", [(False, URLS), (True, {"elicitation": {}})])
def test_everybody_else_gets_a_text(legacy_url: bool, declared: dict[str, Any]) -> None:
    gate = ApprovalGate(legacy_url=legacy_url)
    opened = gate.initialize(declared)
    reply = gate.create(era=LEGACY, token=header(opened, "mcp-session-id"))
    assert decision_of(reply)["outcome"] == "approval_required"


def test_what_is_no_tool_cannot_wait_for_an_approval() -> None:
    rule = "{action: require_approval, approval: {approvers: [a]}}"
    gate = ApprovalGate(f'version: "1"\ndefault: deny\nprompts:\n  greet: {rule}\n')
    error = body_of(gate.ask("prompts/get", {"name": "greet"}))["error"]
    assert error["code"] == 40301
    assert error["data"]["portcullis/decision"]["outcome"] == "approval_unsupported"


def _ignored(_value: object) -> None:
    """A step that is taken for what it does."""
