"""The tables of wrong words: none of them is right, and what they suggest is."""

import re
from collections.abc import Iterable, Mapping

import pytest

from portcullis.policy import words
from portcullis.policy.conditions_text import read_when
from portcullis.policy.faults import Findings
from portcullis.policy.model import Algorithm, Scope
from portcullis.policy.nodes import Node
from portcullis.policy.operators import OPERATORS

TABLES: dict[str, tuple[Mapping[str, str], Iterable[str]]] = {
    "TOP_HINTS": (words.TOP_HINTS, words.TOP_KEYS),
    "RULE_HINTS": (words.RULE_HINTS, words.ENTRY_KEYS),
    "LIMIT_HINTS": (words.LIMIT_HINTS, words.SPEND_LIMIT_KEYS),
    "APPROVAL_HINTS": (words.APPROVAL_HINTS, words.APPROVAL_KEYS),
    "CONDITION_HINTS": (words.CONDITION_HINTS, (*words.COMPARISON_KEYS, *words.COMBINATION_KEYS)),
    "ACTION_HINTS": (words.ACTION_HINTS, words.ACTIONS),
    "DEFAULT_HINTS": (words.DEFAULT_HINTS, words.DEFAULTS),
    "SCOPE_HINTS": (words.SCOPE_HINTS, [scope.value for scope in Scope]),
    "ALGORITHM_HINTS": (words.ALGORITHM_HINTS, [one.value for one in Algorithm]),
    "MODE_HINTS": (words.MODE_HINTS, words.MODES),
    "OPERATOR_HINTS": (words.OPERATOR_HINTS, OPERATORS),
    "MATCH_HINTS": (words.MATCH_HINTS, ["any", "all"]),
    "CASE_HINTS": (words.CASE_HINTS, words.CASE_KEYS),
    "CALL_HINTS": (words.CALL_HINTS, words.CALL_KEYS),
    "PRINCIPAL_HINTS": (words.PRINCIPAL_HINTS, words.PRINCIPAL_KEYS),
    "CATEGORY_HINTS": (words.CATEGORY_HINTS, words.CATEGORIES),
    "DRIFT_HINTS": (words.DRIFT_HINTS, words.DRIFT_KEYS),
    "DRIFT_ACTION_HINTS": (words.DRIFT_ACTION_HINTS, words.DRIFT_ACTIONS),
    "LOCK_HINTS": (words.LOCK_HINTS, (*words.LOCK_KEYS, *words.PIN_KEYS)),
    "EXPECTATION_HINTS": (words.EXPECTATION_HINTS, words.EXPECTATIONS),
}


def test_every_table_of_hints_is_checked_here() -> None:
    tables = {name for name in vars(words) if name.endswith("_HINTS")}
    assert tables == {*TABLES, "MISSING_HINTS"}


@pytest.mark.parametrize("table", TABLES)
def test_no_wrong_word_is_right_and_every_suggested_word_is(table: str) -> None:
    hints, known = TABLES[table]
    assert not set(hints) & set(known)
    meant = [found for hint in hints.values() for found in re.findall("did you mean `(.*?)`", hint)]
    assert set(meant) <= set(known)


@pytest.mark.parametrize("table", TABLES)
def test_a_wrong_word_is_looked_up_in_lower_case_with_underscores(table: str) -> None:
    assert all(word == word.lower() and not {" ", "-"} & set(word) for word in TABLES[table][0])


def test_a_hint_is_found_for_the_word_as_people_write_it() -> None:
    findings = Findings()
    read_when(Node({"Operator": 1}, ("when",), findings))
    (fault,) = findings.faults
    assert fault.suggestion == "did you mean `op`"
