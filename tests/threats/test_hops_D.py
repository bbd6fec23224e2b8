"""Threat cases D, continued: headers that belong to other hops, and what comes back.

Nothing of the client's HTTP message goes upstream, and no header but those of the protocol
changes what happens. Host, Origin and verbs are in `test_door_D`, sockets in `test_front_D`.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from portcullis.protocol.header_codec import encode
from threats.fixtures import F0, F1, TARGET, TOOLS, Client, call_text, in_each_era
from threats.gate import LEGACY, MODERN, Gate, standing_gate
from threats.recorder import Received, Scripted
from threats.verdicts import (
    assert_denied,
    assert_executed_once,
    assert_no_trace_of,
    assert_rejected,
    assert_unknown_tool,
    the_record,
)

Headers = Mapping[str, str | list[str]]
GOOD = call_text("get_info")
CANARY = "canary-4711"

# All that may ever be sent upstream; the last two are the session's and the tool's own.
SENT = {
    *("host", "content-length", "content-type", "accept", "accept-encoding", "user-agent"),
    *("mcp-protocol-version", "mcp-method", "mcp-name"),
    *("mcp-session-id", "mcp-param-amount", "mcp-param-key"),
}


@pytest.fixture(scope="module")
def warm() -> Iterator[Gate]:
    with standing_gate(TOOLS, {"f0": F0, "f1": F1}) as gate:
        yield gate


@pytest.fixture
def gate(warm: Gate) -> Gate:
    warm.clear()
    return warm


def names_of(received: Received) -> set[str]:
    return {name.lower() for name, _ in received.headers}


IGNORED: list[tuple[str, dict[str, str | list[str]]]] = [
    # Where no hosts are configured, API Gateway has routed by host; nothing else is made of it.
    ("D17-host", {"Host": f"{CANARY}.example"}),
    ("D17-localhost", {"Host": "localhost"}),
    ("D17-forwarded host", {"X-Forwarded-Host": f"{CANARY}.example", "X-Forwarded-Proto": "http"}),
    ("D17-Forwarded", {"Forwarded": f"host={CANARY}.example", "X-Forwarded-Port": "1"}),
    ("D19-loopback", {"X-Forwarded-For": "127.0.0.1"}),
    ("D19-ten values", {"X-Forwarded-For": ", ".join(f"10.0.0.{n}" for n in range(10))}),
    ("D19-IPv6", {"X-Forwarded-For": "::1", "X-Real-IP": "::1", "True-Client-IP": "::1"}),
    ("D19-garbage", {"X-Forwarded-For": f"{CANARY}, ' or 1=1 --"}),
    ("D19-repeated", {"X-Forwarded-For": ["127.0.0.1", "10.0.0.1"]}),
    ("D19-Forwarded", {"Forwarded": "for=127.0.0.1;host=evil.example;proto=http"}),
    ("D20-method override", {"X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "GET"}),
    ("D20-original URL", {"X-Original-URL": "/mcp/f1", "X-Rewrite-URL": "/mcp/f1"}),
    ("D20-Amzn", {"X-Amzn-Trace-Id": CANARY, "X-Amzn-Principal": "admin"}),
    ("D20-Amz", {"X-Amz-Security-Token": CANARY, "X-Amz-Invocation-Type": "Event"}),
    ("D20-own words", {"X-Portcullis-Principal": "admin", "Portcullis-Approved": "true"}),
    ("D20-credentials", {"Authorization": f"Bearer {CANARY}", "Cookie": CANARY, "X-Api-Key": "k"}),
    ("D25-gzip", {"Accept-Encoding": "gzip"}),
    ("D25-anything", {"Accept-Encoding": "br, *;q=0.1"}),
    ("D27-continue", {"Expect": "100-continue"}),
    ("D27-upgrade", {"Upgrade": "websocket", "Connection": "upgrade"}),
    ("D27-strip authorization", {"Connection": "Authorization"}),
    ("D27-strip routing", {"Connection": "Mcp-Name, Mcp-Method, close", "TE": "trailers"}),
    ("D27-keep-alive", {"Keep-Alive": "timeout=5", "Proxy-Connection": "keep-alive"}),
]
each_ignored = pytest.mark.parametrize(
    "headers", [pytest.param(headers, id=case) for case, headers in IGNORED]
)


@in_each_era()
@each_ignored
def test_a_foreign_header_changes_nothing_and_goes_nowhere(
    gate: Gate, client: Client, headers: Headers
) -> None:
    answer = client.send(gate, "f0", GOOD, headers={**headers, "Mcp-Name": "get_info"})
    sent = assert_executed_once(gate, answer, "get_info", {})
    assert names_of(sent) <= SENT
    assert sent.header("accept-encoding") == ["identity"]
    assert sent.path == "/f0/mcp"
    assert CANARY not in repr(sent) + repr(the_record(gate)) + repr(answer)
    assert the_record(gate).principal == "16:portcullis:grant|alice"


@in_each_era()
@each_ignored
def test_a_foreign_header_opens_nothing(gate: Gate, client: Client, headers: Headers) -> None:
    assert_denied(gate, client.send(gate, "f1", "<c0>", headers=headers))
    gate.clear()
    assert_unknown_tool(gate, client.send(gate, "f0", "<c0>", headers=headers))


# ---------------------------------------------------------------- Accept


@in_each_era()
@pytest.mark.parametrize(
    "accept",
    [
        pytest.param("text/html", id="D24-HTML"),
        pytest.param("application/json", id="D24-no stream"),
        pytest.param("text/event-stream", id="D24-stream only"),
        pytest.param("application/json;q=0, text/event-stream", id="D24-JSON unwelcome"),
        pytest.param("application/json;q=0.000, */*", id="D24-JSON unwelcome, the rest welcome"),
        pytest.param("*/*;q=0", id="D24-nothing welcome"),
        pytest.param("", id="D24-empty"),
        pytest.param("json", id="D24-no media type"),
    ],
)
def test_a_client_that_takes_no_json_and_stream_is_rejected(
    gate: Gate, client: Client, accept: str
) -> None:
    for row, name in ((GOOD, "get_info"), ("<c0>", TARGET)):
        gate.clear()
        answer = client.send(gate, "f0", row, headers={"Accept": accept, "Mcp-Name": name})
        assert_rejected(gate, answer, status=406)
        assert answer.headers["content-type"] == ["application/json"]


@in_each_era()
@pytest.mark.parametrize(
    "accept",
    [
        pytest.param([], id="D24-absent"),
        pytest.param("*/*", id="D24-anything"),
        pytest.param("application/*, text/*;q=0.1", id="D24-families"),
        pytest.param(["application/json", "text/event-stream"], id="D24-two headers"),
        pytest.param("text/html, */*;q=0.1", id="D24-a browser's"),
    ],
)
def test_a_client_that_takes_both_is_answered_alike(
    gate: Gate, client: Client, accept: str | list[str]
) -> None:
    answer = client.send(gate, "f1", "<c0>", headers={"Accept": accept})
    assert_denied(gate, answer)
    assert answer.headers["content-type"] == ["application/json"]


@in_each_era()
@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param("text/html", id="D24-HTML from upstream"),
        pytest.param("application/octet-stream", id="D24-bytes from upstream"),
        pytest.param("application/json; charset=utf-16", id="D24-UTF-16 from upstream"),
    ],
)
def test_raw_upstream_bytes_never_pass(gate: Gate, client: Client, content_type: str) -> None:
    headers = (("Content-Type", content_type), ("X-Upstream", CANARY))
    script = Scripted(headers=headers, body=b"<b>canary-4711</b>")
    gate.recorder.scripts["tools/call"] = lambda _: script
    answer = client.send(gate, "f0", GOOD, headers={"Mcp-Name": "get_info"})
    assert_no_trace_of(CANARY, answer)
    assert answer.is_denial
    assert the_record(gate).outcome == "upstream_unavailable"


@in_each_era()
@pytest.mark.parametrize("coding", [pytest.param("gzip", id="D25-compressed all the same")])
def test_a_compressed_list_hides_all_the_same(gate: Gate, client: Client, coding: str) -> None:
    modern = {"resultType": "complete"} if client.era == MODERN else {}

    def compressed(message: dict[str, Any]) -> Scripted:
        result = {**modern, "tools": TOOLS}
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
        headers = (("Content-Type", "application/json"), ("Content-Encoding", coding))
        return Scripted(headers=headers, body=gzip.compress(body))

    gate.recorder.scripts["tools/list"] = compressed
    row = '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{<meta>}}'
    asking = replace(client, method="tools/list", name=None)
    answer = asking.send(gate, "f0", row, headers={"Accept-Encoding": "gzip"})
    assert_no_trace_of(TARGET, answer)
    assert "error" in answer.json
    assert the_record(gate).outcome == "upstream_unavailable"


# ---------------------------------------------------------------- line breaks

BROKEN = [
    ("CR and LF", "a\r\nMcp-Name: get_info"),
    ("LF", "a\nX-Evil: 1"),
    ("CR", "a\rX-Evil: 1"),
    ("obs-fold", "a\r\n b"),
    ("NUL", "a\0b"),
]


@pytest.mark.parametrize(
    "key", [pytest.param(value, id=f"D26-{word} in an argument") for word, value in BROKEN]
)
def test_a_line_break_in_a_mirrored_argument_is_encoded(gate: Gate, key: str) -> None:
    """Arguments are the only text of the client that ever becomes a header."""
    headers = {"Mcp-Name": "transfer", "Mcp-Param-Key": encode(key)}
    row = call_text("transfer", json.dumps({"key": key}))
    answer = Client().send(gate, "f1", row, headers=headers)
    sent = assert_executed_once(gate, answer, "transfer", {"key": key})
    assert sent.header("mcp-param-key") == [encode(key)]
    assert names_of(sent) <= SENT


@pytest.mark.parametrize("name", ["Mcp-Name", "Mcp-Method", "MCP-Protocol-Version"])
@pytest.mark.parametrize(
    "value", [pytest.param(value, id=f"D26-{word} in a header") for word, value in BROKEN]
)
def test_a_line_break_in_a_routing_header_is_rejected(gate: Gate, name: str, value: str) -> None:
    """API Gateway refuses such requests itself; an event could still hold one."""
    stated = Client().headers()[name]
    answer = Client().send(gate, "f0", "<c0>", headers={name: f"{stated}{value[1:]}"})
    assert_rejected(gate, answer, status=400)


@pytest.mark.parametrize(
    "value", [pytest.param(value, id=f"D26-{word} in a session id") for word, value in BROKEN]
)
def test_a_line_break_in_a_session_id_is_no_session(gate: Gate, value: str) -> None:
    token = gate.open_session("f0")
    gate.clear()
    headers = {"Mcp-Session-Id": f"{token}{value[1:]}"}
    answer = Client(era=LEGACY).send(gate, "f0", GOOD, headers=headers)
    assert (answer.status, gate.recorder.received) == (404, [])
    assert the_record(gate).outcome == "unknown_session"
    assert set(answer.headers) == {"cache-control", "content-type"}


# ---------------------------------------------------------------- sessions


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("x", id="D28-invented"),
        pytest.param(["x", "y"], id="D28-two of them"),
        pytest.param("x" * 5000, id="D28-long"),
    ],
)
def test_a_session_id_means_nothing_to_the_stateless_revision(
    gate: Gate, token: str | list[str]
) -> None:
    headers = {"Mcp-Session-Id": token, "Mcp-Name": "get_info"}
    answer = Client().send(gate, "f0", GOOD, headers=headers)
    sent = assert_executed_once(gate, answer, "get_info", {})
    assert sent.header("mcp-session-id") == []
    assert the_record(gate).session == "slot-0"
    assert "mcp-session-id" not in answer.headers


def test_D28_a_legacy_session_is_not_continued_statelessly(gate: Gate) -> None:
    token = gate.open_session("f0")
    gate.clear()
    headers = {"Mcp-Session-Id": token, "Mcp-Name": "get_info"}
    answer = Client().send(gate, "f0", GOOD, headers=headers)
    sent = assert_executed_once(gate, answer, "get_info", {})
    assert sent.header("mcp-session-id") == []
    assert the_record(gate).session == "slot-0"
