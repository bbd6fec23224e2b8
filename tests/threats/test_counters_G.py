"""Threat cases G12-G18: counters at rest, and quota given back.

An upstream that cannot be reached is put in at the one method that meets it.
"""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from urllib3 import HTTPConnectionPool

from portcullis.adapters.http_upstream import HttpUpstream
from portcullis.errors import UpstreamNotSentError
from portcullis.gateway.ports import UpstreamReply, UpstreamRequest
from portcullis.policy.model import Principal
from threats.fixtures import TOOLS
from threats.gate import LEGACY, Answer, Gate, Json, call_message, headers_for
from threats.gate_limits import (
    MAX,
    TOOL,
    Ticker,
    assert_denied,
    call_counted,
    executions,
    one_tool,
    someone,
    state_table,
    ticking_gate,
    use_up,
)
from threats.recorder import Scripted, reply

SLIDING = {"max": MAX, "window": 60}
FIXED = {**SLIDING, "algorithm": "fixed_window"}
POLICIES = {
    name: one_tool(TOOL, {"action": "allow", "rate_limit": limit})
    for name, limit in {"sliding": SLIDING, "fixed": FIXED}.items()
} | {
    "spend": one_tool(
        TOOL,
        {"action": "allow", "spend_limit": {"path": "args.amount", "max": 100, "window": 60}},
    )
}
both_windows = pytest.mark.parametrize("server", ["sliding", "fixed"])


@pytest.fixture(scope="module")
def standing() -> Iterator[tuple[Gate, Ticker]]:
    timeout = {"PORTCULLIS_UPSTREAM_TIMEOUT_SECONDS": "1"}
    with ticking_gate(TOOLS, POLICIES, **timeout) as (gate, ticker):
        yield gate, ticker


@pytest.fixture
def gate(standing: tuple[Gate, Ticker]) -> Gate:
    standing[0].clear()
    return standing[0]


@pytest.fixture
def ticker(standing: tuple[Gate, Ticker]) -> Ticker:
    return standing[1]


@pytest.fixture
def caller() -> Principal:
    return someone()


def counters(server: str) -> list[Json]:
    prefix = f"COUNTER#{server}#"
    return [item for item in state_table().scan()["Items"] if item["pk"].startswith(prefix)]


# ---------------------------------------------------------------- G12 - G14: items


@both_windows
def test_G12_a_ttl_in_the_past_frees_nothing(gate: Gate, caller: Principal, server: str) -> None:
    use_up(gate, server, caller)
    for item in counters(server):
        state_table().put_item(Item={**item, "ttl": 1})
    for front in (gate.handler, gate.cold_start()):
        gate.handler, answer = front, call_counted(gate, server, caller)
        assert_denied(gate, answer, TOOL, "limit_reached")
        gate.clear()


