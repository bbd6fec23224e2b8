"""`portcullis policy check` and `diff`: answers over all calls, with calls as examples."""

import json
from pathlib import Path
from typing import Any

import pytest

from portcullis.policy.evaluate import evaluate
from portcullis.policy.model import Call, Instant, Kind, Principal
from portcullis.policy.policy_text import parse_policy
from portcullis_cli.errors import ExitCode
from support.command_line import Ran, Terminal

ROOT = Path(__file__).parents[3]
OLD = """version: "1"
default: deny
tools:
  list_things: {action: allow, rate_limit: {max: 10, window: 60}}
  pay:
    rules:
      - {action: deny, when: [{path: args.amount, op: gt, value: 100}]}
      - action: require_approval
        approval: {approvers: [x]}
        when: [{path: args.amount, op: gt, value: 10}]
      - {action: allow}
  "delete_*": {action: deny}
"""
TOOLS: list[dict[str, Any]] = [
    {
        "name": "pay",
        "inputSchema": {
            "type": "object",
            "required": ["amount", "note", "kind"],
            "properties": {
                "amount": {"type": "integer", "enum": [50, 70]},
                "note": {"type": "string"},
                "kind": {"enum": ["card", "cash"]},
            },
        },
    },
    {"name": "list_things", "inputSchema": {"type": "object"}},
    {"name": "delete_thing", "inputSchema": {"type": "object"}},
]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text(OLD)
    return path


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    path = tmp_path / "tools.json"
    path.write_text(json.dumps({"tools": TOOLS}))
    return path


def changed(old: Path, before: str, after: str) -> Path:
    assert before in OLD
    path = old.with_name("new.yaml")
    path.write_text(OLD.replace(before, after))
    return path


def run(*words: object) -> Ran:
    return Terminal().run("policy", *map(str, words))


def tree_of(ran: Ran) -> Any:
    return json.loads(ran.stdout)


def test_what_can_ever_be_decided_is_told_of_each_tool(old: Path) -> None:
    tree = tree_of(run("check", old, "--json"))
    found = {
        one["tool"]: (one["allow"], one["require_approval"], one["deny"])
        for one in tree["tools"]
        if not one["stands_for_others"]
    }
    assert found == {"list_things": (True, False, False), "pay": (True, True, True)}
    others = [one for one in tree["tools"] if one["stands_for_others"]]
    assert [one["deny"] for one in others] == [True, True]
    assert sum(one["tool"].startswith("delete_") for one in others) == 1
    assert not any(one["allow"] for one in others)
    assert "pay: allow, require_approval, deny" in run("check", old).stdout


def test_with_the_tools_only_calls_that_the_server_takes_count(old: Path, tools: Path) -> None:
    """Every amount is 50 or 70 there, so none passes without a person."""
    ran = run("check", old, "--never-without-approval", "pay", "--tools", tools)
    assert (ran.exit_code, ran.stdout) == (0, "holds pay: never without approval\n")
    ran = run("check", old, "--never-without-approval", "pay")
    assert ran.exit_code == ExitCode.REFUSED
    assert ran.stdout.startswith("NO    pay: never without approval\n      arguments: {")


def test_an_example_is_a_call_that_does_what_is_said(old: Path, tools: Path) -> None:
    ran = run("check", old, "--never", "pay", "--tools", tools, "--json")
    (finding,) = tree_of(ran)["findings"]
    call = finding["example"]["call"]
    assert {"amount", "note", "kind"} <= set(call["args"])
    decided = evaluate(
        parse_policy(OLD).policy,
        Call(
            server="shop", kind=Kind.TOOL, name="pay", arguments=call["args"],
            principal=Principal(issuer="i", subject="s"), session="s",
        ),
        now=Instant(micros=0),
    )  # fmt: skip
    assert decided.rule == finding["example"]["decisions"][0]["rule"] == "pay/2"


CARD: dict[str, Any] = {
    "type": "object",
    "properties": {
        "number": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "kind": {"const": "credit"},
        "unit": {"enum": ["cents"]},
        "holder": {"$ref": "#/$defs/Holder"},
        "rest": {"type": "array"},
    },
    "required": ["number", "kind", "unit", "holder", "rest"],
}
HOLDER = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
ENDLESS = {"type": "object", "properties": {"x": {"$ref": "#/$defs/Holder"}}, "required": ["x"]}


def paid_by_card(tmp_path: Path, *, holder: Any, when: str = "") -> Ran:
    """Whether `pay`, which wants a whole card, can ever be let through."""
    schema = {
        "type": "object",
        "properties": {"card": CARD},
        "required": ["card"],
        "$defs": {"Holder": holder},
    }
    tools, policy = tmp_path / "tools.json", tmp_path / "shop.yaml"
    tools.write_text(json.dumps([{"name": "pay", "inputSchema": schema}]))
    policy.write_text(f'version: "1"\ndefault: deny\ntools:\n  pay: {{action: allow{when}}}\n')
    return run("check", policy, "--tools", tools, "--never", "pay")


@pytest.mark.parametrize("when", ["", ", when: [{path: args.card.number, op: eq, value: seven}]"])
def test_a_call_is_found_where_the_server_wants_objects_in_objects(
    tmp_path: Path, when: str
) -> None:
    ran = paid_by_card(tmp_path, holder=HOLDER, when=when)
    assert ran.exit_code == ExitCode.REFUSED
    assert '"holder":{"name":"text"}' in ran.stdout


