"""Say which threat cases the last test run covered, from pytest's JUnit files.

Run as a script: `python coverage_report.py FOLDER` reads every `*.xml` in FOLDER, prints
one line per letter and every case without a test, and fails when a case has neither a
passing test nor a reason in `not_covered.yaml`, or has both.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree as ET

import yaml

HERE = Path(__file__).parent
CASE_ID = re.compile(r"(?<![A-Za-z0-9])([A-Z]\d\d)(?![A-Za-z0-9])")
FAILED = {"failure", "error", "skipped"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Every case id, the ids that passing tests name, and the reasons for the rest."""

    titles: Mapping[str, str]
    covered: frozenset[str]
    reasons: Mapping[str, str]

    def faults(self) -> list[str]:
        """Answer one line per case whose state contradicts the list of reasons."""
        unknown = [f"{case}: not in the catalogue" for case in self.reasons.keys() - self.titles]
        both = [f"{case}: has a test and a reason" for case in self.covered & self.reasons.keys()]
        missing = self.titles.keys() - self.covered - self.reasons.keys()
        neither = [f"{case}: {self.titles[case]}: no passing test" for case in missing]
        return sorted(unknown + both + neither)


def read_catalogue(text: str) -> dict[str, str]:
    """Read `ID title` lines; blank lines and comments are skipped."""
    lines = (line.strip() for line in text.splitlines())
    return {line[:3]: line[4:] for line in lines if line and not line.startswith("#")}


def named_cases(test_name: str) -> set[str]:
    """Find the case ids that stand in a test's name as words of their own."""
    return set(CASE_ID.findall(test_name))


def passed_tests(report: ET.Element) -> Iterable[str]:
    """Yield the names of the tests that ran and passed."""
    for case in report.iter("testcase"):
        if not FAILED & {child.tag for child in case}:
            yield case.get("name", "")


def read_coverage(results: Path) -> Coverage:
    """Gather the catalogue, the reasons, and what the JUnit files in `results` show."""
    titles = read_catalogue((HERE / "catalogue.txt").read_text())
    reasons = yaml.safe_load((HERE / "not_covered.yaml").read_text()) or {}
    reports = (ET.parse(path).getroot() for path in sorted(results.glob("*.xml")))  # noqa: S314 pytest wrote them
    named = {
        case for report in reports for name in passed_tests(report) for case in named_cases(name)
    }
    return Coverage(titles=titles, covered=frozenset(named & titles.keys()), reasons=reasons)


def summary(coverage: Coverage) -> Iterable[str]:
    """Yield one line per letter, and below it the cases that have a reason instead of a test."""
    for letter, cases in groupby(coverage.titles, key=lambda case: case[0]):
        listed = list(cases)
        covered = [case for case in listed if case in coverage.covered]
        yield f"{letter}: {len(covered)} of {len(listed)} covered"
        for case in listed:
            if case in coverage.reasons:
                yield f"   {case} {coverage.titles[case]}: {coverage.reasons[case]}"


def main(results: Path) -> int:
    """Print the summary and the faults; 1 when there are faults."""
    coverage = read_coverage(results)
    for line in summary(coverage):
        print(line)
    faults = coverage.faults()
    for fault in faults:
        print(f"FAULT {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
