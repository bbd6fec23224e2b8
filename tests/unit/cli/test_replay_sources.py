"""Where a replay's calls come from, and what it says while AWS does not answer; `policy diff`."""

import gzip
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from moto import mock_aws

from portcullis_cli.decision_log import EVERY_DECISION
from portcullis_cli.errors import ExitCode
from portcullis_cli.replaying.lines import calls_in
from portcullis_cli.replaying.log_file import read_file
from support.command_line import Ran, Terminal
from support.dynamodb_faults import client_error
from support.gateway_in_memory import SERVER
from support.recorded_log import NEW, OLD, STACK, RecordingWorld, call_some


@pytest.fixture(scope="module")
def kms() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("kms", region_name="us-east-1")


@pytest.fixture
def world(kms: Any) -> RecordingWorld:
    return RecordingWorld(kms, kms.create_key()["KeyMetadata"]["Arn"], OLD)


FAULTS: list[Exception] = [
    client_error("AccessDeniedException", "Decrypt"),
    client_error("ThrottlingException", "Decrypt"),
    ReadTimeoutError(endpoint_url="https://kms"),
]


class Failing:
    """A client whose every call fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, _name: str) -> Callable[..., Any]:
        def fail(**_arguments: Any) -> Any:
            raise self._error

        return fail


@pytest.mark.parametrize("error", FAULTS, ids=repr)
def test_R04_a_key_that_does_not_answer_ends_the_replay_in_one_line(
    world: RecordingWorld, tmp_path: Path, error: Exception
) -> None:
    world.call("get_info")
    log = tmp_path / "log"
    log.write_text(world.text())
    ran = from_cloudwatch(tmp_path, {"kms": Failing(error)}, "--log", str(log))
    assert ran.exit_code == ExitCode.UNAVAILABLE
    assert (ran.stdout, ran.stderr.count("\n")) == ("", 1)
    assert "recordings cannot be opened" in ran.stderr


class Logs:
    """CloudWatch Logs with one group, a page for each line."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self.asked: list[dict[str, Any]] = []

    def filter_log_events(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        at = int(asked.get("nextToken", "0"))
        more = {"nextToken": str(at + 1)} if at + 1 < len(self._lines) else {}
        return {
            "events": [{"message": self._lines[at], "timestamp": 1, "eventId": str(at)}],
            **more,
        }


class Stacks:
    """CloudFormation with one stack."""

    def describe_stack_resource(self, **asked: Any) -> dict[str, Any]:
        if asked["StackName"] != STACK:
            raise client_error("ValidationError", "DescribeStackResource")
        assert asked["LogicalResourceId"] == "GatewayLogGroup"
        return {"StackResourceDetail": {"PhysicalResourceId": "/gate/gateway"}}


def from_cloudwatch(path: Path, services: dict[str, Any], *words: str, stack: str = "") -> Ran:
    candidate = path / f"{SERVER}.yaml"
    candidate.write_text(NEW)
    environment = {"PORTCULLIS_STACK": stack} if stack else {}
    terminal = Terminal(services=services, environment=environment)
    return terminal.run("policy", "replay", str(candidate), *words)


def test_the_log_group_of_a_stack_is_read_page_by_page(
    kms: Any, world: RecordingWorld, tmp_path: Path
) -> None:
    call_some(world)
    logs = Logs(world.text())
    services = {"kms": kms, "logs": logs, "cloudformation": Stacks()}
    ran = from_cloudwatch(tmp_path, services, "--since", "2d", "--json", stack=STACK)
    assert (ran.tree["calls"], len(logs.asked)) == (6, 7)
    assert logs.asked[0]["logGroupName"] == "/gate/gateway"
    assert logs.asked[0]["startTime"] == (1_800_000_000 - 2 * 86400) * 1000
    other = {**services, "logs": Logs(world.text().replace('"service": "gate"', '"service": "x"'))}
    ran = from_cloudwatch(tmp_path, other, stack=STACK)
    assert ran.exit_code == ExitCode.UNDECIDED, "another stack's lines are not this one's"


MISSING: ClientError = client_error("ResourceNotFoundException", "FilterLogEvents")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (client_error("AccessDeniedException", "FilterLogEvents"), ExitCode.UNAVAILABLE),
        (client_error("ThrottlingException", "FilterLogEvents"), ExitCode.UNAVAILABLE),
        (ConnectTimeoutError(endpoint_url="https://logs"), ExitCode.UNAVAILABLE),
        (MISSING, ExitCode.NOT_FOUND),
    ],
    ids=repr,
)
def test_a_log_that_does_not_answer_is_no_empty_log(
    kms: Any, tmp_path: Path, error: Exception, code: ExitCode
) -> None:
    services = {"kms": kms, "logs": Failing(error), "cloudformation": Failing(error)}
    ran = from_cloudwatch(tmp_path, services, "--log-group", "g")
    assert (ran.exit_code, ran.stdout, ran.stderr.count("\n")) == (code, "", 1)


