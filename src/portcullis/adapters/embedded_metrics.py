"""Metrics that travel in log lines: names, units, and what CloudWatch reads them by.

A line's members are its values; `_aws` says which of them are metrics (CloudWatch user guide,
"Embedded metric format specification"). Dimensions are bounded by the deployment: the stack
(`service`), a server of it, an outcome. Tools and principals are none of them, or a caller who
makes names up would make metrics up.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

from portcullis.gateway.ports import DecisionRecord
from portcullis.policy.decision import Outcome
from portcullis.values import JsonValue

NAMESPACE: Final = "Portcullis"

DECISION_UNITS: Final[Mapping[str, str]] = {  # of one request
    "Decisions": "Count",
    "Faults": "Count",
    "UnknownExecutions": "Count",
    "RecordingFailures": "Count",
    "PolicyLatency": "Milliseconds",
    "StoreLatency": "Milliseconds",
    "ApprovalLatency": "Milliseconds",
    "UpstreamLatency": "Milliseconds",
    "TotalLatency": "Milliseconds",
    "PolicyAge": "Seconds",
    "ToolListAge": "Seconds",
}
MONITOR_UNITS: Final[Mapping[str, str]] = {  # of the deployment
    "OpenApprovals": "Count",
    "OldestApprovalAge": "Seconds",
    "ActivePolicies": "Count",
    "ActivePolicyAge": "Seconds",
    "RejectedUploads": "Count",
    "DeadLetters": "Count",
    "MonitorFailures": "Count",
}
UNITS: Final = {**DECISION_UNITS, **MONITOR_UNITS}

# Denials that say that a part of the gate itself did not answer, or broke.
FAULTS: Final = frozenset(
    outcome.value
    for outcome in (
        Outcome.APPROVAL_UNAVAILABLE,
        Outcome.INTERNAL_ERROR,
        Outcome.POLICY_UNAVAILABLE,
        Outcome.SNAPSHOT_UNAVAILABLE,
        Outcome.STORE_UNAVAILABLE,
    )
)

_LATENCIES: Final[Mapping[str, str]] = {
    "policy": "PolicyLatency",
    "store": "StoreLatency",
    "approval": "ApprovalLatency",
    "upstream": "UpstreamLatency",
    "total": "TotalLatency",
}
_AGES: Final[Mapping[str, str]] = {"policy": "PolicyAge", "tools": "ToolListAge"}

BY_OUTCOME: Final = ("service", "Server", "Outcome")
BY_SERVER: Final = ("service", "Server")
OF_STACK: Final = ("service",)


def decision_members(record: DecisionRecord, *, now_ms: int) -> dict[str, object]:
    """What a decision's line holds besides the record, so that it is its own metrics."""
    values = _values(record)
    return {
        "Server": record.server,
        "Outcome": record.outcome,
        **values,
        "_aws": {"Timestamp": now_ms, "CloudWatchMetrics": _of_decision(tuple(values))},
    }


def gauges(
    values: Mapping[str, float], dimensions: Mapping[str, str], *, now_ms: int
) -> dict[str, object]:
    """The members of a line that holds `values` as metrics, by all of `dimensions` together."""
    directives = [directive(list(values), tuple(dimensions))]
    return {
        **dimensions,
        **values,
        "_aws": {"Timestamp": now_ms, "CloudWatchMetrics": directives},
    }


def _values(record: DecisionRecord) -> dict[str, float]:
    values: dict[str, float] = {"Decisions": 1}
    for part, name in _LATENCIES.items():
        if part in record.latency_micros:
            values[name] = record.latency_micros[part] / 1000
    for part, name in _AGES.items():
        if part in record.age_seconds:
            values[name] = record.age_seconds[part]
    if record.outcome in FAULTS:
        values["Faults"] = 1
    if record.outcome == Outcome.APPROVAL_UNKNOWN.value:
        values["UnknownExecutions"] = 1
    if record.recording is not None:
        values["RecordingFailures"] = 1
    return values


@cache
def _of_decision(names: tuple[str, ...]) -> list[JsonValue]:
    counted, *rest = names  # `Decisions` comes first
    directives = [directive([counted], BY_OUTCOME)]
    if rest:
        directives.append(directive(rest, OF_STACK, BY_SERVER))
    return directives


def directive(names: list[str], *dimensions: tuple[str, ...]) -> JsonValue:
    """One metric directive: metrics and the sets of dimensions that each is counted by."""
    return {
        "Namespace": NAMESPACE,
        "Dimensions": [list(one) for one in dimensions],
        "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in names],
    }
