"""Threat cases I03, I04, I12: coercion twins against a real MCP server.

The recorder is the tool itself: what counts is the value it was executed with. A control
test shows that the server, asked directly, does turn each twin into what the rules deny.
"""

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import urllib3
import uvicorn
from mcp.server import MCPServer

from threats.fixtures import Client, call_text
from threats.gate import Gate, standing_gate
from threats.gate_limits import one_tool, raw_call, when
from threats.verdicts import the_record

TOOL = "remove"
POLICY = one_tool(
    TOOL,
    {"action": "deny", "when": [when("args.force", "eq", True)]},
    {"action": "deny", "when": [when("args.count", "gte", 10)]},
    {"action": "deny", "when": [when("args.ratio", "gte", 10)]},
    {"action": "allow"},
)
SAFE = {"force": False, "count": 1, "ratio": 0.5}


@dataclass(frozen=True, slots=True)
class Real:
    """A running server, and the values its tool was executed with."""

    url: str
    executed: list[tuple[bool, int, float]] = field(default_factory=list)


def _server(executed: list[tuple[bool, int, float]]) -> MCPServer:
    server = MCPServer("real", log_level="ERROR")

    @server.tool(name=TOOL)
    def remove(count: int, ratio: float, force: bool = True) -> str:
        executed.append((force, count, ratio))
        return "executed"

    return server


@pytest.fixture(scope="module")
def real() -> Iterator[Real]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        upstream = Real(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp")
        app = _server(upstream.executed).streamable_http_app(json_response=True)
        config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1)
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        while not running.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield upstream
        running.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def standing(real: Real) -> Iterator[Gate]:
    with standing_gate([], {"real": POLICY}, {"real": {"url": real.url}}) as gate:
        yield gate


@pytest.fixture
def gate(standing: Gate, real: Real) -> Gate:
    standing.clear()
    real.executed.clear()
    return standing


def arguments(name: str, text: str) -> str:
    """Safe arguments, one of them this JSON text."""
    return json.dumps({**SAFE, name: None}).replace("null", text)


# What the server makes the forbidden value of, and what is forbidden plainly.
TWINS = [
    *(
        pytest.param("force", text, id=f"I03-{text}")
        for text in ("true", '"true"', '"yes"', '"on"', '"t"', '"y"', '"1"', "1", "1.0", '"TRUE"')
    ),
    *(
        pytest.param("count", text, id=f"I04-count {text}")
        for text in ("10", '"10"', '" 10 "', '"1_0"', "10.0", "1e1")
    ),
    *(
        pytest.param("ratio", text, id=f"I04-ratio {text}")
        for text in ("10", '"1e3"', '"inf"', '"Infinity"', "1e3", '"10"')
    ),
]


@pytest.mark.parametrize("name,text", TWINS)
def test_the_server_itself_takes_every_twin(real: Real, name: str, text: str) -> None:
    real.executed.clear()
    client = Client(name=TOOL)
    headers = {"Content-Type": "application/json", **client.headers()}
    body = client.text(call_text(TOOL, arguments(name, text)))
    urllib3.request("POST", real.url, body=body, headers=headers)  # type: ignore[arg-type]
    ((force, count, ratio),) = real.executed
    assert force or count >= 10 or ratio >= 10


@pytest.mark.parametrize("name,text", TWINS)
def test_a_twin_of_a_forbidden_value_is_never_executed(
    gate: Gate, real: Real, name: str, text: str
) -> None:
    answer = raw_call(gate, "real", TOOL, arguments(name, text))
    assert answer.is_denial, answer
    assert the_record(gate).outcome in {"denied_by_rule", "invalid_arguments", "indeterminate"}
    assert real.executed == []


def test_I12_what_is_omitted_is_the_servers_own_default(gate: Gate, real: Real) -> None:
    answer = raw_call(gate, "real", TOOL, '{"count":1,"ratio":0.5}')
    assert answer.decision["outcome"] == "denied_by_rule"
    assert real.executed == []


def test_a_permitted_call_is_executed_with_what_was_evaluated(gate: Gate, real: Real) -> None:
    assert raw_call(gate, "real", TOOL, json.dumps(SAFE)).is_success
    assert real.executed == [(False, 1, 0.5)]
