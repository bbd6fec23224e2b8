"""Threat cases M: the connection to registered servers, through the real handler.

Which URLs a registration may name is in `tests/unit/registration`, which addresses a name may
have in `tests/unit/adapters/test_http_upstream`, TLS and credentials in `test_credentials_M`.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from threats.gate import Gate, call_message, headers_for, standing_gate
from threats.recorder import Scripted, reply
from threats.verdicts import assert_no_trace_of

TOOLS: list[dict[str, Any]] = [{"name": "get_info", "inputSchema": {"type": "object"}}]
POLICY = 'version: "1"\ndefault: deny\ntools:\n  get_info: {action: allow}\n'
CANARY = "canary-of-the-upstream"
EVIL = "http://169.254.169.254/latest/meta-data"


@pytest.fixture(scope="module")
def standing() -> Iterator[Gate]:
    with standing_gate(TOOLS, {"own": POLICY}) as gate:
        yield gate


@pytest.fixture
def gate(standing: Gate) -> Gate:
    standing.clear()
    return standing


# ---------------------------------------------------------------- what goes up


def test_M01_M02_nothing_of_the_client_s_message_goes_up_and_the_headers_are_written_anew(
    gate: Gate,
) -> None:
    message = call_message("get_info")
    theirs = {
        name: f"{CANARY}-{name}"
        for name in (
            "Authorization", "Cookie", "X-Forwarded-For", "Proxy-Authorization", "X-Api-Key",
            "Mcp-Session-Id", "Host", "Forwarded", "Traceparent",
        )
    }  # fmt: skip
    answer = gate.send("own", json.dumps(message), headers={**headers_for(message), **theirs})
    assert answer.is_success, answer
    (sent,) = gate.recorder.received
    assert CANARY not in str(sent)
    assert (sent.header("mcp-method"), sent.header("mcp-name")) == (["tools/call"], ["get_info"])


def test_M03_M10_an_event_that_names_another_endpoint_is_not_followed(gate: Gate) -> None:
    def redirected(message: dict[str, Any]) -> Scripted:
        answer = reply(message, {"resultType": "complete", "content": []}).body.decode()
        return Scripted(
            headers=(("Content-Type", "text/event-stream"),),
            body=f"event: endpoint\ndata: {EVIL}\n\nevent: message\ndata: {answer}\n\n".encode(),
        )

    gate.recorder.scripts["tools/call"] = redirected
    answer = gate.call("own", "get_info")
    assert EVIL not in f"{answer}"
    assert len(gate.recorder.received) == 1
    gate.call("own", "get_info")
    assert {one.path for one in gate.recorder.received} == {"/own/mcp"}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_M07_a_redirect_is_not_followed(gate: Gate, status: int) -> None:
    location = f"http://127.0.0.1:1/{CANARY}"
    gate.recorder.scripts["tools/call"] = lambda _: Scripted(
        status=status, headers=(("Location", location),)
    )
    answer = gate.call("own", "get_info")
    assert answer.decision["outcome"] == "upstream_unavailable"
    assert_no_trace_of(CANARY, answer)
    assert len(gate.recorder.received) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_M13_what_a_server_says_of_its_own_sign_in_is_neither_fetched_nor_passed_on(
    gate: Gate, status: int
) -> None:
    challenge = f'Bearer resource_metadata="{EVIL}", authorization_uri="file:///{CANARY}"'
    gate.recorder.scripts["tools/call"] = lambda _: Scripted(
        status=status,
        headers=(("WWW-Authenticate", challenge), ("Content-Type", "application/json")),
        body=json.dumps({"authorization_endpoint": f"{EVIL}$({CANARY})"}).encode(),
    )
    answer = gate.call("own", "get_info")
    assert not answer.is_success
    assert "www-authenticate" not in answer.headers
    for told in (CANARY, EVIL):
        assert_no_trace_of(told, answer)
    assert len(gate.recorder.received) == 1


def test_M14_a_call_whose_connection_breaks_is_not_sent_again(gate: Gate) -> None:
    gate.recorder.scripts["tools/call"] = lambda _: Scripted(drop=True)
    assert gate.call("own", "get_info").decision["outcome"] == "upstream_unavailable"
    assert len(gate.recorder.calls()) == 1
