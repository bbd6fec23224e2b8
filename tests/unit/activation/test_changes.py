"""What changes between two policies, told to whom it is shown; what widens comes first."""

import pytest

from portcullis.activation.changes import changes_between
from portcullis.policy.policy_text import parse_policy
from portcullis.values import JsonMapping, JsonObject

HEAD = 'version: "1"\ndefault: deny\n'
TAKEN = '[{"max":5,"window":60,"per":"session","algorithm":"sliding_window"}]'
LIMIT = "rate_limit: {max: 5, window: 60}"
ASK = "action: require_approval, approval: {approvers: [ann]}"


def document(text: str) -> JsonMapping:
    return parse_policy(text if text.startswith("version") else HEAD + text).policy.document


def entry(rules: str) -> str:
    return f"tools:\n  t: {rules}\n"


def told(before: str | None, after: str) -> list[tuple[str, bool]]:
    old = None if before is None else document(before)
    return [(one.text, one.widens) for one in changes_between(old, document(after))]


def test_the_same_policy_changes_nothing() -> None:
    assert told(entry("{action: allow}"), entry("{action: allow}")) == []


def test_a_first_policy_is_all_that_it_opens() -> None:
    assert told(None, HEAD + "hide: [x]\n" + entry(f"{{action: allow, {LIMIT}}}")) == [
        (f"tool `t` is added: allow at most {TAKEN}", True),
        ("`x` becomes hidden", False),
    ]


def test_the_default_is_told_by_both_of_its_values() -> None:
    wide = HEAD.replace("deny", "allow")
    assert told(HEAD, wide) == [("what no entry names: was `deny`, becomes `allow`", True)]
    assert told(wide, HEAD) == [("what no entry names: was `allow`, becomes `deny`", False)]


def test_what_is_no_longer_hidden_widens() -> None:
    assert told(HEAD + "hide: [x, z]\n", HEAD + "hide: [z]\n") == [
        ("`x` is no longer hidden", True)
    ]


WIDENS = {
    "an entry that allows": (None, "{action: allow}", True),
    "an entry that asks": (None, f"{{{ASK}}}", True),
    "an entry that denies": (None, "{action: deny}", False),
    "an allow that goes": ("{action: allow}", None, False),
    "a limited allow that goes": (f"{{action: allow, {LIMIT}}}", None, True),
    "a deny that goes": ("{action: deny}", None, True),
    "an asking rule that goes": (f"{{{ASK}}}", None, True),
    "a deny beside": ("{action: allow}", "{rules: [{action: allow}, {action: deny}]}", False),
    "a deny that becomes an allow": ("{action: deny}", "{action: allow}", True),
    "an allow that becomes a deny": ("{action: allow}", "{action: deny}", False),
    "a limit that is raised": (
        f"{{action: allow, {LIMIT}}}",
        f"{{action: allow, {LIMIT.replace('5', '9')}}}",
        True,
    ),
    "a condition that changes": (
        "{action: deny, when: {path: args.a, op: eq, value: 1}}",
        "{action: deny, when: {path: args.a, op: eq, value: 2}}",
        True,
    ),
    "a rule that becomes a shadow": ("{action: deny}", "{action: deny, mode: shadow}", True),
}


@pytest.mark.parametrize(("before", "after", "widens"), WIDENS.values(), ids=WIDENS)
def test_a_change_widens_unless_it_provably_does_not(
    before: str | None, after: str | None, widens: bool
) -> None:
    other = "  z: {action: deny}\n"
    old, new = (
        "tools:\n" + ("" if one is None else f"  t: {one}\n") + other for one in (before, after)
    )
    ((text, found),) = told(old, new)
    assert found is widens
    assert "`t`" in text


