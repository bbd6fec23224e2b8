"""`portcullis policy convert`: each construct of three dialects, and what is refused of them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from portcullis.policy.faults import PolicyFaults
from portcullis.policy.policy_text import parse_policy
from portcullis.values import JsonObject
from portcullis_cli.conversion import catalogue, conversion, hosted, intercept
from portcullis_cli.conversion.constructs import CONSTRUCTS, REFUSED, Change
from portcullis_cli.conversion.operands import CARRIED, Carried
from portcullis_cli.conversion.reading import WINDOWS, Reader
from portcullis_cli.conversion.source import Dialect, SourceTest
from portcullis_cli.conversion.theirs import OPERATORS, Verdict, is_true, rendered
from portcullis_cli.conversion.trial import Trial
from portcullis_cli.conversion.writing import Choices
from portcullis_cli.errors import ExitCode
from support.command_line import Terminal

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parent / "golden"
EXAMPLE = "docs/how-to/examples/intercept.yaml"

INTERCEPT = """\
version: "1"
default: deny
description: of brokers
hide: [secret_tool, "secret_*"]
approvals: {dedupe_window: 10m}
tools:
  open: {rules: []}
  bare: {}
  pay:
    rules:
      - {name: cap, conditions: [{path: args.amount, op: lte, value: 100}], on_deny: Too much.}
      - {name: cap, conditions: [{path: args.to, op: in, value: [anna, 5]}]}
      - {name: not, conditions: [{path: args.to, op: neq, value: eve}]}
      - {name: noted, conditions: [{path: args.note.text, op: regex, value: "^a+"}]}
      - {name: tagged, conditions: [{path: args.tags, op: contains, value: ok}]}
      - {name: there, conditions: [{path: args.ref, op: exists, value: true}]}
      - {name: per day, rate_limit: 5/day}
      - name: by hand
        conditions: [{path: state.pay.calls, op: lt, value: 9}]
        state: {counter: calls, window: hour, increment: 2}
      - name: money
        conditions:
          - {path: args.amount, op: gte, value: 1}
          - {path: state.pay.sum, op: lte, value: 1000}
        state: {counter: sum, window: day, increment_from: args.amount}
      - name: big
        action: require_approval
        approval_timeout: 1h30m
        conditions: [{path: args.amount, op: gt, value: 50}]
  drop: {rules: [{name: never, action: deny, on_deny: ""}]}
  "*":
    rules:
      - {name: all, rate_limit: 500/hour}
      - {name: odd, action: require_approval, conditions: [{path: args.x, op: eq, value: 1}]}
"""
HOSTED = """\
{"version": "1", "default": "deny", "hide": ["x"],
 "all_tools": {"limits": [{"counter": "all", "window": "day", "max": 9, "scope": "grant"}]},
 "tools": {
   "plain": {},
   "refund": {
     "require": [{"conditions": [{"path": "args.id", "op": "exists", "value": true}]}],
     "deny_if": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 100}],
                  "on_deny": "Too much."}],
     "limits": [{"counter": "rate", "window": "minute", "max": 30, "scope": "grant"}]}}}
"""
CATALOGUE = """\
tools:
  a: {rules: [{action: allow, rate_limit: {max: 30, window: 60}}]}
  b: {rules: [{action: deny, reason: Never.}]}
  c: {rules: [{action: rate-limit, rate_limit: {max: 1, window: 3600}}]}
  d: {rules: [{action: require approval, reason: Ask., rate_limit: {max: 2, window: 60}}]}
  e: {rules: [{action: allow}, {action: rate_limit, rate_limit: {max: 5, window: 60}}]}
