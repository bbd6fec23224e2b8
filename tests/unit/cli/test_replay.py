"""`portcullis policy replay` and `policy diff --recorded`: recorded calls, decided again."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from portcullis.errors import UpstreamNotSentError
from portcullis_cli.errors import ExitCode
from support.command_line import Ran, Terminal
from support.gateway_in_memory import SERVER
from support.recorded_log import HEAD, NEW, OLD, RecordingWorld, call_some, text_of

GOLDEN = Path(__file__).parent / "golden"
CANARY = "canary-4711"


@pytest.fixture(scope="module")
def kms() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("kms", region_name="us-east-1")


@pytest.fixture
def world(kms: Any) -> RecordingWorld:
    return RecordingWorld(kms, kms.create_key()["KeyMetadata"]["Arn"], OLD)


@pytest.fixture
def replayed(kms: Any, world: RecordingWorld, tmp_path: Path) -> Callable[..., Ran]:
    """Runs a command on the world's log, or on a text in its place."""

    def run(policy: str, *more: str, text: str | None = None, **services: Any) -> Ran:
        candidate, log = tmp_path / f"{SERVER}.yaml", tmp_path / "log.jsonl"
        candidate.write_text(policy)
        log.write_text(world.text() if text is None else text)
        terminal = Terminal(services={"kms": kms, **services})
        return terminal.run("policy", "replay", str(candidate), "--log", str(log), *more)

    return run


def test_what_would_be_decided_differently_is_told_with_what_is_wider_first(
    world: RecordingWorld, replayed: Callable[..., Ran]
) -> None:
    call_some(world)
    ran = replayed(NEW)
    assert ran.exit_code == ExitCode.OK, ran
    assert ran.stdout == (GOLDEN / "policy-replay.txt").read_text()
    tree = replayed(NEW, "--json").tree
    assert (tree["calls"], tree["different"], tree["wider"]) == (6, 3, True)
    assert [
        (one["tool"], one["before"], one["after"], one["calls"]) for one in tree["changes"]
    ] == [
        ("create_broker", "deny", "allow", 2),
        ("get_info", "allow", "limit", 1),
    ]
    assert tree["cannot_tell"] == {"it was refused before its arguments were judged": 1}


def test_the_policy_that_was_in_force_decides_as_it_did(
    world: RecordingWorld, replayed: Callable[..., Ran]
) -> None:
    call_some(world)
    world.call("get_info")  # the fourth in an hour
    ran = replayed(OLD, "--fail-on-wider", "--json")
    assert ran.exit_code == ExitCode.OK
    assert (ran.tree["calls"], ran.tree["changes"]) == (7, [])


def test_a_gate_in_a_pipeline_fails_where_a_call_would_be_permitted_that_was_not(
    world: RecordingWorld, replayed: Callable[..., Ran]
) -> None:
    call_some(world)
    assert replayed(NEW, "--fail-on-wider").exit_code == ExitCode.REFUSED


def test_a_call_that_never_reached_the_server_gives_back_what_it_took(
    world: RecordingWorld, replayed: Callable[..., Ran]
) -> None:
    world.upstream.fault = UpstreamNotSentError("refused")
    world.call("get_info")
    world.upstream.fault = None
    for _ in range(2):
        world.call("get_info")
    assert replayed(NEW, "--json").tree["changes"] == []


def test_a_limit_that_was_used_up_before_the_log_begins_is_no_difference(
    world: RecordingWorld, replayed: Callable[..., Ran]
) -> None:
    """The log begins after the calls that used it up: what is permitted now is not known."""
    for _ in range(4):
        world.call("get_info")
    world.log.records[:3] = []
    ran = replayed(OLD, "--fail-on-wider", "--json")
    assert ran.exit_code == ExitCode.UNDECIDED
    assert (ran.tree["changes"], ran.tree["calls"]) == ([], 0)
    assert list(ran.tree["cannot_tell"]) == [
        "a limit refused it then, by calls that are not in the log"
    ]
    (change,) = replayed(HEAD + "  get_info: {action: allow}\n", "--json").tree["changes"]
    assert (change["before"], change["after"], change["wider"]) == ("limit", "allow", True)


