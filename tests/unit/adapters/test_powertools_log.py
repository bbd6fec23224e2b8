"""The decision log: what one line holds for people, and for CloudWatch."""

import io
import json
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from portcullis.adapters.powertools_log import PowertoolsDecisionLog
from portcullis.gateway.ports import DecisionRecord

RECORD = DecisionRecord(
    decision_id="d",
    server="mq",
    method="tools/call",
    outcome="allowed",
    latency_micros={"total": 5},
)


@pytest.fixture(scope="module")
def line() -> Any:
    written = io.StringIO()
    logger = Logger(service="one-line", stream=written)  # loggers are kept by name
    PowertoolsDecisionLog(logger).record(RECORD)
    (only,) = written.getvalue().splitlines()
    return json.loads(only)


def test_a_decision_is_one_line_with_the_facts_that_are_known(line: Any) -> None:
    assert line["message"] == "decision"
    assert line["decision"] == {
        "decision_id": "d",
        "server": "mq",
        "method": "tools/call",
        "outcome": "allowed",
        "status": 200,
        "latency_micros": {"total": 5},
    }


def test_the_line_is_its_own_metrics_with_their_dimensions_and_values(line: Any) -> None:
    counted, measured = line["_aws"]["CloudWatchMetrics"]
    assert counted == {
        "Namespace": "Portcullis",
        "Dimensions": [["service", "Server", "Outcome"]],
        "Metrics": [{"Name": "Decisions", "Unit": "Count"}],
    }
    assert measured == {
        "Namespace": "Portcullis",
        "Dimensions": [["service"], ["service", "Server"]],
        "Metrics": [{"Name": "TotalLatency", "Unit": "Milliseconds"}],
    }
    dimensions = {name: line[name] for name in ("service", "Server", "Outcome")}
    assert dimensions == {"service": "one-line", "Server": "mq", "Outcome": "allowed"}
    assert (line["Decisions"], line["TotalLatency"]) == (1, 0.005)
    assert isinstance(line["_aws"]["Timestamp"], int)
