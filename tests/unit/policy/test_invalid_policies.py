"""Every file of tests/cases/invalid is refused with exactly the faults at its head.

A file's name begins with the threat case it belongs to; its lines `#! ...` are the faults,
word for word, in their order. Anyone can add a file.
"""

from pathlib import Path

import pytest

from portcullis.policy.faults import PolicyFaults
from portcullis.policy.policy_text import parse_policy

CASES = sorted((Path(__file__).parents[2] / "cases" / "invalid").glob("*.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_an_invalid_policy_is_refused_with_its_faults(case: Path) -> None:
    data = case.read_bytes()
    expected = [line[3:] for line in data.decode().splitlines() if line.startswith("#! ")]
    with pytest.raises(PolicyFaults) as raised:
        parse_policy(data)
    assert expected
    assert [str(fault) for fault in raised.value.faults] == expected


def test_every_threat_case_of_policy_files_has_a_file() -> None:
    named = {case.stem.split("-")[0] for case in CASES}
    from_policy_files = {
        "O01",
        "O02",
        "O03",
        "O04",
        "O05",
        "O06",
        "O07",
        "O08",
        "O09",
        "O10",
        "O11",
    }
    assert named >= from_policy_files | {"J08", "J13", "J14", "G11", "G22", "H13"}


def test_every_fault_stands_at_a_line_but_one_that_has_no_place() -> None:
    heads = [line for case in CASES for line in case.read_text().splitlines() if "#! " in line]
    without_place = [line for line in heads if not line.startswith("#! line ")]
    assert without_place == ["#! an escape in a quoted text cannot be read"]
