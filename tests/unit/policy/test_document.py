"""The top level of a policy document, its entries, and its canonical form."""

from decimal import Decimal

import pytest

from portcullis.policy.document import Loaded, parse_document, to_document
from portcullis.policy.faults import PolicyFaults
from portcullis.policy.model import Effect, Kind
from portcullis.policy.policy_text import parse_policy
from portcullis.strictjson import dump, parse
from portcullis.values import JsonObject, JsonValue

CATALOGUE = """\
version: "1"
default: deny                      # required: what happens to a tool that no entry names
hide: [rabbitmq_broker_get_broker_definition]
tools:
  list_brokers: {action: allow}
  put_user_policy:
    action: allow
    rate_limit: {max: 10, window: 60}        # 10 calls a minute, per agent session
  delete_broker:
    action: deny
    reason: Brokers are deleted by the platform team.
  create_broker:
    rules:
      - name: private only
        action: deny
        when:
          - {path: args.publicly_accessible, op: neq, value: false}
        reason: Set publicly_accessible to false.
      - name: a person looks at it
        action: require_approval
        approval: {approvers: [group:platform], timeout: 1h}
  "*":
    rate_limit: {max: 100, window: 1h, per: principal}
"""


def load(**more: JsonValue) -> Loaded:
    """Load a closed policy with more keys."""
    return parse_document({"version": "1", "default": "deny", **more})


def faults(tree: JsonValue) -> list[str]:
    """The faults of a document."""
    with pytest.raises(PolicyFaults) as raised:
        parse_document(tree)
    return [str(fault) for fault in raised.value.faults]


def test_the_catalogue_form_works_as_written() -> None:
    loaded = parse_policy(CATALOGUE)
    tools = loaded.policy.sections[Kind.TOOL]
    assert loaded.policy.default is Effect.DENY
    assert loaded.policy.hidden("rabbitmq_broker_get_broker_definition")
    assert not loaded.policy.hidden("list_brokers")
    assert set(tools.exact) == {"list_brokers", "put_user_policy", "delete_broker", "create_broker"}
    assert [pattern for pattern, _, _ in tools.patterns] == ["*"]
    assert loaded.rules == 6
    assert loaded.warnings == ()


def test_the_source_of_a_text_is_told_and_a_document_has_none() -> None:
    source = parse_policy(CATALOGUE).source
    assert source is not None
    assert source.lines == 23
    assert not source.sealed
    assert load().source is None


def test_the_smallest_policy_denies_everything() -> None:
    policy = load().policy
    assert policy.default is Effect.DENY
    assert not policy.hidden("anything")
    assert to_document(policy) == {"version": "1", "default": "deny"}


@pytest.mark.parametrize("tree", [None, [], "deny", 5, True])
def test_O02_what_is_no_mapping_is_no_policy(tree: JsonValue) -> None:
    assert "stands where a policy must be" in faults(tree)[0]


@pytest.mark.parametrize("version", [1, Decimal("1.0"), "2", "", None, True, ["1"]])
def test_the_version_is_the_text_1(version: JsonValue) -> None:
    expected = 'version: the version is not the text `1` (write `version: "1"`, with the quotes)'
    assert faults({"version": version, "default": "deny"}) == [expected]


def test_everything_wrong_is_told_at_once() -> None:
    told = faults({"defualt": "deny", "hide": "a", "tools": {"a b": {"action": "x"}, "c": {}}})
    assert len(told) == 5


def test_a_number_too_large_to_write_is_refused_with_the_document() -> None:
    condition: JsonObject = {"path": "args.size", "op": "lt", "value": Decimal("1e500")}
    tools: JsonObject = {"a": {"action": "deny", "when": condition}}
    told = faults({"version": "1", "default": "deny", "tools": tools})
    assert told == ["it cannot be stored: value has no JSON form"]


def test_hidden_names_are_kept_once_in_order_and_patterns_match_whole_names() -> None:
    policy = load(hide=["zeta", "delete_*", "alpha"]).policy
    assert policy.document["hide"] == ["alpha", "delete_*", "zeta"]
    assert [policy.hidden(name) for name in ("zeta", "alpha", "delete_x", "undelete_x")] == [
        True,
        True,
        True,
        False,
    ]


def test_J13_everything_can_be_hidden() -> None:
    assert load(hide=["*"]).policy.hidden("anything")


@pytest.mark.parametrize("key", ["get[1]", "a b", "ä", "", "a/b", "x" * 129])
def test_a_tool_is_named_as_tools_are(key: str) -> None:
    told = faults({"version": "1", "default": "deny", "tools": {key: {"action": "allow"}}})
    assert "cannot be the name of a tool" in told[0]


def test_resources_and_prompts_have_the_same_entries_as_tools() -> None:
    rule: JsonObject = {"action": "deny", "reason": "No."}
    policy = load(
        resources={"file:///etc/*": rule, "file:///a": rule}, prompts={"a b": rule}
    ).policy
    resources, prompts = policy.sections[Kind.RESOURCE], policy.sections[Kind.PROMPT]
    (pattern, matches, rules), *none = resources.patterns
    assert none == []
    assert pattern == "file:///etc/*"
    assert matches("file:///etc/ssh/config")
    assert not matches("file:///home")
    assert rules[0].label == "file:///etc/*"
    assert resources.exact["file:///a"][0].effect is Effect.DENY
    assert prompts.exact["a b"][0].reason == "No."


