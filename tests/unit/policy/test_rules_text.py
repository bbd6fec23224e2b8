"""What a rule says: its effect, its approval, and which of its parts go together."""

from typing import Any

import pytest

from portcullis.policy.document import parse_document
from portcullis.policy.faults import PolicyFaults
from portcullis.policy.model import Approval, Effect, Kind, Rule
from portcullis.policy.paths import compile_path
from portcullis.values import JsonObject, JsonValue

LIMIT: JsonObject = {"max": 1, "window": 60}
WHEN: JsonObject = {"path": "args.a", "op": "exists", "value": True}
APPROVAL: JsonObject = {"approvers": ["group:platform"]}


def rule(entry: JsonObject, key: str = "tool") -> Rule:
    """The one rule of an entry."""
    document: JsonObject = {"version": "1", "default": "deny", "tools": {key: entry}}
    section = parse_document(document).policy.sections[Kind.TOOL]
    rules = section.exact[key] if key in section.exact else section.patterns[0][2]
    assert len(rules) == 1
    return rules[0]


def faults(entry: JsonValue) -> list[str]:
    """The faults of an entry."""
    with pytest.raises(PolicyFaults) as raised:
        parse_document({"version": "1", "default": "deny", "tools": {"t": entry}})
    return [str(fault) for fault in raised.value.faults]


EFFECTS: list[tuple[str, JsonObject, Effect | None]] = [
    ("tool", {"action": "allow"}, Effect.ALLOW),
    ("tool", {"action": "deny"}, Effect.DENY),
    ("tool", {"action": "require_approval", "approval": APPROVAL}, Effect.REQUIRE_APPROVAL),
    ("tool", {"rate_limit": LIMIT}, Effect.ALLOW),
    ("tool", {"rate_limit": LIMIT, "reason": "x", "name": "y"}, Effect.ALLOW),
    ("tool", {"spend_limit": {"path": "args.a", **LIMIT}}, Effect.ALLOW),
    ("tool", {"rate_limit": LIMIT, "mode": "enforce"}, Effect.ALLOW),
    ("tool", {"action": "rate_limit", "rate_limit": LIMIT}, Effect.ALLOW),
    ("tool", {"action": "rate_limit", "rate_limit": LIMIT, "when": WHEN}, Effect.ALLOW),
    ("tool", {"rate_limit": LIMIT, "when": WHEN}, None),
    ("tool", {"rate_limit": LIMIT, "mode": "shadow"}, None),
    ("tool", {"rules": [{"rate_limit": LIMIT}]}, None),
    ("tool", {"rules": [{"action": "rate_limit", "rate_limit": LIMIT}]}, None),
    ("tool", {"rules": [{"action": "allow", "rate_limit": LIMIT}]}, Effect.ALLOW),
    ("*", {"rate_limit": LIMIT}, None),
    ("to?l", {"rate_limit": LIMIT}, None),
    ("*", {"action": "rate_limit", "rate_limit": LIMIT}, None),
    ("*", {"action": "allow", "rate_limit": LIMIT}, Effect.ALLOW),
]


@pytest.mark.parametrize("key,entry,effect", EFFECTS)
def test_a_limit_alone_permits_one_exact_tool_and_nothing_else(
    key: str, entry: JsonObject, effect: Effect | None
) -> None:
    assert rule(entry, key).effect is effect


@pytest.mark.parametrize("key,entry,effect", EFFECTS)
def test_the_canonical_form_of_a_rule_has_the_same_effect(
    key: str, entry: JsonObject, effect: Effect | None
) -> None:
    first = parse_document({"version": "1", "default": "deny", "tools": {key: entry}}).policy
    tools: Any = first.document["tools"]
    assert rule(tools[key], key).effect is effect


def test_shadow_is_a_mode_of_any_rule() -> None:
    assert rule({"action": "deny", "mode": "shadow"}).shadow
    assert not rule({"action": "deny", "mode": "enforce"}).shadow
    assert not rule({"action": "deny"}).shadow


