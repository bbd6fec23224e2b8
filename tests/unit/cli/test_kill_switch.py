"""`portcullis kill-switch`: what is written, what is told, and who wins when two write at once."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from portcullis.adapters.kill_switch_object import KEY
from portcullis_cli.errors import ExitCode
from support.aws_faults import FAULTS, Failing, fault
from support.command_line import Ran, Terminal

AT = "2027-01-15T08:00:00Z"
HELD = {"by": "anna", "at": AT}


class Bucket:
    """A deployment's bucket, with two servers that have a policy in force."""

    def __init__(self) -> None:
        self.s3 = boto3.client("s3", region_name="us-east-1")
        self.s3.create_bucket(Bucket="policies")
        for server in ("amazon-mq", "aws-iam"):
            self.s3.put_object(Bucket="policies", Key=f"active/policies/{server}.json", Body=b"{}")
        self.terminal = Terminal(
            environment={"PORTCULLIS_BUCKET": "policies", "USER": "anna"}, s3=lambda: self.s3
        )

    def run(self, *arguments: str) -> Ran:
        return self.terminal.run("kill-switch", *arguments)

    def write(self, body: bytes) -> None:
        self.s3.put_object(Bucket="policies", Key=KEY, Body=body)

    @property
    def stored(self) -> Any:
        return json.loads(self.s3.get_object(Bucket="policies", Key=KEY)["Body"].read())


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with mock_aws():
        yield Bucket()


def test_on_stops_every_server_and_says_who_and_why(bucket: Bucket) -> None:
    ran = bucket.run("on", "--reason", "Incident 42")
    assert ran.exit_code == 0
    assert ran.stdout == (f"stopped: every server\nwhy    Incident 42\nby     anna\nsince  {AT}\n")
    assert bucket.stored == {"stopped": True, "reason": "Incident 42", **HELD}


def test_off_lets_everything_go_on_and_says_who(bucket: Bucket) -> None:
    bucket.run("on", "--reason", "x")
    ran = bucket.run("off")
    assert (ran.exit_code, ran.stdout.splitlines()[0]) == (0, "going on: nothing is stopped")
    assert bucket.stored == {"stopped": False, **HELD}


def test_single_servers_are_stopped_and_let_go_on(bucket: Bucket) -> None:
    bucket.run("on", "--reason", "x", "--server", "amazon-mq")
    bucket.run("on", "--reason", "y", "--server", "aws-iam")
    assert bucket.stored == {"servers": ["amazon-mq", "aws-iam"], "reason": "y", **HELD}
    assert bucket.run("off", "--server", "amazon-mq").stdout.startswith("stopped: aws-iam\n")
    assert bucket.run("off", "--server", "aws-iam").exit_code == 0
    assert bucket.stored == {"stopped": False, **HELD}


def test_one_server_more_does_not_let_the_others_go_on(bucket: Bucket) -> None:
    bucket.run("on", "--reason", "x")
    ran = bucket.run("on", "--reason", "y", "--server", "aws-iam")
    assert ran.stdout.startswith("stopped: every server\n")
    assert bucket.stored["stopped"] is True


def test_one_server_does_not_go_on_alone_while_everything_is_stopped(bucket: Bucket) -> None:
    bucket.run("on", "--reason", "x")
    ran = bucket.run("off", "--server", "aws-iam")
    assert ran.exit_code == ExitCode.REFUSED
    assert bucket.stored["stopped"] is True


def test_a_server_that_is_not_stopped_is_told(bucket: Bucket) -> None:
    assert bucket.run("off", "--server", "aws-iam").exit_code == ExitCode.NOT_FOUND


def test_a_misspelt_server_stops_nothing_and_is_told(bucket: Bucket) -> None:
    ran = bucket.run("on", "--reason", "x", "--server", "amazonmq")
    assert ran.exit_code == ExitCode.NOT_FOUND
    assert "no server `amazonmq` has a policy in force" in ran.stderr


def test_who_cannot_look_for_servers_stops_all_the_same(bucket: Bucket) -> None:
    client = Failing(bucket.s3, "list_objects_v2", fault("AccessDenied"))
    bucket.terminal.s3 = lambda: client
    ran = bucket.run("on", "--reason", "x", "--server", "aws-iam")
    assert ran.exit_code == 0
    assert "cannot be told: AccessDenied" in ran.stderr
    assert bucket.stored["servers"] == ["aws-iam"]


