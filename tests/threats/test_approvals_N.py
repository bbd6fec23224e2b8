"""Approvals under attack: N01 to N08, N12, N19, N21, N23 to N28, N31, N32, N35, N36, N38.

What a person may see and do is attacked in `test_console_N`; the life cycle in every order of
events in `tests/model`.
"""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import boto3
import pytest

from portcullis.approvals.states import State
from portcullis.entrypoints import bootstrap
from portcullis.entrypoints.clocks import new_id
from portcullis.gateway.deciding import Word
from portcullis.policy.model import Instant
from threats.gate import LEGACY, MODERN, Json, call_message, headers_for
from threats.gate_approvals import (
    ALL,
    CAROL,
    POLICY,
    READ,
    REGION,
    RULE,
    SERVER,
    TOOL,
    TOOLS,
    ApprovingGate,
    approving_gate,
    executions,
    table,
)
from threats.gate_limits import one_request_at_a_time

SECRET = "hunter2-swordfish"


@pytest.fixture(scope="module")
def standing() -> Iterator[ApprovingGate]:
    with approving_gate() as gate:
        yield gate


@pytest.fixture
def gate(standing: ApprovingGate) -> Iterator[ApprovingGate]:
    standing.clear()
    yield standing
    standing.gate.activate(SERVER, POLICY)
    standing.gate.handler = standing.gate.cold_start()
    standing.executor = standing.gate.cold_start("lambda_executor")


def capable(extension: Json) -> Json:
    return {"_meta": {"io.modelcontextprotocol/clientCapabilities": extension}}


TASKS: Json = {"extensions": {"io.modelcontextprotocol/tasks": {}}}


# ---------------------------------------------------------------- N01 - N08: what is bound


def test_N01_an_approval_of_one_call_is_no_approval_of_another(gate: ApprovingGate) -> None:
    record = gate.approve(gate.asked(READ))
    other = gate.asked(ALL)
    assert other.id != record.id
    assert other.state is State.PENDING
    assert gate.run(other).state is State.PENDING
    assert gate.executed() == []


def test_N02_keys_in_another_order_are_the_same_call(gate: ApprovingGate) -> None:
    gate.done({"user_name": "bob", "policy_document": {"Action": "a", "Effect": "b"}})
    same = {"policy_document": {"Effect": "b", "Action": "a"}, "user_name": "bob"}
    assert gate.call(same).is_success
    assert len(gate.executed()) == 1


def test_N03_elements_in_another_order_are_another_call(gate: ApprovingGate) -> None:
    record = gate.done({"tags": ["a", "b"]})
    assert gate.asked({"tags": ["b", "a"]}).id != record.id
    assert gate.executed() == [{"tags": ["a", "b"], "dry_run": False}]


def test_N04_fifty_pick_ups_at_once_are_one_execution_and_one_result(
    gate: ApprovingGate,
) -> None:
    gate.approve(record := gate.asked())
    with one_request_at_a_time(), ThreadPoolExecutor(8) as pool:
        runs = [pool.submit(gate.run, record) for _ in range(6)]
        answers = list(pool.map(lambda _: gate.call(), range(50)))
        for one in runs:
            one.result()
    assert len(gate.executed()) == 1
    delivered = [answer for answer in answers if answer.is_success]
    assert len(delivered) <= 1
    if not delivered:  # every pick-up came before the result
        assert gate.call().is_success
    assert len(gate.executed()) == 1


@pytest.mark.parametrize("name", ["bob ", "bob\u200b", "bo\u0062\u0301", "Bob"])
def test_N06_a_name_that_looks_alike_is_another_call(gate: ApprovingGate, name: str) -> None:
    record = gate.done(READ)
    other = gate.asked({**READ, "user_name": name})
    assert other.id != record.id
    assert gate.executed() == [{**READ, "dry_run": False}]


def test_N07_no_arguments_empty_ones_and_null_are_told_apart_or_one(gate: ApprovingGate) -> None:
    absent = call_message(TOOL)
    del absent["params"]["arguments"]
    answer = gate.gate.send(
        SERVER, json.dumps(absent), headers=headers_for(absent), principal=gate.agent
    )
    assert answer.decision["approval"]["id"] == gate.asked({}).id
    null = call_message(TOOL)
    null["params"]["arguments"] = None
    refused = gate.gate.send(
        SERVER, json.dumps(null), headers=headers_for(null), principal=gate.agent
    )
    assert refused.is_rejection


