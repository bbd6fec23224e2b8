"""`portcullis policy push` and `pull`: whose upload wins, and what is told of it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError
from moto import mock_aws

from portcullis.activation.release import Upload
from portcullis.adapters.active_object import envelope
from portcullis.adapters.s3_activation import lock_key
from portcullis.adapters.s3_policies import active_key
from portcullis.policy.policy_text import parse_policy
from portcullis.strictjson import dump
from portcullis_cli.errors import ExitCode
from portcullis_cli.policy import pulling
from support.aws_faults import FAULTS, Failing, fault
from support.command_line import NOW, Ran, Terminal

KEY = "incoming/policies/gate.yaml"
SOUND = 'version: "1"\ndefault: deny\n'
FAULT = {
    "path": "tools.x.action",
    "line": 4,
    "column": 9,
    "message": "no such action \x1b[31m",
    "suggestion": "deny",
}


class Deployment:
    """A deployment's bucket; `told` is what the activator says of the next look's upload."""

    def __init__(self, folder: Path) -> None:
        self.s3 = boto3.client("s3", region_name="us-east-1")
        self.s3.create_bucket(Bucket="policies")
        self.s3.put_bucket_versioning(
            Bucket="policies", VersioningConfiguration={"Status": "Enabled"}
        )
        self.file = folder / "gate.yaml"
        self.file.write_text(SOUND)
        self.terminal = Terminal(
            environment={"PORTCULLIS_BUCKET": "policies"}, s3=lambda: self.s3, sleep=self._sleep
        )
        self.slept = 0
        self.told: Callable[[str], Any] | None = None

    def _sleep(self, _seconds: float) -> None:
        self.slept += 1
        if self.told is not None:
            status = self.told(self.newest)
            body = status if isinstance(status, bytes) else json.dumps(status).encode()
            self.s3.put_object(Bucket="policies", Key="status/gate.json", Body=body)

    @property
    def newest(self) -> str:
        return str(self.s3.head_object(Bucket="policies", Key=KEY)["VersionId"])

    @property
    def uploads(self) -> int:
        listed = self.s3.list_object_versions(Bucket="policies", Prefix=KEY)
        return len(listed.get("Versions", ()))

    def upload(self, text: str) -> str:
        answer = self.s3.put_object(Bucket="policies", Key=KEY, Body=text.encode())
        return str(answer["VersionId"])

    def lock(self, body: bytes) -> None:
        self.s3.put_object(Bucket="policies", Key=lock_key("gate"), Body=body)

    def in_force(self, facts: Any) -> None:
        """Put an earlier policy in force, with the facts of its release, or some other object."""
        upload = Upload(server="gate", version="1", uploaded_at=0, body=b"")
        policy = parse_policy(SOUND).policy
        is_facts = isinstance(facts, dict)
        body = dump(envelope(upload, policy, facts, now_seconds=0)[0]) if is_facts else facts
        self.s3.put_object(Bucket="policies", Key=active_key("gate"), Body=body)

    def push(self, *more: str) -> Ran:
        return self.terminal.run("policy", "push", str(self.file), *more)

    def pull(self, *more: str) -> Ran:
        return self.terminal.run("policy", "pull", "gate", *more)


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    with mock_aws():
        yield Deployment(tmp_path)


def active(version: str) -> Any:
    return {"state": "active", "source_version": version, "revision": "sha256:1", "faults": []}


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
    assert deployment.push("--json").tree["error"]["code"] == "invalid_policy"
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