ASKS = (
    HEAD
    + """\
  get_info:
    action: require_approval
    approval: {approvers: [carol]}
    rate_limit: {max: 1, window: 60}
"""
)


def test_a_call_that_would_wait_for_a_person_is_told_and_takes_nothing(
    world: RecordingWorld, replayed: Callable[..., Ran]
) -> None:
    world.call("get_info")
    world.call("get_info")
    (change,) = replayed(ASKS, "--json").tree["changes"]
    assert (change["before"], change["after"], change["calls"]) == ("allow", "require_approval", 2)
    assert not change["wider"]


# ---------------------------------------------------------------- redacted


def secret_rule(action: str, condition: str) -> str:
    return (
        HEAD
        + f"  get_info:\n    rules:\n      - {{name: r, action: {action}, when: {condition}}}\n"
        + "      - {name: ok, action: allow}\n"
    )


HANGS = [
    "{path: args.password, op: eq, value: x}",
    "{path: args.password, op: regex, value: '^a'}",
    "{path: args.password.inner, op: exists, value: true}",
    "{not: {path: args.password, op: eq, value: x}}",
    "{any: [{path: args.a, op: eq, value: 2}, {path: args.password, op: starts_with, value: x}]}",
]
TELLS = [
    ("{path: args.a, op: eq, value: 1}", "deny"),
    ("{path: args.a, op: eq, value: 2}", "allow"),
    ("{path: args.password, op: exists, value: true}", "deny"),
    ("{path: args.password, op: exists, value: false}", "allow"),
    ("{all: [{path: args.a, op: eq, value: 2}, {path: args.password, op: eq, value: x}]}", "allow"),
    ("{any: [{path: args.a, op: eq, value: 1}, {path: args.password, op: eq, value: x}]}", "deny"),
]


@pytest.mark.parametrize("condition", HANGS)
def test_R06_what_hangs_on_a_redacted_value_is_not_guessed(
    world: RecordingWorld, replayed: Callable[..., Ran], condition: str
) -> None:
    world.call("get_info", {"a": 1, "password": CANARY})
    ran = replayed(secret_rule("deny", condition), "--json")
    assert ran.exit_code == ExitCode.UNDECIDED
    assert ran.tree["cannot_tell"] == {"what was redacted decides": 1}
    assert CANARY not in ran.stdout


@pytest.mark.parametrize(("condition", "expected"), TELLS)
def test_R06_what_a_redacted_value_cannot_change_is_told(
    world: RecordingWorld, replayed: Callable[..., Ran], condition: str, expected: str
) -> None:
    world.call("get_info", {"a": 1, "password": CANARY})
    tree = replayed(secret_rule("deny", condition), "--json").tree
    after = tree["changes"][0]["after"] if tree["changes"] else "allow"
    assert (after, tree["cannot_tell"]) == (expected, {})


def test_R06_a_rule_that_denies_for_sure_denies_whatever_was_redacted(
    world: RecordingWorld, replayed: Callable[..., Ran]
) -> None:
    world.call("get_info", {"a": 1, "password": CANARY})
    policy = HEAD + (
        "  get_info:\n    rules:\n"
        "      - {name: one, action: deny, when: {path: args.password, op: eq, value: x}}\n"
        "      - {name: two, action: deny, when: {path: args.a, op: eq, value: 1}}\n"
        "      - {name: three, action: deny, mode: shadow,\n"
        "         when: {path: args.password, op: eq, value: x}}\n"
    )
    (change,) = replayed(policy, "--json").tree["changes"]
    assert change["example"]["rule_after"] == "get_info/two"
    hidden = replayed('version: "1"\ndefault: deny\nhide: [get_info]\n', "--json").tree
    assert hidden["changes"][0]["after"] == "deny"


def test_R06_an_amount_that_was_redacted_is_not_guessed(
    world: RecordingWorld, replayed: Callable[..., Ran]
) -> None:
    world.call("get_info", {"otp": 5})
    spends = HEAD + (
        "  get_info: {action: allow, spend_limit: {path: args.otp, max: 1, window: 60}}\n"
    )
    assert replayed(spends, "--json").tree["cannot_tell"] == {"what was redacted decides": 1}


