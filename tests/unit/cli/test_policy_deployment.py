"""`portcullis policy push` and `pull`: whose upload wins, and what is told of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError
from moto import mock_aws

from portcullis_cli.errors import ExitCode
from portcullis_cli.policy import pulling
from support.aws_faults import FAULTS, Failing, fault
from support.policy_deployment import KEY, SOUND, Deployment, active

FAULT = {
    "path": "tools.x.action",
    "line": 4,
    "column": 9,
    "message": "no such action \x1b[31m",
    "suggestion": "deny",
}


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    with mock_aws():
        yield Deployment(tmp_path)


def test_a_policy_is_uploaded_and_in_force(deployment: Deployment) -> None:
    deployment.told = active
    ran = deployment.push()
    assert (ran.exit_code, ran.stdout) == (0, "gate: in force, revision sha256:1\n")
    assert ran.stderr == f"uploaded as version {deployment.newest}\n"
    assert deployment.s3.get_object(Bucket="policies", Key=KEY)["Body"].read() == SOUND.encode()


def test_warnings_are_told_of_what_is_in_force(deployment: Deployment) -> None:
    deployment.told = lambda version: {**active(version), "warnings": [{"message": "odd"}]}
    assert deployment.push().stdout == (
        f"{deployment.file}: warning: odd\ngate: in force, revision sha256:1\n"
    )


def test_a_rejected_upload_is_told_at_its_lines_with_nothing_hidden(
    deployment: Deployment,
) -> None:
    deployment.told = lambda version: {
        "state": "rejected", "source_version": version, "faults": [FAULT, "?"],
    }  # fmt: skip
    ran = deployment.push()
    assert ran.exit_code == ExitCode.REFUSED
    assert ran.stdout.splitlines() == [
        f"{deployment.file}:4:9: error: tools.x.action: no such action \\u001b[31m (deny)",
        f"{deployment.file}: error: it is not told what",
        "gate: rejected",
    ]


def test_what_waits_for_somebody_is_told_with_its_link(deployment: Deployment) -> None:
    waits = {"text": "somebody has to approve it", "url": "https://gate/1"}
    deployment.told = lambda version: {
        "state": "waiting", "source_version": version, "waiting": waits,
    }  # fmt: skip
    ran = deployment.push()
    assert ran.exit_code == ExitCode.WAITING
    assert ran.stdout == "gate: waiting: somebody has to approve it https://gate/1\n"


def test_the_status_of_another_upload_is_not_taken_for_it(deployment: Deployment) -> None:
    deployment.told = lambda _version: active("another")
    ran = deployment.push("--wait", "3")
    assert (ran.exit_code, deployment.slept) == (ExitCode.WAITING, 3)
    assert ran.stdout == "gate: uploaded, what became of it is not known yet\n"


def test_programs_get_the_version_and_the_status(deployment: Deployment) -> None:
    deployment.told = active
    version_and_status = deployment.push("--json").tree
    newest = deployment.newest
    assert version_and_status == {"server": "gate", "version": newest, "status": active(newest)}


def test_what_is_not_sound_is_told_at_its_line_and_not_uploaded(deployment: Deployment) -> None:
    deployment.file.write_text('version: "1"\ndefault: dney\n')
    ran = deployment.push()
    assert ran.exit_code == ExitCode.REFUSED
    assert ran.stdout.startswith(f"{deployment.file}:2:10: error: default: ")
    assert "nothing was uploaded" in ran.stderr
    told = deployment.push("--json").tree["error"]
    assert told["code"] == "invalid_policy"
    assert [(one["path"], one["line"]) for one in told["faults"]] == [("default", 2)]
    assert deployment.uploads == 0


def test_an_upload_that_nobody_named_is_not_replaced(deployment: Deployment) -> None:
    deployment.upload("a")
    ran = deployment.push("--wait", "0")
    assert ran.exit_code == ExitCode.REFUSED
    assert "--over" in ran.stderr
    assert deployment.uploads == 1


def test_the_upload_that_was_named_is_replaced_and_an_older_one_is_not(
    deployment: Deployment,
) -> None:
    first = deployment.upload("a")
    assert deployment.push("--wait", "0", "--over", first).exit_code == 0
    assert deployment.push("--wait", "0", "--over", first).exit_code == ExitCode.REFUSED
    assert deployment.uploads == 2


def test_there_is_nothing_to_replace_before_the_first_upload(deployment: Deployment) -> None:
    assert deployment.push("--wait", "0", "--over", "x").exit_code == ExitCode.REFUSED
    assert deployment.uploads == 0


def test_whoever_uploads_between_the_look_and_the_write_is_not_overwritten(
    deployment: Deployment,
) -> None:
    first = deployment.upload("a")

    class Rival:
        def __getattr__(self, name: str) -> Any:
            if name == "put_object":
                deployment.upload("b")
            return getattr(deployment.s3, name)

    deployment.terminal.s3 = Rival
    assert deployment.push("--wait", "0", "--over", first).exit_code == ExitCode.REFUSED
    assert deployment.uploads == 2


def test_whatever_there_is_is_replaced_where_that_is_wanted(deployment: Deployment) -> None:
    deployment.upload("a")
    assert deployment.push("--wait", "0", "--replace").exit_code == 0
    assert deployment.uploads == 2


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(["--over", "x", "--replace"], id="both"),
        pytest.param(["--wait", "-1"], id="less than nothing"),
        pytest.param(["--wait", "3601"], id="too long"),
        pytest.param(["--server", "A B"], id="no server's name"),
    ],
)
def test_what_is_not_right_is_not_uploaded(deployment: Deployment, more: list[str]) -> None:
    assert deployment.push(*more).exit_code == ExitCode.USAGE
    assert deployment.uploads == 0


@pytest.mark.parametrize("error", FAULTS)
def test_a_bucket_that_does_not_take_it_is_told(deployment: Deployment, error: Exception) -> None:
    deployment.terminal.s3 = lambda: Failing(deployment.s3, "put_object", error)
    ran = deployment.push()
    assert (ran.exit_code, ran.stdout) == (ExitCode.UNAVAILABLE, "")
    is_open = not isinstance(error, ConnectTimeoutError)
    assert ("whether it was uploaded cannot be told" in ran.stderr) is is_open


@pytest.mark.parametrize(
    ("code", "status", "retries", "told"),
    [
        ("AccessDenied", 403, 0, "the bucket did not take it: AccessDenied"),
        ("PreconditionFailed", 412, 1, "whether it was uploaded cannot be told"),
        ("InternalError", 500, 0, "whether it was uploaded cannot be told"),
    ],
)
def test_only_a_refusal_of_the_only_attempt_is_told_as_a_refusal(
    deployment: Deployment, code: str, status: int, retries: int, told: str
) -> None:
    error = fault(code)
    error.response["ResponseMetadata"] = {
        "HTTPStatusCode": status, "RetryAttempts": retries, "RequestId": "", "HostId": "",
        "HTTPHeaders": {},
    }  # fmt: skip
    deployment.terminal.s3 = lambda: Failing(deployment.s3, "put_object", error)
    ran = deployment.push()
    assert ran.exit_code == ExitCode.UNAVAILABLE
    assert told in ran.stderr


@pytest.mark.parametrize("error", FAULTS)
def test_a_status_that_cannot_be_read_is_not_taken_for_an_answer(
    deployment: Deployment, error: Exception
) -> None:
    deployment.told = active
    failing = Failing(deployment.s3, "get_object", error, 1)  # after the lock
    deployment.terminal.s3 = lambda: failing
    ran = deployment.push()
    assert (ran.exit_code, ran.stdout) == (ExitCode.UNAVAILABLE, "")
    assert "what became of it cannot be told" in ran.stderr


@pytest.mark.parametrize("error", FAULTS)
def test_a_lock_that_cannot_be_read_is_not_taken_for_none(
    deployment: Deployment, error: Exception
) -> None:
    deployment.lock(b"{}")
    deployment.terminal.s3 = lambda: Failing(deployment.s3, "get_object", error)
    assert deployment.push().exit_code == ExitCode.UNAVAILABLE
    assert deployment.uploads == 0


def test_what_is_refused_and_is_not_there_is_not_there(deployment: Deployment) -> None:
    """Who may list below some prefixes only is refused what does not exist."""
    deployment.terminal.s3 = lambda: Failing(deployment.s3, "get_object", fault("AccessDenied"))
    assert deployment.push("--wait", "0").exit_code == 0
    assert deployment.pull().exit_code == ExitCode.UNAVAILABLE  # it is there now
    deployment.lock(b"{}")
    assert deployment.push("--wait", "0").exit_code == ExitCode.UNAVAILABLE
    assert deployment.pull("--version", "none").exit_code == ExitCode.UNAVAILABLE


@pytest.mark.parametrize("error", FAULTS)
def test_what_is_refused_and_cannot_be_listed_may_be_there(
    deployment: Deployment, error: Exception
) -> None:
    refusing = Failing(deployment.s3, "get_object", fault("AccessDenied"))
    deployment.terminal.s3 = lambda: Failing(refusing, "list_objects_v2", error)
    assert deployment.push().exit_code == ExitCode.UNAVAILABLE
    assert deployment.uploads == 0


@pytest.mark.parametrize("body", [b"{", b"[]", b" " * (1 << 20) + b"{}"])
def test_a_status_that_cannot_be_understood_is_no_answer(
    deployment: Deployment, body: bytes
) -> None:
    deployment.told = lambda _version: body
    assert deployment.push().exit_code == ExitCode.UNAVAILABLE


def test_the_newest_upload_is_pulled_with_its_version(deployment: Deployment) -> None:
    version = deployment.upload(SOUND)
    ran = deployment.pull()
    assert (ran.exit_code, ran.stdout) == (0, SOUND)
    assert ran.stderr == f"version {version} of {KEY}\n"
    assert deployment.pull("--json").tree == {
        "server": "gate", "key": KEY, "version": version, "text": SOUND,
    }  # fmt: skip


def test_a_terminal_is_shown_nothing_hidden(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.upload("a\x1b[2J\nb")
    monkeypatch.setattr(pulling, "_is_seen", lambda: True)
    assert deployment.pull().stdout == "a\\u001b[2J\nb\n"


def test_an_earlier_version_is_pulled_into_a_new_file_and_pushed_again(
    deployment: Deployment, tmp_path: Path
) -> None:
    first, second = deployment.upload(SOUND), deployment.upload("broken")
    earlier = tmp_path / "earlier.yaml"
    assert deployment.pull("--version", first, "-o", str(earlier), "--json").tree["text"] is None
    assert earlier.read_text() == SOUND
    assert deployment.pull("-o", str(earlier)).exit_code == ExitCode.USAGE
    assert earlier.read_text() == SOUND
    deployment.file = earlier
    assert deployment.push("--server", "gate", "--over", second, "--wait", "0").exit_code == 0
    assert deployment.pull().stdout == SOUND


def test_what_is_not_there_is_told(deployment: Deployment) -> None:
    assert deployment.pull().exit_code == ExitCode.NOT_FOUND
    ran = deployment.pull("--active")
    assert ran.stderr == "portcullis: there is no active/policies/gate.json\n"


@pytest.mark.parametrize("error", [*FAULTS, pytest.param(fault("NoSuchBucket"), id="no bucket")])
def test_a_bucket_that_gives_nothing_is_told(deployment: Deployment, error: Exception) -> None:
    deployment.upload("a")
    deployment.terminal.s3 = lambda: Failing(deployment.s3, "get_object", error)
    ran = deployment.pull()
    assert (ran.exit_code, ran.stdout) == (ExitCode.UNAVAILABLE, "")
    assert deployment.push("--over", "x").exit_code == ExitCode.UNAVAILABLE
