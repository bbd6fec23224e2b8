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


def test_the_line_is_a_metric_whose_dimensions_and_value_it_holds(line: Any) -> None:
    (metrics,) = line["_aws"]["CloudWatchMetrics"]
    (dimensions,) = metrics["Dimensions"]
    assert {name: line[name] for name in dimensions} == {
        "service": "one-line",
        "Server": "mq",
        "Outcome": "allowed",
    }
    assert metrics["Namespace"] == "Portcullis"
    assert metrics["Metrics"] == [{"Name": "Decisions", "Unit": "Count"}]
    assert line["Decisions"] == 1
    assert isinstance(line["_aws"]["Timestamp"], int)