@pytest.mark.parametrize("after", ["", "  t: {rules: [{action: deny, name: no-one}]}\n"])
def test_where_what_no_entry_names_is_allowed_whatever_goes_widens(after: str) -> None:
    head = 'version: "1"\ndefault: allow\ntools:\n  z: {action: deny}\n'
    before = head + "  t: {rules: [{action: allow}, {action: deny, name: no-one}]}\n"
    ((_, widens),) = told(before, head + after)
    assert widens


def test_the_order_of_rules_and_their_words_are_told_in_a_line() -> None:
    one, two = f"{{name: no-one, {ASK}, reason: why}}", "{action: deny, mode: shadow}"
    before, after = entry("{action: allow}"), entry(f"{{rules: [{one}, {two}]}}")
    ((text, _),) = told(before, after)
    assert text.startswith("tool `t` changes; new: (no-one) require_approval by {")
    assert "because: why | deny in shadow; gone: allow" in text
    swapped = entry(f"{{rules: [{two}, {one}]}}")
    assert told(after, swapped) == []


@pytest.mark.parametrize(
    "before",
    [{"tools": 7}, {"tools": {"t": 7}}, {"tools": {"t": {"rules": 7}}}, {"hide": "x"}],
)
def test_what_has_another_form_held_nothing(before: JsonMapping) -> None:
    (change,) = changes_between({"default": "deny", **before}, document(entry("{action: allow}")))
    assert change.widens


PIN = dict.fromkeys(("definition", "description", "schema", "annotations"), "0" * 64)


def locked(text: str = "", **categories: str) -> JsonMapping:
    """A policy with a lock of these tools; a category with an x stands for another schema."""
    tools: JsonObject = {
        name: {
            **PIN,
            "category": one.removesuffix("x"),
            "schema": ("1" if one.endswith("x") else "0") * 64,
        }
        for name, one in categories.items()
    }
    return parse_policy(HEAD + text, lock={"tools": tools}).policy.document


def told_of_locks(before: JsonMapping, after: JsonMapping) -> list[tuple[str, bool]]:
    return [(one.text, one.widens) for one in changes_between(before, after)]


def test_C14_what_a_lock_accepts_widens_and_is_named() -> None:
    before, after = locked(a="read", b="read", d="read"), locked(a="readx", c="read", d="write")
    assert told_of_locks(before, after) == [
        ("the lock accepts a change of the tool `a`: schema", True),
        ("the lock accepts the new tool `c`", True),
        ("the lock accepts a change of the tool `d`: category", True),
        ("the lock no longer holds the tool `b`", False),
    ]


def test_a_first_lock_narrows_and_one_that_goes_widens() -> None:
    free, held = document(HEAD), locked(a="read")
    assert told_of_locks(free, held) == [
        ("a tool that is changed: was `allow`, becomes `deny`", False),
        ("a tool that is added: was `allow`, becomes `deny`", False),
        ("a lock comes in force, of 1 tools", False),
    ]
    assert told_of_locks(held, free) == [("the lock is gone: tools may change unseen", True)]
    assert told_of_locks(held, held) == []


def test_rules_of_a_category_and_drift_are_told() -> None:
    ask = "drift: {added: require_approval, approval: {approvers: [ann]}}\n"
    opened = "categories:\n  read: {action: allow}\n"
    assert told_of_locks(locked(a="read"), locked(opened + ask, a="read")) == [
        ("category `read` is added: allow", True),
        ("a tool that is added: was `deny`, becomes `require_approval`", True),
        (
            'a drifted tool is approved by {"approvers":["ann"],"timeout":3600,"min_approvals":1}',
            True,
        ),
    ]


def test_a_tool_that_leaves_the_lock_may_leave_the_denial_of_its_category_too() -> None:
    before, after = locked(a="read", b="read"), locked(a="read")
    for word in ("allow", "require_approval"):
        drift: JsonObject = {"changed": "deny", "added": word}
        told = told_of_locks({**before, "drift": drift}, {**after, "drift": drift})
        assert told == [("the lock no longer holds the tool `b`", True)]
