"""`portcullis policy push` with a lock, and with a signature."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from portcullis_cli.errors import ExitCode
from support.aws_faults import FAULTS, Failing
from support.command_line import NOW, Terminal
from support.policy_deployment import KEY, SOUND, Deployment, active


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    with mock_aws():
        yield Deployment(tmp_path)


CATEGORIES = SOUND + "categories: {read: {action: allow}}\n"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """The lock of `gate`, as somebody read it."""
    return made_lock(tmp_path, "gate")


def made_lock(folder: Path, server: str) -> Path:
    lock = folder / f"{server}.lock.json"
    words = ["--server", server, "-o", str(lock)]
    made = Terminal().run("lock", "https://mcp.example.com/mcp", *words)
    assert made.exit_code == 0, made.stderr
    return lock


def test_a_policy_with_categories_is_checked_against_its_lock(
    deployment: Deployment, lock: Path
) -> None:
    deployment.file.write_text(CATEGORIES)
    deployment.told = active
    assert deployment.push().exit_code == ExitCode.REFUSED
    assert deployment.uploads == 0
    deployment.lock(lock.read_bytes())
    ran = deployment.push("--lock", str(lock))
    assert ran.exit_code == 0, ran.stdout + ran.stderr
    assert deployment.uploads == 1


def test_the_lock_in_the_bucket_is_the_one_that_counts(deployment: Deployment, lock: Path) -> None:
    deployment.file.write_text(CATEGORIES)
    deployment.lock(lock.read_bytes())
    assert deployment.push("--wait", "0").exit_code == 0
    deployment.lock(b"{")
    ran = deployment.push("--replace")
    assert (ran.exit_code, deployment.uploads) == (ExitCode.REFUSED, 1)
    assert "error: lock: it is no JSON" in ran.stdout


@pytest.mark.parametrize(
    ("held", "told"), [(None, "there is none"), (b"{}", "another one is there")]
)
def test_a_lock_that_is_not_the_one_in_the_bucket_is_told(
    deployment: Deployment, lock: Path, held: bytes | None, told: str
) -> None:
    if held is not None:
        deployment.lock(held)
    ran = deployment.push("--lock", str(lock))
    assert (ran.exit_code, deployment.uploads) == (ExitCode.REFUSED, 0)
    assert told in ran.stderr
    assert "first upload it to incoming/locks/gate.json" in ran.stderr


def test_the_lock_of_another_server_is_no_lock_of_this_one(
    deployment: Deployment, tmp_path: Path
) -> None:
    other = made_lock(tmp_path, "other")
    deployment.lock(other.read_bytes())
    ran = deployment.push("--lock", str(other))
    assert (ran.exit_code, deployment.uploads) == (ExitCode.USAGE, 0)
    assert "it is no sound lock of `gate`: " in ran.stderr
    assert deployment.push().exit_code == ExitCode.REFUSED


def test_a_tool_that_the_lock_does_not_hold_fails_the_tests_that_count_on_it(
    deployment: Deployment, lock: Path
) -> None:
    tests = "tests: [{name: it looks, call: {tool: list_others}, expect: allow}]\n"
    deployment.file.write_text(CATEGORIES + tests)
    deployment.lock(lock.read_bytes())
    ran = deployment.push()
    assert (ran.exit_code, deployment.uploads) == (ExitCode.REFUSED, 0)
    assert "it looks" in ran.stdout


def test_a_lock_that_is_no_file_is_told(deployment: Deployment, tmp_path: Path) -> None:
    assert deployment.push("--lock", str(tmp_path / "none")).exit_code == ExitCode.USAGE
    edited = tmp_path / "edited.json"
    edited.write_text("{}")
    assert deployment.push("--lock", str(edited)).exit_code == ExitCode.USAGE
    assert deployment.uploads == 0


def signed(deployment: Deployment) -> dict[str, str]:
    return dict(deployment.s3.head_object(Bucket="policies", Key=KEY)["Metadata"])


def test_a_policy_is_signed_and_pushed_in_one_go(deployment: Deployment) -> None:
    deployment.told = active
    ran = deployment.push("--sign", "key")
    assert ran.exit_code == 0, ran.stderr
    assert signed(deployment) == {
        "portcullis-serial": str(NOW),
        "portcullis-signature": "c2lnbmF0dXJl",
    }
    over = ["--over", deployment.newest, "--wait", "0"]
    assert deployment.push("--sign", "key", "--serial", "8", *over).exit_code == 0
    assert signed(deployment)["portcullis-serial"] == "8"


def test_a_serial_that_was_used_is_not_signed_again(deployment: Deployment) -> None:
    deployment.in_force({"serial": NOW + 5, "signed_by": "key"})
    ran = deployment.push("--sign", "key", "--serial", str(NOW))
    assert (ran.exit_code, deployment.uploads) == (ExitCode.REFUSED, 0)
    assert f"the serial is not above {NOW + 5}" in ran.stderr
    assert deployment.push("--sign", "key", "--wait", "0").exit_code == 0
    assert signed(deployment)["portcullis-serial"] == str(NOW + 6)


@pytest.mark.parametrize("body", [b"{", {"serial": "7"}])
def test_a_serial_in_force_that_cannot_be_understood_is_not_guessed(
    deployment: Deployment, body: Any
) -> None:
    deployment.in_force(body)
    ran = deployment.push("--sign", "key")
    assert (ran.exit_code, deployment.uploads) == (ExitCode.UNAVAILABLE, 0)
    assert "serial" in ran.stderr


def test_the_last_serial_of_all_cannot_be_followed(deployment: Deployment) -> None:
    deployment.in_force({"serial": int("9" * 15), "signed_by": "key"})
    assert deployment.push("--sign", "key").exit_code == ExitCode.USAGE


def test_a_lock_is_signed_by_whoever_read_it(deployment: Deployment, lock: Path) -> None:
    deployment.lock(lock.read_bytes())
    ran = deployment.push("--sign", "key")
    assert (ran.exit_code, deployment.uploads) == (ExitCode.REFUSED, 0)
    assert "name the file that you read with --lock" in ran.stderr
    assert deployment.push("--sign", "key", "--lock", str(lock), "--wait", "0").exit_code == 0


@pytest.mark.parametrize(
    "more",
    [["--serial", "7"], ["--sign", "k", "--serial", "0"], ["--sign", "k", "--algorithm", "MD5"]],
)
def test_what_cannot_be_signed_is_not_uploaded(deployment: Deployment, more: list[str]) -> None:
    assert deployment.push(*more).exit_code == ExitCode.USAGE
    assert deployment.uploads == 0


@pytest.mark.parametrize("error", FAULTS)
def test_what_is_in_force_is_not_guessed_before_it_is_signed_over(
    deployment: Deployment, error: Exception
) -> None:
    deployment.in_force({"serial": 7})
    failing = Failing(deployment.s3, "get_object", error, 1)  # after the lock
    deployment.terminal.s3 = lambda: failing
    assert deployment.push("--sign", "key").exit_code == ExitCode.UNAVAILABLE
    assert deployment.uploads == 0


@pytest.mark.parametrize("error", FAULTS)
def test_a_key_that_does_not_answer_uploads_nothing(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def failing(_self: Any, **_words: Any) -> Any:
        raise error

    monkeypatch.setattr("support.command_line.SomeKey.sign", failing)
    ran = deployment.push("--sign", "key")
    assert (ran.exit_code, deployment.uploads) == (ExitCode.UNAVAILABLE, 0)
    assert "the key did not sign: " in ran.stderr
