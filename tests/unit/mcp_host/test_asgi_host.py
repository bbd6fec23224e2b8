"""One request through the transport: both eras, what is refused, time, and the caller's scope."""

import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from mcp.server.mcpserver import Context, MCPServer

from mcp_host.asgi_host import AsgiHost, _Collector
from mcp_host.awslabs_server import lowlevel
from mcp_host.exchange import CALLER_SCOPE, parse_event, to_result
from support.mcp_messages import ERAS, LEGACY, MODERN, make_call, make_event, text_of


class Tools:
    """A server with one tool for each thing a call can do."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.meeting = threading.Barrier(4)
        self.server: MCPServer[None] = MCPServer("test")
        tools = self

        @self.server.tool()
        def scope() -> str:
            return str(CALLER_SCOPE.get())

        @self.server.tool()
        async def scope_of_coroutine() -> str:
            return str(CALLER_SCOPE.get())

        @self.server.tool()
        def scope_when_all_are_in() -> str:
            tools.meeting.wait(10)
            return str(CALLER_SCOPE.get())

        @self.server.tool()
        def wait() -> str:
            tools.release.wait(20)
            return "released"

        @self.server.tool()
        async def talk(ctx: Context[None, Any]) -> str:
            await ctx.report_progress(0.5, 1.0)
            return "done"


@pytest.fixture(scope="module")
def tools() -> Iterator[Tools]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Tools()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="module")
def host(tools: Tools) -> Iterator[AsgiHost]:
    host = AsgiHost(lowlevel(tools.server))
    host.start()
    yield host
    tools.release.set()
    host.close()


def answer(host: AsgiHost, event: dict[str, object], *, seconds: float = 20) -> dict[str, Any]:
    return to_result(host.call(parse_event(event), timeout_seconds=seconds))


def post(body: str) -> dict[str, object]:
    return {**make_event("tools/list", era=LEGACY), "body": body}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("tool", ["scope", "scope_of_coroutine"])
def test_a_tool_sees_the_scope_of_its_own_call(host: AsgiHost, era: str, tool: str) -> None:
    for scope in ("aa" * 32, "bb" * 32):
        assert text_of(answer(host, make_call(tool, era=era, scope=scope))) == scope
    assert text_of(answer(host, make_call(tool, era=era))) == "None"


@pytest.mark.parametrize("era", ERAS)
def test_calls_that_run_at_once_keep_their_scopes(host: AsgiHost, era: str) -> None:
    scopes = [f"{number:02x}" * 32 for number in range(4)]
    calls = [make_call("scope_when_all_are_in", era=era, scope=scope) for scope in scopes]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda call: text_of(answer(host, call)), calls))
    assert answers == scopes


def test_messages_before_the_answer_are_in_the_body(host: AsgiHost) -> None:
    event = make_event("tools/call", {"name": "talk", "_meta": {"progressToken": "p"}}, era=LEGACY)
    result = answer(host, event)

    assert "notifications/progress" in result["body"]
    assert text_of(result) == "done"


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "OPTIONS"])
def test_every_method_but_post_is_refused(host: AsgiHost, method: str) -> None:
    result = answer(host, {**make_event("tools/list"), "method": method})

    assert result["status"] == 405
    assert ["allow", "POST"] in result["headers"]


@pytest.mark.parametrize("body", ["[]", ' \r\n\t[{"jsonrpc":"2.0"}]', "["])
def test_batches_are_refused(host: AsgiHost, body: str) -> None:
    result = answer(host, post(body))

    assert result["status"] == 400
    assert json.loads(result["body"])["error"]["code"] == -32600


@pytest.mark.parametrize("body", ["", "not json", "{}", '{"jsonrpc":"2.0"}', "7", "\ufeff{}"])
def test_a_body_that_is_no_message_is_refused_by_the_server(host: AsgiHost, body: str) -> None:
    assert answer(host, post(body))["status"] == 400


def test_the_endless_stream_is_not_served(host: AsgiHost) -> None:
    result = answer(host, make_event("subscriptions/listen", {"notifications": {}}))

    assert result["status"] == 404
    assert json.loads(result["body"])["error"]["code"] == -32601


def test_headers_reach_the_server_as_they_came(host: AsgiHost) -> None:
    event = make_call("scope", era=MODERN)
    headers = event["headers"]
    assert isinstance(headers, list)
    headers.append(["mcp-name", "scope"])  # a duplicate, which the server refuses

    result = answer(host, event)
    assert result["status"] == 400
    assert json.loads(result["body"])["error"]["code"] == -32020


def test_a_notification_is_accepted_without_a_body(host: AsgiHost) -> None:
    result = answer(host, post('{"jsonrpc":"2.0","method":"notifications/initialized"}'))

    assert (result["status"], result["body"]) == (202, "")


def test_a_call_that_overruns_is_answered_and_the_next_one_works(
    host: AsgiHost, tools: Tools
) -> None:
    overrun = answer(host, make_call("wait"), seconds=0.2)
    assert overrun["status"] == 504
    assert "did not answer in time" in overrun["body"]

    assert text_of(answer(host, make_call("scope"))) == "None"
    tools.release.set()


def test_a_server_that_gives_no_reply_is_an_error() -> None:
    assert _Collector(b"").reply().status == 502


def test_a_transport_that_does_not_open_is_reported() -> None:
    server: MCPServer[None] = MCPServer("test")
    first, second = AsgiHost(lowlevel(server)), AsgiHost(lowlevel(server))
    first.start()
    second._manager = first._manager  # which can be opened once
    with pytest.raises(RuntimeError):
        second.start()
    first.close()
