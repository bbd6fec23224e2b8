"""What of other products' policies is refused, and at which line."""

import re
from pathlib import Path

import pytest

from portcullis.policy.faults import PolicyFaults
from portcullis_cli.conversion import conversion
from portcullis_cli.conversion.reading import Reader
from portcullis_cli.conversion.writing import Choices
from portcullis_cli.errors import ExitCode
from support.command_line import Terminal


def rules_of(rule: str) -> None:
    """Convert a policy with these rules of one tool."""
    text = f'version: "1"\ndefault: deny\ntools: {{pay: {{rules: [{rule}]}}}}\n'
    conversion.convert(text.encode(), Reader(default="deny"), Choices(approvers=("carol",)))


RULE_FAULTS = [
    ("{name: one, conditions: [{path: state.pay.c, op: lte, value: 5}]}", "this limit never fired"),
    (("{name: one, conditions: [{path: state.other.c, op: lte, value: 5}], "
     "state: {counter: c, window: day}}"), "the rule's `state` is another counter"),
    (("{name: one, conditions: [{path: args.a, op: eq, value: 1}], "
     "state: {counter: c, window: day}}"), "this counter never counted"),
    (("{name: one, conditions: [{path: state.pay.c, op: gt, value: 5}], "
     "state: {counter: c, window: day}}"), "a limit with `gt` never fired"),
    (("{name: one, conditions: [{path: state.pay.c, op: lte, value: 5.5}], "
     "state: {counter: c, window: day}}"), "a limit is a whole number"),
    (("{name: one, conditions: [{path: state.pay.c, op: lte, value: 5}], "
     "state: {counter: c, window: day, increment: -1}}"), "from 1 to"),
    (("{name: one, conditions: [{path: state.pay.c, op: lte, value: 5}], "
     "state: {counter: c, window: day, increment: 6}}"), "lets nothing pass"),
    (("{name: one, conditions: [{path: state.pay.c, op: lte, value: 5}], "
     "state: {counter: c, window: day, increment: 1, increment_from: args.a}}"), "keep one"),
    (("{name: one, conditions: [{path: state.pay.c, op: lte, value: 5}], "
     "state: {counter: c, window: day, increment_from: a}}"), "an amount is an argument"),
    (("{name: one, conditions: [{path: state.pay.c, op: lte, value: 5}], "
     "state: {counter: c, window: week}}"), "is not one of minute, hour, day"),
    ("{name: one, conditions: [{path: state.c, op: lte, value: 5}]}", "`state.tool.counter`"),
    ("{name: one, rate_limit: 5/week}", "`N/minute`, `N/hour` or `N/day`"),
    ("{name: one, rate_limit: 0/day}", "N above 0"),
    ("{name: one, rate_limit: 5/day, action: deny}", "does not go with `action: deny`"),
    ("{name: one, rate_limit: 5/day, state: {}}", "`state` does not go with a `rate_limit`"),
    (("{name: one, rate_limit: 5/day}, {name: m, rate_limit: 6/day}, "
     "{name: one, rate_limit: 5/day}"), "use one counter"),
    ("{action: deny, on_deny: x}", "`name` is missing"),
    ("{name: one}", "`conditions` is missing"),
    ("{name: one, action: log}", "is not one of evaluate, deny, require_approval"),
    ("{name: one, action: deny, conditions: []}", "`conditions` does not go with `action: deny`"),
    ("{name: one, action: deny, on_denied: x}", "did you mean `on_deny`"),
    ("{name: one, action: deny, spend: {daily: 5}}", "nothing here pays a price"),
    ("{name: one, action: deny, spend_limit: $500/day}", "it names no amount"),
    ("{name: one, action: require_approval, approval_timeout: 5 minutes}", "a timeout is like"),
    (("{name: one, action: require_approval, "
     "conditions: [{path: state.pay.c, op: lte, value: 5}]}"), "cannot depend on a counter"),
    ("{name: one, conditions: [{path: caller.name, op: eq, value: 5}]}", "a path is `args.name`"),
    ("{name: one, conditions: [{path: args.a..b, op: eq, value: 5}]}", "a path is `args.name`"),
    ("{name: one, conditions: [{path: args.a, op: like, value: 5}]}", "is not one of eq, neq"),
    ("{name: one, conditions: [{path: args.a, op: in, value: x}]}", "`in` takes a list"),
    ("{name: one, conditions: [{path: args.a, op: in, value: []}]}", "an empty list"),
    ("{name: one, conditions: [{path: args.a, op: lt, value: '5'}]}", "`lt` takes a number"),
    ("{name: one, conditions: [{path: args.a, op: exists, value: 1}]}", "takes true or false"),
    ("{name: one, conditions: [{path: args.a, op: regex, value: 5}]}", "`regex` takes a text"),
    ("{name: one, conditions: [{path: args.a, op: regex, value: '(?=x)'}]}", "is not RE2"),
    ("{name: one, conditions: [{path: args.a, op: contains, value: ''}]}", "the empty text"),
    ("{name: one, conditions: [{path: args.a, op: neq, value: null}]}", "the text `<nil>`"),
    ("{name: one, conditions: [{path: args.a, op: neq, value: [a]}]}", "how they are printed"),
    ("{name: one, conditions: [{path: args.a, op: eq, value: 9007199254740993}]}",
     "cannot tell this number"),
    ("{name: one, conditions: [{path: args.a, op: gt, value: 0.30000000000000000001}]}",
     "cannot tell this number"),
    ("{name: one, conditions: [{path: args.a, op: eq}]}", "`value` is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "message"), RULE_FAULTS, ids=range(len(RULE_FAULTS)))
def test_a_rule_that_cannot_be_carried_over_is_refused_at_its_line(rule: str, message: str) -> None:
    with pytest.raises(PolicyFaults) as caught:
        rules_of(rule)

    texts = [str(fault) for fault in caught.value.faults]
    assert any(message in text and "line 3" in text for text in texts), texts


DOCUMENT_FAULTS = [
    ("", "the file holds nothing"),
    ('version: "2"\ndefault: deny\ntools: {a: {rules: [{name: one}]}}\n', "version 1"),
    ('version: "1"\ntools: {a: {rules: [{name: one, action: deny}]}}\ndefualt: deny\n', "unknown"),
    ('version: "1"\ndefault: deny\ntools: {}\n', "nothing in the file tells"),
    ('version: "1"\ndefault: deny\nall_tools: {}\ntools: {a: {rules: [{name: one}]}}\n', "mixes"),
    ('version: "1"\ndefault: deny\ntools: {a*: {rules: [{name: one, action: deny}]}}\n',
     "cannot be the name of a tool"),
    ('version: "1"\ndefault: deny\nhide: [a, a]\ntools: {a: {rules: [{name: one}]}}\n',
     "hidden twice"),
    (('version: "1"\ndefault: deny\ntools: {a: {rules: [{action: deny, rate_limit: '
     "{max: 1, window: 1}}]}}\n"), "takes no limit"),
    ('version: "1"\ndefault: deny\ntools: {a: {rules: [{action: rate-limit}]}}\n',
     "`rate_limit` is missing"),
    ('version: "1"\ndefault: deny\ntools: {a: {rules: [{action: hide}]}}\n', "is not one of"),
    ('version: "1"\ndefault: deny\ntools: {a: {limits: [{counter: c, window: day, max: 1}]}}\n',
     "`scope` is missing"),
    (('version: "1"\ndefault: deny\ntools: {a: {limits: [{counter: c, window: day, max: 1, '
     "scope: user}]}}\n"), "is not one of grant"),
    ('version: "1"\ntools: {a: {deny_if: []}}\n', "`default` is missing"),
    ('version: "1"\ndefault: deny\ntools: {"*": {deny_if: []}}\n', "cannot be the name"),
    ('version: "1"\ndefault: deny\ntools: {a: {require: [{path: args.a, op: eq, value: 1}]}}\n',
     "the key `path` is unknown"),
    (('version: "1"\ndefault: deny\ntools: {a: {deny_if: [{conditions: '
     "[{path: state.a.c, op: lt, value: 1}]}]}}\n"), "a condition on a counter is not known"),
    (('version: "1"\ndefault: deny\ntools: {a: {limits: [{counter: c, window: day, max: 1, '
     "scope: grant}]}, b: {limits: [{counter: c, window: day, max: 1, scope: grant}]}}\n"),
     r"two limits use one counter, and whether they share it was never described"),
    ('version: "1"\ndefault: allow\napprovals: {}\ntools: {}\n', "there is no tool in it"),
    ('version: "1"\ndefault: deny\ndefault: allow\ntools: {a: {deny_if: []}}\n',
     "is already there on line 2"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), DOCUMENT_FAULTS, ids=range(len(DOCUMENT_FAULTS)))
def test_a_document_that_is_not_understood_is_refused_whole(text: str, message: str) -> None:
    with pytest.raises(PolicyFaults) as caught:
        conversion.convert(text.encode(), Reader(), Choices())

    texts = "\n".join(map(str, caught.value.faults))
    assert re.search(message, texts), texts


def test_faults_are_told_where_no_policy_is_taken_for_them(
    tmp_path: Path, terminal: Terminal
) -> None:
    source = tmp_path / "source.yaml"
    source.write_text("version: '1'\ntools: {a: {rules: [{action: deny}]}}\n")
    ran = terminal.run("policy", "convert", str(source), "--from", "intercept")
    assert (ran.exit_code, ran.stdout) == (ExitCode.REFUSED, "")
    assert "`default` is missing" in ran.stderr
    assert "Nothing was written" in ran.stderr
