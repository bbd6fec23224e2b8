"""The harness itself: an allowed call executes, and every kind of denial is seen as one."""

from collections.abc import Iterator

import pytest

from threats.gate import Gate, standing_gate

TOOLS = [
    {"name": "get_info", "inputSchema": {"type": "object"}},
    {"name": "delete_broker", "inputSchema": {"type": "object"}},
]

F0 = """\
version: "1"
default: deny
hide: [delete_broker]
tools:
  get_info: {action: allow}
"""


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    with standing_gate(TOOLS, {"f0": F0}) as gate:
        yield gate


@pytest.mark.parametrize("era", ["2026-07-28", "2025-11-25"])
def test_an_allowed_call_is_executed_once(gate: Gate, era: str) -> None:
    gate.recorder.clear()
    answer = gate.call("f0", "get_info", era=era)
    assert answer.is_success, answer
    (params,) = gate.recorder.calls()
    assert (params["name"], params["arguments"]) == ("get_info", {})
    assert len(gate.recorder.executed("get_info")) == 4


def test_a_hidden_tool_is_neither_listed_nor_callable(gate: Gate) -> None:
    gate.recorder.clear()
    listed = gate.ask("f0", "tools/list").json["result"]["tools"]
    assert [tool["name"] for tool in listed] == ["get_info"]
    answer = gate.call("f0", "delete_broker")
    assert answer.is_unknown_tool, answer
    assert gate.recorder.executed("delete_broker") == []


def test_a_session_is_minted_and_used(gate: Gate) -> None:
    token = gate.open_session("f0")
    assert gate.call("f0", "get_info", era="2025-11-25", token=token).is_success