"""
ALL = (INTERCEPT, HOSTED, CATALOGUE)


def converted(text: str, *, per: str | None = None, **choices: Any) -> conversion.Converted:
    reader = Reader(default="deny", scope=per)
    chosen = Choices(**{"approvers": ("group:platform",), **choices})
    return conversion.convert(text.encode(), reader, chosen)


def entries(text: str, **choices: Any) -> Any:
    """The `tools` that are written."""
    return yaml.safe_load(converted(text, **choices).text)["tools"]


def rules_of(rule: str, **choices: Any) -> Any:
    """What one rule of Intercept becomes, beside the `allow`."""
    text = f'version: "1"\ndefault: deny\ntools: {{pay: {{rules: [{rule}]}}}}\n'
    return entries(text, **choices)["pay"]["rules"][1:]


def condition_of(op: str, value: str, action: str = "evaluate") -> Any:
    """What one condition becomes, where it must hold or where it asks for an approval."""
    (rule,) = rules_of(
        f"{{name: one, action: {action}, "
        f"conditions: [{{path: args.a.b, op: {op}, value: {value}}}]}}"
    )
    (found,) = rule["when"]
    return found["not"][0] if action == "evaluate" else found


@pytest.mark.parametrize("text", ALL, ids=lambda text: text[:12])
def test_what_is_written_is_a_sound_policy_that_lets_nothing_more_pass(text: str) -> None:
    result = converted(text)

    assert parse_policy(result.text.encode()).policy.revision == result.loaded.policy.revision
    assert result.text.startswith("# Converted")
    assert result.text.endswith("\n...\n")
    assert result.trial.calls > 5
    assert result.trial.wider == []


def test_every_construct_of_the_table_is_met() -> None:
    met = {note.construct for text in ALL for note in converted(text).notes}
    met |= {note.construct for note in converted(INTERCEPT, per="principal").notes}

    assert met == set(CONSTRUCTS)


def test_a_construct_whose_meaning_differs_says_why() -> None:
    for row in CONSTRUCTS.values():
        assert (row.change is Change.KEPT) is (row.why == "")


def test_every_operator_is_carried_over_and_can_be_tried() -> None:
    assert set(CARRIED) == set(OPERATORS)
    assert {row.construct for row in CARRIED.values()} <= set(CONSTRUCTS)


@pytest.mark.parametrize(
    ("dialect", "text", "keys"),
    [
        (
            "intercept",
            INTERCEPT,
            {*intercept.TOP_KEYS, *intercept.RULE_KEYS, *intercept.STATE_KEYS},
        ),
        ("hosted", HOSTED, {*hosted.TOP_KEYS, *hosted.TOOL_KEYS, *hosted.LIMIT_KEYS}),
        ("catalogue", CATALOGUE, {*catalogue.RULE_KEYS, *catalogue.LIMIT_KEYS}),
    ],
)
def test_the_samples_have_every_key_of_their_dialect(
    dialect: str, text: str, keys: set[str]
) -> None:
    assert [key for key in keys if not re.search(rf"\b{key}\b", text)] == [], dialect


@pytest.mark.parametrize("window", WINDOWS)
def test_a_window_is_its_seconds(window: str) -> None:
    (rule,) = rules_of(f"{{name: one, rate_limit: 5/{window}}}")

    assert rule["rate_limit"] == {"max": 5, "window": WINDOWS[window], "per": "tool"}


@pytest.mark.parametrize(
    ("rule", "limit"),
    [
        ("lt, value: 9}], state: {counter: c, window: day}", {"max": 8, "window": 86_400}),
        ("lte, value: 9}], state: {counter: c, window: day}", {"max": 9, "window": 86_400}),
        ("lte, value: 9}], state: {counter: c, window: day, increment: 2}",
         {"max": 4, "window": 86_400}),
        ("lt, value: 9}], state: {counter: c, window: hour, increment_from: args.x.y}",
         {"path": "args.x.y", "max": 8, "window": 3600}),
    ],
)  # fmt: skip
def test_a_counter_with_its_condition_is_a_limit(rule: str, limit: dict[str, Any]) -> None:
    (read,) = rules_of(f"{{name: one, conditions: [{{path: state.pay.c, op: {rule}}}")

    key = "spend_limit" if "path" in limit else "rate_limit"
    assert read == {"name": "one", key: {**limit, "per": "tool"}}


def test_windows_and_scopes_are_as_they_were_unless_somebody_chooses() -> None:
    rule = "{name: one, rate_limit: 5/day}"

    (fixed,) = rules_of(rule, fixed_windows=True)
    (own,) = rules_of(rule, per="principal")

    assert fixed["rate_limit"]["algorithm"] == "fixed_window"
    assert own["rate_limit"]["per"] == "principal"
    assert entries(INTERCEPT)["*"]["rate_limit"]["per"] == "server"
    assert entries(HOSTED)["*"]["rate_limit"]["per"] == "principal"
    assert entries(CATALOGUE)["a"]["rules"][1]["rate_limit"]["per"] == "session"


@pytest.mark.parametrize(
    ("op", "value", "must", "otherwise"),
    [
        ("eq", "5", {"op": "eq", "value": 5}, {"op": "eq", "value": 5}),
        ("in", "[\"5\", 6]", {"op": "in", "value": ["5", 6]},
         {"op": "in", "value": ["5", 6, 5, "6"]}),
        ("in", "[a, b]", {"op": "in", "value": ["a", "b"]}, {"op": "in", "value": ["a", "b"]}),
        ("not_in", '["true", 6, null, "<nil>", "0.50"]',
         {"op": "not_in", "value": ["true", 6, None, "<nil>", "0.50", True, "6"]},
         {"op": "not_in", "value": ["true", 6, None, "<nil>", "0.50"]}),
        ("regex", '"a|b$"', {"op": "regex", "value": "(?s:.*)(?-s:a|b$)(?s:.*)"},
         {"op": "regex", "value": "(?s:.*)(?-s:a|b$)(?s:.*)"}),
        ("contains", "x", {"op": "contains", "value": "x"}, {"op": "contains", "value": "x"}),
        ("lt", "0.5", {"op": "lt", "value": 0.5}, {"op": "lt", "value": 0.5}),
    ],
)  # fmt: skip
def test_an_operand_is_written_so_that_nothing_more_passes(
    op: str, value: str, must: dict[str, Any], otherwise: dict[str, Any]
) -> None:
    assert condition_of(op, value) == {"path": "args.a.b", **must}
    assert condition_of(op, value, "require_approval") == {"path": "args.a.b", **otherwise}


def test_null_is_absent_as_it_was() -> None:
    there = {"path": "args.a.b", "op": "exists"}
    null = {"path": "args.a.b", "op": "eq", "value": None}

    assert condition_of("exists", "true") == {
        "all": [{**there, "value": True}, {**null, "op": "neq"}]
    }
    assert condition_of("exists", "true", "require_approval") == {**there, "value": True}
    assert condition_of("exists", "false") == {"any": [{**there, "value": False}, null]}


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
    ('version: "1"\ndefault: deny\ndefault: allow\ntools: {a: {deny_if: []}}\n',
     "is already there on line 2"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), DOCUMENT_FAULTS, ids=range(len(DOCUMENT_FAULTS)))
def test_a_document_that_is_not_understood_is_refused_whole(text: str, message: str) -> None:
    with pytest.raises(PolicyFaults) as caught:
        conversion.convert(text.encode(), Reader(), Choices())

    texts = "\n".join(map(str, caught.value.faults))
    assert re.search(message, texts), texts


def test_a_default_is_never_guessed() -> None:
    text = INTERCEPT.replace("default: deny\n", "")

    with pytest.raises(PolicyFaults, match="`default` is missing, which Intercept takes"):
        conversion.convert(text.encode(), Reader(), Choices(approvers=("a",)))

    chosen = Reader(default="allow")
    written = conversion.convert(text.encode(), chosen, Choices(approvers=("a",))).text
    assert yaml.safe_load(written)["default"] == "allow"


def test_nobody_is_made_an_approver_by_a_conversion() -> None:
    with pytest.raises(PolicyFaults, match="nobody is named who approves"):
        converted(INTERCEPT, approvers=())


def test_an_approval_of_all_tools_permits_none_that_was_refused() -> None:
    """An approval permits; under `default: deny`, theirs does not reach tools without an entry."""
    asks = {"approvers": ["group:platform"]}
    written = entries(INTERCEPT)

    assert all("action" not in rule for rule in [written["*"]])
    assert written["open"]["rules"][-1]["approval"] == asks
    permitting = INTERCEPT.replace("default: deny", "default: allow")
    assert entries(permitting)["*"]["rules"][0]["approval"] == asks


def test_what_only_the_result_cannot_say_is_refused_too() -> None:
    """The language knows at most 64 rules of a tool; theirs has no such bound."""
    many = ", ".join(f"{{name: n{i}, action: deny}}" for i in range(65))

    with pytest.raises(PolicyFaults, match="here: "):
        rules_of(many)


def test_P01_a_result_that_lets_more_pass_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were an operand carried over wrongly, the trial would see it."""

    def wrong(test: SourceTest, _must: bool) -> JsonObject:
        return {"path": f"args.{test.keys[0]}", "op": "exists", "value": True}

    carried = {**CARRIED, "lte": Carried(construct="ordering", write=wrong)}
    monkeypatch.setattr("portcullis_cli.conversion.operands.CARRIED", carried)

    with pytest.raises(PolicyFaults, match="would let calls pass that the source refuses: pay"):
        converted(
            'version: "1"\ndefault: deny\ntools: {pay: {rules: [{name: one, '
            "conditions: [{path: args.a, op: lte, value: 100}]}]}}\n"
        )


