"""Metrics in a decision's line: each is written where it is known, and only there."""

from typing import Any

import pytest

from portcullis.adapters.embedded_metrics import DECISION_UNITS, FAULTS, UNITS, decision_members
from portcullis.gateway.ports import DecisionRecord
from portcullis.policy.decision import Outcome


def members(outcome: str = "allowed", **facts: Any) -> Any:
    record = DecisionRecord(
        decision_id="d", server="mq", method="tools/call", outcome=outcome, **facts
    )
    return decision_members(record, now_ms=7)


def metrics(line: Any) -> dict[str, str]:
    return {
        one["Name"]: one["Unit"]
        for directive in line["_aws"]["CloudWatchMetrics"]
        for one in directive["Metrics"]
    }


def test_every_part_of_a_call_s_time_and_every_age_is_a_metric() -> None:
    parts = ("policy", "store", "approval", "upstream", "total")
    line = members(
        latency_micros=dict.fromkeys(parts, 1500), age_seconds={"policy": 3, "tools": 90}
    )
    assert (line["PolicyAge"], line["ToolListAge"], line["UpstreamLatency"]) == (3, 90, 1.5)
    named = metrics(line)
    assert set(named) == set(DECISION_UNITS) - {"Faults", "RecordingFailures", "UnknownExecutions"}
    assert all(named[name] == UNITS[name] and name in line for name in named)


def test_a_metric_that_is_named_is_in_the_line_and_no_other_is_named() -> None:
    line = members()
    assert metrics(line) == {"Decisions": "Count"}
    assert line == {"Server": "mq", "Outcome": "allowed", "Decisions": 1, "_aws": line["_aws"]}


@pytest.mark.parametrize("outcome", [one.value for one in Outcome])
def test_a_fault_is_a_denial_for_which_the_gate_itself_is_the_reason(outcome: str) -> None:
    counted = members(outcome).get("Faults", 0)
    is_fault = outcome.endswith("_unavailable") or outcome == "internal_error"
    assert counted == (is_fault and outcome != "upstream_unavailable")
    assert (outcome in FAULTS) == bool(counted)


def test_an_approved_call_whose_end_is_not_known_is_counted() -> None:
    assert members("approval_unknown")["UnknownExecutions"] == 1
    assert "UnknownExecutions" not in members("approval_failed")
