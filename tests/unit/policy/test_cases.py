"""Tests in a policy file: how they are read, run, and told of."""

from typing import Any

import pytest

from portcullis.policy import case_text
from portcullis.policy.cases import CaseResult, failures, run_cases
from portcullis.policy.decision import Outcome
from portcullis.policy.document import parse_document, to_document
from portcullis.policy.faults import PolicyFaults
from portcullis.policy.policy_text import parse_policy

POLICY = """\
version: "1"
default: deny
hide: [secret_tool]
tools:
  list: {action: allow}
  create:
    rules:
      - name: private only
        action: deny
        when: [{path: args.public, op: neq, value: false}]
      - name: ours
        action: allow
        when:
          - {path: principal.groups, op: contains, value: platform}
          - {path: principal.tags.team, op: eq, value: x}
          - {path: principal.claims.level, op: gte, value: 2}
          - {path: principal.subject, op: eq, value: alice}
          - {path: principal.issuer, op: eq, value: https://id.example}
          - {path: time.hour, op: lt, value: 18}
          - {path: server, op: eq, value: mq}
        rate_limit: {max: 1, window: 1d}
  pay: {action: allow, spend_limit: {path: args.amount, max: 10, window: 1d}}
  ask: {action: require_approval, approval: {approvers: [bob]}}
resources:
  "file:///a": {action: allow}
  "file:///b": {action: require_approval, approval: {approvers: [bob]}}
prompts:
  plan: {action: deny}
"""
TOOLS: dict[str, Any] = {
    "create": {
        "inputSchema": {
            "type": "object",
            "properties": {"public": {"type": "boolean", "default": True}},
        }
    },
    "list": {"name": "list"},
}
ALICE = (
    "{issuer: https://id.example, subject: alice, groups: [platform], "
    "tags: {team: x}, claims: {level: 2}}"
)
EVENING = "2026-11-23T20:04:05.678+02:00"
LINE = POLICY.count("\n") + 1


def run(case: str, tools: dict[str, Any] | None = None) -> CaseResult:
    """The result of one test, written in flow style."""
    loaded = parse_policy(f"{POLICY}tests:\n  - {{name: t, {case}}}\n")
    (result,) = run_cases(loaded.policy, loaded.cases, tools, server="mq")
    return result


@pytest.mark.parametrize(
    ("call", "decided", "outcome", "rule"),
    [
        ("{tool: list}", "allow", "allowed", "list"),
        ("{tool: other}", "deny", "denied_by_default", None),
        ("{tool: secret_tool}", "hide", "hidden", None),
        ("{tool: ask}", "require_approval", "approval_required", "ask"),
        ("{tool: pay, args: {amount: -1}}", "deny", "invalid_amount", "pay"),
        ("{tool: create, args: {public: true}}", "deny", "denied_by_rule", "create/private only"),
        ("{tool: create}", "deny", "indeterminate", "create/private only"),
        (
            f"{{tool: create, args: {{public: false}}, principal: {ALICE}}}",
            "allow",
            "allowed",
            "create/ours",
        ),
        (
            f"{{tool: create, args: {{public: false}}, principal: {ALICE}, at: '{EVENING}'}}",
            "deny",
            "denied_by_default",
            None,
        ),
        ('{resource: "file:///a"}', "allow", "allowed", "file:///a"),
        ('{resource: "file:///b"}', "deny", "approval_unsupported", "file:///b"),
        ("{prompt: plan}", "deny", "denied_by_rule", "plan"),
    ],
)
def test_a_test_is_decided_as_a_call_is(
    call: str, decided: str, outcome: str, rule: str | None
) -> None:
    result = run(f"call: {call}, expect: {decided}")
    assert (result.decided, result.outcome.value, result.rule) == (decided, outcome, rule)
    assert result.passed
    assert not result.is_checked
    other = "deny" if decided == "allow" else "allow"
    assert not run(f"call: {call}, expect: {other}").passed


def test_limits_stand_open_however_often_a_call_is_tested() -> None:
    case = f"call: {{tool: create, args: {{public: false}}, principal: {ALICE}}}, expect: allow"
    tests = "".join(f"  - {{name: {number}th, {case}}}\n" for number in range(3))
    loaded = parse_policy(f"{POLICY}tests:\n{tests}")
    results = run_cases(loaded.policy, loaded.cases, None, server="mq")
    assert [result.passed for result in results] == [True, True, True]


