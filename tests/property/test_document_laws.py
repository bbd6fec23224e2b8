"""Laws of policy files: one meaning, no misspelling, and no meaning in half a file."""

import re
import string
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portcullis.policy.decision import Allow
from portcullis.policy.document import parse_document, to_document
from portcullis.policy.evaluate import evaluate
from portcullis.policy.faults import PolicyFaults
from portcullis.policy.model import Call, Instant, Kind, Principal
from portcullis.policy.policy_text import parse_policy
from portcullis.policy.words import (
    ACTIONS,
    APPROVAL_KEYS,
    CALL_KEYS,
    CASE_KEYS,
    CATEGORIES,
    COMBINATION_KEYS,
    COMPARISON_KEYS,
    DEFAULTS,
    DRIFT_KEYS,
    ENTRY_KEYS,
    EXPECTATIONS,
    MODES,
    PRINCIPAL_KEYS,
    SPEND_LIMIT_KEYS,
    TOP_KEYS,
)
from portcullis.policy.yaml_text import parse_text
from portcullis.strictjson import dump, parse
from portcullis.values import JsonObject, JsonValue
from strategies import locked_policies, policies, policy_texts, to_yaml

pytestmark = pytest.mark.property

ROOT = Path(__file__).parents[2]
FEWER = settings(max_examples=50, deadline=None)
SHIPPED = sorted(path for path in (ROOT / "policies").rglob("*") if path.is_file())

EVERY_WORD = """\
version: "1"
description: Every key of the language, and every word that has a place of its own.
default: deny
hide: [secret_tool]
tools:
  first:
    name: one
    action: rate_limit
    mode: enforce
    rate_limit: {max: 10, window: 60, per: session, algorithm: sliding_window}
    spend_limit: {path: args.amount, max: 5, window: 1d}
    reason: Slowly.
  second:
    rules:
      - action: require_approval
        approval: {approvers: [alice, bob], timeout: 1h, min_approvals: 2, show: [args.b]}
        when:
          - any: [{path: "args.a[*]", op: eq, value: 1, match: all}]
          - all: [{path: args.b, op: eq, value: 1}]
          - not: [{path: args.c, op: eq, value: 1}]
      - {action: deny, mode: shadow}
      - {action: allow}
resources:
  "file:///a": {action: allow}
prompts:
  plan: {action: allow}
categories:
  read: {action: allow}
  write: {action: allow}
  execute: {action: deny}
  destructive: {action: deny}
  financial: {action: deny}
drift:
  changed: require_approval
  added: deny
  approval: {approvers: [alice]}
redact: [args.password, "args.users[*].note"]
tests:
  - name: who asks
    call:
      tool: second
      args: {b: 1}
      principal: {issuer: i, subject: s, groups: [g], tags: {t: u}, claims: {c: 1}}
      at: "2026-11-23T15:04:00Z"
    expect: require_approval
    rule: second/1
    outcome: approval_required
  - {name: two, call: {resource: "file:///a"}, expect: allow}
  - {name: three, call: {prompt: plan}, expect: deny}
  - {name: four, call: {tool: secret_tool}, expect: hide}
"""
WORDS = sorted(
    {*TOP_KEYS, *ENTRY_KEYS, *SPEND_LIMIT_KEYS, *APPROVAL_KEYS, *COMPARISON_KEYS}
    | {*CASE_KEYS, *CALL_KEYS, *PRINCIPAL_KEYS, *EXPECTATIONS, "approval_required"}
    | {*COMBINATION_KEYS, *ACTIONS, *MODES, *DEFAULTS, "session", "sliding_window"}
    | {*CATEGORIES, *DRIFT_KEYS}
)


