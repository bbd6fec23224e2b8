"""`portcullis policy rollback`: what is gone back to, over what, and when nothing is done."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from portcullis.activation.release import Refused, Released, Waiting
from portcullis.adapters.s3_activation import lock_key
from portcullis.policy.document import revision_of
from portcullis.policy.faults import Fault
from portcullis.strictjson import dump
from portcullis_cli.errors import ExitCode
from portcullis_cli.policy import return_point
from support.policy_uploads import (
    ACTIVE,
    KEY,
    Meanwhile,
    T,
    World,
    agreed,
    lock_of,
    newest_text,
    rollback,
    text,
    uploads,
)

GOLDEN = Path(__file__).parent / "golden" / "policy-rollback.txt"


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        world = World()
        world.on_look = Released()
        yield world


def test_the_revision_before_is_in_force_again(world: World) -> None:
    first = world.activated(text("one"), T)
    second = world.activated(text("two"), T + 60)
    ran = agreed(world, "--json")
    assert ran.exit_code == 0, ran.stdout + ran.stderr
    told = ran.tree
    assert newest_text(world) == text("one")
    assert (told["version"], told["to"]["version"]) == (world.newest, first)
    assert told["status"]["in_force"]["earlier"] is True
    assert told["status"]["revision"] == told["to"]["revision"] != told["from"]
    assert told["wider"] is True
    assert {(one["tool"], one["before"], one["after"]) for one in told["changes"]} == {
        ("one", "deny", "allow"), ("two", "allow", "deny"),
    }  # fmt: skip
    assert second != world.newest


def test_a_person_sees_what_changes_before_it_does(world: World) -> None:
    names = {world.activated(text("one"), T): "1", world.activated(text("two"), T + 60): "2"}
    names[world.activated("x", T + 120)] = "3"
    world.terminal.answers = "y\n"
    ran = rollback(world)
    assert ran.exit_code == 0, ran.stderr
    names[world.newest] = "4"
    told = ran.stderr + ran.stdout
    for version, name in names.items():
        told = told.replace(version, f"<version {name}>")
    assert "".join(f"{one.rstrip()}\n" for one in told.splitlines()) == GOLDEN.read_text()


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_whoever_does_not_agree_changes_nothing(world: World, answer: str) -> None:
    world.activated(text("one"), T)
    world.activated(text("two"), T + 60)
    world.terminal.answers = answer
    ran = rollback(world, "--json")
    assert ran.exit_code == ExitCode.REFUSED
    assert json.loads(ran.stdout)["error"]["code"] == "declined"
    assert uploads(world) == 2


def test_a_script_has_to_say_that_it_agrees(world: World) -> None:
    world.activated(text("one"), T)
    world.activated(text("two"), T + 60)
    ran = rollback(world)
    assert (ran.exit_code, uploads(world)) == (ExitCode.USAGE, 2)
    assert "then use --yes" in ran.stderr


def test_a_revision_or_a_version_can_be_named(world: World) -> None:
    first = world.activated(text("one"), T)
    world.activated(text("two"), T + 60)
    world.activated(text("three"), T + 120)
    revision = str(world.tree()["uploads"][2]["activations"][0]["revision"])
    assert agreed(world, "--to", revision[:15]).exit_code == 0
    assert newest_text(world) == text("one")
    agreed(world)
    assert newest_text(world) == text("three")
    assert agreed(world, "--to", first).exit_code == 0
    assert newest_text(world) == text("one")


@pytest.mark.parametrize(
    ("wanted", "code", "told"),
    [
        ("sha256:12", ExitCode.USAGE, "at least 8 of its hexadecimal digits"),
        ("sha256:0123\x1b[2J", ExitCode.USAGE, "hexadecimal digits"),
        ("sha256:" + "0" * 64, ExitCode.NOT_FOUND, "no record says that revision"),
        ("no\x1bversion", ExitCode.NOT_FOUND, "there is no version `no\\u001bversion`"),
    ],
)
def test_what_never_was_is_not_gone_back_to(
    world: World, wanted: str, code: ExitCode, told: str
) -> None:
    world.activated(text("one"), T)
    ran = agreed(world, "--to", wanted)
    assert (ran.exit_code, uploads(world)) == (code, 1)
    assert told in ran.stderr


def test_an_upload_that_never_governed_is_said_to_be_one(world: World) -> None:
    never = world.activated(text("one"), T, Waiting(text="somebody"))
    world.activated(text("two"), T + 60)
    world.terminal.answers = "y\n"
    ran = rollback(world, "--to", never)
    assert ran.exit_code == 0
    assert "no record says that it was ever in force" in ran.stderr


def test_there_is_nothing_before_the_first(world: World) -> None:
    world.activated(text("one"), T)
    ran = agreed(world)
    assert ran.exit_code == ExitCode.NOT_FOUND
    assert ran.stderr == "portcullis: no other revision was in force before\n"


def test_what_is_in_force_is_not_uploaded_again(world: World) -> None:
    version = world.activated(text("one"), T)
    ran = agreed(world, "--to", version)
    assert (ran.exit_code, uploads(world)) == (0, 1)
    assert ran.stdout.endswith(" is in force already; nothing was done\n")
    assert agreed(world, "--to", version, "--json").tree["version"] is None


def test_two_revisions_with_the_same_beginning_are_not_guessed_between(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.activated(text("one"), T)
    world.activated(text("two"), T + 60)
    monkeypatch.setattr(return_point, "_DIGITS", re.compile(""))
    ran = agreed(world, "--to", "sha256:")
    assert (ran.exit_code, uploads(world)) == (ExitCode.USAGE, 2)


def test_an_upload_that_nobody_looked_at_is_waited_for(world: World) -> None:
    first = world.activated(text("one"), T)
    world.activated(text("two"), T + 60)
    world.upload(text("three"))
    ran = agreed(world)
    assert (ran.exit_code, uploads(world)) == (ExitCode.REFUSED, 3)
    assert "nobody has looked at the newest upload yet" in ran.stderr
    world.terminal.answers = "y\n"
    ran = rollback(world, "--to", first)
    assert ran.exit_code == 0
    assert "not looked at yet" in ran.stderr


def test_a_waiting_upload_that_is_replaced_is_named(world: World) -> None:
    world.activated(text("one"), T)
    world.activated(text("two"), T + 60)
    waits = world.activated(text("three"), T + 120, Waiting(text="somebody"))
    world.terminal.answers = "y\n"
    ran = rollback(world)
    assert ran.exit_code == 0
    assert f"replaces       upload {waits}, waiting" in ran.stderr
    assert newest_text(world) == text("one")


def test_a_policy_from_before_its_lock_says_so(world: World) -> None:
    world.activated(text("one"), T)
    world.put(lock_key("gate"), lock_of("one"))
    world.look(T + 60)
    assert "it was in force without a lock" in agreed(world).stderr


def test_after_a_deletion_the_older_text_is_uploaded_over_nothing(world: World) -> None:
    first = world.activated(text("one"), T)
    world.activated(text("two"), T + 60)
    world.delete(KEY)
    assert agreed(world).exit_code == 0
    assert newest_text(world) == text("one")
    world.delete(KEY)
    rival = Meanwhile(world.s3, "put_object", lambda: world.upload(text("three")))
    world.terminal.s3 = lambda: rival
    assert agreed(world, "--to", first).exit_code == 0  # it is in force
    assert agreed(world).exit_code == ExitCode.REFUSED
    assert newest_text(world) == text("three")


def test_where_nothing_governs_any_more_what_is_meant_has_to_be_named(world: World) -> None:
    first = world.activated(text("one"), T)
    world.delete(ACTIVE)
    ran = agreed(world)
    assert (ran.exit_code, uploads(world)) == (ExitCode.REFUSED, 1)
    assert "name what you mean with --to" in ran.stderr
    world.terminal.answers = "y\n"
    ran = rollback(world, "--to", first)
    assert ran.exit_code == 0
    assert "in force       nothing, so every call is denied" in ran.stderr
    assert "WIDER    one: deny -> allow" in ran.stderr


def test_over_what_cannot_be_understood_no_change_is_made_up(world: World) -> None:
    world.activated(text("one"), T)
    world.put(ACTIVE, b"{")
    world.terminal.answers = "y\n"
    ran = rollback(world, "--wait", "0")
    assert ran.exit_code == 0
    assert "what changes cannot be told: what is in force cannot be understood" in ran.stderr
    world.activated(text("two"), T + 60)
    world.put(ACTIVE, b"[]")
    assert agreed(world, "--wait", "0", "--json").tree["wider"] is None


def test_over_what_today_s_rules_do_not_read_no_change_is_made_up(world: World) -> None:
    """It was in force by the rules of an earlier release, and its revision is its own."""
    first = world.activated(text("one"), T)
    world.activated(text("two"), T + 60)
    held = json.loads(world.s3.get_object(Bucket="policies", Key=ACTIVE)["Body"].read())
    held["document"] = {**held["document"], "default": "perhaps"}
    held["revision"] = revision_of(held["document"])
    world.put(ACTIVE, dump(held))
    told = agreed(world, "--to", first, "--wait", "0", "--json").tree
    assert (told["from"], told["changes"]) == (held["revision"], None)


def test_a_server_that_nobody_knows_has_nothing_to_go_back_to(world: World) -> None:
    assert agreed(world).exit_code == ExitCode.NOT_FOUND
    assert world.terminal.run("policy", "rollback", "A/b", "--yes").exit_code == ExitCode.USAGE


def test_a_bucket_without_versions_has_nothing_to_go_back_to() -> None:
    with mock_aws():
        world = World(is_versioned=False)
        world.upload(text("one"))
        ran = agreed(world)
        assert ran.exit_code == ExitCode.REFUSED
        assert "the bucket keeps no versions" in ran.stderr


def test_a_second_person_is_waited_for(world: World) -> None:
    world.activated(text("one"), T)
    world.activated(text("two"), T + 60)
    world.on_look = Waiting(text="0 of 2 people", url="https://gate/1")
    ran = agreed(world)
    assert ran.exit_code == ExitCode.WAITING
    assert ran.stdout == "gate: waiting: 0 of 2 people https://gate/1\n"


def test_what_becomes_of_it_ends_the_command(world: World) -> None:
    world.activated(text("one"), T)
    world.activated(text("two"), T + 60)
    world.on_look = Refused(faults=[Fault(path="", message="denied")])
    ran = agreed(world)
    assert ran.exit_code == ExitCode.REFUSED
    assert ran.stdout == f"{KEY}: error: denied\ngate: rejected\n"
    world.on_look = None
    assert agreed(world, "--wait", "2").exit_code == ExitCode.WAITING