def test_a_stack_that_is_not_there_has_no_log(kms: Any, tmp_path: Path) -> None:
    services = {"kms": kms, "cloudformation": Stacks()}
    ran = from_cloudwatch(tmp_path, services, stack="other")
    assert ran.exit_code == ExitCode.NOT_FOUND
    denied = {**services, "cloudformation": Failing(client_error("AccessDenied", "x"))}
    ran = from_cloudwatch(tmp_path, denied, stack="other")
    assert ran.exit_code == ExitCode.UNAVAILABLE


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--log", "a", "--log-group", "b"],
        ["--log", "/no/such/file"],
        ["--log-group", "g", "--since", "yesterday"],
    ],
    ids=" ".join,
)
def test_a_log_that_is_not_named_rightly_is_a_mistake(tmp_path: Path, words: list[str]) -> None:
    ran = from_cloudwatch(tmp_path, {}, *words)
    assert (ran.exit_code, ran.stdout) == (ExitCode.USAGE, "")


def test_a_log_with_more_calls_than_can_be_held_is_not_cut(
    world: RecordingWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portcullis_cli.replaying.source.MAXIMUM_LINES", 1)
    call_some(world)
    log = tmp_path / "log"
    log.write_text(world.text())
    for words in (["--log-group", "g"], ["--log", str(log)]):
        ran = from_cloudwatch(tmp_path, {"logs": Logs(world.text())}, *words)
        assert ran.exit_code == ExitCode.USAGE
        assert "shorten --since" in ran.stderr


def test_a_line_that_is_no_json_any_more_is_not_kept_back_by_the_pattern(
    kms: Any, world: RecordingWorld, tmp_path: Path
) -> None:
    """A JSON pattern would: CloudWatch matches it with whole JSON alone."""
    world.call("get_info")
    logs = Logs(world.text() + world.text()[:200] + "\n")
    ran = from_cloudwatch(tmp_path, {"kms": kms, "logs": logs}, "--log-group", "g", "--json")
    assert (ran.tree["calls"], ran.tree["broken_lines"]) == (1, 1)
    assert logs.asked[0]["filterPattern"] == EVERY_DECISION


# ---------------------------------------------------------------- files


def batches(text: str) -> bytes:
    """An object of the audit trail: a gzip member for each batch, with nothing in between."""
    head = {"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s"}
    return b"".join(
        gzip.compress(json.dumps({**head, "logEvents": [{"id": "1", "message": line}]}).encode())
        for line in text.splitlines()
    )


def test_an_object_of_the_audit_trail_is_read_as_it_is_and_as_zcat_reads_it(
    kms: Any, world: RecordingWorld, tmp_path: Path
) -> None:
    call_some(world)
    kept, text = tmp_path / "gate.json.gz", tmp_path / "gate.json"
    kept.write_bytes(batches(world.text()))
    text.write_bytes(gzip.decompress(kept.read_bytes()))
    for log in (kept, text):
        ran = from_cloudwatch(tmp_path, {"kms": kms}, "--log", str(log), "--json")
        assert (ran.tree["calls"], ran.tree["different"], ran.tree["broken_lines"]) == (6, 3, 0)
    text.write_bytes(text.read_bytes()[:-20])
    ran = from_cloudwatch(tmp_path, {"kms": kms}, "--log", str(text), "--json")
    assert (ran.tree["calls"], ran.tree["broken_lines"]) == (6, 1), "the last line is lost"


def test_standard_input_is_read_as_a_file_is(
    world: RecordingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_some(world)
    for data in (batches(world.text()), world.text().encode()):
        given = io.BytesIO(data)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(given))
        assert len(calls_in(read_file(Path("-")), SERVER).lines) == 7
        assert not given.closed


@pytest.mark.parametrize(
    "damage", [lambda kept: kept[:-20], lambda kept: kept[:20] + b"xxxx"], ids=["cut", "changed"]
)
def test_an_object_of_the_audit_trail_that_is_damaged_is_not_read_in_part(
    world: RecordingWorld, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    world.call("get_info")
    log = tmp_path / "gate.json.gz"
    log.write_bytes(damage(batches(world.text())))
    ran = from_cloudwatch(tmp_path, {}, "--log", str(log))
    assert (ran.exit_code, ran.stdout, ran.stderr.count("\n")) == (ExitCode.USAGE, "", 1)
    assert "damaged or cut off" in ran.stderr


def test_a_file_of_other_bytes_holds_no_call(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(bytes(range(256)) * 9)
    assert from_cloudwatch(tmp_path, {}, "--log", str(log)).exit_code == ExitCode.UNDECIDED
    assert from_cloudwatch(tmp_path, {}, "--log", str(tmp_path)).exit_code == ExitCode.USAGE


def test_somebody_who_waits_is_told_how_far_it_is(
    kms: Any, world: RecordingWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portcullis_cli.replaying.source.PROGRESS", 3)
    call_some(world)
    candidate, log = tmp_path / f"{SERVER}.yaml", tmp_path / "log"
    candidate.write_text(NEW)
    log.write_text(world.text())
    words = ("policy", "replay", str(candidate), "--log", str(log))
    told = Terminal(services={"kms": kms}, answers="").run(*words)
    assert told.stderr == "3 calls read so far\n6 calls read so far\n"
    assert Terminal(services={"kms": kms}).run(*words).stderr == ""


def test_standard_input_is_read(kms: Any, world: RecordingWorld, tmp_path: Path) -> None:
    call_some(world)
    candidate = tmp_path / f"{SERVER}.yaml"
    candidate.write_text(NEW)
    terminal = Terminal(services={"kms": kms}, answers=world.text())
    ran = terminal.run("policy", "replay", str(candidate), "--log", "-", "--json")
    assert ran.tree["calls"] == 6


# ---------------------------------------------------------------- policy diff


def test_a_diff_tells_what_two_policies_decide_of_recorded_calls(
    kms: Any, world: RecordingWorld, tmp_path: Path
) -> None:
    world.under('version: "1"\ndefault: allow\n')  # what was decided then does not count
    call_some(world)
    old, new, log = tmp_path / "old.yaml", tmp_path / "new.yaml", tmp_path / "log"
    old.write_text(OLD)
    new.write_text(NEW)
    log.write_text(world.text())
    terminal = Terminal(services={"kms": kms})

    def diff(*words: str) -> Ran:
        more = ("--server", SERVER, "--log", str(log), *words)
        return terminal.run("policy", "diff", str(old), str(new), *more)

    ran = diff()
    assert ran.exit_code == ExitCode.OK, ran
    assert "6 calls of mq" in ran.stdout
    assert "create_broker: deny -> allow, 2 calls" in ran.stdout
    told = diff("--json").tree["recorded"]
    assert (told["calls"], told["different"]) == (6, 3)
    assert diff("--fail-on-wider").exit_code == ExitCode.REFUSED
    log.write_text("")
    assert diff().exit_code == ExitCode.UNDECIDED
    assert diff("--recorded").exit_code == ExitCode.UNDECIDED
