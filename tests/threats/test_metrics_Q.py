"""Q: what callers make up does not become a metric."""

from collections.abc import Iterator

import pytest

from portcullis.adapters.embedded_metrics import decision_members
from threats.gate import Gate, standing_gate

TOOLS = [{"name": "get_info", "inputSchema": {"type": "object"}}]
POLICY = """\
version: "1"
default: deny
tools:
  get_info: {action: allow}
"""


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    with standing_gate(TOOLS, {"q0": POLICY}) as gate:
        yield gate


def test_Q08_a_tool_or_a_server_that_a_caller_makes_up_makes_no_new_metric(gate: Gate) -> None:
    gate.clear()
    for number in range(20):
        gate.call("q0", f"made_up_{number}")
        gate.call(f"made-up-{number}", "get_info")
    lines = [decision_members(record, now_ms=0) for record in gate.records]
    assert len(lines) == 40
    assert {(line["Server"], line["Outcome"]) for line in lines} == {
        ("q0", "unknown_tool"),
        ("unknown", "rejected"),
    }
    names = {record.name for record in gate.records}
    assert {"made_up_7", "made-up-7"} <= names, "the log still says what was asked for"
