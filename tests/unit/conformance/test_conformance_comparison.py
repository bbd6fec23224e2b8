"""The judge of the conformance runs: nothing unlisted passes, nothing listed goes stale."""

import json
from pathlib import Path

import pytest

from conformance.compare import (
    Difference,
    Expectation,
    complaints_direct,
    complaints_gateway,
    differences,
    load_expectations,
)
from conformance.suite import REVISIONS, Scenarios, SuiteRun, read_scenarios

GOOD: Scenarios = {"ping": {"ping": ("SUCCESS",)}, "asks": {"asks": ("SUCCESS",)}}
BAD: Scenarios = {"ping": {"ping": ("SUCCESS",)}, "asks": {"asks": ("FAILURE",)}}
ASKS = Difference("asks", "asks", ("SUCCESS",), ("FAILURE",))
FOUR = {
    "tools-call-sampling",
    "tools-call-elicitation",
    "elicitation-sep1034-defaults",
    "elicitation-sep1330-enums",
}


def run(scenarios: Scenarios) -> SuiteRun:
    return SuiteRun("2025-11-25", frozenset({"ping", "asks"}), scenarios)


def expecting(*found: Difference, failing: set[str] | None = None) -> Expectation:
    names = frozenset(failing if failing is not None else {item.scenario for item in found})
    return Expectation(
        required=2,
        gateway_passed=2 - len(names),
        failing=names,
        differences=frozenset(found),
    )


def test_equal_runs_have_no_differences_and_no_complaints() -> None:
    assert differences(run(GOOD), run(GOOD)) == []
    assert complaints_gateway(run(GOOD), run(GOOD), expecting()) == []


def test_a_listed_difference_is_no_complaint() -> None:
    assert complaints_gateway(run(GOOD), run(BAD), expecting(ASKS)) == []


def test_an_unlisted_difference_is_named_with_both_statuses() -> None:
    told = complaints_gateway(run(GOOD), run(BAD), expecting())
    assert told[0] == "2025-11-25: unexpected difference: asks / asks: SUCCESS -> FAILURE"
    assert "2025-11-25: unexpected failing scenario: asks" in told
    assert "2025-11-25: 1 required scenarios pass, expected 2" in told


def test_an_expectation_that_no_longer_holds_is_a_complaint() -> None:
    told = complaints_gateway(run(GOOD), run(GOOD), expecting(ASKS))
    assert "2025-11-25: stale expectation: asks / asks: SUCCESS -> FAILURE" in told
    assert "2025-11-25: scenario expected to fail passes: asks" in told


@pytest.mark.parametrize("status", ["SKIPPED", "WARNING", "INFO"])
def test_a_check_that_is_merely_not_passed_any_more_is_a_difference(status: str) -> None:
    weaker: Scenarios = {**GOOD, "asks": {"asks": (status,)}}
    found = differences(run(GOOD), run(weaker))
    assert found == [Difference("asks", "asks", ("SUCCESS",), (status,))]


@pytest.mark.parametrize("gone", [{"ping": {"ping": ("SUCCESS",)}}, {**GOOD, "asks": {}}])
def test_a_check_that_is_not_reported_any_more_is_a_difference(gone: Scenarios) -> None:
    found = differences(run(GOOD), run(gone))
    assert found == [Difference("asks", "asks", ("SUCCESS",), ())]
    assert str(found[0]).endswith("SUCCESS -> not reported")


def test_a_required_scenario_that_did_not_run_counts_as_failing() -> None:
    assert run({"ping": GOOD["ping"]}).failing == {"asks"}


def test_a_direct_run_has_to_pass_everything_the_suite_requires() -> None:
    assert complaints_direct(run(GOOD), expecting()) == []
    assert complaints_direct(run(BAD), expecting()) == ["2025-11-25: asks fails directly"]
    (told,) = complaints_direct(SuiteRun("2025-11-25", frozenset({"ping"}), GOOD), expecting())
    assert told == "2025-11-25: the suite requires 1 scenarios, expected 2"


def test_the_committed_expectations_name_the_four_scenarios_and_nothing_else() -> None:
    expected = load_expectations()
    assert set(expected) == set(REVISIONS)
    assert (expected["2025-11-25"].required, expected["2025-11-25"].gateway_passed) == (30, 26)
    assert expected["2025-11-25"].failing == FOUR
    assert (expected["2026-07-28"].required, expected["2026-07-28"].gateway_passed) == (37, 37)
    assert expected["2026-07-28"].failing == frozenset()


def test_no_expected_difference_of_the_newest_revision_is_a_failure() -> None:
    for found in load_expectations()["2026-07-28"].differences:
        assert set(found.gateway) <= {"SKIPPED", "SUCCESS"}


def test_an_expectation_without_a_reason_is_refused(tmp_path: Path) -> None:
    entry = {"required": 1, "gateway_passed": 0, "failing": {"x": "because"}, "differences": []}
    path = tmp_path / "expected.json"
    path.write_text(json.dumps({"reasons": {}, "revisions": {"2025-11-25": entry}}))
    with pytest.raises(ValueError, match="because"):
        load_expectations(path)


def write_result(folder: Path, name: str, checks: list[tuple[str, str]] | None) -> None:
    result = folder / name
    result.mkdir()
    if checks is not None:
        listed = [{"id": check, "status": status} for check, status in checks]
        (result / "checks.json").write_text(json.dumps(listed))


def test_results_are_read_with_every_status_of_a_repeated_check(tmp_path: Path) -> None:
    name = "server-tools-call-error-2026-11-23T14-06-03-159Z"
    write_result(tmp_path, name, [("a", "SUCCESS"), ("a", "FAILURE"), ("b", "SKIPPED")])
    assert read_scenarios(tmp_path) == {
        "tools-call-error": {"a": ("SUCCESS", "FAILURE"), "b": ("SKIPPED",)}
    }


def test_the_traffic_log_of_a_scenario_is_kept_as_one_entry(tmp_path: Path) -> None:
    name = "server-ping-2026-11-23T14-06-03-159Z"
    write_result(tmp_path, name, [("request", "INFO"), ("request", "INFO"), ("ping", "SUCCESS")])
    assert read_scenarios(tmp_path) == {"ping": {"request": ("INFO",), "ping": ("SUCCESS",)}}


def test_a_scenario_that_wrote_no_checks_counts_as_failed(tmp_path: Path) -> None:
    write_result(tmp_path, "server-ping-2026-11-23T14-06-03-159Z", None)
    (tmp_path / "something-else").mkdir()
    assert read_scenarios(tmp_path) == {"ping": {"ping": ("FAILURE",)}}
