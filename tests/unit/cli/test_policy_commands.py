"""`portcullis policy validate`, `explain` and `test`: what is found in a file, and where."""

import json
from pathlib import Path
from typing import Any

import pytest

from portcullis.protocol.identity import GATEWAY_INFO
from portcullis_cli.errors import ExitCode
from support.command_line import Ran, Terminal

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parent / "golden"
POLICY = """---
version: "1"
default: deny
tools:
  list_things: {action: allow, rate_limit: {max: 2, window: 60}}
  pay:
    rules:
      - name: not too much
        action: deny
        when: [{path: args.order.amount, op: gt, value: 100}]
        reason: At most a hundred.
      - name: nor by strangers
        action: require_approval
        approval: {approvers: [group:finance]}
        when:
          - any:
              - {path: principal.groups, op: contains, value: guests}
              - not: {path: args.rate, op: lte, value: 0.5}
      - name: otherwise
        action: allow
        spend_limit: {path: args.order.amount, max: 500, window: 1d}
tests:
  - {name: small, call: {tool: pay, args: {order: {amount: 7}, rate: 0.1}}, expect: allow}
...
"""
TOOLS: list[dict[str, Any]] = [
    {
        "name": "pay",
        "inputSchema": {
            "type": "object",
            "required": ["order"],
            "properties": {
                "order": {"type": "object"},
                "rate": {"type": "number", "default": 0.1},
                "kind": {"enum": ["a", "b"]},
                "is_open": {"type": ["boolean", "null"]},
                "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "any_of_all": {},
            },
        },
    },
    {"name": "list_things", "inputSchema": {"type": "object"}},
]


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    path = tmp_path / "tools.json"
    path.write_text(json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"tools": TOOLS}}))
    return path


def run(*words: object) -> Ran:
    return Terminal().run("policy", *map(str, words))


