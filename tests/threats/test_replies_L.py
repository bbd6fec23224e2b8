"""Threat cases L01-L08: lists of tools in every framing an upstream may choose.

HID: of the hidden tool neither name, description nor schema reaches the client. The
catalogue answers a dropped reply with 502; here it is a JSON-RPC error in the status of the
era's table, because a legacy client reads no body of a 5xx.
"""

import json
from collections.abc import Callable, Iterator

import pytest

from threats.fixtures import F0
from threats.gate import Answer, Gate, Json, standing_gate
from threats.gate_limits import assert_hidden
from threats.list_replies import (
    BODIES,
    DROPPED,
    ENTRIES,
    FILTERED,
    HIDDEN,
    JSON_TYPE,
    REPLIES,
    SECRETS,
    SHOWN,
    SSE_TYPE,
    Reply,
    answered,
    each_era,
    listing,
    scripted,
    text,
)
from threats.recorder import Scripted


@pytest.fixture(scope="module")
def standing() -> Iterator[Gate]:
    with standing_gate([SHOWN, HIDDEN], {"f0": F0}) as gate:
        yield gate


@pytest.fixture
def gate(standing: Gate) -> Gate:
    standing.clear()
    return standing


def assert_outcome(answer: Answer, outcome: bool) -> None:
    assert_hidden(SECRETS, answer)
    if not answer.body:  # how a modern client's probe is told that its revision is not spoken
        assert outcome is DROPPED
        assert answer.status in {400, 404, 405, 406, 415}
        return
    reply = answered(answer)
    if outcome is FILTERED:
        assert [tool["name"] for tool in reply["result"]["tools"]] == ["get_info"]
    else:
        assert "result" not in reply
        assert isinstance(reply["error"]["code"], int)


@each_era
@pytest.mark.parametrize(
    "reply,outcome", [pytest.param(r, o, id=name) for name, (r, o) in REPLIES.items()]
)
def test_no_framing_of_a_list_shows_a_hidden_tool(
    gate: Gate, era: str, reply: Reply, outcome: bool
) -> None:
    gate.recorder.scripts["tools/list"] = reply
    answer = gate.ask("f0", "tools/list", era=era)
    assert len(gate.recorder.received) == 1  # a redirect is not followed, nothing is asked twice
    assert_outcome(answer, outcome)


@each_era
@pytest.mark.parametrize("media", [JSON_TYPE, SSE_TYPE])
@pytest.mark.parametrize(
    "change,outcome", [pytest.param(c, o, id=name) for name, (c, o) in BODIES.items()]
)
def test_what_is_not_strict_json_is_dropped(
    gate: Gate, era: str, media: str, change: Callable[[str], bytes | str], outcome: bool
) -> None:
    def reply(message: Json) -> Scripted:
        body = change(text(message))
        data = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        return scripted(data if media == JSON_TYPE else b"data: " + data + b"\n\n", media)

    gate.recorder.scripts["tools/list"] = reply
    assert_outcome(gate.ask("f0", "tools/list", era=era), outcome)


@each_era
@pytest.mark.parametrize(
    "tools,outcome", [pytest.param(t, o, id=name) for name, (t, o) in ENTRIES.items()]
)
def test_entries_that_are_no_tools_are_removed(
    gate: Gate, era: str, tools: object, outcome: bool
) -> None:
    gate.recorder.scripts["tools/list"] = lambda message: scripted(
        json.dumps(listing(message, tools=tools)), JSON_TYPE
    )
    assert_outcome(gate.ask("f0", "tools/list", era=era), outcome)