def test_an_approval_has_an_hour_and_needs_one_person_unless_written_otherwise() -> None:
    entry: JsonObject = {"action": "require_approval", "approval": APPROVAL}
    expected = Approval(approvers=("group:platform",), timeout_seconds=3600, min_approvals=1)
    assert rule(entry).approval == expected


def test_an_approval_is_read_as_written() -> None:
    approval: JsonObject = {"approvers": ["alice", "bob"], "timeout": "2h", "min_approvals": 2}
    approval["show"] = ["args.user_name"]
    expected = Approval(
        approvers=("alice", "bob"),
        timeout_seconds=7200,
        min_approvals=2,
        show=(compile_path("args.user_name"),),
    )
    assert rule({"action": "require_approval", "approval": approval}).approval == expected


def test_a_group_may_have_any_number_of_members() -> None:
    approval: JsonObject = {"approvers": ["group:platform"], "min_approvals": 5}
    found = rule({"action": "require_approval", "approval": approval}).approval
    assert found is not None
    assert found.min_approvals == 5


@pytest.mark.parametrize(
    "approval,path",
    [
        (5, "tools.t.approval"),
        ({"timeout": "1h"}, "tools.t.approval"),
        ({"approvers": [], "timeout": "1h"}, "tools.t.approval.approvers"),
        ({"approvers": ["a"], "timeout": 0}, "tools.t.approval.timeout"),
        ({"approvers": ["a"], "min_approvals": 2}, "tools.t.approval.min_approvals"),
        ({"approvers": ["a"], "min_approvals": True}, "tools.t.approval.min_approvals"),
        ({"approvers": ["group:"]}, "tools.t.approval.approvers[0]"),
        ({"approvers": ["a "]}, "tools.t.approval.approvers[0]"),
        ({"approvers": ["*"]}, "tools.t.approval.approvers[0]"),
        ({"approvers": [5]}, "tools.t.approval.approvers[0]"),
        ({"approvers": ["a", "a"]}, "tools.t.approval.approvers"),
        ({"approvers": ["a"], "show": []}, "tools.t.approval.show"),
        ({"approvers": ["a"], "show": "args.name"}, "tools.t.approval.show"),
        ({"approvers": ["a"], "show": [5]}, "tools.t.approval.show[0]"),
        ({"approvers": ["a"], "show": ["args.."]}, "tools.t.approval.show[0]"),
        ({"approvers": ["a"], "show": ["args.x[*]"]}, "tools.t.approval.show[0]"),
        ({"approvers": ["a"], "show": ["principal.subject"]}, "tools.t.approval.show[0]"),
        ({"approvers": ["a"], "show": ["args"]}, "tools.t.approval.show[0]"),
    ],
)
def test_an_approval_that_nobody_can_give_is_refused(approval: JsonValue, path: str) -> None:
    told = faults({"action": "require_approval", "approval": approval})
    assert [text.split(": ")[0] for text in told] == [path]


@pytest.mark.parametrize(
    "entry,message",
    [
        ({"reason": "x"}, "the rule has no action and no limit"),
        ({"action": "rate_limit"}, "the rule has no limit"),
        ({"action": "deny", "rate_limit": LIMIT}, "a rule that denies takes no limit"),
        (
            {"action": "deny", "spend_limit": {"path": "args.a", **LIMIT}},
            "a rule that denies takes no limit",
        ),
        ({"action": "require_approval"}, "nobody is named who approves"),
        ({"action": "allow", "approval": APPROVAL}, "nothing here asks for an approval"),
        ({"rate_limit": LIMIT, "approval": APPROVAL}, "nothing here asks for an approval"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(entry: JsonObject, message: str) -> None:
    told = faults(entry)
    assert len(told) == 1
    assert message in told[0]


def test_a_misspelt_action_is_the_only_fault_of_its_rule() -> None:
    assert len(faults({"action": "Require", "approval": APPROVAL})) == 1


def test_a_rule_of_unknown_keys_only_is_told_by_its_keys() -> None:
    told = faults({"rules": [{"acton": "allow"}]})
    assert told == ["tools.t.rules[0].acton: the key `acton` is unknown (did you mean `action`)"]