def test_known_arguments_are_read_as_the_server_will_see_them() -> None:
    """The declared default is filled in; without the tool's schema it cannot be told."""
    case = "call: {tool: create}, expect: deny, rule: create/private only, outcome: denied_by_rule"
    assert run(case, TOOLS).passed
    assert run(case, TOOLS).is_checked
    assert not run(case).passed
    assert run("call: {tool: list, args: {any: 1}}, expect: allow", TOOLS).is_checked
    assert not run("call: {tool: pay, args: {amount: 1}}, expect: allow", TOOLS).is_checked


def test_arguments_that_the_tool_does_not_take_are_a_denial_that_names_no_value() -> None:
    result = run("call: {tool: create, args: {public: hunter2}}, expect: allow", TOOLS)
    assert (result.decided, result.outcome) == ("deny", Outcome.INVALID_ARGUMENTS)
    assert "hunter2" not in str(result.fault)
    assert result.fault.suggestion == "`args.public` must be boolean, is string"


def test_a_hidden_tool_is_hidden_whatever_its_arguments() -> None:
    tools = {"secret_tool": {"inputSchema": {"type": "object", "required": ["a"]}}}
    assert run("call: {tool: secret_tool}, expect: hide", tools).passed


@pytest.mark.parametrize(
    ("more", "passed"),
    [
        ("rule: list", True),
        ("rule: lists", False),
        ("outcome: allowed", True),
        ("outcome: hidden", False),
        ("rule: list, outcome: allowed", True),
    ],
)
def test_a_rule_and_an_outcome_are_compared_where_they_are_written(
    more: str,
    passed: bool,
) -> None:
    assert run(f"call: {{tool: list}}, expect: allow, {more}").passed is passed


def test_a_failure_says_what_was_expected_and_what_was_decided_by_which_rule() -> None:
    tests = (
        "tests:\n"
        "  - {name: fine, call: {tool: list}, expect: allow}\n"
        "  - {name: public, call: {tool: create, args: {public: true}}, expect: allow}\n"
        "  - {name: b, call: {tool: x}, expect: hide, outcome: hidden, rule: r}\n"
    )
    loaded = parse_policy(POLICY + tests)
    first, second = failures(run_cases(loaded.policy, loaded.cases, None, server="mq"))
    assert str(first) == (
        f"line {LINE + 2}, column 5: tests[1]: the test `public` expects `allow`, "
        "and the policy decides `deny` (denied_by_rule) by `create/private only`"
    )
    assert second.message == (
        "the test `b` expects `hide` (hidden) by `r`, and the policy decides "
        "`deny` (denied_by_default) by no rule"
    )


def test_tests_are_no_part_of_what_a_policy_says() -> None:
    tests = "tests:\n  - {name: a, call: {tool: list}, expect: allow}\n"
    with_tests, without = parse_policy(POLICY + tests), parse_policy(POLICY)
    assert with_tests.policy.revision == without.policy.revision
    assert "tests" not in to_document(with_tests.policy)
    assert without.cases == ()
    # What reads documents, as the gateway does, does not look at them.
    stored = {**to_document(without.policy), "tests": "nonsense"}
    assert parse_document(stored).policy.revision == without.policy.revision