MEASURED = [
    ("eq", 5, "5", True),
    ("eq", "true", True, True),
    ("eq", "<nil>", None, True),
    ("eq", 9007199254740992, 9007199254740993, True),
    ("eq", ["1 2"], ["1", "2"], True),
    ("eq", {"a": 1, "b": None}, "map[a:1 b:<nil>]", True),
    ("neq", "eve", "Eve", True),
    ("in", [1, "x"], "1", True),
    ("not_in", [1, "x"], "1", False),
    ("lt", 5, "4", False),
    ("gte", 5, 5.0, True),
    ("regex", "prod", "a-prod-b", True),
    ("regex", "a.b", "a\nb", False),
    ("regex", "5", 5, False),
    ("contains", 5, ["5"], True),
    ("contains", 5, "556", False),
    ("exists", True, None, False),
    ("exists", False, None, True),
]


@pytest.mark.parametrize(("op", "operand", "value", "outcome"), MEASURED, ids=range(len(MEASURED)))
def test_their_operators_are_as_measured(op: str, operand: Any, value: Any, outcome: bool) -> None:
    test = SourceTest(keys=("a", "b"), op=op, value=operand, place=())

    assert is_true(test, {"a": {"b": value}}) is outcome
    assert is_true(test, {"a": {}}) is (op == "exists" and operand is False)
    assert is_true(test, {"a": [value]}) is (op == "exists" and operand is False)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e20, "100000000000000000000"), (1e21, "1e+21"), (2.5e21, "2.5e+21"), (0.0001, "0.0001"),
     (0.00001, "1e-05"), (5.0, "5"), (-0.5, "-0.5"), (True, "true"), (None, "<nil>"),
     ({"b": 1, "a": [1, "x"]}, "map[a:[1 x] b:1]")],
)  # fmt: skip
def test_values_are_rendered_as_go_renders_them(value: Any, text: str) -> None:
    assert rendered(value) == text


