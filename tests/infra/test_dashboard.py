"""Dashboard, rules and queries: what they name is what the functions write."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from portcullis.adapters.embedded_metrics import FAULTS, NAMESPACE
from portcullis.policy.decision import Outcome
from support.deployment import FUNCTIONS, RESOURCES, UNWATCHED, of_type, targets
from support.recorded_lines import decision_lines, emitted, members

RULES = of_type("AWS::CloudWatch::InsightRule")
QUERIES = of_type("AWS::Logs::QueryDefinition")
LOG_GROUPS = set(of_type("AWS::Logs::LogGroup"))
OUTCOMES = {one.value for one in Outcome} | {"accepted", "rejected", "unknown_session"}
# Of AWS's own metrics, those that are documented for the dimensions they are asked by.
AWS_METRICS = {
    ("AWS/ApiGateway", "ApiName"): {
        "4XXError", "5XXError", "Count", "IntegrationLatency", "Latency",
    },
    ("AWS/Lambda", "FunctionName"): {"Duration", "Errors", "Throttles"},
    ("AWS/States", "StateMachineArn"): {
        "ExecutionsFailed", "ExecutionsStarted", "ExecutionsSucceeded",
    },
}  # fmt: skip
METRICS = emitted()


@cache
def fields() -> set[str]:
    return {name for line in decision_lines() for name in members(line)}


def body(resource: str, key: str) -> Any:
    """A JSON text of the template, with the names of what it refers to in place of them."""
    text = RESOURCES[resource]["Properties"][key]["Fn::Sub"]
    return json.loads(re.sub(r"\$\{([\w:]+)\}", r"\1", text))


def widgets(kind: str) -> list[Any]:
    return [
        one["properties"]
        for one in body("Dashboard", "DashboardBody")["widgets"]
        if one["type"] == kind
    ]


def charted() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of every metric that is drawn."""
    for widget in widgets("metric"):
        for one in widget.get("metrics", ()):
            if isinstance(one[0], str):
                namespace, name, *rest = [part for part in one if isinstance(part, str)]
                yield namespace, name, dict(zip(rest[::2], rest[1::2], strict=True))
                continue
            found = re.fullmatch(
                r"SEARCH\('\{(\w+),([\w,]+)\} service=\"AWS::StackName\" MetricName=\"(\w+)\"', "
                r"'(?:Sum|Maximum|p\d\d)', 300\)",
                one[0]["expression"],
            )
            assert found, one
            dimensions = dict.fromkeys(found[2].split(","), "")
            yield found[1], found[3], {**dimensions, "service": "AWS::StackName"}


def test_every_metric_that_is_drawn_is_written_by_the_code() -> None:
    drawn = list(charted())
    ours = {
        (namespace, name, frozenset(dimensions))
        for namespace, name, dimensions in drawn
        if namespace == NAMESPACE
    }
    assert len(ours) > 10
    assert ours - METRICS == set()
    assert all(one[2]["service"] == "AWS::StackName" for one in drawn if one[0] == NAMESPACE)


def test_every_metric_of_ours_is_drawn() -> None:
    assert {name for _, name, _ in charted()} >= {name for _, name, _ in METRICS}


def test_every_metric_of_aws_that_is_drawn_is_one_and_of_this_stack() -> None:
    own = {"AWS::StackName", "ApprovalStateMachine", *FUNCTIONS}
    for namespace, name, dimensions in charted():
        if namespace != NAMESPACE:
            ((dimension, value),) = dimensions.items()
            assert name in AWS_METRICS[namespace, dimension]
            assert value in own


def test_every_function_s_failures_throttles_and_duration_are_drawn() -> None:
    for metric in AWS_METRICS["AWS/Lambda", "FunctionName"]:
        drawn = {one[2]["FunctionName"] for one in charted() if one[:2] == ("AWS/Lambda", metric)}
        assert drawn == set(FUNCTIONS) - UNWATCHED


def test_widgets_do_not_lie_over_one_another() -> None:
    taken: set[tuple[int, int]] = set()
    for one in body("Dashboard", "DashboardBody")["widgets"]:
        cells = {
            (x, y)
            for x in range(one["x"], one["x"] + one["width"])
            for y in range(one["y"], one["y"] + one["height"])
        }
        assert one["x"] + one["width"] <= 24
        assert not cells & taken, one["properties"]["title"]
        taken |= cells


def test_every_rule_is_drawn_under_its_name() -> None:
    drawn = {one["insightRule"]["ruleName"] for one in widgets("metric") if "insightRule" in one}
    named = {RESOURCES[rule]["Properties"]["RuleName"]["Fn::Sub"] for rule in RULES}
    assert {f"${{AWS::StackName}}{name.removeprefix('AWS::StackName')}" for name in drawn} == named


def test_the_dashboard_s_queries_read_log_groups_that_exist() -> None:
    (query,) = (one["query"] for one in widgets("log"))
    assert set(re.findall(r"SOURCE '(\w+)'", query)) == {"GatewayLogGroup"}
    assert_query(query.partition(" | ")[2])


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_counts_by_what_a_line_holds(rule: str) -> None:
    tree = body(rule, "RuleBody")
    assert set(tree["LogGroupNames"]) <= LOG_GROUPS
    assert tree["Schema"] == {"Name": "CloudWatchLogRule", "Version": 1}
    contribution = tree["Contribution"]
    assert 1 <= len(contribution["Keys"]) <= 4
    for one in contribution["Filters"]:
        assert set(one) - {"Match"} <= {"In", "NotIn"}
        if one["Match"] == "$.decision.outcome":
            assert {*one.get("In", ()), *one.get("NotIn", ())} <= OUTCOMES
    named = [*contribution["Keys"], *(one["Match"] for one in contribution["Filters"])]
    assert {name.removeprefix("$.") for name in named} <= fields()


def test_Q08_names_that_no_server_knows_are_not_counted_by_tool() -> None:
    (one,) = [
        one
        for one in body("CallsByToolRule", "RuleBody")["Contribution"]["Filters"]
        if one["Match"] == "$.decision.outcome"
    ]
    assert set(one["NotIn"]) == {"rejected", "unknown_tool"}


def assert_query(text: str) -> None:
    """A query's fields are in some line, and what it compares outcomes with are outcomes."""
    assert set(re.findall(r"decision(?:\.\w+)+", text)) <= fields()
    for listed in re.findall(r"decision\.outcome (?:not )?in \[([^]]*)\]", text):
        assert set(re.findall(r'"(\w+)"', listed)) <= OUTCOMES
    assert set(re.findall(r"(?:^|\| )(\w+)", text.replace("\n", " "))) <= {
        "fields", "filter", "limit", "sort", "stats",
    }  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_reads_what_a_line_holds(query: str) -> None:
    properties = RESOURCES[query]["Properties"]
    assert targets(properties["LogGroupNames"]) <= LOG_GROUPS
    assert properties["QueryString"].startswith('filter message = "decision"')
    assert_query(properties["QueryString"].strip())


def test_the_query_of_faults_asks_for_what_counts_as_one() -> None:
    text = RESOURCES["FaultsQuery"]["Properties"]["QueryString"]
    (listed,) = re.findall(r"decision\.outcome in \[([^]]*)\]", text)
    assert set(re.findall(r'"(\w+)"', listed)) == FAULTS


def test_dashboards_of_two_stacks_or_regions_do_not_share_a_name() -> None:
    name = RESOURCES["Dashboard"]["Properties"]["DashboardName"]["Fn::Sub"]
    assert name == "${AWS::StackName}-${AWS::Region}"
