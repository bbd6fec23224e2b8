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
from portcullis_cli.conversion.theirs import OPERATORS
from portcullis_cli.conversion.writing import Choices
from portcullis_cli.errors import ExitCode
from support.command_line import Terminal

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parent / "golden"
EXAMPLE = "docs/how-to/intercept.yaml"

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


def noted(text: str, **choices: Any) -> set[str]:
    return {note.construct for note in converted(text, **choices).notes}


@pytest.mark.parametrize(
    ("text", "per", "is_chosen"),
    [
        (HOSTED, "principal", False),
        (HOSTED, "session", True),  # each session of a grant has a quota now
        (CATALOGUE, "session", False),
        (CATALOGUE, "principal", True),
        (INTERCEPT, "principal", True),
        (INTERCEPT, "tool", True),  # under `"*"` each tool has a quota now, not all one
    ],
)
def test_a_scope_that_is_not_the_source_s_own_has_to_be_looked_at(
    text: str, per: str, is_chosen: bool
) -> None:
    assert ("scope chosen" in noted(text, per=per)) is is_chosen
    assert "scope chosen" not in noted(text)


def test_windows_are_said_to_slide_only_where_they_do() -> None:
    assert "sliding window" in noted(HOSTED)
    assert "sliding window" not in noted(HOSTED, fixed_windows=True)
    assert "sliding window" not in noted(CATALOGUE)  # it does not say when its windows turn


def test_an_amount_that_is_no_number_is_refused_by_both() -> None:
    rule = (
        "{name: one, conditions: [{path: state.pay.c, op: lte, value: 9}], "
        "state: {counter: c, window: day, increment_from: args.x}}"
    )
    trial = converted(f'version: "1"\ndefault: deny\ntools: {{pay: {{rules: [{rule}]}}}}\n').trial

    assert [found.args for found in trial.stricter] == [{"x": 0}]


def test_a_rule_may_be_called_by_a_number() -> None:
    (rule,) = rules_of('{name: "1", rate_limit: 5/day}')

    assert rule["name"] == "1 (2)"  # the `allow` before it is rule 1 of the tool


def test_a_description_is_kept() -> None:
    assert "description: of all" in converted("description: of all\n" + CATALOGUE).text


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
    assert condition_of("exists", "true", "require_approval") == condition_of("exists", "true")
    assert condition_of("exists", "false") == {"any": [{**there, "value": False}, null]}


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
    assert f"```text\n{shown}```" in (ROOT / "docs/how-to/convert-a-policy.md").read_text()
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


def test_advice_is_there_for_keys_that_cannot_be_carried_over() -> None:
    assert not set(REFUSED) & {*intercept.RULE_KEYS, *hosted.TOOL_KEYS, *catalogue.RULE_KEYS}
