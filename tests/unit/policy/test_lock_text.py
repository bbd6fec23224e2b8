"""`categories` and `drift`: what they say, through a lock, and what is wrong with them."""

from typing import Any

import pytest

from policy_values import NOON, make_call
from portcullis.policy.decision import Allow, Deny, Outcome, RequireApproval
from portcullis.policy.document import parse_document
from portcullis.policy.evaluate import evaluate
from portcullis.policy.faults import PolicyFaults
from portcullis.policy.lock_text import MAXIMUM_LOCKED
from portcullis.policy.policy_text import parse_policy
from portcullis.values import JsonObject

APPROVAL: JsonObject = {"approvers": ["group:platform"]}
PIN = dict.fromkeys(("definition", "description", "schema", "annotations"), "0" * 64)


def lock(**categories: str) -> JsonObject:
    """A lock of these tools, each with its category."""
    return {"tools": {name: {**PIN, "category": one} for name, one in categories.items()}}


def document(**members: Any) -> Any:
    return {"version": "1", "default": "deny", "lock": lock(get="read", drop="destructive")} | (
        members
    )


def decided(tree: Any, name: str) -> Any:
    return evaluate(parse_document(tree).policy, make_call(name=name), now=NOON)


def faults_of(tree: Any) -> list[tuple[str, str]]:
    with pytest.raises(PolicyFaults) as raised:
        parse_document(tree)
    return [(fault.path, fault.message) for fault in raised.value.faults]


def warned(tree: Any, tools: tuple[str, ...] = ("get", "drop")) -> list[str]:
    return [one.path for one in parse_document(tree, known_tools=tools).warnings]


class TestCategories:
    def test_a_rule_of_a_category_counts_for_the_tools_locked_as_of_it(self) -> None:
        tree = document(categories={"read": {"action": "allow"}})
        assert decided(tree, "get") == Allow(rule="categories/read")
        assert decided(tree, "drop").outcome is Outcome.DENIED_BY_DEFAULT
        assert decided(tree, "new").outcome is Outcome.DENIED_BY_DEFAULT

    def test_a_deny_of_a_category_beats_an_allow_of_the_tool_and_the_other_way_round(self) -> None:
        allow, deny = {"action": "allow"}, {"action": "deny"}
        of_category = document(categories={"read": deny}, tools={"get": allow})
        of_tool = document(categories={"read": allow}, tools={"get": deny})
        assert decided(of_category, "get").rule == "categories/read"
        assert decided(of_tool, "get").rule == "get"

    def test_an_approval_of_a_category_beats_an_allow(self) -> None:
        ask = {"action": "require_approval", "approval": APPROVAL}
        tree = document(categories={"destructive": ask}, tools={"*": {"action": "allow"}})
        decision = decided(tree, "drop")
        assert isinstance(decision, RequireApproval)
        assert decision.rule == "categories/destructive"

    def test_several_rules_of_a_category_have_labels_of_their_own(self) -> None:
        when = {"path": "tool", "op": "eq", "value": "get"}
        rules = [{"action": "deny", "when": [when]}, {"action": "allow"}]
        assert decided(document(categories={"read": {"rules": rules}}), "get").rule == (
            "categories/read/1"
        )

    def test_limits_alone_permit_nothing_of_a_category(self) -> None:
        tree = document(categories={"read": {"rate_limit": {"max": 1, "window": "1m"}}})
        assert isinstance(decided(tree, "get"), Deny)

    def test_without_a_lock_the_fault_says_what_to_do(self) -> None:
        text = 'version: "1"\ndefault: deny\ncategories:\n  read: {action: allow}\ndrift: {}\n'
        with pytest.raises(PolicyFaults) as raised:
            parse_policy(text)
        assert [(one.path, one.line) for one in raised.value.faults] == [
            ("categories", 3),
            ("drift", 5),
        ]
        assert "portcullis lock" in str(raised.value)
        assert parse_policy(text, lock=lock(get="read")).policy.lock is not None

    @pytest.mark.parametrize(
        "categories, path",
        [
            ({}, "categories"),
            ([], "categories"),
            ({"reads": {"action": "allow"}}, "categories.reads"),
            ({"read": {}}, "categories.read"),
            ({"read": "allow"}, "categories.read"),
        ],
    )
    def test_what_is_no_entry_of_a_category_is_a_fault(self, categories: Any, path: str) -> None:
        assert {one for one, _ in faults_of(document(categories=categories))} == {path}

    def test_advice_on_the_rules_of_a_category_stands_where_they_do(self) -> None:
        rules = {"rules": [{"action": "deny"}, {"action": "allow"}]}
        assert warned(document(categories={"read": rules})) == ["categories.read.rules[1]"]

    def test_a_tool_that_only_its_category_permits_is_not_said_to_be_never_permitted(self) -> None:
        limits = {"rules": [{"rate_limit": {"max": 1, "window": 1}}]}
        tree = document(categories={"read": {"action": "allow"}}, tools={"get": limits})
        assert warned(tree) == []