def misspellings(word: str) -> st.SearchStrategy[str]:
    """A word with one letter more, less, or another, two exchanged, in capitals, in the plural."""
    places = st.integers(0, len(word) - 1)
    letters = st.sampled_from(string.ascii_letters + "_-")
    return st.one_of(
        places.map(lambda at: word[:at] + word[at + 1 :]),
        st.tuples(places, letters).map(lambda edit: word[: edit[0]] + edit[1] + word[edit[0] :]),
        st.tuples(places, letters).map(
            lambda edit: word[: edit[0]] + edit[1] + word[edit[0] + 1 :]
        ),
        places.map(lambda at: word[:at] + word[at : at + 2][::-1] + word[at + 2 :]),
        st.sampled_from([word.capitalize(), word.upper(), word + "s", word.replace("_", "-")]),
    ).filter(lambda other: other != word)


@st.composite
def misspelt(draw: st.DrawFn) -> tuple[str, int]:
    """The text with every word of the language in it, one of them misspelt, and its line."""
    word = draw(st.sampled_from(WORDS))
    places = [found.start() for found in re.finditer(rf"\b{word}\b(?=[:,}}\n])", EVERY_WORD)]
    at = draw(st.sampled_from(places))
    wrong = draw(misspellings(word))
    text = EVERY_WORD[:at] + wrong + EVERY_WORD[at + len(word) :]
    return text, EVERY_WORD.count("\n", 0, at) + 1


def test_the_text_with_every_word_is_a_policy() -> None:
    parse_policy(EVERY_WORD, lock={"tools": {}})
    for word in WORDS:
        assert re.search(rf"\b{word}\b(?=[:,}}\n])", EVERY_WORD), word


@given(misspelt())
@settings(max_examples=400, deadline=None)
def test_O01_a_misspelt_word_is_refused_at_its_line(case: tuple[str, int]) -> None:
    text, line = case
    with pytest.raises(PolicyFaults) as raised:
        parse_policy(text, lock={"tools": {}})
    lines = [fault.line for fault in raised.value.faults]
    assert line in lines


@given(st.one_of(policies(), locked_policies()))
@FEWER
def test_a_policy_is_read_back_from_its_canonical_form(document: JsonObject) -> None:
    policy = parse_document(document).policy
    stored = parse(dump(to_document(policy)))
    again = parse_document(stored).policy
    assert to_document(again) == to_document(policy)
    assert again.revision == policy.revision
    for kind, section in policy.sections.items():
        other = again.sections[kind]
        assert [
            _rules(section.exact),
            _rules({key: rules for key, _, rules in section.patterns}),
        ] == [
            _rules(other.exact),
            _rules({key: rules for key, _, rules in other.patterns}),
        ]


def _rules(entries: Any) -> JsonValue:
    """Labels, effects, and limits of rules, without what was compiled to functions."""
    return {
        key: [
            [rule.label, str(rule.effect), rule.reason, str(rule.approval), str(rule.limits)]
            for rule in rules
        ]
        for key, rules in entries.items()
    }


@given(policies())
@FEWER
def test_O23_text_and_document_are_the_same_policy(document: JsonObject) -> None:
    from_text = parse_policy(to_yaml(document)).policy
    from_json = parse_policy(dump(document)).policy
    expected = parse_document(document).policy.revision
    assert from_text.revision == from_json.revision == expected


@given(st.one_of(policies(), locked_policies()), st.randoms(use_true_random=False))
@FEWER
def test_the_order_of_keys_never_matters(document: JsonObject, random: Any) -> None:
    assert (
        parse_document(_shuffled(document, random)).policy.revision
        == parse_document(document).policy.revision
    )


def _shuffled(value: JsonValue, random: Any) -> JsonValue:
    if isinstance(value, dict):
        keys = list(value)
        random.shuffle(keys)
        return {key: _shuffled(value[key], random) for key in keys}
    return [_shuffled(element, random) for element in value] if isinstance(value, list) else value


@given(st.text(st.characters(codec="utf-8"), max_size=200))
@example('a: "\\U99999999"')
@example("? [a\n: b")
@example("!<%ff> a")
@example("%YAML 9.9\n---\na")
@settings(deadline=None)
def test_no_text_raises_anything_but_faults(text: str) -> None:
    with suppress(PolicyFaults):
        parse_policy(text)