def test_status_tells_what_holds(bucket: Bucket) -> None:
    assert bucket.run("status").stdout == "going on: nothing is stopped\n"
    bucket.write(b"stop everything!")
    ran = bucket.run("status")
    assert (ran.exit_code, "cannot be understood" in ran.stdout) == (0, True)
    assert bucket.run("status", "--json").tree == {
        "everything": True, "servers": [], "reason": "", "by": "", "at": "", "readable": False,
    }  # fmt: skip


def test_what_cannot_be_understood_is_mended_by_off_and_by_on(bucket: Bucket) -> None:
    for command in (("off",), ("on", "--reason", "x")):
        bucket.write(b"[]")
        assert bucket.run(*command).exit_code == 0
        assert bucket.stored["at"] == AT


def test_to_stop_one_server_lets_no_other_go_on_that_something_unreadable_stops(
    bucket: Bucket,
) -> None:
    bucket.write(b"stop everything!")
    ran = bucket.run("on", "--reason", "x", "--server", "aws-iam")
    assert ran.stdout.startswith("stopped: every server\n")
    assert bucket.stored == {"stopped": True, "reason": "x", **HELD}


def test_a_user_s_name_that_cannot_be_kept_makes_the_order_no_other(bucket: Bucket) -> None:
    for name in ("a\nb", "x" * 501):
        bucket.terminal.environment["USER"] = name
        bucket.run("on", "--reason", "x", "--server", "aws-iam")
        assert bucket.run("status", "--json").tree["servers"] == ["aws-iam"]


def test_programs_get_one_line(bucket: Bucket) -> None:
    assert bucket.run("on", "--reason", "x", "--server", "aws-iam", "--json").tree == {
        "everything": False, "servers": ["aws-iam"], "reason": "x", **HELD, "readable": True,
    }  # fmt: skip


class Rival:
    """A client before each of whose writes somebody else writes first, `times` times."""

    def __init__(self, client: Any, times: int) -> None:
        self._client, self._left = client, times

    def __getattr__(self, name: str) -> Any:
        if name == "put_object" and self._left:
            self._left -= 1
            body = json.dumps({"servers": ["aws-iam"], "reason": f"{self._left}"})
            self._client.put_object(Bucket="policies", Key=KEY, Body=body)
        return getattr(self._client, name)


def test_to_stop_is_tried_again_and_adds_to_what_somebody_else_stopped(bucket: Bucket) -> None:
    rival = Rival(bucket.s3, 2)
    bucket.terminal.s3 = lambda: rival
    assert bucket.run("on", "--reason", "x", "--server", "amazon-mq").exit_code == 0
    assert bucket.stored["servers"] == ["amazon-mq", "aws-iam"]


def test_off_does_not_undo_what_somebody_stopped_at_the_same_time(bucket: Bucket) -> None:
    bucket.run("on", "--reason", "x")
    rival = Rival(bucket.s3, 1)
    bucket.terminal.s3 = lambda: rival
    ran = bucket.run("off")
    assert ran.exit_code == ExitCode.REFUSED
    assert bucket.stored["servers"] == ["aws-iam"]


@pytest.mark.parametrize("error", FAULTS)
@pytest.mark.parametrize("operation", ["get_object", "put_object"])
def test_a_bucket_that_does_not_answer_is_told(
    bucket: Bucket, operation: str, error: Exception
) -> None:
    client = Failing(bucket.s3, operation, error)
    bucket.terminal.s3 = lambda: client
    ran = bucket.run("on", "--reason", "x")
    assert (ran.exit_code, ran.stdout) == (ExitCode.UNAVAILABLE, "")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["on"], id="no reason"),
        pytest.param(["on", "--reason", "a\nb"], id="two lines"),
        pytest.param(["on", "--reason", "x" * 501], id="a long reason"),
        pytest.param(["on", "--reason", "x", "--server", "A B"], id="no server's name"),
        pytest.param(["off", "--server", ""], id="no name"),
    ],
)
def test_what_is_not_right_is_not_written(bucket: Bucket, arguments: list[str]) -> None:
    ran = bucket.run(*arguments)
    assert (ran.exit_code, ran.stdout) == (ExitCode.USAGE, "")
    assert bucket.s3.list_objects_v2(Bucket="policies", Prefix="control/")["KeyCount"] == 0
