"""`portcullis sessions`: whose they are, what their limits have left, and what ends one.

The files in `golden` are what a person reads; look at them when one changes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from portcullis_cli.errors import ExitCode
from support.aws_faults import FAULTS, Failing, fault
from support.command_line import NOW, Ran
from support.session_world import BUILD, PERSON, SERVER, World

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        yield World()


def failing(world: World, operation: str, error: Any) -> None:
    """Make an operation of the table fail for the operator."""
    client = Failing(world.dynamodb, operation, error)
    world.terminal.dynamodb = lambda: client


@pytest.fixture
def bare() -> Iterator[World]:
    """A deployment in which nothing is in force."""
    with mock_aws():
        yield World(is_governed=False)


@pytest.fixture
def busy(world: World) -> World:
    world.open("c0ffee")
    world.open("1abe1", bound=False)
    world.open("2", PERSON)
    world.call("list_things")
    world.call("list_things", slot=1)
    world.call("create_thing", ago=0)
    world.call("put_user_policy", amount=2)
    return world


def text(ran: Ran) -> str:
    return "".join(f"{line.rstrip()}\n" for line in ran.stdout.splitlines())


def test_everybodys_sessions_are_listed_with_the_names_that_are_known(busy: World) -> None:
    ran = busy.run("list")
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert text(ran) == (GOLDEN / "sessions-list.txt").read_text()
    assert "secret-of-the-server" not in ran.stdout


def test_a_principal_is_shown_with_what_its_limits_have_left(busy: World) -> None:
    ran = busy.run("show", "--grant", "build-agent", "--server", SERVER)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert text(ran) == (GOLDEN / "sessions-show.txt").read_text()


def test_every_counter_that_a_call_took_from_is_found_by_its_own_key(busy: World) -> None:
    """What is shown as used is what the gateway counts, whatever the scope and the window."""
    (at,) = busy.run("show", "--grant", "build-agent", "--server", SERVER, "--json").tree["servers"]
    used = {
        (one["rule"], one["slot"], one["tool"]): one["used"]
        for one in at["limits"]
        if one["used"] != "0"
    }
    assert used == {
        ("list_things", 0, None): "1",
        ("list_things", 1, None): "1",
        ("create_thing/some", None, None): "1",
        ("create_thing/trial", None, None): "1",
        ("put_user_policy", None, None): "2",
        ("*/each", None, "list_things"): "2",
        ("*/each", None, "create_thing"): "1",
        ("*/each", None, "put_user_policy"): "1",
        ("*/all", None, None): "4",
    }
    spent = next(one for one in at["limits"] if one["rule"] == "put_user_policy")
    assert (spent["max"], spent["remaining"]) == ("7.5", "5.5")
    assert spent["clear_at"] == "2027-01-15T09:59:30Z"


def test_one_session_is_shown_with_its_slot_alone(busy: World) -> None:
    (at,) = busy.run("show", "1abe1", "--grant", "build-agent", "--json").tree["servers"]
    assert {one["slot"] for one in at["limits"]} == {0, None}
    (at,) = busy.run("show", "c0ffee", "--grant", "build-agent", "--json").tree["servers"]
    assert {one["slot"] for one in at["limits"]} == {1, None}


def test_a_principal_is_named_as_in_the_decision_log(busy: World) -> None:
    assert [one["id"] for one in busy.sessions("--principal", PERSON.key)] == ["2"]
    assert [one["id"] for one in busy.sessions("--principal", BUILD.key)] == ["1abe1", "c0ffee"]
    assert busy.sessions("--principal", "1:a|nobody") == []
    assert busy.sessions("--server", "amazon-mq") == []


def test_what_has_ended_is_listed_when_it_is_asked_for(bare: World) -> None:
    bare.open("old", ago=4000)
    bare.open("ended")
    assert bare.run("end", "ended", "--grant", "build-agent").exit_code == 0
    assert bare.sessions() == []
    assert bare.run("list").stderr == "no session is open\n"
    states = {one["id"]: one["state"] for one in bare.sessions("--all")}
    assert states == {"old": "over", "ended": "closed"}


def test_an_ended_session_is_unknown_to_the_gateway_and_its_slot_is_free(bare: World) -> None:
    bare.open("c0ffee")
    assert bare.upstream("c0ffee") == "secret-of-the-server"
    ran = bare.run("end", "c0ffee", "--grant", "build-agent")
    assert (ran.exit_code, ran.stdout) == (0, f"ended c0ffee of build-agent at {SERVER}\n")
    assert bare.upstream("c0ffee") is None
    bare.open("next")
    assert {one["id"]: one["slot"] for one in bare.sessions()} == {"next": 1}


def test_what_would_not_end_is_refused_and_ends_nothing(bare: World) -> None:
    bare.open("c0ffee")
    bare.open("1abe1", bound=False)
    ran = bare.run("end", "c0ffee", "1abe1", "--grant", "build-agent")
    assert ran.exit_code == ExitCode.REFUSED
    assert "portcullis grants revoke" in ran.stderr
    for other in ("unknown", "1abe1x"):
        ran = bare.run("end", "c0ffee", other, "--grant", "build-agent")
        assert ran.exit_code == ExitCode.NOT_FOUND
    assert bare.run("end", "c0ffee", "--principal", PERSON.key).exit_code == ExitCode.NOT_FOUND
    assert bare.upstream("c0ffee") is not None
    assert bare.run("end", "c0ffee", "--grant", "build-agent", "--json").tree == {
        "ended": ["c0ffee"]
    }
    assert bare.run("end", "c0ffee", "--grant", "build-agent").exit_code == ExitCode.NOT_FOUND


@pytest.mark.parametrize(
    "words",
    [
        ["show"],
        ["end", "x"],
        ["list", "--grant", "a", "--principal", "1:a|b"],
        ["list", "--principal", "anna"],
        ["list", "--principal", "1:ab|c"],
        ["list", "--principal", "x:a|b"],
        ["list", "--principal", "1:a|"],
        ["list", "--grant", "a", "--server", "A B"],
    ],
)
def test_what_names_nobody_is_a_usage_error(bare: World, words: list[str]) -> None:
    assert bare.run(*words).exit_code == ExitCode.USAGE


def test_a_list_that_was_cut_says_so(bare: World) -> None:
    item = {
        "pk": {"S": f"SESSION#{'a' * 64}#{SERVER}"}, "sk": {"S": "SID#1"}, "slot": {"N": "0"},
        "ttl": {"N": str(NOW + 9)},
    }  # fmt: skip

    class Endless:
        asked = 0

        def scan(self, **_asked: Any) -> Any:
            self.asked += 1
            return {"Items": [item], "LastEvaluatedKey": {"pk": {"S": "x"}}}

        query = scan

    endless = Endless()
    bare.terminal.dynamodb = lambda: endless
    ran = bare.run("list", "--pages", "3")
    assert (ran.exit_code, endless.asked) == (ExitCode.UNAVAILABLE, 3)
    assert "not all: the table holds more than 3 MB" in ran.stderr
    assert "aaaaaaaaaaaaaaaa…" in ran.stdout
    assert "not recorded" in ran.stdout
    ran = bare.run("list", "--pages", "1", "--json")
    assert (ran.exit_code, ran.tree["whole"]) == (ExitCode.UNAVAILABLE, False)
    ran = bare.run("list", "--grant", "x")
    assert (ran.exit_code, ran.stdout) == (ExitCode.UNAVAILABLE, "")
    assert "more sessions than can be looked at" in ran.stderr


@pytest.mark.parametrize(
    "words,operation",
    [
        (["list"], "scan"),
        (["list", "--grant", "build-agent"], "query"),
        (["show", "--grant", "build-agent"], "query"),
        (["end", "c0ffee", "--grant", "build-agent"], "query"),
        (["end", "c0ffee", "--grant", "build-agent"], "update_item"),
    ],
)
def test_a_table_that_does_not_answer_is_told(
    bare: World, words: list[str], operation: str
) -> None:
    bare.open("c0ffee")
    for error in FAULTS:
        failing(bare, operation, error.values[0])
        ran = bare.run(*words)
        assert (ran.exit_code, ran.stdout) == (ExitCode.UNAVAILABLE, ""), error.id
        assert ran.stderr.count("\n") == 1
    assert bare.upstream("c0ffee") is not None


def test_counters_that_cannot_be_read_are_not_called_unused(busy: World) -> None:
    show = ("show", "--grant", "build-agent", "--server", SERVER)
    for error in FAULTS:
        failing(busy, "batch_get_item", error.values[0])
        ran = busy.run(*show)
        assert ran.exit_code == ExitCode.UNAVAILABLE
        assert "limits: could not tell" in ran.stdout
        assert '"untold"' in busy.run(*show, "--json").stdout
    busy.terminal.dynamodb = lambda: busy.dynamodb
    busy.deployed.put(f"active/policies/{SERVER}.json", "not json")
    assert busy.run(*show).exit_code == ExitCode.UNAVAILABLE


def test_a_counter_that_somebody_changed_is_not_called_unused(busy: World) -> None:
    for item in busy.dynamodb.scan(TableName=busy.table)["Items"]:
        for name in item:
            if name.startswith("s_"):
                busy.dynamodb.put_item(TableName=busy.table, Item={**item, name: {"S": "0"}})
    ran = busy.run("show", "--grant", "build-agent", "--server", SERVER)
    assert ran.exit_code == ExitCode.UNAVAILABLE
    assert "is not usable" in ran.stderr


def test_an_item_without_its_text_is_told(bare: World) -> None:
    item = {"pk": {"S": "GRANT#1"}, "sk": {"S": "GRANT"}, "name": {"N": "1"}}
    bare.dynamodb.put_item(TableName=bare.table, Item=item)
    assert bare.run("list").exit_code == ExitCode.UNAVAILABLE


@pytest.mark.parametrize(
    "change", [{"slot": {"S": "x"}}, {"slot": {"N": "-1"}}, {"ttl": {"S": ""}}]
)
def test_a_session_that_somebody_changed_is_told(bare: World, change: Any) -> None:
    bare.open("c0ffee")
    items = bare.dynamodb.scan(TableName=bare.table)["Items"]
    (item,) = [one for one in items if one["sk"]["S"].startswith("SID#")]
    bare.dynamodb.put_item(TableName=bare.table, Item={**item, **change})
    assert bare.run("list").exit_code == ExitCode.UNAVAILABLE


def test_slots_that_somebody_changed_are_told(bare: World) -> None:
    bare.open("c0ffee")
    items = bare.dynamodb.scan(TableName=bare.table)["Items"]
    (item,) = [one for one in items if one["sk"]["S"] == "SLOTS"]
    bare.dynamodb.put_item(TableName=bare.table, Item={**item, "slots": {"S": "none"}})
    assert bare.run("list", "--grant", "build-agent").exit_code == ExitCode.UNAVAILABLE


def test_a_server_without_a_policy_has_no_limits(bare: World) -> None:
    ran = bare.run("show", "--grant", "build-agent", "--server", "amazon-mq")
    assert (ran.exit_code, "no limits" in ran.stdout) == (0, True)


def test_a_bucket_that_does_not_answer_is_told(bare: World) -> None:
    client = Failing(bare.deployed.s3, "list_objects_v2", fault("SlowDown"))
    bare.terminal.s3 = lambda: client
    ran = bare.run("list", "--grant", "build-agent")
    assert (ran.exit_code, ran.stdout) == (ExitCode.UNAVAILABLE, "")