def test_an_entry_that_is_one_rule_is_labelled_by_its_key_and_name() -> None:
    tools = load(
        tools={"a": {"action": "allow"}, "b": {"action": "allow", "name": "the rule"}}
    ).policy.sections[Kind.TOOL]
    assert tools.exact["a"][0].label == "a"
    assert tools.exact["b"][0].label == "b/the rule"


def test_rules_are_labelled_by_their_names_or_numbers() -> None:
    rules: list[JsonValue] = [{"action": "allow"}, {"action": "deny", "name": "never"}]
    tools = load(tools={"a": {"rules": rules}, "b": {"rules": rules[:1]}}).policy.sections[
        Kind.TOOL
    ]
    assert [rule.label for rule in tools.exact["a"]] == ["a/1", "a/never"]
    assert [rule.label for rule in tools.exact["b"]] == ["b/1"]


def test_a_name_that_is_another_rules_number_is_refused() -> None:
    rules: list[JsonValue] = [{"action": "allow"}, {"action": "allow", "name": "1"}]
    told = faults({"version": "1", "default": "deny", "tools": {"a": {"rules": rules}}})
    assert told == ["tools.a.rules[1]: another rule is called `a/1` (rename one)"]


def test_an_entry_has_at_most_64_rules() -> None:
    rules: list[JsonValue] = [{"action": "allow"}] * 64
    load(tools={"a": {"rules": rules}})
    told = faults({"version": "1", "default": "deny", "tools": {"a": {"rules": [*rules, {}]}}})
    assert told == ["tools.a.rules: `rules` must not have more than 64 elements"]


def test_O08_a_policy_has_at_most_2000_entries_of_a_kind() -> None:
    entries: JsonObject = {f"tool_{number}": {"action": "allow"} for number in range(2000)}
    load(tools=entries)
    told = faults(
        {"version": "1", "default": "deny", "tools": {**entries, "more": {"action": "allow"}}}
    )
    assert told == ["tools: there are more than 2000 entries"]


def test_faulty_rules_and_entries_do_not_hide_the_faults_after_them() -> None:
    rules: list[JsonValue] = [5, {"acton": "deny"}, {"action": "deny", "reason": 5}]
    told = faults(
        {"version": "1", "default": "deny", "tools": {"a": {"rules": rules}, "b": 5, "c": {"x": 1}}}
    )
    assert [text.split(":")[0] for text in told] == [
        "tools.a.rules[0]",
        "tools.a.rules[1].acton",
        "tools.a.rules[2].reason",
        "tools.b",
        "tools.c.x",
    ]


class TestTheCanonicalForm:
    """What is stored, what the gateway loads, and what the revision names."""

    def test_it_is_read_back_as_the_same_policy(self) -> None:
        policy = parse_policy(CATALOGUE).policy
        stored = parse(dump(to_document(policy)))
        again = parse_document(stored).policy
        assert to_document(again) == to_document(policy) == stored
        assert again.revision == policy.revision

    def test_it_writes_out_what_was_left_out(self) -> None:
        policy = parse_policy(CATALOGUE).policy
        tools = policy.document["tools"]
        assert isinstance(tools, dict)
        assert tools["put_user_policy"] == {
            "action": "allow",
            "rate_limit": [
                {"max": 10, "window": 60, "per": "session", "algorithm": "sliding_window"}
            ],
        }

    def test_spelling_order_and_comments_do_not_change_the_revision(self) -> None:
        other = """\
            {"tools": {"a": {"rate_limit": [{"window": 60, "max": 5, "per": "session"}]}},
             "default": "deny", "version": "1"}"""
        first = parse_policy(
            'version: "1"\ndefault: deny # closed\ntools: {a: {rate_limit: {max: 5, window: 1m}}}\n'
        )
        assert parse_policy(other).policy.revision == first.policy.revision

    def test_what_is_said_changes_the_revision(self) -> None:
        revisions = {
            load().policy.revision,
            load(description="x").policy.revision,
            load(tools={"a": {"action": "allow"}}).policy.revision,
            load(tools={"a": {"action": "deny"}}).policy.revision,
            load(tools={"a": {"action": "deny", "reason": "x"}}).policy.revision,
        }
        assert len(revisions) == 5
        assert all(revision.startswith("sha256:") for revision in revisions)

    def test_the_caller_may_keep_and_change_what_it_was_given(self) -> None:
        policy = load(tools={"a": {"action": "allow"}}).policy
        to_document(policy)["default"] = "allow"
        assert policy.document["default"] == "deny"

    def test_patterns_are_in_the_order_of_their_text(self) -> None:
        rule: JsonObject = {"action": "allow"}
        tools = load(tools={"b_*": rule, "*": rule, "a_*": rule}).policy.sections[Kind.TOOL]
        assert [pattern for pattern, _, _ in tools.patterns] == ["*", "a_*", "b_*"]


def test_a_fault_of_the_text_is_not_told_again_by_the_document() -> None:
    with pytest.raises(PolicyFaults) as raised:
        parse_policy('version: "1"\ndefault: no\ntools:\n  a: {action: alow}\n')
    assert [fault.path for fault in raised.value.faults] == ["default", "tools.a.action"]


def test_a_document_without_faults_of_its_own_is_refused_for_those_of_its_text() -> None:
    with pytest.raises(PolicyFaults) as raised:
        parse_policy('{"version": "1", "default": "deny",}')
    assert len(raised.value.faults) == 1
