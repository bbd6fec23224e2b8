"""The JSON Schema for editors: it takes every sound policy, and knows what a schema can know."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from portcullis.policy import words
from portcullis.policy.faults import PolicyFaults
from portcullis.policy.model import Algorithm, Scope
from portcullis.policy.operators import OPERATORS
from portcullis.policy.yaml_text import parse_text
from portcullis_cli.errors import ExitCode
from portcullis_cli.policy.editor_schema import policy_schema
from portcullis_cli.policy.schema_writing import schema_text
from portcullis_cli.policy.word_meanings import ACTIONS, MEANINGS, SCOPES
from support.command_line import Terminal

ROOT = Path(__file__).parents[3]
CASES = ROOT / "tests" / "cases" / "invalid"
SHIPPED = sorted(path for path in (ROOT / "policies").rglob("*") if path.is_file())
SCHEMA = policy_schema()
VALIDATOR = Draft202012Validator(SCHEMA)

BEYOND_A_SCHEMA: Mapping[str, str] = {  # what a schema cannot know, and why
    "G11-window-too-long": "it does not calculate with a number and its unit",
    "H13-path-each": "it does not read paths",
    "J08-bad-regex": "RE2 is another language than its patterns",
    "O02-more-approvals-than-approvers": "it does not compare a number with a count",
    "O04-rule-names": "it does not compare members of list elements",
    "conditions-nested-too-deep": "it does not count levels",
    "conditions-path-bad": "it does not read paths",
    "conditions-too-many": "it does not count over several lists",
}
KEYS: Mapping[str, tuple[str, ...]] = {
    "top": words.TOP_KEYS,
    "categories": words.CATEGORIES,
    "rule": words.ENTRY_KEYS,
    "limit": words.SPEND_LIMIT_KEYS,
    "approval": words.APPROVAL_KEYS,
    "condition": (*words.COMPARISON_KEYS, *words.COMBINATION_KEYS),
    "drift": words.DRIFT_KEYS,
    "test": words.CASE_KEYS,
    "call": words.CALL_KEYS,
    "principal": words.PRINCIPAL_KEYS,
}


def readable_cases() -> dict[str, Any]:
    """The invalid files that are YAML as it must be: a schema sees values, not their text."""
    found = {}
    for path in sorted(CASES.glob("*.yaml")):
        try:
            read = parse_text(path.read_bytes())
        except PolicyFaults:
            continue
        if not read.faults:
            found[path.stem] = read.tree
    return found


def known_words(tree: Any) -> Iterator[str]:
    """Every key, and every word that may be a value."""
    if isinstance(tree, dict):
        yield from tree.get("properties", {})
        yield from (str(word) for word in tree.get("enum", ()))
        yield from [str(tree["const"])] if "const" in tree else []
    for inner in tree.values() if isinstance(tree, dict) else tree:
        if isinstance(inner, dict | list):
            yield from known_words(inner)


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_policy_fits(path: Path) -> None:
    VALIDATOR.validate(parse_text(path.read_bytes()).tree)


def test_what_is_invalid_does_not_fit_but_where_a_schema_cannot_know() -> None:
    cases = readable_cases()
    assert len(cases) > 100
    assert {name for name, tree in cases.items() if VALIDATOR.is_valid(tree)} == {*BEYOND_A_SCHEMA}


def test_every_word_is_in_it_and_explained() -> None:
    assert {part: set(texts) for part, texts in MEANINGS.items()} == {
        part: set(keys) for part, keys in KEYS.items()
    }
    assert set(ACTIONS) == set(words.ACTIONS)
    assert set(SCOPES) == {scope.value for scope in Scope}
    values = {*words.DEFAULTS, *words.ACTIONS, *words.MODES, *words.DRIFT_ACTIONS, *SCOPES}
    values |= {*words.EXPECTATIONS, *OPERATORS, *(one.value for one in Algorithm)}
    expected = values | {key for keys in KEYS.values() for key in keys}
    assert expected <= set(known_words(SCHEMA))


def test_the_committed_file_is_what_the_tables_make() -> None:
    assert (ROOT / "schemas" / "policy.schema.json").read_text("utf-8") == schema_text()


def test_it_is_written_to_a_file_or_to_stdout(tmp_path: Path) -> None:
    file = tmp_path / "policy.schema.json"
    assert Terminal().run("policy", "schema", "-o", str(file)).stdout == f"wrote {file}\n"
    other = str(tmp_path / "other.json")
    assert Terminal().run("policy", "schema", "-o", other, "--json").tree == {"file": other}
    assert json.loads(file.read_text()) == Terminal().run("policy", "schema", "--json").tree
    assert Terminal().run("policy", "schema").stdout == file.read_text()
    nowhere = tmp_path / "none" / "policy.schema.json"
    ran = Terminal().run("policy", "schema", "-o", str(nowhere))
    assert ran.exit_code == ExitCode.USAGE
    assert ran.stderr == f"portcullis: {nowhere}: no such file or directory\n"


def test_a_file_that_exists_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("precious")
    ran = Terminal().run("policy", "schema", "-o", str(path))
    assert (ran.exit_code, path.read_text()) == (ExitCode.USAGE, "precious")
    assert ran.stderr == f"portcullis: {path} exists, and is not replaced\n"
