"""`policy check`: names that nobody named, limits, approvals, and what is not a tool."""

import json
from pathlib import Path
from typing import Any

import pytest

from portcullis_cli.errors import ExitCode
from support.command_line import Ran, Terminal

HEAD = 'version: "1"\ndefault: deny\n'
ASKS = "action: require_approval, approval: {approvers: [%s], min_approvals: %d}"


def run(*words: object) -> Ran:
    return Terminal().run("policy", *map(str, words))


def at_most(tmp_path: Path, old: str, new: str) -> Any:
    """What `--at-most` says of each claim that does not hold."""
    before, after = tmp_path / "old.yaml", tmp_path / "new.yaml"
    before.write_text(HEAD + old)
    after.write_text(HEAD + new)
    tree = json.loads(run("check", after, "--at-most", before, "--json").stdout)
    assert tree["holds"] is all(one["holds"] for one in tree["findings"])
    return [one["claim"] for one in tree["findings"] if not one["holds"]]


def test_a_claim_is_about_every_name_that_it_means_not_only_those_in_the_policy(
    tmp_path: Path,
) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(HEAD + 'tools:\n  delete_user: {action: deny}\n  "*": {action: allow}\n')
    ran = run("check", path, "--never", "delete_*")
    assert ran.exit_code == ExitCode.REFUSED
    assert "holds delete_user: never let through" in ran.stdout
    assert "NO    any other name like this: delete_: never let through" in ran.stdout


def test_names_that_a_condition_tells_apart_are_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    condition = "{path: tool, op: starts_with, value: get_}"
    path.write_text(HEAD + f'tools:\n  "*": {{action: allow, when: [{condition}]}}\n')
    assert run("check", path, "--never", "*").exit_code == ExitCode.REFUSED
    assert "any other name like this: get_: allow" in run("check", path).stdout


@pytest.mark.parametrize("entry", ["", 'tools:\n  "*_x": {action: deny}\n'])
def test_a_name_that_nothing_matches_is_asked_about(tmp_path: Path, entry: str) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(HEAD + entry)
    new.write_text('version: "1"\ndefault: allow\n' + entry)
    assert "deny -> allow" in run("diff", old, new).stdout
    assert run("check", new, "--at-most", old).exit_code == ExitCode.REFUSED
    assert run("check", new, "--never", "*").exit_code == ExitCode.REFUSED


@pytest.mark.parametrize("name", ["typo", "typo_*"])
def test_a_claim_about_no_tool_of_the_server_does_not_hold_unseen(
    tmp_path: Path, name: str
) -> None:
    path, tools = tmp_path / "p.yaml", tmp_path / "tools.json"
    path.write_text(HEAD + "tools:\n  t: {action: deny}\n")
    tools.write_text(json.dumps([{"name": "t", "inputSchema": {"type": "object"}}]))
    ran = run("check", path, "--never", "t", "--never", name, "--tools", tools)
    assert ran.exit_code == ExitCode.UNDECIDED
    assert f"?     {name}: never let through cannot be told: the server has no such" in ran.stdout


