"""The alarms: what they look at exists, and what becomes of them reaches somebody."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from portcullis.adapters.embedded_metrics import NAMESPACE, UNITS
from support.deployment import FUNCTIONS, RESOURCES, ROOT, UNWATCHED, of_type

ALARMS = of_type("AWS::CloudWatch::Alarm")
SOURCE = (ROOT / "template.yaml").read_text("utf-8")


def properties(alarm: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = RESOURCES[alarm]["Properties"]
    return found


def metrics(alarm: str) -> Iterator[Mapping[str, Any]]:
    """Every metric an alarm looks at: its own, or those of its expressions."""
    if "MetricName" in properties(alarm):
        yield properties(alarm)
    for one in properties(alarm).get("Metrics", ()):
        if "MetricStat" in one:
            yield one["MetricStat"]["Metric"]


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_and_its_end_are_told(alarm: str) -> None:
    topic = [{"Ref": "OperatorTopic"}]
    assert properties(alarm)["AlarmActions"] == topic
    assert properties(alarm)["OKActions"] == topic
    assert properties(alarm)["AlarmDescription"]


@pytest.mark.parametrize("alarm", ALARMS)
def test_what_silence_means_is_said_with_its_reason(alarm: str) -> None:
    text = SOURCE[SOURCE.index(f"\n  {alarm}:\n") :]
    line = text[text.index("TreatMissingData:") :].splitlines()[0]
    assert line.partition("#")[2].strip(), alarm


@pytest.mark.parametrize("alarm", ALARMS)
def test_a_metric_of_ours_is_one_that_the_code_writes(alarm: str) -> None:
    for one in metrics(alarm):
        if one["Namespace"] == NAMESPACE:
            assert one["MetricName"] in UNITS
            assert one["Dimensions"] == [{"Name": "service", "Value": {"Ref": "AWS::StackName"}}]


def test_alarms_reach_the_operators_topic_and_its_key_lets_them() -> None:
    """CloudWatch cannot publish to a topic under the key that AWS manages for SNS."""
    topic = RESOURCES["OperatorTopic"]["Properties"]["KmsMasterKeyId"]
    assert topic["Fn::If"] == [
        "HasEncryptionKey", {"Ref": "EncryptionKeyArn"}, {"Ref": "OperatorKey"},
    ]  # fmt: skip
    policies = [
        RESOURCES["OperatorKey"]["Properties"]["KeyPolicy"],
        RESOURCES["OperatorTopicPolicy"]["Properties"]["PolicyDocument"],
    ]
    for policy in policies:
        by_sid = {one["Sid"]: one for one in policy["Statement"]}
        assert by_sid["Alarms"]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        condition = by_sid["Alarms"]["Condition"]
        assert condition == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@pytest.mark.parametrize("alarm", ["GatewayErrorsAlarm", "GatewayFaultsAlarm"])
def test_an_alarm_that_rolls_a_deployment_back_sounds_within_two_minutes(alarm: str) -> None:
    text = json.dumps(properties(alarm))
    assert '"Period": 60' in text
    rounds = properties(alarm).get("DatapointsToAlarm", properties(alarm)["EvaluationPeriods"])
    assert rounds <= 2


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_s_failures_sound_an_alarm(metric: str) -> None:
    watched = {
        one["Dimensions"][0]["Value"]["Ref"]
        for alarm in ALARMS
        for one in metrics(alarm)
        if (one["Namespace"], one["MetricName"]) == ("AWS/Lambda", metric)
    }
    assert watched == set(FUNCTIONS) - UNWATCHED


@pytest.mark.parametrize("alarm", [name for name in ALARMS if "Metrics" in properties(name)])
def test_an_expression_adds_what_it_looks_at_and_not_too_much(alarm: str) -> None:
    """An alarm on an expression takes at most ten metrics (CloudWatch quotas)."""
    (total, *parts) = properties(alarm)["Metrics"]
    assert len(parts) <= 10
    assert set(re.findall(r"FILL\((\w+), 0\)", total["Expression"])) == {one["Id"] for one in parts}
    assert not any(one["ReturnData"] for one in parts)


def test_the_api_is_named_as_its_alarm_names_it() -> None:
    """SAM calls an API without a name after the stack."""
    assert "Name" not in RESOURCES["GatewayApi"]["Properties"]
    (one,) = metrics("ApiErrorsAlarm")
    assert one["Dimensions"] == [{"Name": "ApiName", "Value": {"Ref": "AWS::StackName"}}]


def test_a_monitor_that_is_silent_sounds_an_alarm() -> None:
    assert properties("MonitorAlarm")["TreatMissingData"] == "breaching"
    schedule = RESOURCES["MonitorFunction"]["Properties"]["Events"]["EveryFiveMinutes"]
    assert schedule["Properties"]["Schedule"] == "rate(5 minutes)"
    assert properties("MonitorAlarm")["Period"] == 300
