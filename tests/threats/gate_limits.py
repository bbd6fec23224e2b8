"""What the rows on limits, conditions and replies need besides the gate itself.

A clock that stands still until it is moved, callers nobody else is, and the outcome words
of the catalogue for one call of one tool.
"""

import base64
import binascii
import gzip
import itertools
import json
import re
import threading
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

import boto3
from botocore.client import BaseClient

from portcullis.adapters.powertools_log import PowertoolsDecisionLog
from portcullis.entrypoints import bootstrap
from portcullis.gateway.ports import DecisionRecord
from portcullis.policy.model import Instant, Principal
from threats.fixtures import Client, call_text
from threats.gate import TABLE, Answer, Gate, Json, standing_gate
from threats.recorder import READINGS
from threats.verdicts import the_record

START = 1_800_000_000  # a whole number of minutes, hours and days

TOOL, MAX = "describe_broker", 3

_SUBJECTS = itertools.count(1)


class Ticker:
    """The gateway's clock: the same instant until it is moved."""

    def __init__(self) -> None:
        self.micros = START * 1_000_000

    def __call__(self) -> Instant:
        return Instant(micros=self.micros)

    def advance(self, seconds: float) -> None:
        self.micros += round(seconds * 1_000_000)


@contextmanager
def ticking_gate(
    tools: list[Json], policies: Mapping[str, str], **settings: str
) -> Iterator[tuple[Gate, Ticker]]:
    """A standing gate whose clock the test moves."""
    ticker = Ticker()
    # The clock is the one thing the handler is not given from outside.
    with (
        mock.patch.object(bootstrap, "clock", ticker),
        standing_gate(tools, policies, **settings) as gate,
    ):
        yield gate, ticker


def someone() -> Principal:
    """A caller with counters of its own."""
    return Principal(issuer="portcullis:grant", subject=f"caller-{next(_SUBJECTS)}")


def call_counted(
    gate: Gate, server: str, caller: Principal, arguments: Json | None = None
) -> Answer:
    """One call of the tool that the limits are about."""
    return gate.call(server, TOOL, arguments, principal=caller)


def use_up(gate: Gate, server: str, caller: Principal) -> None:
    """Make all the calls a limit of `MAX` has, and see it refuse the next."""
    for _ in range(MAX):
        assert call_counted(gate, server, caller).is_success
    assert call_counted(gate, server, caller).is_denial
    gate.clear()


def state_table() -> Any:
    """The table that counters and sessions are kept in."""
    return boto3.resource("dynamodb", region_name="us-east-1").Table(TABLE)


@contextmanager
def one_request_at_a_time() -> Iterator[None]:
    """Make each AWS call atomic, as AWS does; the emulator interleaves threads inside one.

    Powertools keeps the metrics of a whole process in one place, and an environment is a
    process; here many share one, so the log takes turns as well.
    """
    lock, send = threading.Lock(), vars(BaseClient)["_make_api_call"]
    record = PowertoolsDecisionLog.record

    def locked(client: BaseClient, operation: str, parameters: Json) -> Any:
        with lock:
            return send(client, operation, parameters)

    def in_turn(log: PowertoolsDecisionLog, decision: DecisionRecord) -> None:
        with lock:
            record(log, decision)

    with (
        mock.patch.object(BaseClient, "_make_api_call", locked),
        mock.patch.object(PowertoolsDecisionLog, "record", in_turn),
    ):
        yield


# ---------------------------------------------------------------- one call


def raw_call(
    gate: Gate, server: str, tool: str, arguments: str, *, principal: Principal | None = None
) -> Answer:
    """One tools/call whose arguments are this JSON text, to the letter."""
    client = Client(name=tool)
    body = client.text(call_text(tool, arguments))
    return gate.send(server, body, headers=client.headers(), principal=principal or someone())


def executions(gate: Gate, tool: str) -> int:
    """How often the tool was executed under the reading that saw most."""
    return max(Counter(gate.recorder.executed(tool)).values(), default=0)


def assert_denied(gate: Gate, answer: Answer, tool: str, *outcomes: str) -> None:
    """DEN: a denial, nothing executed, one decision record that says the same."""
    assert gate.recorder.executed(tool) == []
    assert answer.status == 200, answer
    assert answer.is_denial, answer
    record = the_record(gate)
    assert record.outcome == answer.decision["outcome"]
    assert not outcomes or record.outcome in outcomes, record
    assert record.rule == answer.decision["rule"]


def assert_executed(gate: Gate, answer: Answer, tool: str, arguments: Json | None = None) -> None:
    """OK1: one execution, under every reading."""
    assert answer.is_success, answer
    assert gate.recorder.executed(tool) == list(READINGS)
    (params,) = gate.recorder.calls()
    assert arguments is None or params["arguments"] == arguments
    assert the_record(gate).outcome == "allowed"


# ---------------------------------------------------------------- policies as text


def one_tool(tool: str, *rules: Json, default: str = "deny") -> str:
    """A policy with the rules of one tool."""
    return document(default=default, tools={tool: {"rules": list(rules)}})


def document(**keys: Any) -> str:
    """A policy as JSON text, which is YAML."""
    return json.dumps({"version": "1", "default": "deny", **keys})


def when(path: str, op: str, value: Any, **more: Any) -> Json:
    """A condition."""
    return {"path": path, "op": op, "value": value, **more}


def fault_lines(status: Json) -> dict[int, str]:
    """The faults of a refused policy: line to message and suggestion."""
    assert status["state"] == "rejected", status
    assert all(fault["line"] is not None for fault in status["faults"]), status
    return {
        fault["line"]: f"{fault['message']} ({fault['suggestion']})" for fault in status["faults"]
    }


# ---------------------------------------------------------------- HID

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def assert_hidden(secrets: tuple[str, ...], answer: Answer) -> None:
    """HID: none of the texts, also after gunzip, base64 and JSON unescaping."""
    sent = json.dumps(dict(answer.headers)).encode() + answer.body
    for form in _forms(sent):
        for secret in secrets:
            assert secret.encode() not in form, (secret, form[:200])


def _forms(data: bytes, depth: int = 3) -> Iterator[bytes]:
    """The bytes, and everything they hold in another form."""
    yield data
    if depth == 0:
        return
    text = data.decode("utf-8", "replace")
    unescaped = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text).replace("\\/", "/")
    further = [unescaped.replace('\\"', '"').encode("utf-8", "replace")]
    further += [packed for word in _BASE64.findall(text) for packed in _decoded(word)]
    at = data.find(b"\x1f\x8b")
    further += [] if at < 0 else _unpacked(data[at:])
    joined = re.sub(r"[\r\n]+data: ?", "", text)
    further.append(joined.encode())
    for form in further:
        if form not in (data, b""):
            yield from _forms(form, depth - 1)


def _decoded(word: str) -> list[bytes]:
    plain = word.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return [base64.b64decode(plain + "=" * (-len(plain) % 4))]
    except binascii.Error:
        return []


def _unpacked(data: bytes) -> list[bytes]:
    try:
        return [gzip.decompress(data)]
    except (OSError, EOFError, zlib.error):
        return []
