"""Threat cases B, continued: notifications, and what they could do to others' requests."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from threats.fixtures import F0, TARGET, TOOLS, Client, in_each_era
from threats.gate import ALICE, BOB, LEGACY, MODERN, Gate, standing_gate
from threats.recorder import Scripted, reply
from threats.verdicts import assert_accepted, the_record


@pytest.fixture(scope="module")
def warm() -> Iterator[Gate]:
    with standing_gate(TOOLS, {"f0": F0}) as gate:
        yield gate


@pytest.fixture
def gate(warm: Gate) -> Gate:
    warm.clear()
    return warm


CANCEL = (
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"x"}}'
)


def keep_sessions(gate: Gate) -> None:
    """Let the recorder mint a session of its own at each initialize."""
    minted = iter(range(1000))

    def initialize(message: dict[str, Any]) -> Scripted:
        version = message["params"]["protocolVersion"]
        info = {"name": "recorder", "version": "1"}
        result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
        answer = reply(message, result)
        session = ("Mcp-Session-Id", f"upstream-{next(minted)}")
        return replace(answer, headers=(*answer.headers, session))

    gate.recorder.scripts["initialize"] = initialize


@pytest.mark.parametrize("version", [pytest.param(LEGACY, id="B16-through one's own session")])
def test_cancelling_reaches_ones_own_upstream_session_only(gate: Gate, version: str) -> None:
    keep_sessions(gate)
    gate.open_session("f0", principal=ALICE, version=version)
    bobs = gate.open_session("f0", principal=BOB, version=version)
    gate.clear()
    headers = {**Client(era=version).headers(), "Mcp-Session-Id": bobs}
    answer = gate.send("f0", CANCEL, headers=headers, principal=BOB)
    assert_accepted(gate, answer)
    assert [one.header("mcp-session-id") for one in gate.recorder.received] == [["upstream-1"]]


@pytest.mark.parametrize("version", [pytest.param(LEGACY, id="B16-with another's session id")])
def test_a_session_id_of_another_caller_cancels_nothing(gate: Gate, version: str) -> None:
    keep_sessions(gate)
    alices = gate.open_session("f0", principal=ALICE, version=version)
    gate.clear()
    headers = {**Client(era=version).headers(), "Mcp-Session-Id": alices}
    answer = gate.send("f0", CANCEL, headers=headers, principal=BOB)
    assert (answer.status, gate.recorder.received) == (404, [])
    assert the_record(gate).outcome == "unknown_session"


@in_each_era("B16-without a session")
def test_a_call_in_flight_outlives_anothers_cancelling(gate: Gate, client: Client) -> None:
    at_work, cancelled = Barrier(2), Barrier(2)

    def slow(message: dict[str, Any]) -> Scripted:
        at_work.wait(timeout=20)
        cancelled.wait(timeout=20)
        text = [{"type": "text", "text": "executed"}]
        modern = {"resultType": "complete"} if client.era == MODERN else {}
        return reply(message, {**modern, "content": text})

    gate.recorder.scripts["tools/call"] = slow
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(gate.call, "f0", "get_info", era=client.era)
        at_work.wait(timeout=20)
        answer = gate.send("f0", CANCEL, headers=client.headers(), principal=BOB)
        cancelled.wait(timeout=20)
        assert call.result(timeout=20).is_success
    assert (answer.status, answer.body) == (202, b"")
    assert [json.loads(one.body)["method"] for one in gate.recorder.received] == ["tools/call"]


@in_each_era()
@pytest.mark.parametrize(
    "method",
    [
        pytest.param("notifications/x", id="B17-unknown"),
        pytest.param("notifications/tools/call", id="B17-with a method in it"),
        pytest.param("notifications/initialized", id="B17-known, no session"),
        pytest.param("notifications/cancelled ", id="B17-known with a blank"),
        pytest.param("notifications/", id="B17-nothing after the prefix"),
    ],
)
def test_a_notification_is_accepted_and_not_forwarded(
    gate: Gate, client: Client, method: str
) -> None:
    row = f'{{"jsonrpc":"2.0","method":"{method}","params":{{"name":"{TARGET}"}}}}'
    answer = replace(client, method=method).send(gate, "f0", row)
    assert_accepted(gate, answer)
    assert (answer.body, gate.recorder.received) == (b"", [])