@pytest.mark.parametrize("era", [MODERN, LEGACY])
def test_N08_what_is_shown_what_is_bound_and_what_arrives_are_the_same(
    gate: ApprovingGate, era: str
) -> None:
    gate.gate.recorder.scripts.clear()
    record = gate.asked({"user_name": "bob", "tags": [1.50, 12345678901234567890]}, era=era)
    shown = gate.desk.show(record.id, CAROL)
    assert shown is not None
    gate.run(gate.approve(record))
    (arrived,) = [json.loads(one.body, parse_float=str) for one in gate.gate.recorder.received
                  if b"tools/call" in one.body]  # fmt: skip
    assert arrived["params"]["arguments"] == {
        "user_name": "bob",
        "tags": ["1.5", 12345678901234567890],
        "dry_run": False,
    }
    assert shown.arguments["user_name"] == "bob"
    assert shown.arguments["dry_run"] is False


@pytest.mark.parametrize("what", ["tool", "server", "principal"])
def test_N05_an_approval_s_id_is_good_for_nothing_else(gate: ApprovingGate, what: str) -> None:
    record = gate.done()
    params = {"taskId": record.id, **capable(TASKS)}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": params}
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = MODERN
    headers = {**headers_for(message), "Mcp-Name": record.id}
    if what == "tool":
        other = gate.asked(READ, tool="delete_broker")
        assert other.id != record.id
        return
    stranger = gate.agent
    if what == "principal":
        stranger = type(gate.agent)(issuer="portcullis:grant", subject="stranger")
    changed: Json = {}
    if what == "server":
        changed = {"pathParameters": {"server": "other"}}
    answer = gate.gate.send(
        SERVER, json.dumps(message), headers=headers, principal=stranger, changed=changed
    )
    assert answer.is_rejection
    assert "executed" not in answer.body.decode()


# ---------------------------------------------------------------- N12, N19: ids and tokens


def test_N12_ids_are_unique_long_and_say_nothing() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in ids)
    assert sorted(ids) != ids


def test_N19_the_task_token_reaches_neither_the_agent_nor_a_log(
    gate: ApprovingGate, capsys: pytest.CaptureFixture[str]
) -> None:
    token = "AQCEAAAAKgAAAAMAAAAAAAAAAtask-token"
    record = gate.asked()
    key = {"pk": f"APPROVAL#{record.id}", "sk": "RECORD"}
    table().update_item(
        Key=key,
        UpdateExpression="SET task_token = :t",
        ExpressionAttributeValues={":t": token},
    )
    answers = [gate.call(), gate.call(era=LEGACY)]
    decided = gate.approve(record)
    gate.run(record)
    answers.append(gate.call())
    assert token not in "".join(answer.body.decode() for answer in answers)
    assert token not in repr(decided)
    written = capsys.readouterr()
    assert token not in written.out + written.err
    assert token not in repr(gate.gate.records)


# ---------------------------------------------------------------- N21 - N26: until it is executed


def test_N21_what_is_approved_too_late_is_not_executed(gate: ApprovingGate) -> None:
    record = gate.approve(gate.asked())
    at_the_deadline = Instant(micros=record.expires_at * 1_000_000)
    with mock.patch.object(bootstrap, "clock", return_value=at_the_deadline):
        gate.executor = gate.gate.cold_start("lambda_executor")
    assert gate.run(record).state is State.EXPIRED
    assert gate.executed() == []


def test_N23_a_deny_that_came_after_the_approval_wins(gate: ApprovingGate) -> None:
    record = gate.approve(gate.asked())
    gate.gate.activate(SERVER, POLICY.replace(RULE, "{action: deny}"))
    gate.executor = gate.gate.cold_start("lambda_executor")
    assert gate.run(record).state is State.FAILED
    assert gate.executed() == []
    assert gate.gate.records[-1].outcome == "approval_failed"


def test_N24_a_tool_that_was_changed_after_the_approval_is_not_called(
    gate: ApprovingGate,
) -> None:
    record = gate.approve(gate.asked())
    held = dict(TOOLS[0])
    TOOLS[0]["description"] = "Now deletes the user as well."
    s3 = boto3.client("s3", region_name=REGION)
    bucket = gate.gate.environment["PORTCULLIS_BUCKET"]
    for one in s3.list_objects_v2(Bucket=bucket, Prefix="snapshots/")["Contents"]:
        s3.delete_object(Bucket=bucket, Key=one["Key"])
    gate.executor = gate.gate.cold_start("lambda_executor")
    try:
        assert gate.run(record).state is State.FAILED
    finally:
        TOOLS[0].clear()
        TOOLS[0].update(held)
        for one in s3.list_objects_v2(Bucket=bucket, Prefix="snapshots/").get("Contents", ()):
            s3.delete_object(Bucket=bucket, Key=one["Key"])
    assert gate.executed() == []


