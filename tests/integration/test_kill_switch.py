"""The kill switch through the real handlers: on, within the stated time nothing is forwarded; off,
everything goes on.
"""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from portcullis.adapters.kill_switch_object import KEY
from portcullis.approvals.states import State
from portcullis.entrypoints import bootstrap
from portcullis.entrypoints.clocks import clock
from portcullis.policy.model import Instant
from threats.gate import BUCKET
from threats.gate_approvals import SERVER, TOOL, ApprovingGate, approving_gate

REFRESH = 5
OPEN = "open"
ALLOWING = f'version: "1"\ndefault: deny\ntools:\n  {TOOL}: {{action: allow}}\n'
ASKING = f"""\
version: "1"
default: deny
tools:
  {TOOL}: {{action: require_approval, approval: {{approvers: [group:platform], timeout: 15m}}}}
"""


class Ahead:
    """The functions' clock, which runs ahead of this machine's where a test says so."""

    def __init__(self) -> None:
        self.seconds = 0

    def __call__(self) -> Instant:
        return Instant(micros=clock().micros + self.seconds * 1_000_000)


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> Ahead:
    made = Ahead()
    monkeypatch.setattr(bootstrap, "clock", made)
    return made


@pytest.fixture
def gate(ahead: Ahead) -> Iterator[ApprovingGate]:  # noqa: ARG001 - its functions run by that clock
    with approving_gate({SERVER: ASKING, OPEN: ALLOWING}) as made:
        made.clear()
        yield made


def say(**order: Any) -> None:
    """What `aws s3 cp` or the command writes."""
    boto3.client("s3", region_name="us-east-1").put_object(
        Bucket=BUCKET, Key=KEY, Body=json.dumps(order)
    )


def call(gate: ApprovingGate) -> Any:
    return gate.gate.call(OPEN, TOOL, {"user_name": "bob"}, principal=gate.agent)


def test_nothing_is_forwarded_within_the_stated_time_until_it_is_off(
    gate: ApprovingGate, ahead: Ahead
) -> None:
    assert call(gate).is_success
    gate.gate.clear()
    say(stopped=True, reason="drill")
    ahead.seconds += REFRESH
    denied = call(gate)
    assert denied.decision["outcome"] == "stopped"
    assert "A person has stopped all calls to this server: drill." in denied.body.decode()
    assert gate.gate.ask(OPEN, "tools/list").json["error"]
    assert gate.gate.recorder.received == []
    assert [record.outcome for record in gate.gate.records] == ["stopped", "stopped"]
    say(stopped=False)
    ahead.seconds += REFRESH
    assert call(gate).is_success


def test_a_server_that_is_not_named_goes_on(gate: ApprovingGate) -> None:
    say(servers=[SERVER])
    gate.gate.handler = gate.gate.cold_start()
    assert call(gate).is_success
    assert gate.call().decision["outcome"] == "stopped"


def test_an_environment_that_starts_while_stopped_forwards_nothing(gate: ApprovingGate) -> None:
    say(stopped=True)
    gate.gate.handler = gate.gate.cold_start()
    assert call(gate).decision["outcome"] == "stopped"
    assert gate.gate.recorder.received == []


def test_what_was_approved_while_stopped_is_executed_once_it_is_off(
    gate: ApprovingGate, ahead: Ahead
) -> None:
    record = gate.asked()
    say(stopped=True)
    ahead.seconds += REFRESH
    gate.gate.clear()
    assert gate.run(gate.approve(record)).state is State.APPROVED
    assert gate.gate.recorder.received == []
    assert [one.outcome for one in gate.gate.records] == ["stopped"]
    say(stopped=False)
    ahead.seconds += REFRESH
    assert gate.run(gate.record(record.id)).state is State.DONE
    assert len(gate.executed()) == 1


@pytest.mark.parametrize("body", [b"", b"stop", b'{"stopped": "no"}', b" " * (1 << 20)])
def test_P01_what_stands_there_and_is_not_understood_stops(
    gate: ApprovingGate, body: bytes
) -> None:
    boto3.client("s3", region_name="us-east-1").put_object(Bucket=BUCKET, Key=KEY, Body=body)
    gate.gate.handler = gate.gate.cold_start()
    assert call(gate).decision["outcome"] == "stopped"
    assert gate.gate.recorder.received == []