def test_a_source_is_read_by_the_dialect_that_was_told(tmp_path: Path, terminal: Terminal) -> None:
    file = tmp_path / "plain.yaml"
    file.write_text('version: "1"\ndefault: deny\ntools: {a: {}}\n')

    ran = terminal.run("policy", "convert", str(file), "--from", "intercept", "--json")

    assert ran.tree["dialect"] == Dialect.INTERCEPT.value
    assert "a: {action: allow}" in ran.tree["policy"]
    assert terminal.run("policy", "convert", str(file)).exit_code == ExitCode.REFUSED


def test_the_report_says_what_to_look_at(tmp_path: Path, terminal: Terminal) -> None:
    output = tmp_path / "amazon-mq.yaml"

    ran = terminal.run(
        "policy", "convert", str(ROOT / EXAMPLE), "--default", "deny",
        "--approver", "group:platform", "-o", str(output),
    )  # fmt: skip

    shown = ran.stdout.replace(str(ROOT / EXAMPLE), EXAMPLE).replace(str(output), output.name)
    shown = re.sub(r"sha256:[0-9a-f]{64}", "sha256:…", shown)
    assert ran.exit_code == ExitCode.OK
    assert shown == (GOLDEN / "policy-convert.txt").read_text()
    assert parse_policy(output.read_bytes()).rules == 8
    again = terminal.run(
        "policy", "convert", str(ROOT / EXAMPLE), "--default", "deny", "--approver", "a",
        "-o", str(output),
    )  # fmt: skip
    assert again.exit_code == ExitCode.USAGE
    assert "it exists, and is not replaced" in again.stderr


def test_the_policy_goes_to_stdout_and_the_report_beside_it(terminal: Terminal) -> None:
    ran = terminal.run(
        "policy", "convert", str(ROOT / EXAMPLE), "--default", "deny", "--approver", "a",
        "--strict",
    )  # fmt: skip

    assert ran.exit_code == ExitCode.REFUSED  # there is something to look at
    assert parse_policy(ran.stdout.encode()).rules == 8
    assert "Look at:" in ran.stderr


@pytest.mark.parametrize(
    "wrong", [["--default", "ask"], ["--per", "grant"], ["--windows", "none"], ["-o", "/no/x"]]
)
def test_a_choice_that_there_is_not_is_a_usage_error(wrong: list[str], terminal: Terminal) -> None:
    choices = ["--approver", "a", *([] if "--default" in wrong else ["--default", "deny"])]

    ran = terminal.run("policy", "convert", str(ROOT / EXAMPLE), *choices, *wrong)

    assert ran.exit_code == ExitCode.USAGE


def test_programs_are_told_the_same(terminal: Terminal) -> None:
    example = str(ROOT / EXAMPLE)
    refused = terminal.run("policy", "convert", example, "--json")
    told = terminal.run(
        "policy", "convert", example, "--default", "deny", "--approver", "a", "--json"
    ).tree

    assert refused.exit_code == ExitCode.REFUSED
    assert [fault["line"] for fault in refused.tree["faults"]]
    assert told["tried"]["wider"] == 0
    assert {note["change"] for note in told["notes"]} == {one.value for one in Change}
    assert json.loads(json.dumps(told)) == told


def test_a_trial_that_was_cut_says_so() -> None:
    result = converted(INTERCEPT)

    assert result.trial.cut is False
    assert Trial().calls == 0
    assert Verdict.ALLOW < Verdict.APPROVAL < Verdict.DENY


def test_advice_is_there_for_keys_that_cannot_be_carried_over() -> None:
    assert not set(REFUSED) & {*intercept.RULE_KEYS, *hosted.TOOL_KEYS, *catalogue.RULE_KEYS}