def test_N25_a_caller_that_was_revoked_after_the_approval_executes_nothing(
    gate: ApprovingGate,
) -> None:
    record = gate.approve(gate.asked())
    digest = gate.agent.credential.partition(":")[2]
    key = {"pk": f"GRANT#{digest}", "sk": "GRANT"}
    held = table().get_item(Key=key)["Item"]
    table().delete_item(Key=key)
    try:
        assert gate.run(record).state is State.FAILED
    finally:
        table().put_item(Item=held)
    assert gate.executed() == []


def test_N26_deliveries_one_after_another_and_at_once_are_one_call(gate: ApprovingGate) -> None:
    record = gate.approve(gate.asked())
    environments = [gate.executor, gate.gate.cold_start("lambda_executor")]
    with one_request_at_a_time(), ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda number: environments[number % 2]({"approval": record.id}, None), range(16)
            )
        )
    assert len(gate.executed()) == 1
    assert gate.record(record.id).state is State.DONE


def test_N26_an_answer_that_never_came_is_unknown_and_never_repeated(gate: ApprovingGate) -> None:
    from threats.recorder import Scripted  # noqa: PLC0415 - beside its one use

    record = gate.approve(gate.asked())
    gate.gate.recorder.scripts["tools/call"] = lambda _message: Scripted(drop=True)
    assert gate.run(record).state is State.UNKNOWN
    gate.gate.recorder.scripts.clear()
    for _ in range(3):
        gate.run(record)
    assert len(gate.executed()) == 1
    assert "may have been executed" in gate.call().json["result"]["content"][0]["text"]


# ---------------------------------------------------------------- N27, N28, N32: many requests


def test_N27_asking_again_and_again_is_one_request_and_one_execution_of_the_workflow(
    gate: ApprovingGate,
) -> None:
    before = len(executions())
    asked = {gate.asked().id for _ in range(20)}
    assert len(executions()) == before + 1
    (approval,) = asked
    gate.desk.decide(approval, CAROL, Word.DENY, comment="no")
    for _ in range(5):
        assert gate.call().decision["outcome"] == "approval_denied"
    assert len(executions()) == before + 1


def test_N28_a_flood_is_capped_before_it_costs_anything(gate: ApprovingGate) -> None:
    before = len(executions())
    outcomes = [gate.call({"user_name": f"u{n}"}).decision["outcome"] for n in range(12)]
    assert outcomes == ["approval_required"] * 5 + ["approval_limit"] * 7
    assert len(executions()) == before + 5


def test_N32_the_workflow_is_told_an_id_and_times_and_nothing_else(gate: ApprovingGate) -> None:
    record = gate.asked({"user_name": "bob", "password": SECRET, "tags": ["x" * 60_000]})
    (started,) = [one for one in executions() if one["name"] == record.id]
    assert set(started["input"]) == {"approval", "wait", "deadline"}
    assert started["input"]["approval"] == record.id
    assert SECRET not in json.dumps(started)


# ---------------------------------------------------------------- N36, N38: what clients say


def test_N36_another_caller_cannot_look_at_a_request(gate: ApprovingGate) -> None:
    record = gate.asked()
    for method in ("tasks/get", "tasks/cancel"):
        message = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": method,
            "params": {
                "taskId": record.id,
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": MODERN,
                    "io.modelcontextprotocol/clientCapabilities": TASKS,
                },
            },
        }
        headers = {**headers_for(message), "Mcp-Name": record.id}
        answer = gate.gate.send(SERVER, json.dumps(message), headers=headers)  # as alice
        assert answer.is_rejection
        assert "carol" not in answer.body.decode()
    assert gate.record(record.id).state is State.PENDING


@pytest.mark.parametrize("action", ["accept", "approve", "yes"])
def test_N38_what_a_client_answers_for_its_user_is_no_decision(
    gate: ApprovingGate, action: str
) -> None:
    message = call_message(TOOL, READ)
    meta = message["params"]["_meta"]
    meta["io.modelcontextprotocol/clientCapabilities"] = {"elicitation": {"url": {}}}
    answer = gate.gate.send(
        SERVER, json.dumps(message), headers=headers_for(message), principal=gate.agent
    )
    result = answer.json["result"]
    assert result["resultType"] == "input_required"
    message["params"]["requestState"] = result["requestState"]
    message["params"]["inputResponses"] = {
        "approval": {"action": action, "content": {"approved": True}}
    }
    answer = gate.gate.send(
        SERVER, json.dumps(message), headers=headers_for(message), principal=gate.agent
    )
    assert answer.json["result"]["resultType"] == "input_required"
    assert gate.executed() == []
    (record,) = gate.store.listed(is_open=True, limit=10)
    assert record.state is State.PENDING