# ---------------------------------------------------------------- what cannot be told


def test_calls_that_were_not_recorded_or_not_decided_by_rules_are_counted_apart(
    world: RecordingWorld, replayed: Callable[..., Ran]
) -> None:
    world.call("get_info")
    world.call("get_info", {"text": "x" * 70_000})
    world.counters.fails_to_reserve = True
    world.call("get_info")
    lines = [json.loads(line) for line in world.text().splitlines()]
    bare = {**lines[0]["decision"], "decision_id": "bare"}
    down = {**bare, "decision_id": "down", "recording": "unavailable"}
    for one in (bare, down):
        del one["recorded"]
    extra = text_of({**lines[0], "decision": one} for one in (bare, down))
    tree = replayed(OLD, "--json", text=world.text() + extra).tree
    assert tree["calls"] == 1
    assert tree["cannot_tell"] == {
        "it was too large to be recorded": 1,
        "it was not recorded": 1,
        "it was not recorded: the key did not answer": 1,
        "something else than the policy's rules decided then": 1,
    }
    assert replayed(OLD, "--fail-on-wider", text=world.text() + extra).exit_code == 6


def changed(world: RecordingWorld, **told: Any) -> str:
    """The log, its first line telling something else than it did; None: nothing of that name."""
    first, *rest = [json.loads(line) for line in world.text().splitlines()]
    record = {**first["decision"], **told}
    first["decision"] = {name: one for name, one in record.items() if one is not None}
    return text_of([first, *rest])


HIDES = 'version: "1"\ndefault: deny\nhide: [get_info]\ntools:\n  create_broker: {action: allow}\n'


def test_a_call_of_a_tool_that_is_hidden_no_more_is_not_taken_for_refused(
    world: RecordingWorld, replayed: Callable[..., Ran]
) -> None:
    """It might be permitted now; its arguments are not recorded, so nobody can tell."""
    world.under(HIDES)
    world.call("get_info")
    world.call("create_broker")
    ran = replayed(HEAD + "  '*': {action: allow}\n", "--fail-on-wider", "--json")
    assert ran.exit_code == ExitCode.UNDECIDED
    assert ran.tree["cannot_tell"] == {
        "its tool was hidden then, so its arguments were not recorded": 1
    }
    ran = replayed(HIDES, "--fail-on-wider", "--json")
    assert ran.exit_code == ExitCode.OK, "hidden as it was"
    assert ran.tree["cannot_tell"] == {"it was refused before its arguments were judged": 1}


@pytest.mark.parametrize(
    "told",
    [
        {"outcome": "tool_changed", "rule": "drift/changed"},
        {"outcome": "approval_required", "rule": "drift/added"},
    ],
)
def test_a_call_that_drift_decided_is_neither_wider_nor_told(
    world: RecordingWorld, replayed: Callable[..., Ran], told: dict[str, str]
) -> None:
    world.call("get_info")
    world.call("get_info")
    ran = replayed(OLD, "--fail-on-wider", "--json", text=changed(world, **told))
    assert (ran.exit_code, ran.tree["changes"]) == (ExitCode.UNDECIDED, [])
    (reason,) = ran.tree["cannot_tell"]
    assert reason == "its tool was not as it was locked, which is not replayed"


def test_a_call_that_a_stop_or_a_fault_refused_says_nothing_of_rules_and_takes_nothing(
    world: RecordingWorld, replayed: Callable[..., Ran]
) -> None:
    for _ in range(3):
        world.call("get_info")
    stopped = changed(world, outcome="stopped", rule=None, upstream_outcome=None, recorded=None)
    ran = replayed(NEW, "--fail-on-wider", "--json", text=stopped)
    assert (ran.exit_code, ran.tree["changes"]) == (ExitCode.OK, [])
    assert ran.tree["cannot_tell"] == {"something else than the policy's rules decided then": 1}
    down = changed(world, outcome="store_unavailable", upstream_outcome=None)
    assert replayed(NEW, "--json", text=down).tree["changes"] == [], "two of two in an hour"


