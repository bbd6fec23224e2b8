"""The architecture page names tests, outcomes and files that exist."""

import re
from pathlib import Path

import pytest

from portcullis.policy.decision import Outcome

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
TESTS = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
SRC = ROOT / "src"
UNGOVERNED = {"accepted", "rejected", "unknown_session"}  # outcomes of what is no governed call


def rows(heading: str) -> list[list[str]]:
    """The cells of the rows of the table under a heading."""
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


FAILURES = rows("When something fails")


@pytest.mark.parametrize("row", FAILURES, ids=lambda row: row[0])
def test_a_failure_is_shown_by_a_test_that_exists(row: list[str]) -> None:
    (test,) = words(row[4])
    assert f"def {test}(" in TESTS


@pytest.mark.parametrize("row", FAILURES, ids=lambda row: row[0])
def test_a_failure_is_recorded_in_words_the_log_has(row: list[str]) -> None:
    assert set(words(row[2])) <= {one.value for one in Outcome} | UNGOVERNED


def test_every_outcome_of_a_dependency_that_fails_has_a_row() -> None:
    failing = {one.value for one in Outcome if one.name.endswith("_UNAVAILABLE")}
    assert failing | {"internal_error"} <= {word for row in FAILURES for word in words(row[2])}


@pytest.mark.parametrize("row", rows("Where does my change go?"), ids=lambda row: row[0])
def test_a_change_goes_where_there_is_something(row: list[str]) -> None:
    named = [word for word in words(row[1] + row[2]) if "/" in word and "*" not in word]
    missing = [
        name for name in named if not any((at / name).exists() for at in (ROOT, SRC / "portcullis"))
    ]
    assert missing == []


@pytest.mark.parametrize("row", rows("One tools/call"), ids=lambda row: row[0])
def test_a_step_is_in_a_module_that_exists(row: list[str]) -> None:
    stems = {path.stem for path in (SRC / "portcullis").rglob("*.py")}
    for name in words(row[1]):
        assert (SRC / "portcullis" / name).exists() or name.removesuffix(".py") in stems, name


def test_every_part_is_there() -> None:
    block = PAGE.split("```")[1]
    named = [
        name for line in block.strip().splitlines() for name in line.split("  ")[0].split(", ")
    ]
    assert [name for name in named if not (ROOT / name).exists()] == []
    packages = {f"src/{path.parent.name}/" for path in SRC.glob("*/__init__.py")} - {
        "src/portcullis/"
    }
    packages |= {
        f"src/portcullis/{path.parent.name}/" for path in SRC.glob("portcullis/*/__init__.py")
    }
    assert packages <= set(named)
