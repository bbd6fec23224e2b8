"""`portcullis policy rollback`: what it refuses, and what does not answer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from portcullis.activation.release import Released, Waiting
from portcullis.adapters.s3_activation import lock_key
from portcullis.values import JsonObject
from portcullis_cli.errors import ExitCode
from support.aws_faults import FAULTS, Failing, fault
from support.policy_uploads import (
    ACTIVE,
    KEY,
    STATUS,
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

SIGNED = Released(facts={"serial": 7, "signed_by": "key"})


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        world = World()
        world.on_look = Released()
        yield world


def test_O27_whoever_uploads_meanwhile_is_not_overwritten(world: World) -> None:
    world.activated(text("one"), T)
    world.activated(text("two"), T + 60)
    rival = Meanwhile(world.s3, "put_object", lambda: world.upload(text("three")))
    world.terminal.s3 = lambda: rival
    ran = agreed(world)
    assert ran.exit_code == ExitCode.REFUSED
    assert "the newest upload is another one than you looked at" in ran.stderr
    assert newest_text(world) == text("three")


def test_O27_what_comes_into_force_meanwhile_was_not_looked_at(world: World) -> None:
    world.activated(text("one"), T)
    world.activated(text("two"), T + 60)
    world.activated(text("three"), T + 120, Waiting(text="somebody"))

    class Approving:
        """Somebody approves what waits while the person reads."""

        looks = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(world.s3, name)

        def get_object(self, **words: Any) -> Any:
            self.looks += words == {"Bucket": "policies", "Key": ACTIVE}
            if self.looks == 2:
                self.looks += 1
                world.look(T + 180)
            return world.s3.get_object(**words)

    approving = Approving()
    world.terminal.s3 = lambda: approving
    ran = agreed(world)
    assert ran.exit_code == ExitCode.REFUSED
    assert "what is in force is another one than you looked at" in ran.stderr
    assert newest_text(world) == text("three")


def test_O28_what_today_s_rules_refuse_is_told_at_its_line_and_not_uploaded(world: World) -> None:
    first = world.activated(text("one"), T)
    world.activated(text("two"), T + 60)
    faulty = world.activated(text("one").replace("allow", "alow"), T + 120)
    ran = agreed(world, "--to", faulty)
    assert (ran.exit_code, uploads(world)) == (ExitCode.REFUSED, 3)
    assert ran.stdout.startswith(f"{KEY}:4:")
    assert "nothing was uploaded: by today's rules it is not sound" in ran.stderr
    world.delete(KEY, first)
    gone = agreed(world, "--to", first)
    assert gone.exit_code == ExitCode.NOT_FOUND
    assert "or its text is gone" in gone.stderr


def test_O28_an_older_text_is_judged_with_the_lock_of_today(world: World) -> None:
    categories = text("one") + "categories: {read: {action: allow}}\n"
    world.put(lock_key("gate"), lock_of("one"))
    first = world.activated(categories, T)
    world.activated(text("two"), T + 60)
    world.put(lock_key("gate"), lock_of("one", "two"))
    world.look(T + 120)
    world.terminal.answers = "y\n"
    ran = rollback(world, "--to", first)
    assert ran.exit_code == 0, ran.stdout + ran.stderr
    assert "with another lock than today's" in ran.stderr
    world.put(lock_key("gate"), b"{")
    refused = agreed(world)
    assert refused.exit_code == ExitCode.REFUSED
    assert "lock: it is no JSON" in refused.stdout


def test_O28_a_lock_is_not_gone_back_to_with_its_policy(world: World) -> None:
    world.put(lock_key("gate"), lock_of("one"))
    world.activated(text("one"), T)
    lock = world.s3.head_object(Bucket="policies", Key=lock_key("gate"))["VersionId"]
    world.put(lock_key("gate"), lock_of("one", "two"))
    world.look(T + 60)
    ran = agreed(world)
    assert (ran.exit_code, uploads(world)) == (ExitCode.REFUSED, 1)
    assert f"differed by the lock alone; it was in force with version {lock}" in ran.stderr


def test_O17_a_signed_policy_is_gone_back_to_with_a_new_signature_alone(world: World) -> None:
    first = world.activated(text("one"), T, SIGNED)
    later: JsonObject = {"serial": 2 * T, "signed_by": "key"}
    world.activated(text("two"), T + 60, Released(facts=later))
    ran = agreed(world)
    assert (ran.exit_code, uploads(world)) == (ExitCode.REFUSED, 2)
    assert f"`policy rollback gate --to {first} --key KEY`" in ran.stderr
    low = agreed(world, "--key", "key", "--serial", "9")
    assert (low.exit_code, uploads(world)) == (ExitCode.REFUSED, 2)
    assert f"the serial is not above {2 * T}" in low.stderr
    assert agreed(world, "--key", "key").exit_code == 0
    told = world.s3.head_object(Bucket="policies", Key=KEY)["Metadata"]
    assert told["portcullis-serial"] == str(2 * T + 1)
    assert told["portcullis-signature"]


def test_O17_a_lock_that_nobody_signed_is_not_signed_unseen(world: World, tmp_path: Path) -> None:
    world.put(lock_key("gate"), lock_of("one"))
    first = world.activated(text("one"), T, SIGNED)
    world.activated(text("two"), T + 60, SIGNED)
    assert agreed(world, "--key", "key", "--wait", "0").exit_code == 0  # the lock in force
    world.put(lock_key("gate"), lock_of("one", "two"))
    ran = agreed(world, "--key", "key", "--to", first)
    assert (ran.exit_code, uploads(world)) == (ExitCode.REFUSED, 3)
    assert "name the file that you read with --lock" in ran.stderr
    file = tmp_path / "gate.lock.json"
    file.write_bytes(lock_of("one", "two"))
    words = ["--key", "key", "--to", first, "--lock", str(file), "--wait", "0"]
    assert agreed(world, *words).exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["--serial", "8"],
        ["--key", "k", "--serial", "x"],
        ["--key", "k", "--algorithm", "MD5"],
        ["--wait", "-1"],
    ],
)
def test_what_cannot_be_right_is_told_before_anything_is_read(
    world: World, words: list[str]
) -> None:
    assert agreed(world, *words).exit_code == ExitCode.USAGE


@pytest.mark.parametrize("error", FAULTS[::2])  # throttled, forbidden, timed out
@pytest.mark.parametrize(
    ("operation", "nth"),
    [
        pytest.param("get_object", 0, id="what is in force"),
        pytest.param("get_object", 1, id="the newest upload"),
        pytest.param("get_object", 2, id="its status"),
        pytest.param("list_object_versions", 0, id="the past"),
        pytest.param("get_object", 3, id="what governed"),
        pytest.param("get_object", 5, id="its text"),
        pytest.param("get_object", 6, id="the lock"),
        pytest.param("get_object", 7, id="the second look"),
        pytest.param("put_object", 0, id="the upload"),
    ],
)
def test_what_does_not_answer_is_told_in_a_line_and_nothing_is_uploaded(
    world: World, operation: str, nth: int, error: Exception
) -> None:
    world.activated(text("one"), T)
    world.activated(text("two"), T + 60)
    failing = Failing(world.s3, operation, error, nth)
    world.terminal.s3 = lambda: failing
    ran = agreed(world)
    assert (ran.exit_code, ran.stdout) == (ExitCode.UNAVAILABLE, "")
    assert ran.stderr.splitlines()[-1].startswith("portcullis: ")
    assert newest_text(world) == text("two")


@pytest.mark.parametrize("error", FAULTS)
def test_a_status_that_does_not_answer_afterwards_says_what_was_uploaded(
    world: World, error: Exception
) -> None:
    world.activated(text("one"), T)
    world.activated(text("two"), T + 60)
    failing = Failing(world.s3, "get_object", error, 8)
    world.terminal.s3 = lambda: failing
    ran = agreed(world)
    assert ran.exit_code == ExitCode.UNAVAILABLE
    assert f"uploaded as version {world.newest}; what became of it cannot be told" in ran.stderr


def test_a_key_that_does_not_sign_uploads_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.activated(text("one"), T, SIGNED)
    world.activated(text("two"), T + 60, SIGNED)

    def throttled(_self: Any, **_words: Any) -> Any:
        raise fault("ThrottlingException")

    monkeypatch.setattr("support.command_line.SomeKey.sign", throttled)
    ran = agreed(world, "--key", "key")
    assert (ran.exit_code, uploads(world)) == (ExitCode.UNAVAILABLE, 2)
    assert ran.stderr.endswith("the key did not sign: ThrottlingException\n")


def test_hostile_words_of_objects_are_shown_and_move_nothing(world: World) -> None:
    world.activated(text("one"), T)
    world.activated(text("two"), T + 60)
    version = world.upload(text("three"))
    status = {"source_version": version, "state": "waiting\x1b[2J"}
    world.put(STATUS, json.dumps(status).encode())
    world.terminal.answers = "n\n"
    ran = rollback(world)
    assert "\x1b" not in ran.stderr + ran.stdout
    assert f"replaces       upload {version}, waiting\\u001b[2J" in ran.stderr