def test_what_was_taken_and_could_not_be_given_back_stays_taken(
    world: RecordingWorld, replayed: Callable[..., Ran]
) -> None:
    for _ in range(3):
        world.call("get_info")
    text = changed(
        world, outcome="upstream_unavailable", upstream_outcome="not sent: x; reservation kept"
    )
    (change,) = replayed(NEW, "--json", text=text).tree["changes"]
    assert change["after"] == "limit"


def test_the_executor_s_lines_of_the_audit_trail_are_no_further_calls(
    world: RecordingWorld, replayed: Callable[..., Ran]
) -> None:
    world.call("get_info")
    carried = {"approval": "a", "outcome": "approval_delivered", "decision_id": "executor's"}
    executor = changed(world, **carried, recorded=None, age_seconds=None)
    ran = replayed(OLD, "--fail-on-wider", "--json", text=world.text() + executor)
    assert (ran.exit_code, ran.tree["calls"], ran.tree["cannot_tell"]) == (ExitCode.OK, 1, {})


def test_R02_R03_a_recording_moved_or_changed_is_counted_and_not_replayed(
    world: RecordingWorld, replayed: Callable[..., Ran]
) -> None:
    world.call("get_info")
    world.call("create_broker", {"publicly_accessible": True})
    one, other = (json.loads(line) for line in world.text().splitlines())
    one["decision"]["recorded"] = other["decision"]["recorded"]
    moved = {**other, "service": "another-stack"}
    forged = {**other, "decision": {**other["decision"], "decision_id": "f", "recorded": "AAAA"}}
    tree = replayed(NEW, "--json", text=text_of([one, moved, forged])).tree
    assert tree["calls"] == 0
    assert list(tree["cannot_tell"].values()) == [3]


def test_broken_lines_are_counted_others_passed_over_and_a_line_twice_is_one_call(
    world: RecordingWorld, replayed: Callable[..., Ran]
) -> None:
    world.call("get_info")
    world.ask("tools/list")
    own = world.text()
    wrapped = "".join(f"2027-01-15T08:00:00.000Z {line}\n" for line in own.splitlines())
    broken = '{"message": "decision", "decision": {"method"\n'
    broken += '{"message": "decision", "decision": {"method": "tools/call", "server": 5}}\n'
    broken += '{"message": "decision"}\n' + "[" * 5 + "\nSTART RequestId: x\n{}\n"
    ran = replayed(OLD, text=own + wrapped + broken)
    assert "1 call of mq" in ran.stdout
    assert "cannot tell       3  a line could not be read" in ran.stdout
    assert replayed(OLD, "--fail-on-wider", text=own + broken).exit_code == ExitCode.UNDECIDED


def test_a_log_without_a_call_is_no_answer(replayed: Callable[..., Ran]) -> None:
    ran = replayed(NEW, text="")
    assert ran.exit_code == ExitCode.UNDECIDED
    assert "no call of mq is in the log" in ran.stdout


def test_a_line_that_cannot_be_read_may_have_been_a_call(replayed: Callable[..., Ran]) -> None:
    ran = replayed(NEW, text='{"message": "decision"}\n')
    assert ran.exit_code == ExitCode.UNDECIDED
    assert "no call of mq could be decided again" in ran.stdout


def test_an_unsound_candidate_replays_nothing(
    world: RecordingWorld, replayed: Callable[..., Ran]
) -> None:
    world.call("get_info")
    ran = replayed("version: 1\n")
    assert (ran.exit_code, ran.stdout) == (ExitCode.REFUSED, "")


def test_a_hostile_name_is_shown_as_what_it_is(
    world: RecordingWorld, replayed: Callable[..., Ran]
) -> None:
    name = "x\x1b[2J\u202e"
    world.snapshots.tools = {name: {"name": name, "inputSchema": {"type": "object"}}}
    line = json.loads(world.text() or "{}") or {}
    assert line == {}
    world.call("get_info")
    lines = [json.loads(one) for one in world.text().splitlines()]
    lines[0]["decision"]["decision_id"] = name
    ran = replayed(NEW, text=text_of(lines))
    assert "\x1b" not in ran.stdout
