"""Tasks as the extension io.modelcontextprotocol/tasks has them (D2)."""

import json
from dataclasses import replace
from typing import Any

import pytest

from portcullis.protocol import outbound, tasks
from portcullis.protocol.http import HttpReply
from portcullis.protocol.messages import Request
from portcullis.protocol.tasks import TaskView
from portcullis.values import JsonObject
from support.http_requests import admitted, legacy_request, modern_meta, modern_request

CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
TASKS = "io.modelcontextprotocol/tasks"
GATE = {"io.modelcontextprotocol/serverInfo": {"name": "portcullis", "version": "0.1.0"}}
THEIRS = {"io.modelcontextprotocol/serverInfo": {"name": "mq", "version": "2"}}
META = modern_meta(**{CAPABILITIES_KEY: {"extensions": {TASKS: {}}}})
CALL = admitted(modern_request(meta=META))
GET = admitted(modern_request("tasks/get", {"taskId": "t-1"}, meta=META))
DECISION: JsonObject = {"outcome": "approval_required"}

VIEW = TaskView(
    task_id="t-1",
    status="working",
    status_message="Waiting for an approval.",
    created_at=1_795_413_600,
    updated_at=1_795_413_661,
    ttl_ms=3_600_000,
    poll_interval_ms=5_000,
)
TOLD = {
    "taskId": "t-1",
    "status": "working",
    "statusMessage": "Waiting for an approval.",
    "createdAt": "2026-11-23T06:00:00Z",
    "lastUpdatedAt": "2026-11-23T06:01:01Z",
    "ttlMs": 3_600_000,
    "pollIntervalMs": 5_000,
}


def result(reply: HttpReply) -> Any:
    assert reply.status == 200
    return json.loads(reply.body)["result"]


def test_a_task_is_for_the_request_that_declares_the_extension() -> None:
    assert tasks.declares_tasks(CALL)
    assert not tasks.declares_tasks(admitted(modern_request()))
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": {"extensions": {TASKS: {}}},
        "clientInfo": {},
    }
    assert not tasks.declares_tasks(admitted(legacy_request("initialize", params)))


def test_a_call_is_answered_with_a_flat_task() -> None:
    assert result(tasks.created(CALL, VIEW, DECISION)) == {
        **TOLD,
        "resultType": "task",
        "_meta": {"portcullis/decision": DECISION, **GATE},
    }
    assert result(tasks.created(CALL, VIEW))["_meta"] == GATE


def test_what_a_task_does_not_have_is_left_out_but_its_ttl() -> None:
    view = replace(VIEW, status_message=None, ttl_ms=None, poll_interval_ms=None)
    told = result(tasks.created(CALL, view))
    assert "statusMessage" not in told
    assert "pollIntervalMs" not in told
    assert told["ttlMs"] is None


@pytest.mark.parametrize("status", ["working", "cancelled"])
def test_a_task_that_has_no_outcome_is_shown_as_it_stands(status: Any) -> None:
    assert result(tasks.shown(GET, replace(VIEW, status=status), None)) == {
        **TOLD,
        "status": status,
        "resultType": "complete",
        "_meta": GATE,
    }


def test_a_result_completes_the_task_and_stands_in_it_whole() -> None:
    theirs: dict[str, Any] = {
        "content": [],
        "isError": True,
        "structuredContent": None,
        "_meta": {"a": 1, **THEIRS},
    }
    told = result(tasks.shown(GET, VIEW, {"result": theirs}))
    assert told == {
        **TOLD,
        "status": "completed",
        "resultType": "complete",
        "result": {"resultType": "complete", **theirs},
        "_meta": GATE,
    }


def test_an_error_fails_the_task_and_stands_in_it_whole() -> None:
    error: JsonObject = {"code": -32603, "message": "m", "data": {"x": 1}}
    told = result(tasks.shown(GET, VIEW, {"error": error}))
    assert (told["status"], told["error"]) == ("failed", error)
    assert "result" not in told
    assert told["resultType"] == "complete"


def test_a_result_that_cannot_be_carried_is_told_as_one() -> None:
    told = result(tasks.shown(GET, VIEW, {"result": {"content": "x" * 6_300_000}}))
    assert told["status"] == "completed"
    assert told["result"]["isError"] is True
    assert told["result"]["content"] == [{"type": "text", "text": outbound.TOO_LARGE}]


@pytest.mark.parametrize("method", ["tasks/update", "tasks/cancel"])
def test_an_update_or_a_cancellation_is_acknowledged_with_nothing(method: str) -> None:
    params = {"taskId": "t-1", "inputResponses": {}}
    request = admitted(modern_request(method, params, meta=META))
    assert result(tasks.acknowledged(request)) == {"resultType": "complete", "_meta": GATE}


def unknown(request: Request) -> Any:
    reply = tasks.unknown_task(request)
    assert reply.status == 400
    assert outbound.unknown_subject(request) == reply
    return json.loads(reply.body)["error"]


def test_K04_an_unknown_task_is_one_error_whoever_asks() -> None:
    assert unknown(GET) == {"code": -32602, "message": "Unknown task"}
