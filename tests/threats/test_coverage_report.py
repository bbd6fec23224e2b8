"""The report that says which threat cases are covered must itself not be fooled."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from threats.coverage_report import (
    HERE,
    Coverage,
    main,
    named_cases,
    passed_tests,
    read_catalogue,
    summary,
)

JUNIT = """<testsuites><testsuite>
<testcase name="test_a[A01-reversed]"/>
<testcase name="test_b[A02]"><failure/></testcase>
<testcase name="test_c[A03]"><skipped/></testcase>
</testsuite></testsuites>"""


def coverage(*, covered: set[str], reasons: dict[str, str]) -> Coverage:
    titles = {"A01": "first", "A02": "second"}
    return Coverage(titles=titles, covered=frozenset(covered), reasons=reasons)


@pytest.mark.parametrize(
    "name,expected",
    [
        pytest.param("test_batch[B01-two calls]", {"B01"}, id="in brackets"),
        pytest.param("test_x[json, A13, A14]", {"A13", "A14"}, id="two ids"),
        pytest.param("test_G02_last_place", {"G02"}, id="between underscores"),
        pytest.param("test_sha[xA01]", set(), id="inside a word"),
        pytest.param("test_number[A012]", set(), id="longer number"),
    ],
)
def test_an_id_counts_only_as_a_word(name: str, expected: set[str]) -> None:
    assert named_cases(name) == expected


def test_failed_and_skipped_tests_cover_nothing() -> None:
    assert list(passed_tests(ET.fromstring(JUNIT))) == ["test_a[A01-reversed]"]  # noqa: S314 own text


def test_a_case_with_neither_test_nor_reason_is_a_fault() -> None:
    assert coverage(covered={"A01"}, reasons={}).faults() == ["A02: second: no passing test"]


def test_a_case_with_test_and_reason_is_a_fault() -> None:
    faults = coverage(covered={"A01", "A02"}, reasons={"A02": "later"}).faults()
    assert faults == ["A02: has a test and a reason"]


def test_a_reason_for_an_unknown_case_is_a_fault() -> None:
    faults = coverage(covered={"A01", "A02"}, reasons={"Z99": "?"}).faults()
    assert faults == ["Z99: not in the catalogue"]


def test_the_summary_names_what_is_missing_and_why() -> None:
    lines = list(summary(coverage(covered={"A01"}, reasons={"A02": "not built yet"})))
    assert lines == ["A: 1 of 2 covered", "   A02 second: not built yet"]


def test_a_run_without_results_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(tmp_path) == 1
    assert "no passing test" in capsys.readouterr().err


def test_ids_are_numbered_without_gaps() -> None:
    cases = list(read_catalogue((HERE / "catalogue.txt").read_text()))
    by_letter: dict[str, int] = {}
    for case in cases:
        by_letter[case[0]] = by_letter.get(case[0], 0) + 1
        assert case == f"{case[0]}{by_letter[case[0]]:02d}"
    assert by_letter == {
        "A": 25, "B": 17, "C": 14, "D": 28, "E": 16, "F": 16, "G": 27, "I": 23, "J": 14,
        "L": 13, "M": 14, "N": 38, "O": 28, "P": 18, "R": 6,
    }  # fmt: skip