@pytest.mark.parametrize("when", ["", ", when: [{path: args.card.number, op: eq, value: seven}]"])
def test_what_no_sample_is_known_of_is_not_said_to_hold(tmp_path: Path, when: str) -> None:
    ran = paid_by_card(tmp_path, holder=ENDLESS, when=when)
    assert ran.exit_code == ExitCode.UNDECIDED
    assert ran.stdout.startswith("?     pay: never let through cannot be told")


def test_a_claim_about_names_that_nobody_has_yet_is_answered(old: Path) -> None:
    ran = run("check", old, "--never", "delete_*")
    assert ran.exit_code == 0
    assert ran.stdout.startswith("holds any other name like this: delete_")
    assert run("check", old, "--never", "nobody_has_this").exit_code == 0
    ran = run("check", old, "--never", "nothing_like_*")
    assert ran.stdout == "holds any other name like this: nothing_like_: never let through\n"


def test_a_claim_may_be_about_one_caller(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        'version: "1"\ndefault: deny\ntools:\n  t:\n    action: allow\n'
        "    when:\n      - {path: principal.groups, op: contains, value: ops}\n"
        "      - {path: principal.tags.team, op: eq, value: pay}\n"
    )
    assert run("check", path, "--never", "t").exit_code == 1
    words = ("check", path, "--never", "t", "--subject", "ann", "--group", "ops")
    assert run(*words).exit_code == 0
    assert run(*words, "--tag", "team=pay").exit_code == 1
    ran = run("check", path, "--never", "t")
    assert 'groups: ["ops"]' in ran.stdout
    assert 'tags: {"team":"pay"}' in ran.stdout


@pytest.mark.parametrize(
    "before,after,holds",
    [
        ("value: 100}", "value: 90}", True),
        ("value: 100}", "value: 101}", False),
        ("value: 10}", "value: 11}", False),
        ("{max: 10, window: 60}", "{max: 9, window: 60}", True),
        ("{max: 10, window: 60}", "{max: 11, window: 60}", False),
        ("{max: 10, window: 60}", "{max: 10, window: 30}", False),
        ("{max: 10, window: 60}", "{max: 10, window: 60, per: tool}", False),
        ("default: deny", "default: allow", False),
        ('"delete_*": {action: deny}', '"delete_*": {action: allow}', False),
        ("default: deny", "hide: [pay]\ndefault: deny", True),
    ],
)
def test_O26_a_policy_is_compared_with_another_one(
    old: Path, before: str, after: str, holds: bool
) -> None:
    new = changed(old, before, after)
    ran = run("check", new, "--at-most", old, "--json")
    assert tree_of(ran)["holds"] is holds
    assert ran.exit_code == (0 if holds else 1)
    wider = run("diff", old, new, "--fail-on-wider", "--json")
    assert tree_of(wider)["wider"] is not holds
    assert wider.exit_code == (0 if holds else 1)


def test_a_text_that_means_the_same_is_no_change(old: Path) -> None:
    new = changed(old, "op: gt, value: 100}]}", "op: gt, value: 100.0}], name: the limit}")
    assert run("diff", old, new).stdout == "every call is decided as before\n"
    assert tree_of(run("diff", old, new, "--json")) == {
        "same": True, "wider": False, "whole": True, "changes": [],
    }  # fmt: skip


def test_O26_changes_are_told_with_the_wider_ones_first(old: Path) -> None:
    new = old.with_name("new.yaml")
    new.write_text(
        OLD.replace("value: 100}", "value: 200}").replace(
            "{action: allow, rate_limit: {max: 10, window: 60}}", "{action: deny}"
        )
    )
    lines = run("diff", old, new).stdout.splitlines()
    assert lines[0] == "WIDER    pay: deny -> require_approval"
    assert lines[1].strip().startswith('arguments: {"amount":')
    assert lines[2].strip() == "decided: deny by pay/1, then require_approval by pay/2"
    assert [one for one in lines if one.startswith("narrower")] == [
        "narrower list_things: allow -> deny"
    ]


@pytest.mark.parametrize("name", ["amazon-mq", "aws-iam"])
def test_the_ready_policies_let_nothing_be_deleted(name: str) -> None:
    path = ROOT / "policies" / f"{name}.yaml"
    claims = [word for one in ("delete_*", "*_delete_*", "attach_*") for word in ("--never", one)]
    ran = run("check", path, *claims, "--json")
    assert [one["holds"] for one in tree_of(ran)["findings"]] != []
    assert all(one["holds"] for one in tree_of(ran)["findings"])


def test_what_has_too_many_cases_is_not_said_to_hold(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        'version: "1"\ndefault: deny\ntools:\n  t:\n    action: allow\n'
        "    when: [{path: args.x, op: regex, value: '(?i)abc'}]\n"
    )
    ran = run("check", path, "--never", "t")
    assert ran.exit_code == ExitCode.UNDECIDED
    assert ran.stdout.startswith("?     t: never let through cannot be told")
    assert tree_of(run("check", path, "--never", "t", "--json"))["holds"] is None
    assert "allow?" in run("check", path).stdout


@pytest.mark.parametrize("words", [["check"], ["diff", "{old}"]])
def test_a_policy_with_faults_is_not_reasoned_about(old: Path, words: list[str]) -> None:
    new = changed(old, "default: deny", "default: maybe")
    ran = run(words[0], *(word.format(old=old) for word in words[1:]), new)
    assert ran.exit_code == ExitCode.REFUSED
    assert "new.yaml: the policy has 1 fault" in ran.stderr