FAULTY = [
    ("[]", "tests: the list of tests must not be empty"),
    ("null", "tests: `null` stands where the list of tests must be"),
    ("{a: 1}", "tests: a mapping stands where the list of tests must be"),
    ("[a]", "tests[0]: the text `a` stands where a test like"),
    ("[{}]", "tests[0]: `name` is missing"),
    ("[{name: a, call: {tool: t}}]", "tests[0]: `expect` is missing (write `expect: allow`"),
    ("[{nam: a, call: {tool: t}, expect: deny}]", "tests[0].nam: the key `nam` is unknown"),
    ("[{name: '', call: {tool: t}, expect: deny}]", "tests[0].name: the text must not be empty"),
    ("[{name: a, call: {}, expect: deny}]", "tests[0].call: a call names one of tool"),
    (
        "[{name: a, call: {tool: t, prompt: p}, expect: deny}]",
        "tests[0].call: a call names one of tool, resource, prompt",
    ),
    ("[{name: a, call: t, expect: deny}]", "tests[0].call: the text `t` stands where a call"),
    ("[{name: a, call: {tool: 1}, expect: deny}]", "tests[0].call.tool: the number `1`"),
    (
        "[{name: a, call: {tool: 't*'}, expect: deny}]",
        "tests[0].call.tool: `t*` cannot be the name of a tool (name one exactly)",
    ),
    ("[{name: a, call: {tool: t, args: []}, expect: deny}]", "tests[0].call.args: a list stands"),
    (
        "[{name: a, call: {tool: t, at: now}, expect: deny}]",
        'tests[0].call.at: `now` is no moment (write `at: "2026-01-05T12:00:00Z"`)',
    ),
    (
        "[{name: a, call: {tool: t, at: '2026-13-05T12:00:00Z'}, expect: deny}]",
        "tests[0].call.at: `2026-13-05T12:00:00Z` is no moment",
    ),
    (
        "[{name: a, call: {tool: t, at: '0001-01-01T00:00:00+10:00'}, expect: deny}]",
        "tests[0].call.at: `0001-01-01T00:00:00+10:00` is no moment",
    ),
    ("[{name: a, call: {tool: t, at: 12}, expect: deny}]", "tests[0].call.at: the number `12`"),
    (
        "[{name: a, call: {tool: t, principal: alice}, expect: deny}]",
        "tests[0].call.principal: the text `alice` stands where a principal",
    ),
    (
        "[{name: a, call: {tool: t, principal: {sub: a}}, expect: deny}]",
        "tests[0].call.principal.sub: the key `sub` is unknown (did you mean `subject`)",
    ),
    (
        "[{name: a, call: {tool: t, principal: {subject: 1}}, expect: deny}]",
        "tests[0].call.principal.subject: the number `1` stands where a text",
    ),
    (
        "[{name: a, call: {tool: t, principal: {groups: [1]}}, expect: deny}]",
        "tests[0].call.principal.groups[0]: the number `1` stands where a text",
    ),
    (
        "[{name: a, call: {tool: t, principal: {groups: g}}, expect: deny}]",
        "tests[0].call.principal.groups: the text `g` stands where the groups",
    ),
    (
        "[{name: a, call: {tool: t, principal: {tags: [g]}}, expect: deny}]",
        "tests[0].call.principal.tags: a list stands where a mapping of tags",
    ),
    (
        "[{name: a, call: {tool: t, principal: {tags: {g: 1}}}, expect: deny}]",
        "tests[0].call.principal.tags.g: the number `1` stands where a text",
    ),
    (
        "[{name: a, call: {tool: t, principal: {claims: 1}}, expect: deny}]",
        "tests[0].call.principal.claims: the number `1` stands where a mapping",
    ),
    (
        "[{name: a, call: {tool: t}, expect: block}]",
        "tests[0].expect: `block` is not one of allow, deny, hide, require_approval (did you mean",
    ),
    (
        "[{name: a, call: {tool: t}, expect: deny, outcome: limit_reached}]",
        "tests[0].outcome: `limit_reached` is not one of allowed",
    ),
    ("[{name: a, call: {tool: t}, expect: deny, rule: [a]}]", "tests[0].rule: a list stands"),
    (
        "[{name: a, call: {tool: t}, expect: deny}, {name: a, call: {tool: t}, expect: deny}]",
        "tests[1]: another test is called `a` (rename one)",
    ),
]


@pytest.mark.parametrize(("tests", "fault"), FAULTY, ids=[fault for _, fault in FAULTY])
def test_a_faulty_test_is_a_fault_of_the_file_at_its_line(tests: str, fault: str) -> None:
    with pytest.raises(PolicyFaults) as raised:
        parse_policy(f"{POLICY}tests: {tests}\n")
    told = [str(one) for one in raised.value.faults]
    assert all(one.startswith(f"line {LINE}, column ") for one in told)
    assert any(f": {fault}" in one for one in told), told


def test_faults_of_tests_and_of_rules_are_told_together() -> None:
    text = 'version: "1"\ndefualt: deny\ntests: [{name: a, call: {tool: t}, expect: block}]\n'
    with pytest.raises(PolicyFaults) as raised:
        parse_policy(text)
    assert [fault.path for fault in raised.value.faults] == ["defualt", "tests[0].expect"]


def test_a_test_that_cannot_be_read_is_told_once() -> None:
    text = f"{POLICY}tests: [{{name: a, call: {{tool: t}}, expect: no}}]\n"
    with pytest.raises(PolicyFaults) as raised:
        parse_policy(text)
    assert [fault.path for fault in raised.value.faults] == ["tests[0].expect"]


def test_tests_are_bounded_in_number() -> None:
    case = "  - {{name: n{}, call: {{tool: t}}, expect: deny}}\n"
    many = "".join(case.format(number) for number in range(case_text.MAXIMUM_CASES + 1))
    with pytest.raises(PolicyFaults, match="must not have more than 500 elements"):
        parse_policy(f"{POLICY}tests:\n{many}")
    fits = many.rsplit("  - ", 1)[0]
    assert len(parse_policy(f"{POLICY}tests:\n{fits}").cases) == case_text.MAXIMUM_CASES