class TestDrift:
    def test_without_a_word_a_lock_denies_what_changed_or_is_new(self) -> None:
        held = parse_document(document()).policy.lock
        assert held is not None
        assert [held.changed.label, held.added.label] == ["drift/changed", "drift/added"]
        assert {str(one.effect) for one in (held.changed, held.added)} == {"Effect.DENY"}

    def test_its_canonical_form_has_the_defaults(self) -> None:
        policy = parse_document(document(drift={"changed": "allow"})).policy
        assert policy.document["drift"] == {"changed": "allow", "added": "deny"}

    @pytest.mark.parametrize(
        "drift, path",
        [
            ([], "drift"),
            ({"new": "deny"}, "drift.new"),
            ({"changed": "ask"}, "drift.changed"),
            ({"added": 1}, "drift.added"),
            ({"added": "require_approval"}, "drift"),
            ({"approval": APPROVAL}, "drift.approval"),
        ],
    )
    def test_what_is_no_word_on_drift_is_a_fault(self, drift: Any, path: str) -> None:
        assert [one for one, _ in faults_of(document(drift=drift))] == [path]


class TestLock:
    def test_another_lock_is_another_revision(self) -> None:
        revisions = {
            parse_document(document(lock=one)).policy.revision
            for one in (lock(get="read"), lock(get="write"), lock(get="read", put="read"))
        }
        assert len(revisions) == 3

    def test_a_policy_without_a_lock_is_what_it_always_was(self) -> None:
        policy = parse_document({"version": "1", "default": "deny"}).policy
        assert policy.lock is None
        assert policy.document == {"version": "1", "default": "deny"}

    def test_no_author_writes_the_lock_into_a_policy(self) -> None:
        text = 'version: "1"\ndefault: deny\nlock: {tools: {}}\n'
        with pytest.raises(PolicyFaults) as raised:
            parse_policy(text)
        (fault,) = raised.value.faults
        assert (fault.path, fault.line) == ("lock", 3)
        assert "incoming/locks/" in str(fault)

    @pytest.mark.parametrize(
        "tree, path",
        [
            ([], "lock"),
            ({}, "lock"),
            ({"tools": []}, "lock.tools"),
            ({"tools": {"get": 1}}, "lock.tools.get"),
            ({"tools": {"get": {}}}, "lock.tools.get"),
            ({"tools": {"get": {**PIN, "category": "reads"}}}, "lock.tools.get.category"),
            (
                {"tools": {"get": {**PIN, "category": "read", "schema": "0"}}},
                "lock.tools.get.schema",
            ),
            ({"tools": {f"t{n}": {} for n in range(MAXIMUM_LOCKED + 1)}}, "lock"),
        ],
    )
    def test_what_is_no_lock_is_a_fault(self, tree: Any, path: str) -> None:
        assert {one for one, _ in faults_of(document(lock=tree))} == {path}