@both_windows
def test_G12_an_item_of_an_old_window_that_is_still_there_counts_for_nothing(
    gate: Gate, ticker: Ticker, caller: Principal, server: str
) -> None:
    use_up(gate, server, caller)
    kept = counters(server)
    ticker.advance(61)
    for item in kept:
        state_table().put_item(Item={**item, "ttl": ticker.micros // 1_000_000 - 1})
    gate.handler = gate.cold_start()
    use_up(gate, server, caller)


def test_G13_every_ttl_is_a_number_of_seconds_that_outlives_its_window(
    gate: Gate, ticker: Ticker, caller: Principal
) -> None:
    before = {(item["pk"], item["sk"]) for item in state_table().scan()["Items"]}
    for server in ("sliding", "fixed"):
        call_counted(gate, server, caller)
    gate.open_session("sliding", principal=caller)
    now, longest_window = ticker.micros // 1_000_000, 31 * 86_400
    items = [i for i in state_table().scan()["Items"] if (i["pk"], i["sk"]) not in before]
    kinds = [item["pk"].partition("#")[0] for item in items]
    assert sorted(kinds) == ["COUNTER", "COUNTER", "SESSION", "SESSION"]
    for kind, item in zip(kinds, items, strict=True):
        assert isinstance(item["ttl"], Decimal), "a number, not a text"
        assert now < item["ttl"] < now + 3 * longest_window, "seconds, not milliseconds"
        assert kind == "SESSION" or item["ttl"] >= now + longest_window


@both_windows
def test_G14_an_item_deleted_by_an_operator_starts_anew_without_a_crash(
    gate: Gate, caller: Principal, server: str
) -> None:
    use_up(gate, server, caller)
    for item in counters(server):
        state_table().delete_item(Key={"pk": item["pk"], "sk": item["sk"]})
    use_up(gate, server, caller)


# ---------------------------------------------------------------- G15 - G18: giving back


def _hang(message: Json) -> Scripted:
    threading.Event().wait(1.3)  # longer than the gate waits
    return reply(message, {})


FAILURES: dict[str, Callable[[Json], Scripted]] = {
    "JSON-RPC error": lambda message: Scripted(
        body=json.dumps(
            {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32000, "message": "no"}}
        ).encode()
    ),
    "isError": lambda message: reply(
        message, {"resultType": "complete", "isError": True, "content": []}
    ),
    "HTTP 500": lambda _message: Scripted(status=500),
    "HTTP 400": lambda _message: Scripted(status=400, body=b"{}"),
    "HTTP 429": lambda _message: Scripted(status=429, body=b"slow down"),
    "redirect": lambda _message: Scripted(status=302, headers=(("Location", "http://x/"),)),
    "no JSON": lambda _message: Scripted(body=b"<html>"),
    "another id": lambda message: reply({**message, "id": "other"}, {}),
    "socket closed": lambda _message: Scripted(drop=True),
    "body cut off": lambda _message: Scripted(
        headers=(("Content-Type", "application/json"), ("Content-Length", "99")),
        body=b"{",
        chunks=(),
    ),
    "hangs": _hang,
}


@pytest.mark.parametrize("fail", [pytest.param(f, id=f"G15-{n}") for n, f in FAILURES.items()])
def test_what_may_have_executed_is_not_given_back(
    gate: Gate, caller: Principal, fail: Callable[[Json], Scripted]
) -> None:
    gate.recorder.scripts["tools/call"] = fail
    attempts = 1 if fail is _hang else MAX
    for _ in range(attempts):
        assert not call_counted(gate, "sliding", caller).is_success
    assert executions(gate, TOOL) == attempts  # and none was sent twice
    gate.clear()
    for _ in range(MAX - attempts):
        assert call_counted(gate, "sliding", caller).is_success
    gate.clear()
    assert_denied(gate, call_counted(gate, "sliding", caller), TOOL, "limit_reached")


def test_G15_spending_is_not_given_back_either(gate: Gate, caller: Principal) -> None:
    gate.recorder.scripts["tools/call"] = FAILURES["JSON-RPC error"]
    for _ in range(4):
        call_counted(gate, "spend", caller, {"amount": 90})
    assert executions(gate, TOOL) == 1


def test_G15_a_refused_connection_is_given_back(gate: Gate, caller: Principal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed_port = listener.getsockname()[1]
    warm, gate.handler = gate.handler, gate.cold_start()

    def pool(_upstream: HttpUpstream, address: str) -> HTTPConnectionPool:
        return HTTPConnectionPool(address, closed_port)

    with mock.patch.object(HttpUpstream, "_new_pool", pool):
        for _ in range(2 * MAX):
            gate.clear()
            assert_denied(gate, call_counted(gate, "sliding", caller), TOOL, "upstream_unavailable")
    gate.handler = warm
    use_up(gate, "sliding", caller)


def test_G16_a_call_cancelled_while_it_runs_stays_counted(gate: Gate, caller: Principal) -> None:
    running, go_on = threading.Event(), threading.Event()
    token = gate.open_session("sliding", principal=caller)
    gate.clear()

    def held(message: Json) -> Scripted:
        running.set()
        assert go_on.wait(10)
        return reply(message, {"content": []})

    gate.recorder.scripts["tools/call"] = held
    message = call_message(TOOL, era=LEGACY)
    headers = headers_for(message, era=LEGACY, token=token)

    def send(body: Json) -> Answer:
        return gate.send("sliding", json.dumps(body), headers=headers, principal=caller)

    thread = threading.Thread(target=send, args=(message,))
    thread.start()
    assert running.wait(10)
    params = {"requestId": 1, "reason": "client is gone"}
    cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
    assert send(cancelled).status == 202
    go_on.set()
    thread.join(10)
    gate.clear()
    outcomes = [send(message).is_success for _ in range(MAX)]
    assert outcomes == [True] * (MAX - 1) + [False]


def _unreachable(on_send: Callable[[], None]) -> Any:
    """Make the upstream provably unreachable to calls; `on_send` is called when one is tried."""
    really_send = HttpUpstream.send

    def send(
        upstream: HttpUpstream, request: UpstreamRequest, *, timeout_seconds: float
    ) -> UpstreamReply:
        if b'"tools/call"' not in request.body:
            return really_send(upstream, request, timeout_seconds=timeout_seconds)
        on_send()
        raise UpstreamNotSentError("the server cannot be reached")

    return mock.patch.object(HttpUpstream, "send", send)


@both_windows
def test_G17_giving_back_in_a_later_window_leaves_that_window_alone(
    gate: Gate, ticker: Ticker, caller: Principal, server: str
) -> None:
    ticker.advance(60 - ticker.micros / 1e6 % 60)

    def next_window_begins() -> None:
        ticker.advance(61)
        with mock.patch.object(HttpUpstream, "send", send):
            for _ in range(MAX - 1):
                assert call_counted(gate, server, caller).is_success

    send = HttpUpstream.send
    with _unreachable(next_window_begins):
        assert call_counted(gate, server, caller).is_denial
    gate.clear()
    assert call_counted(gate, server, caller).is_success  # the third of this window
    gate.clear()
    assert_denied(gate, call_counted(gate, server, caller), TOOL, "limit_reached")


@both_windows
def test_G18_giving_back_earns_no_credit(gate: Gate, caller: Principal, server: str) -> None:
    assert call_counted(gate, server, caller).is_success
    with _unreachable(lambda: None):
        for _ in range(2 * MAX):
            assert_denied_unsent(call_counted(gate, server, caller))
    for _ in range(MAX - 1):
        assert call_counted(gate, server, caller).is_success
    gate.clear()
    assert_denied(gate, call_counted(gate, server, caller), TOOL, "limit_reached")


def assert_denied_unsent(answer: Answer) -> None:
    assert answer.decision["outcome"] == "upstream_unavailable"
    assert "was not executed" in answer.decision["reason"]