def test_of_a_caller_claims_are_open_because_no_option_says_them(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    condition = "{path: principal.claims.unit, op: eq, value: it}"
    path.write_text(HEAD + f"tools:\n  t: {{action: allow, when: [{condition}]}}\n")
    assert run("check", path, "--never", "t", "--subject", "ann").exit_code == ExitCode.REFUSED


def test_a_group_alone_asks_for_everybody_in_it(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    condition = "{path: principal.subject, op: eq, value: ann}"
    path.write_text(HEAD + f"tools:\n  t: {{action: allow, when: [{condition}]}}\n")
    assert run("check", path, "--never", "t", "--group", "ops").exit_code == ExitCode.REFUSED
    assert run("check", path, "--never", "t", "--subject", "bob").exit_code == 0


LIMIT = "rate_limit: {max: %d, window: %d, algorithm: %s}"
SHARED = 'tools:\n  "*": {action: allow, rate_limit: {max: 10, window: 60}}\n'
EACH = (
    'tools:\n  "a*": {action: allow, rate_limit: {max: 10, window: 60}}\n'
    '  "b*": {action: allow, rate_limit: {max: 10, window: 60}}\n'
)
SPLIT = (
    "tools:\n  t:\n    rules:\n"
    "      - {action: allow, when: [{path: args.n, op: lt, value: 5}], rate_limit: "
    "{max: 10, window: 60}}\n"
    "      - {action: allow, when: [{path: args.n, op: gte, value: 5}], rate_limit: "
    "{max: 10, window: 60}}\n"
)
OF_T = "tools:\n  t: {action: allow, %s}\n"


@pytest.mark.parametrize(
    "old,new,is_looser",
    [
        (SHARED, EACH, True),
        (EACH, EACH, False),
        (OF_T % "rate_limit: {max: 10, window: 60}", SPLIT, True),
        (OF_T % LIMIT % (5, 60, "fixed_window"), OF_T % LIMIT % (5, 90, "fixed_window"), True),
        (OF_T % LIMIT % (5, 60, "fixed_window"), OF_T % LIMIT % (5, 120, "fixed_window"), False),
        (OF_T % LIMIT % (5, 60, "sliding_window"), OF_T % LIMIT % (5, 90, "sliding_window"), False),
        (
            f"tools:\n  t: {{{ASKS % ('x', 1)}, rate_limit: {{max: 1, window: 60}}}}\n",
            f"tools:\n  t: {{{ASKS % ('x', 1)}}}\n",
            True,
        ),
    ],
)
def test_a_limit_is_kept_by_one_that_counts_the_same_calls(
    tmp_path: Path, old: str, new: str, is_looser: bool
) -> None:
    claims = at_most(tmp_path, old, new)
    assert [("the limit of" in one) for one in claims] == [True] * len(claims)
    assert bool(claims) is is_looser


@pytest.mark.parametrize(
    "old,new,is_weaker",
    [
        (("'group:x'", 2), ("'group:x'", 1), True),
        (("'group:x'", 1), ("'group:y'", 1), True),
        (("'group:x'", 1), ("'group:x', 'group:y'", 1), True),
        (("'group:x', 'group:y'", 1), ("'group:x'", 2), False),
    ],
)
def test_an_approval_by_fewer_or_other_people_is_more_permissive(
    tmp_path: Path, old: tuple[str, int], new: tuple[str, int], is_weaker: bool
) -> None:
    told = at_most(tmp_path, f"tools:\n  t: {{{ASKS % old}}}\n", f"tools:\n  t: {{{ASKS % new}}}\n")
    said = ["at most as permissive: the approval takes fewer or other people"]
    assert told == (said if is_weaker else [])


@pytest.mark.parametrize("section", ["resources", "prompts"])
def test_resources_and_prompts_are_compared_as_well(tmp_path: Path, section: str) -> None:
    tools = "tools:\n  t: {action: allow}\n"
    old, new = (f'{tools}{section}:\n  "x*": {{action: {one}}}\n' for one in ("deny", "allow"))
    assert at_most(tmp_path, old, new) == ["at most as permissive: deny -> allow"]
    assert at_most(tmp_path, new, old) == []
    ran = run("diff", tmp_path / "old.yaml", tmp_path / "new.yaml")
    assert f"any other name like this: {section[:-1]} x: allow -> deny" in ran.stdout


def test_equal_policies_are_equal_also_where_nobody_can_tell_what_they_do(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    condition = "{path: args.x, op: regex, value: '(?i)abc'}"
    path.write_text(HEAD + f"tools:\n  t: {{action: allow, when: [{condition}]}}\n")
    assert run("diff", path, path).stdout == "every call is decided as before\n"
    assert run("check", path, "--at-most", path).exit_code == 0


@pytest.mark.parametrize(
    "old,new,wider",
    [
        ("", "drift: {changed: require_approval, approval: {approvers: [ann]}}\n", True),
        ("drift: {added: require_approval, approval: {approvers: [ann]}}\n", "", False),
        (
            "drift: {added: require_approval, approval: {approvers: [ann]}}\n",
            "drift: {added: require_approval, approval: {approvers: [ann, bob]}}\n",
            True,
        ),
        ("drift: {added: deny}\n", "drift: {changed: deny}\n", None),
    ],
)
def test_what_becomes_of_tools_that_are_not_as_they_were_locked_is_compared(
    tmp_path: Path, old: str, new: str, wider: bool | None
) -> None:
    lock = tmp_path / "mq.lock.json"
    assert Terminal().run("lock", "https://mcp.example.com/mcp", "-o", str(lock)).exit_code == 0
    before, after = tmp_path / "old.yaml", tmp_path / "new.yaml"
    before.write_text(HEAD + old)
    after.write_text(HEAD + new)
    words = (before, after, "--lock", lock, "--server", "mq", "--json")
    found = json.loads(run("diff", *words).stdout)["changes"]
    assert [one["wider"] for one in found if one["drift"]] == ([] if wider is None else [wider])