WORDS_OF_YAML = ["version", '"1"', "default", "deny", "tools", ": ", "\n", "\n  ", "- ", "{", "}"]
SIGNS_OF_YAML = ["[", "]", ", ", "&a ", "*a", "!!set ", "? ", "| ", "> ", "'", '"', "#"]
MARKS_OF_YAML = ["---\n", "...\n", "%TAG "]
SCRAPS = st.sampled_from([*WORDS_OF_YAML, *SIGNS_OF_YAML, *MARKS_OF_YAML])


@given(st.lists(SCRAPS, max_size=20).map("".join))
@settings(deadline=None)
def test_no_scrap_of_yaml_raises_anything_but_faults(text: str) -> None:
    with suppress(PolicyFaults):
        parse_policy(text)


def is_refused(text: bytes | str) -> bool:
    """Whether reading the text alone finds a fault."""
    try:
        return bool(parse_text(text).faults)
    except PolicyFaults:
        return True


class TestCutFiles:
    """O03: what can be told of a file that lost its end."""

    @given(policy_texts(), st.data())
    @FEWER
    def test_no_part_of_a_sealed_file_loads(self, text: str, data: st.DataObject) -> None:
        sealed = f"---\n{text}...\n"
        parse_policy(sealed)
        cut = data.draw(st.integers(0, len(sealed) - 1))
        assert is_refused(sealed[:cut])

    @given(policies(), st.data())
    @FEWER
    def test_no_part_of_a_json_file_loads(self, document: JsonObject, data: st.DataObject) -> None:
        text = dump(document)
        assert parse_text(text).sealed
        assert is_refused(text[: data.draw(st.integers(0, len(text) - 1))])

    @given(policy_texts(), st.data())
    @FEWER
    def test_any_other_file_cut_inside_a_line_is_refused(
        self, text: str, data: st.DataObject
    ) -> None:
        cut = data.draw(st.integers(1, len(text) - 1).filter(lambda at: text[at - 1] != "\n"))
        assert is_refused(text[:cut])

    def test_a_cut_between_two_lines_of_any_other_file_is_the_residue(self) -> None:
        whole = 'version: "1"\ndefault: allow\ntools:\n  a: {action: deny}\n  b: {action: deny}\n'
        cut = whole[: whole.index("  b:")]
        call = Call(
            server="s",
            kind=Kind.TOOL,
            name="b",
            arguments={},
            principal=Principal(issuer="i", subject="s"),
            session="1",
        )
        loaded, complete = parse_policy(cut), parse_policy(whole)
        assert isinstance(evaluate(loaded.policy, call, now=Instant(micros=0)), Allow)
        assert not isinstance(evaluate(complete.policy, call, now=Instant(micros=0)), Allow)
        assert loaded.source is not None
        assert complete.source is not None
        assert not loaded.source.sealed
        assert (loaded.rules, loaded.source.lines) == (1, 4)
        assert (complete.rules, complete.source.lines) == (2, 5)
        assert loaded.source.digest != complete.source.digest

    def test_no_part_of_the_catalogue_example_loads(self) -> None:
        self._no_part_loads(ROOT / "policies" / "examples" / "catalogue.yaml")

    @pytest.mark.slow
    @pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
    def test_no_part_of_a_shipped_policy_loads(self, path: Path) -> None:
        self._no_part_loads(path)

    @pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
    def test_no_shipped_policy_loads_without_its_last_lines(self, path: Path) -> None:
        whole = path.read_bytes()
        ends = [found.end() for found in re.finditer(b"\n", whole)][:-1]
        assert all(is_refused(whole[:end]) for end in ends)

    @staticmethod
    def _no_part_loads(path: Path) -> None:
        """Every byte prefix is refused but those that lack only white space at the end."""
        whole = path.read_bytes()
        content = len(whole.rstrip()) if path.suffix == ".json" else len(whole)
        assert not is_refused(whole)
        loading = [length for length in range(content) if not is_refused(whole[:length])]
        assert loading == []
