"""The page of costs is what its script computes, and the script's assumptions are not too small."""

import json

import cost
from support.deployment import FUNCTIONS, RESOURCES, TEMPLATE, of_type
from support.recorded_lines import decision_lines, monitor_lines

PAGE = cost.PAGE.read_text()


def test_the_tables_are_computed_from_the_prices_and_assumptions_on_the_page() -> None:
    assert cost.render(PAGE) == PAGE, "run `python scripts/cost.py`"
    assert cost.PRICES_OF in PAGE


def test_a_decision_s_line_is_not_longer_than_is_assumed() -> None:
    longest = max(len(json.dumps(line)) for line in decision_lines())
    assert longest / 1000 <= cost.ASSUMED["kB of a decision's line"]


def test_the_monitor_writes_as_many_metrics_as_are_paid_for() -> None:
    stack, *servers = monitor_lines()
    (directive,) = stack["_aws"]["CloudWatchMetrics"]
    assert (len(directive["Metrics"]), len(servers)) == (6, 1)


def test_what_is_charged_by_the_piece_is_counted_in_the_template() -> None:
    month = cost.a_month(TEMPLATE)
    assert month["dashboard"] == 3 * len(of_type("AWS::CloudWatch::Dashboard"))
    assert month["KMS keys"] == sum(
        "Condition" not in RESOURCES[key] for key in of_type("AWS::KMS::Key")
    )
    assert cost.alarmed_metrics(TEMPLATE) >= 2 * len(FUNCTIONS)
