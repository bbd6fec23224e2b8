"""The catalogue's outcome words as assertions on one request.

REJ is `assert_rejected`, DEN `assert_denied`, OK1 `assert_executed_once`; a hidden tool is
answered like an unknown one, `assert_unknown_tool`. Each also holds NOEXEC of the target,
and that the request left exactly one decision record.
"""

import json
from decimal import Decimal
from typing import Any

from portcullis import strictjson
from portcullis.gateway.ports import DecisionRecord
from threats.fixtures import TARGET
from threats.gate import Answer, Gate
from threats.recorder import READINGS, Received


def assert_rejected(
    gate: Gate, answer: Answer, *, status: int | None = None, code: int | None = None
) -> None:
    """REJ: HTTP 4xx with a JSON-RPC error."""
    _assert_nothing_sent(gate)
    assert answer.is_rejection, answer
    assert status in (None, answer.status), answer
    assert code in (None, answer.json["error"]["code"]), answer
    assert the_record(gate).outcome == "rejected"


def assert_unknown_method(gate: Gate, answer: Answer, *, era: str) -> None:
    """-32601; the legacy revisions say it in a 200, the modern one in a 404."""
    _assert_nothing_sent(gate)
    assert answer.status == (404 if era == "2026-07-28" else 200), answer
    assert answer.json["error"]["code"] == -32601
    assert the_record(gate).outcome == "rejected"


def assert_denied(gate: Gate, answer: Answer, outcome: str = "denied_by_rule") -> None:
    """DEN: a well-formed MCP denial; the record names the rule where a rule denied."""
    _assert_nothing_sent(gate)
    assert answer.is_denial, answer
    record = the_record(gate)
    assert (answer.decision["outcome"], record.outcome) == (outcome, outcome)
    assert answer.decision["rule"] == record.rule
    assert record.rule is not None or outcome != "denied_by_rule"


def assert_unknown_tool(gate: Gate, answer: Answer) -> None:
    """The answer for a tool that does not exist, which is also that for a hidden one."""
    _assert_nothing_sent(gate)
    assert answer.status == 200, answer
    assert answer.is_unknown_tool, answer
    assert the_record(gate).outcome in {"unknown_tool", "hidden"}


def assert_accepted(gate: Gate, answer: Answer) -> None:
    """A notification: 202, and nothing to say."""
    assert (answer.status, answer.body) == (202, b""), answer
    assert gate.recorder.executed(TARGET) == []
    assert the_record(gate).outcome == "accepted"


def assert_refused(gate: Gate, answer: Answer) -> None:
    """REJ or DEN, whichever fits: nothing was executed, and the client is told so."""
    if answer.status != 200:
        assert_rejected(gate, answer)
    elif answer.is_denial:
        _assert_nothing_sent(gate)
        the_record(gate)
    else:
        assert_unknown_tool(gate, answer)


def assert_executed_once(
    gate: Gate, answer: Answer, tool: str, arguments: dict[str, Any]
) -> Received:
    """OK1: one upstream request, which every reader reads as this call."""
    assert answer.is_success, answer
    assert the_record(gate).outcome == "allowed"
    (sent,) = gate.recorder.received
    assert_read_alike(sent.body)
    params = json.loads(sent.body, parse_float=Decimal)["params"]
    assert (params["name"], params["arguments"]) == (tool, arguments)
    assert gate.recorder.executed(tool) == list(READINGS)
    return sent


def assert_read_alike(body: bytes) -> None:
    """Pure UTF-8, unique keys, and one meaning under the readings that keep every key."""
    body.decode("utf-8")
    strictjson.parse(body)  # refuses whatever two readers could read differently
    readings = [READINGS[name](body) for name in ("python json", "pydantic", "first key wins")]
    assert readings[1:] == readings[:-1]


def assert_no_trace_of(secret: str, answer: Answer) -> None:
    """HID: the text occurs nowhere in what the client gets, however it is escaped."""
    headers = json.dumps(dict(answer.headers))
    assert secret not in headers
    assert secret not in answer.body.decode()
    for line in answer.body.decode().splitlines():
        data = line.removeprefix("data:").strip()
        if data.startswith(("{", "[")):
            assert secret not in json.dumps(json.loads(data), ensure_ascii=False)


def the_record(gate: Gate) -> DecisionRecord:
    """The one decision record of the one request."""
    (record,) = gate.records
    return record


def _assert_nothing_sent(gate: Gate) -> None:
    assert gate.recorder.executed(TARGET) == []
    assert gate.recorder.received == []
