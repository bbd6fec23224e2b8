"""Warnings: policies that load and may not mean what their author thinks."""

import pytest

from portcullis.policy.policy_text import parse_policy

TOOLS = ("list_brokers", "describe_broker", "delete_broker")


def warnings(
    text: str, *, default: str = "deny", known: tuple[str, ...] | None = None
) -> list[str]:
    """The warnings about a policy with these lines after its default."""
    loaded = parse_policy(f'version: "1"\ndefault: {default}\n{text}', known_tools=known)
    return [str(warning) for warning in loaded.warnings]


@pytest.mark.parametrize(
    "text",
    [
        "tools: {a: {action: allow}}\n",
        "tools: {a: {action: deny}}\n",
        "tools: {a: {rate_limit: {max: 1, window: 1}}}\n",
        'tools: {"*": {rate_limit: {max: 1, window: 1}}}\n',
        'tools: {a: {rules: [{rate_limit: {max: 1, window: 1}}]}, "*": {action: allow}}\n',
        'tools: {"delete_*": {action: deny}, delete_broker: {action: deny}}\n',
        "tools: {a: {rules: [{action: deny}, {action: deny, mode: shadow}]}}\n",
        "hide: [a]\ntools: {a: {action: deny}}\n",
    ],
)
def test_a_policy_that_says_what_it_means_has_no_warnings(text: str) -> None:
    assert warnings(text) == []


NEVER = "no rule ever permits it, and the default is deny"


@pytest.mark.parametrize(
    "entry",
    [
        "{rules: [{rate_limit: {max: 1, window: 1}}]}",
        "{rate_limit: {max: 1, window: 1}, mode: shadow}",
        "{action: allow, mode: shadow}",
        "{action: deny, mode: shadow}",
        "{action: deny, when: {path: tool, op: eq, value: a}}",
    ],
)
def test_a_tool_that_nothing_permits_is_told(entry: str) -> None:
    (told,) = warnings(f"tools:\n  a: {entry}\n")
    assert told.startswith(f"line 4, column 3: tools.a: {NEVER}")
    assert warnings(f"tools:\n  a: {entry}\n", default="allow") == []


def test_a_pattern_that_permits_something_else_permits_nothing_here() -> None:
    text = 'tools: {a: {rules: [{rate_limit: {max: 1, window: 1}}]}, "b*": {action: allow}}\n'
    assert NEVER in warnings(text)[0]


def test_O13_a_rule_beside_an_unconditional_deny_is_told() -> None:
    rules = "[{action: allow}, {name: never, action: deny}, {action: deny, mode: shadow}]"
    (told,) = warnings(f"tools:\n  a:\n    rules: {rules}\n")
    assert told == (
        "line 5, column 13: tools.a.rules[0]: the rule never matters: `a/never` always denies "
        "(give that rule a `when`)"
    )
    assert len(warnings(f'tools:\n  "*":\n    rules: {rules}\n')) == 1


def test_J11_an_entry_that_a_pattern_always_denies_is_told() -> None:
    (told,) = warnings('tools: {delete_broker: {action: allow}, "delete_*": {action: deny}}\n')
    assert "it is always denied by the entry `delete_*`: deny wins" in told


def test_O13_a_tool_that_is_hidden_and_allowed_is_told() -> None:
    (told,) = warnings("hide: [a]\ntools: {a: {action: allow}}\n")
    assert "the tool is hidden, so it cannot be called although a rule permits it" in told
    (by_pattern,) = warnings('hide: ["?"]\ntools: {a: {action: allow}, bb: {action: allow}}\n')
    assert by_pattern == told


def test_O02_an_open_policy_without_entries_is_told() -> None:
    (told,) = warnings("", default="allow")
    assert told.startswith("line 2, column 1: default: every tool is allowed")


def test_J13_hiding_everything_is_told() -> None:
    (told,) = warnings('hide: ["*"]\n')
    assert "every tool is hidden" in told


def test_O12_a_name_that_no_tool_has_is_told_with_the_nearest_one() -> None:
    (told,) = warnings("tools: {list_broker: {action: allow}}\n", known=TOOLS)
    expected = "the server has no tool `list_broker` (did you mean `list_brokers`)"
    assert told.endswith(expected)


def test_O12_a_name_like_no_other_is_told_without_a_guess() -> None:
    (told,) = warnings("hide: [zzz]\n", known=TOOLS)
    assert told == "line 3, column 1: hide: the server has no tool `zzz`"


def test_O12_a_pattern_that_matches_no_tool_is_told() -> None:
    text = 'tools: {"update_*": {action: deny}, "delete_*": {action: deny}}\n'
    (told,) = warnings(text, known=TOOLS)
    assert told.endswith("tools.update_*: no tool of the server matches `update_*`")


def test_without_the_tools_of_the_server_no_name_is_judged() -> None:
    assert warnings("tools: {no_such_tool: {action: allow}}\n") == []
    assert len(warnings("tools: {no_such_tool: {action: allow}}\n", known=())) == 1


@pytest.mark.parametrize("section", ["resources", "prompts"])
@pytest.mark.parametrize("name", ["greet", '"greet*"'])
def test_an_approval_that_nothing_could_wait_for_is_told(section: str, name: str) -> None:
    rule = "{action: require_approval, approval: {approvers: [group:a]}}"
    (told,) = warnings(f"{section}: {{{name}: {rule}}}\n")
    assert "only a call of a tool can wait for an approval" in told
    assert warnings(f"{section}: {{{name}: {{mode: shadow, {rule[1:]}}}\n") != [told]
