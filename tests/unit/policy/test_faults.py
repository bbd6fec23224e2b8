"""Faults: their text, their order, and what was probably meant."""

import pytest

from portcullis.errors import PolicyError
from portcullis.policy.faults import (
    MAXIMUM_FAULTS,
    Fault,
    Findings,
    Place,
    PolicyFaults,
    Positions,
    closest,
    path_text,
    quoted,
)

POSITIONS = Positions(
    keys={("tools",): Place(line=2, column=1), ("tools", "a"): Place(line=3, column=3)},
    values={(): Place(line=1, column=1), ("tools",): Place(line=3, column=3)},
)


@pytest.mark.parametrize(
    "path,text",
    [
        ((), ""),
        (("tools", "create_broker", "rules", 0, "action"), "tools.create_broker.rules[0].action"),
        (("tools", "delete_*", "when", 1), "tools.delete_*.when[1]"),
        (("tools", "a.b"), 'tools["a.b"]'),
        (("tools", "ü\n"), 'tools["\\u00fc\\n"]'),
        (("tools", "a" * 200), f'tools["{"a" * 60}..."]'),
    ],
)
def test_a_path_is_written_so_that_it_is_one_line_of_ascii(
    path: tuple[str | int, ...], text: str
) -> None:
    assert path_text(path) == text


def test_a_fault_reads_as_place_path_message_and_suggestion() -> None:
    fault = Fault(path="tools.a", message="is empty", suggestion="write it", line=3, column=5)
    assert str(fault) == "line 3, column 5: tools.a: is empty (write it)"


def test_a_fault_without_a_place_reads_as_its_message() -> None:
    assert str(Fault(path="", message="it cannot be read")) == "it cannot be read"


def test_the_words_of_the_author_are_quoted_on_one_line_and_shortened() -> None:
    assert quoted("a\nb") == "`a\\nb`"
    assert quoted("x" * 61) == f"`{'x' * 60}...`"


@pytest.mark.parametrize(
    "word,meant",
    [
        ("defualt", "default"),
        ("Default", "default"),
        ("rate-limit", "rate_limit"),
        (" rate limit ", "rate_limit"),
        ("zzz", None),
        ("d" * 100_000, None),
    ],
)
def test_the_word_that_was_probably_meant_is_found(word: str, meant: str | None) -> None:
    assert closest(word, ["default", "rate_limit", "tools"]) == meant


def test_a_value_without_a_place_has_the_place_of_what_is_around_it() -> None:
    assert POSITIONS.of_value(("tools", "a", "action")) == Place(line=3, column=3)
    assert POSITIONS.of_key(("tools",)) == Place(line=2, column=1)
    assert POSITIONS.of_key(("other",)) == Place(line=1, column=1)
    assert Positions().of_value(()) is None


def test_all_faults_are_told_in_the_order_of_the_text() -> None:
    findings = Findings(POSITIONS)
    findings.fault(("tools",), "second")
    findings.fault((), "first", "do it")
    findings.fault_at(Place(line=9, column=1), "third")
    findings.key_fault(("tools",), "before the second")
    with pytest.raises(PolicyFaults) as raised:
        findings.raise_faults()
    told = [fault.message for fault in raised.value.faults]
    assert told == ["first", "before the second", "second", "third"]
    assert str(raised.value) == "the policy has 4 faults: line 1, column 1: first (do it)"
    assert isinstance(raised.value, PolicyError)


def test_one_fault_is_counted_in_the_singular() -> None:
    assert str(PolicyFaults([Fault(path="", message="x")])) == "the policy has 1 fault: x"


def test_no_fault_raises_nothing_and_warnings_stop_nothing() -> None:
    findings = Findings(POSITIONS)
    findings.warn(("tools", "a"), "look at this")
    findings.raise_faults()
    expected = Fault(path="tools.a", message="look at this", line=3, column=3)
    assert findings.warnings == [expected]


def test_a_report_keeps_a_hundred_faults_and_counts_the_rest() -> None:
    findings = Findings()
    for number in range(MAXIMUM_FAULTS + 3):
        findings.fault((), f"fault {number}")
    assert findings.count == MAXIMUM_FAULTS + 3
    with pytest.raises(PolicyFaults) as raised:
        findings.raise_faults()
    assert len(raised.value.faults) == MAXIMUM_FAULTS + 1
    assert raised.value.faults[-1].message == "and 3 more faults"
