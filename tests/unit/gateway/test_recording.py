"""Recorded calls of a gateway: sealed in their line, or the line says why not; no call waits."""

import json
from typing import Any

import pytest

from portcullis.adapters.powertools_log import _fields
from portcullis.errors import RecordingError, TooLargeToRecordError
from portcullis.gateway.recording import MAXIMUM_BYTES, RecordedCall, Recorder
from portcullis.policy.policy_text import parse_policy
from support.gateway_in_memory import POLICY, World

CANARY = "canary-4711"


class Seals(Recorder):
    """Keeps what it should seal; `fault` is raised instead."""

    def __init__(self) -> None:
        self.sealed: list[tuple[RecordedCall, str]] = []
        self.fault: Exception | None = None

    def seal(self, recorded: RecordedCall, *, decision_id: str) -> str:
        if self.fault is not None:
            raise self.fault
        self.sealed.append((recorded, decision_id))
        return "sealed"


def lines(world: World) -> list[dict[str, Any]]:
    return [_fields(record) for record in world.log.records]


def test_a_call_is_recorded_as_it_was_judged() -> None:
    seals = Seals()
    world = World(recorder=seals)
    world.call("create_broker")
    ((recorded, decision_id),) = seals.sealed
    (line,) = lines(world)
    assert line["recorded"] == "sealed"
    assert line["decision_id"] == decision_id
    assert recorded.call.arguments == {"publicly_accessible": True}, "with defaults"
    assert (recorded.call.name, recorded.call.principal.subject) == ("create_broker", "alice")
    assert recorded.removed == ()
    assert "recording" not in line


def test_R01_no_secret_reaches_what_is_sealed_and_no_value_a_line() -> None:
    seals = Seals()
    world = World(recorder=seals)
    world.policies.policy = parse_policy(POLICY + "redact: [args.note]\n").policy
    world.call("get_info", {"password": CANARY, "note": CANARY, "x": f"token={CANARY}"})
    ((recorded, _),) = seals.sealed
    assert CANARY not in repr(recorded)
    assert set(recorded.removed) == {("password",), ("note",), ("x",)}
    assert CANARY not in json.dumps(lines(world))
    assert CANARY in world.upstream.sent[0].body.decode(), "what runs is untouched"


@pytest.mark.parametrize(
    "fault,why",
    [
        (RecordingError("throttled"), "unavailable"),
        (TooLargeToRecordError("large"), "too_large"),
        (OSError(CANARY), "unavailable"),
        (RecursionError(CANARY), "unavailable"),
    ],
)
def test_R04_R05_a_call_that_cannot_be_recorded_goes_on_and_its_line_says_so(
    fault: Exception, why: str
) -> None:
    seals = Seals()
    seals.fault = fault
    world = World(recorder=seals)
    assert "executed" in world.call("get_info").body.decode()
    world.call("create_broker")
    allowed, denied = lines(world)
    assert (allowed["outcome"], denied["outcome"]) == ("allowed", "denied_by_rule")
    assert allowed["recording"] == denied["recording"] == why
    assert CANARY not in json.dumps([allowed, denied])
    assert "recorded" not in allowed


def test_R05_in_a_call_that_is_too_large_no_secret_is_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That takes seconds in a few megabytes of small texts, and an agent chooses them."""
    looked: list[object] = []
    monkeypatch.setattr("portcullis.gateway.recording.redact", lambda *_, **__: looked.append(1))
    world = World(recorder=Seals())
    assert "executed" in world.call("get_info", {"texts": ["ab"] * MAXIMUM_BYTES}).body.decode()
    assert (lines(world)[0]["recording"], looked) == ("too_large", [])


def test_nothing_is_recorded_but_governed_calls_of_tools() -> None:
    seals = Seals()
    world = World(recorder=seals)
    world.ask("prompts/get", {"name": "greet"})
    world.ask("tools/list")
    world.call("no_such_tool")
    world.call("delete_broker")  # hidden
    assert seals.sealed == []
    assert not [line for line in lines(world) if {"recorded", "recording"} & line.keys()]


def test_a_gateway_that_records_nothing_says_nothing_of_it() -> None:
    world = World()
    world.call("get_info")
    assert not {"recorded", "recording"} & lines(world)[0].keys()
