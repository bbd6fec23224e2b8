"""The MCP clients people use, each behind one small interface: list the tools, make some calls.

Nothing here knows Portcullis; a test hands over a URL, a bearer token and the calls.
"""

import asyncio
import json
import os
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import httpx2
import mcp_types as types
from mcp.client.client import Client, ConnectMode
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from conformance.ready_process import TESTS
from conformance.suite import node_program

NODE: Final = TESTS / "node"
INSPECTOR: Final = NODE / "node_modules" / "@modelcontextprotocol" / "inspector"
INSPECTOR_LAUNCHER: Final = INSPECTOR / "clients" / "launcher" / "build" / "index.js"
CLIENT_SECONDS: Final = 60


@dataclass(frozen=True)
class Endpoint:
    """Where an agent connects and with what credential."""

    url: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """The headers every request carries."""
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True)
class Call:
    """One tool call an agent makes."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """What came back for a call; `error` is the code of a protocol error, if it was one."""

    text: str
    is_error: bool = False
    error: int | None = None
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Session:
    """What an agent saw. `protocol` is None where the client does not say."""

    tools: tuple[str, ...]
    results: tuple[Result, ...]
    protocol: str | None = None


class Agent(ABC):
    """An MCP client."""

    def __init__(self, name: str, protocol: str | None) -> None:
        self.name = name
        self.protocol = protocol

    @abstractmethod
    def run(self, endpoint: Endpoint, calls: Sequence[Call]) -> Session:
        """Connect, list the tools, make the calls in order, and disconnect."""


class PythonAgent(Agent):
    """The Python SDK's client."""

    def __init__(self, name: str, protocol: str, mode: ConnectMode) -> None:
        super().__init__(name, protocol)
        self._mode: ConnectMode = mode

    def run(self, endpoint: Endpoint, calls: Sequence[Call]) -> Session:
        """Run the client on a loop of its own."""
        return asyncio.run(self._run(endpoint, calls))

    async def _run(self, endpoint: Endpoint, calls: Sequence[Call]) -> Session:
        async with httpx2.AsyncClient(headers=endpoint.headers, timeout=CLIENT_SECONDS) as http:
            transport = streamable_http_client(endpoint.url, http_client=http)
            async with Client(transport, mode=self._mode) as client:
                listed = await client.list_tools()
                results = [await _python_call(client, call) for call in calls]
                tools = tuple(tool.name for tool in listed.tools)
                return Session(tools, tuple(results), client.session.protocol_version)


async def _python_call(client: Client, call: Call) -> Result:
    """One call's result as a plain value, also where it was a protocol error."""
    try:
        answer = await client.call_tool(call.name, call.arguments)
    except MCPError as error:
        return Result(error.error.message, is_error=True, error=error.error.code)
    texts = [block.text for block in answer.content if isinstance(block, types.TextContent)]
    return Result("\n".join(texts), is_error=answer.is_error, meta=answer.meta or {})


class NodeAgent(Agent):
    """One of the client scripts in tests/node."""

    def __init__(self, name: str, protocol: str, script: str, mode: str = "legacy") -> None:
        super().__init__(name, protocol)
        self._script = NODE / script
        self._mode = mode

    def run(self, endpoint: Endpoint, calls: Sequence[Call]) -> Session:
        """Run the script; its answer is one line of JSON."""
        task = {
            "url": endpoint.url,
            "token": endpoint.token,
            "mode": self._mode,
            "calls": [{"name": call.name, "arguments": call.arguments} for call in calls],
        }
        answer = json.loads(run_node([str(self._script)], given=json.dumps(task)))
        results = tuple(_node_result(item) for item in answer["results"])
        return Session(tuple(answer["tools"]), results, answer["protocol"])


def _node_result(item: dict[str, Any]) -> Result:
    """A script's result as a plain value."""
    if "error" in item:
        return Result(item["error"]["message"], is_error=True, error=item["error"]["code"])
    return Result(item["text"], is_error=item["isError"], meta=item["meta"])


class InspectorAgent(Agent):
    """The Inspector's command line: one process a request, each a client of its own."""

    def __init__(self) -> None:
        super().__init__("inspector 2.12", None)

    def run(self, endpoint: Endpoint, calls: Sequence[Call]) -> Session:
        """List, then call."""
        listed = self._request(endpoint, ["--method", "tools/list"])
        tools = tuple(tool["name"] for tool in listed["tools"])
        return Session(tools, tuple(self._call(endpoint, call) for call in calls))

    def _call(self, endpoint: Endpoint, call: Call) -> Result:
        words = ["--method", "tools/call", "--tool-name", call.name]
        for name, value in call.arguments.items():
            # Quoted, because the Inspector reads values as JSON: an id of digits were a number.
            words += ["--tool-arg", f"{name}={json.dumps(value)}"]
        answer = self._request(endpoint, words)
        texts = [block["text"] for block in answer["content"] if block["type"] == "text"]
        is_error = answer.get("isError") is True
        return Result("\n".join(texts), is_error=is_error, meta=answer.get("_meta", {}))

    def _request(self, endpoint: Endpoint, words: list[str]) -> dict[str, Any]:
        headers = [f"{name}: {value}" for name, value in endpoint.headers.items()]
        with tempfile.TemporaryDirectory() as home:
            command = [str(INSPECTOR_LAUNCHER), "--cli", endpoint.url, "--transport", "http"]
            command += [*words, "--header", *headers]
            answer: dict[str, Any] = json.loads(run_node(command, env={"HOME": home}))
        return answer


class AgentFailedError(RuntimeError):
    """A client process ended without an answer."""


def run_node(
    command: list[str], *, given: str = "", env: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Run a Node program and return what it printed.

    Raises:
        AgentFailedError: with the program's own words.
    """
    done = subprocess.run(
        [node_program(), *command],
        input=given,
        capture_output=True,
        text=True,
        timeout=CLIENT_SECONDS,
        check=False,
        env={**os.environ, **env},
    )
    # The Inspector exits with 5 for a result that is an error and still prints the result.
    if not done.stdout.strip():
        raise AgentFailedError(f"exit code {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


AGENTS: Final[tuple[Agent, ...]] = (
    PythonAgent("python sdk 2.3, auto", "2026-07-28", "auto"),
    PythonAgent("python sdk 2.3, legacy", "2025-11-25", "legacy"),
    NodeAgent("typescript sdk 1.32", "2025-11-25", "sdk_v1.mjs"),
    NodeAgent("typescript client 2.4, auto", "2026-07-28", "client_v2.mjs", "auto"),
    NodeAgent("typescript client 2.4, legacy", "2025-11-25", "client_v2.mjs"),
    InspectorAgent(),
)