def changed(path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize("name", ["amazon-mq", "aws-iam"])
def test_the_ready_policies_are_sound(name: str) -> None:
    ran = run("validate", ROOT / "policies" / f"{name}.yaml")
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert "sound, " in ran.stdout


def test_a_sound_file_is_told_with_what_it_holds(policy: Path, tools: Path) -> None:
    tree = run("validate", policy, "--tools", tools, "--json").tree
    (one,) = tree["files"]
    assert one.pop("revision").startswith("sha256:")
    assert one == {
        "file": str(policy), "valid": True, "rules": 4, "tests": 1, "faults": [], "warnings": [],
    }  # fmt: skip


def test_every_fault_is_told_as_compilers_do(policy: Path) -> None:
    text = policy.read_text().replace("action: allow\n", "action: alow\n", 1)
    policy.write_text(text.replace("path: args.rate", "paht: args.rate"))
    ran = run("validate", policy)
    assert ran.exit_code == ExitCode.REFUSED
    places = [line.split(": ")[0].rpartition(":")[0] for line in ran.stdout.splitlines()]
    assert set(places) == {f"{policy}:18", f"{policy}:20"}
    assert "did you mean `allow`" in ran.stdout


def test_a_test_that_fails_is_a_fault_at_its_line(policy: Path) -> None:
    changed(policy, "amount: 7}", "amount: 101}")
    ran = run("validate", policy)
    assert ran.exit_code == ExitCode.REFUSED
    assert f"{policy}:23:5: error: tests[0]" in ran.stdout
    assert "101" not in ran.stdout


def test_warnings_fail_only_where_that_is_asked_for(policy: Path, tools: Path) -> None:
    changed(policy, "list_things:", "lst_things:")
    assert run("validate", policy).exit_code == 0
    assert run("validate", policy, "--tools", tools).exit_code == 0
    ran = run("validate", policy, "--tools", tools, "--strict")
    assert ran.exit_code == ExitCode.REFUSED
    assert "warning: tools.lst_things: the server has no tool `lst_things`" in ran.stdout


@pytest.mark.parametrize(
    "comparison,said",
    [
        ("{path: args.ordre.amount, op: gt, value: 100}", "has an argument `ordre` (did you mean"),
        ("{path: args.is_open, op: gt, value: 1}", "can never be judged"),
        ("{path: args.either, op: gt, value: 1}", "can never be judged"),
        ("{path: args.kind, op: eq, value: c}", "can never be met"),
    ],
)
def test_a_condition_that_no_argument_can_meet_is_pointed_out(
    policy: Path, tools: Path, comparison: str, said: str
) -> None:
    changed(policy, "{path: args.order.amount, op: gt, value: 100}", comparison)
    changed(policy, "amount: 7}, rate: 0.1}}, expect: allow", "amount: 7}}}, expect: deny")
    ran = run("validate", policy, "--tools", tools)
    assert f"{policy}:10:16: warning: tools.pay.rules[0].when[0]: " in ran.stdout
    assert said in ran.stdout


@pytest.mark.parametrize(
    "comparison",
    [
        "{path: args.any_of_all, op: gt, value: 1}",
        "{path: args.rate, op: gt, value: 1}",
        "{path: args.either, op: regex, value: x}",
        "{path: args.kind, op: eq, value: a}",
        "{path: principal.subject, op: eq, value: a}",
    ],
)
def test_a_condition_that_some_argument_can_meet_is_left_alone(
    policy: Path, tools: Path, comparison: str
) -> None:
    changed(policy, "{path: args.order.amount, op: gt, value: 100}", comparison)
    assert "warning" not in run("validate", policy, "--tools", tools).stdout


def test_an_argument_to_redact_that_no_tool_has_is_pointed_out(policy: Path, tools: Path) -> None:
    """What is misspelt there is recorded."""
    changed(policy, "tools:\n", "redact: [args.ordre.note, args.order.note]\ntools:\n")
    ran = run("validate", policy, "--tools", tools)
    assert ran.stdout.count("warning") == 1
    assert (
        f"{policy}:4:10: warning: redact[0]: no tool it is for has an argument `ordre` "
        "(did you mean `args.order`)" in ran.stdout
    )


def test_tools_may_come_from_a_server(policy: Path) -> None:
    terminal = Terminal()
    ran = terminal.run("policy", "validate", str(policy), "--command", "uvx shop")
    assert [target.command for target in terminal.asked] == [("uvx", "shop")]
    assert "the server has no tool `pay`" in ran.stdout


@pytest.mark.parametrize(
    "options,said",
    [
        (["--tools", "{tools}", "--url", "https://x/mcp"], "say once"),
        (["--tools", "{policy}"], "no JSON"),
        (["--tools", "{tools}.none"], "no such file"),
    ],
)
def test_tools_that_cannot_be_read_are_said(
    policy: Path, tools: Path, options: list[str], said: str
) -> None:
    filled = [one.format(tools=tools, policy=policy) for one in options]
    ran = run("validate", policy, *filled)
    assert ran.exit_code == ExitCode.USAGE
    assert said in ran.stderr


@pytest.mark.parametrize(
    "tree", ["7", '{"tools": {}}', '[{"x": 1}]', '[{"name":"a"},{"name":"a"}]']
)
def test_what_is_no_tool_list_is_refused(policy: Path, tmp_path: Path, tree: str) -> None:
    path = tmp_path / "list.json"
    path.write_text(tree)
    assert run("validate", policy, "--tools", path).exit_code == ExitCode.USAGE


def explain(policy: Path, arguments: object, *options: object) -> Ran:
    return run("explain", policy, "pay", "--args", json.dumps(arguments), *options)


def test_a_decision_is_explained_rule_by_rule(policy: Path) -> None:
    ran = explain(policy, {"order": {"amount": 7}, "rate": 0.7}, "--group", "staff")
    assert ran.exit_code == 0
    assert ran.stdout == (GOLDEN / "policy-explain.txt").read_text()


@pytest.mark.parametrize(
    "arguments,options,decision,outcome",
    [
        ({"order": {"amount": 101}, "rate": 0.1}, [], "deny", "denied_by_rule"),
        ({"order": {}, "rate": 0.1}, [], "deny", "indeterminate"),
        ({"order": {"amount": 7}, "rate": 0.1}, [], "allow", None),
        ({"order": {"amount": 7}, "rate": 0.1}, ["--group", "guests"], "require_approval", None),
    ],
)
def test_a_program_gets_the_decision(
    policy: Path, arguments: object, options: list[str], decision: str, outcome: str | None
) -> None:
    tree = explain(policy, arguments, *options, "--json").tree
    assert (tree["decision"], tree["outcome"]) == (decision, outcome)
    assert [rule["rule"] for rule in tree["rules"]] == [
        "pay/not too much", "pay/nor by strangers", "pay/otherwise",
    ]  # fmt: skip


def test_arguments_are_judged_as_the_server_will_see_them(policy: Path, tools: Path) -> None:
    """Without the tools a missing rate cannot be judged; with them its default is."""
    arguments = {"order": {"amount": 7}}
    assert explain(policy, arguments, "--json").tree["decision"] == "deny"
    assert explain(policy, arguments, "--tools", tools, "--json").tree["decision"] == "allow"
    wrong = explain(policy, {"rate": "much"}, "--tools", tools)
    assert wrong.stdout.startswith("DENY before any rule: argument `args.")
    tree = explain(policy, {"rate": "much"}, "--tools", tools, "--json").tree
    assert (tree["decision"], tree["rules"]) == ("deny", [])


def test_a_tool_that_there_is_none_of_is_said(policy: Path, tools: Path) -> None:
    ran = run("explain", policy, "fly", "--tools", tools)
    assert "has no such tool" in ran.stdout
    assert run("explain", policy, "fly").stdout.startswith("DENY by no rule")


def test_arguments_may_stand_in_a_file_and_time_and_tags_be_told(
    policy: Path, tmp_path: Path
) -> None:
    file = tmp_path / "args.json"
    file.write_text('{"order": {"amount": 7}, "rate": 0.1}')
    changed(
        policy,
        "{path: args.order.amount, op: gt, value: 100}",
        "{path: time.hour, op: lt, value: 9}, {path: principal.tags.team, op: eq, value: night}",
    )
    words = ("explain", policy, "pay", "--args", f"@{file}", "--tag", "team=night", "--json")
    assert run(*words, "--at", "2026-11-28T08:59:00Z").tree["decision"] == "deny"
    assert run(*words, "--at", "2026-11-28T09:00:00Z").tree["decision"] == "allow"
    assert run(*words, "--at", "2026-11-28T09:30:00+02:00").tree["decision"] == "deny"


@pytest.mark.parametrize(
    "options,code",
    [
        (["--args", "{"], ExitCode.USAGE),
        (["--args", "[]"], ExitCode.USAGE),
        (["--args", '{"a": 1, "a": 2}'], ExitCode.USAGE),
        (["--tag", "team"], ExitCode.USAGE),
        (["--at", "noon"], ExitCode.USAGE),
        (["--at", "2026-11-28T09:00:00"], ExitCode.USAGE),
    ],
)
def test_a_call_that_cannot_be_is_refused(policy: Path, options: list[str], code: ExitCode) -> None:
    ran = run("explain", policy, "pay", *options)
    assert ran.exit_code == code
    assert ran.stderr.startswith("portcullis: ")


def test_what_a_file_says_cannot_move_the_terminal(policy: Path) -> None:
    changed(policy, "name: not too much", r'name: "not\u202e too much"')
    ran = explain(policy, {"order": {"amount": 101}, "rate": 1})
    assert "\u202e" not in ran.stdout


def test_tests_are_run_and_told(policy: Path) -> None:
    ran = run("test", policy)
    assert (ran.exit_code, ran.stdout) == (0, "ok    small: allow\n")
    assert ran.stderr == "1 of 1 tests passed\n"


def test_tests_beside_the_policy_are_run_with_those_in_it(policy: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.yaml"
    more.write_text(
        "tests:\n"
        "  - {name: large, call: {tool: pay, args: {order: {amount: 900}}}, expect: deny}\n"
        "  - {name: wrong, call: {tool: list_things}, expect: deny}\n"
    )
    ran = run("test", policy, "--cases", more)
    assert ran.exit_code == ExitCode.REFUSED
    assert ran.stdout.splitlines()[:2] == ["ok    small: allow", "ok    large: deny"]
    assert ran.stdout.splitlines()[2].startswith(f"FAIL  {more}:3: the test `wrong` expects `deny`")
    tree = json.loads(run("test", policy, "--cases", more, "--json").stdout)
    assert (tree["passed"], tree["failed"]) == (2, 1)


@pytest.mark.parametrize(
    "text,code",
    [
        ("tests: []\nversion: '1'\n", ExitCode.USAGE),
        ("tests: [{name: x}]\n", ExitCode.REFUSED),
        ("tests: [\n", ExitCode.REFUSED),
        ("[]\n", ExitCode.USAGE),
    ],
)
def test_a_file_of_tests_holds_tests(
    policy: Path, tmp_path: Path, text: str, code: ExitCode
) -> None:
    more = tmp_path / "more.yaml"
    more.write_text(text)
    assert run("test", policy, "--cases", more).exit_code == code


def test_edges_are_tried_around_each_number_and_at_each_limit(policy: Path) -> None:
    tree = run("test", policy, "--boundaries", "--json").tree
    told = [(one["rule"], one["at"], one["decided"]) for one in tree["boundaries"]]
    assert told == [
        ("list_things", "call 2 in 60 s", "allow"),
        ("list_things", "call 3 in 60 s", "limit_reached"),
        ("pay/not too much", "args.order.amount = 99", "allow"),
        ("pay/not too much", "args.order.amount = 100", "allow"),
        ("pay/not too much", "args.order.amount = 101", "deny"),
        ("pay/nor by strangers", "args.rate = 0.4", "allow"),
        ("pay/nor by strangers", "args.rate = 0.5", "allow"),
        ("pay/nor by strangers", "args.rate = 0.6", "require_approval"),
    ]
    assert "edge  pay/not too much: args.order.amount = 101 -> deny" in (
        run("test", policy, "--boundaries").stdout
    )


def test_a_policy_without_a_test_does_not_pass_for_a_tested_one(tmp_path: Path) -> None:
    path = tmp_path / "bare.yaml"
    path.write_text('version: "1"\ndefault: deny\ntools: {x: {action: allow}}\n')
    assert run("test", path).exit_code == ExitCode.REFUSED
    assert run("test", path, "--boundaries").exit_code == 0


@pytest.mark.parametrize("words", [["test"], ["explain", "pay"]])
def test_a_policy_with_faults_is_neither_tested_nor_explained(
    policy: Path, words: list[str]
) -> None:
    changed(policy, "default: deny", "default: maybe")
    ran = run(words[0], policy, *words[1:])
    assert ran.exit_code == ExitCode.REFUSED
    assert "line 3" in ran.stderr


def test_a_file_that_is_not_there_is_said() -> None:
    for words in (["validate", "none.yaml"], ["test", "none.yaml"], ["explain", "none.yaml", "x"]):
        ran = run(*words)
        assert ran.exit_code == ExitCode.USAGE
        assert "none.yaml: no such file" in ran.stderr


def test_a_fault_of_a_file_of_tests_is_told_of_that_file(policy: Path, tmp_path: Path) -> None:
    beside = tmp_path / "beside.yaml"
    beside.write_text("")
    ran = Terminal().run("policy", "test", str(policy), "--cases", str(beside))
    assert ran.exit_code == ExitCode.REFUSED
    assert ran.stderr == f"portcullis: {beside}: line 1, column 1: the file holds nothing\n"


def test_the_version_is_told() -> None:
    ran = Terminal().run("--version")
    assert (ran.exit_code, ran.stdout) == (ExitCode.OK, f"portcullis {GATEWAY_INFO['version']}\n")
