"""MCP clients whose calls wait for a person, on the official SDKs, and the person who decides.

Each client makes one call. What it is told on the way, a task or a link, goes to a function
of the test as it happens, so that the test can look, decide, or do nothing while it waits.
"""

import asyncio
import json
import subprocess
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO, Any, Final, Literal, TypeAlias

import httpx2
import mcp_types as types
from mcp.client.client import Client, ConnectMode
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.client.session import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError, UrlElicitationRequiredError

from conformance.suite import node_program
from e2e.agents import CLIENT_SECONDS, NODE, AgentFailedError, Call, Endpoint, Result

TASKS: Final = "io.modelcontextprotocol/tasks"

Word: TypeAlias = Literal["accept", "decline", "cancel"]


@dataclass(frozen=True)
class Link:
    """A page that a client's user is asked to open."""

    url: str
    message: str

    @property
    def approval(self) -> str:
        """The request the page is about."""
        return self.url.rpartition("/")[2]


OnLink: TypeAlias = Callable[[Link], Word]
OnTask: TypeAlias = Callable[[str], None]


class Approver:
    """A person with a bearer credential who decides through the console's API."""

    def __init__(self, console_url: str, token: str) -> None:
        self._console_url = console_url
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def decide(self, approval: str, decision: str, *, comment: str = "") -> httpx2.Response:
        """Say "approve" or "deny" to a request."""
        said = {"decision": decision, "comment": comment}
        return httpx2.post(
            f"{self._console_url}/{approval}", json=said, headers=self._headers, timeout=30
        )

    def approve(self, approval: str) -> None:
        """Approve a request that can be approved."""
        answer = self.decide(approval, "approve")
        assert answer.status_code == 200, answer.text

    def deny(self, approval: str, *, comment: str = "") -> None:
        """Deny a request that can be denied."""
        answer = self.decide(approval, "deny", comment=comment)
        assert answer.status_code == 200, answer.text


# ---------------------------------------------------------------- tasks, Python SDK


class CreatedTask(types.Result):
    """What stands in the place of a call's result (ext-tasks, CreateTaskResult)."""

    result_type: Literal["task"] = "task"
    task_id: str
    poll_interval_ms: int


class ShownTask(types.Result):
    """The answer to tasks/get (ext-tasks, GetTaskResult)."""

    task_id: str
    status: str
    result: dict[str, Any] | None = None
    poll_interval_ms: int | None = None


class TaskParams(types.RequestParams):
    """The params of tasks/get."""

    task_id: str


class GetTask(types.Request[TaskParams, Literal["tasks/get"]]):
    """A tasks/get."""

    method: Literal["tasks/get"] = "tasks/get"
    params: TaskParams
    name_param = "taskId"


class TasksExtension(ClientExtension):
    """The client side of the tasks extension: polls a task until it is completed."""

    identifier = TASKS

    def __init__(self, on_task: OnTask) -> None:
        self._on_task = on_task

    def claims(self) -> Sequence[ResultClaim[Any]]:
        """Results that are tasks."""
        return [ResultClaim(result_type="task", model=CreatedTask, resolve=self._resolve)]

    async def _resolve(self, task: CreatedTask, context: ClaimContext) -> types.CallToolResult:
        await asyncio.to_thread(self._on_task, task.task_id)
        interval: int | None = task.poll_interval_ms
        while True:
            await asyncio.sleep((interval or 0) / 1000)
            request = GetTask(params=TaskParams(task_id=task.task_id))
            shown = await context.session.send_request(request, ShownTask)
            if shown.status != "working":
                return types.CallToolResult.model_validate(shown.result)
            interval = shown.poll_interval_ms


def call_as_task(endpoint: Endpoint, call: Call, on_task: OnTask) -> Result:
    """Make a call with a client of the Python SDK that has the tasks extension."""

    async def run() -> Result:
        extensions = [TasksExtension(on_task)]
        async with python_client(endpoint, "auto", extensions=extensions) as client:
            return result_of(await client.call_tool(call.name, call.arguments))

    return asyncio.run(run())


# ---------------------------------------------------------------- links


class UserClient(ABC):
    """A client with a user whom it shows links; it declares elicitation by URL."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def run(self, endpoint: Endpoint, call: Call, on_link: OnLink) -> Result:
        """Make a call; `on_link` is what the user says to a link."""


class PythonUserClient(UserClient):
    """The Python SDK's client with an elicitation callback."""

    def __init__(self, name: str, mode: ConnectMode) -> None:
        super().__init__(name)
        self._mode: ConnectMode = mode

    def run(self, endpoint: Endpoint, call: Call, on_link: OnLink) -> Result:
        """Run the client on a loop of its own."""
        return asyncio.run(self._run(endpoint, call, on_link))

    async def _run(self, endpoint: Endpoint, call: Call, on_link: OnLink) -> Result:
        async def asked(
            _: ClientRequestContext, params: types.ElicitRequestParams
        ) -> types.ElicitResult:
            assert isinstance(params, types.ElicitRequestURLParams)
            return types.ElicitResult(action=await _said(on_link, params))

        async with python_client(endpoint, self._mode, elicitation_callback=asked) as client:
            while True:
                try:
                    return result_of(await client.call_tool(call.name, call.arguments))
                except MCPError as error:
                    if error.error.code != types.URL_ELICITATION_REQUIRED:
                        return Result(error.error.message, is_error=True, error=error.error.code)
                    for one in UrlElicitationRequiredError.from_error(error.error).elicitations:
                        await _said(on_link, one)


class NodeUserClient(UserClient):
    """One of the client scripts with a user in tests/node."""

    def __init__(self, name: str, script: str, mode: str = "legacy") -> None:
        super().__init__(name)
        self._script = NODE / script
        self._mode = mode

    def run(self, endpoint: Endpoint, call: Call, on_link: OnLink) -> Result:
        """Run the script, and be its user."""
        task = {
            "url": endpoint.url,
            "token": endpoint.token,
            "mode": self._mode,
            "call": {"name": call.name, "arguments": call.arguments},
        }
        command = [node_program(), str(self._script)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            try:
                _write(child.stdin, task)
                return self._followed(child.stdin, child.stdout, on_link)
            finally:
                child.kill()

    def _followed(self, given: IO[str], told: IO[str], on_link: OnLink) -> Result:
        for line in told:
            event = json.loads(line)
            if "result" in event:
                return _node_result(event["result"])
            link = Link(url=event["asked"]["url"], message=event["asked"]["message"])
            _write(given, {"action": on_link(link)})
        raise AgentFailedError(f"{self.name} ended without a result")


MODERN_USER_CLIENTS: Final[tuple[UserClient, ...]] = (
    PythonUserClient("python sdk 2.3, auto", "auto"),
    NodeUserClient("typescript client 2.4, auto", "user_client_v2.mjs", "auto"),
)
LEGACY_USER_CLIENTS: Final[tuple[UserClient, ...]] = (
    PythonUserClient("python sdk 2.3, legacy", "legacy"),
    NodeUserClient("typescript client 2.4, legacy", "user_client_v2.mjs", "legacy"),
    NodeUserClient("typescript sdk 1.32", "user_sdk_v1.mjs"),
)


# ---------------------------------------------------------------- plain requests


def ask(
    endpoint: Endpoint, method: str, params: dict[str, Any], *, named: str
) -> tuple[int, dict[str, Any]]:
    """Send one 2026-07-28 request that declares the tasks extension; the status and the body."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {TASKS: {}}},
    }
    headers = {
        **endpoint.headers,
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": method,
        "Mcp-Name": named,
    }
    message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {**params, "_meta": meta}}
    reply = httpx2.post(endpoint.url, json=message, headers=headers, timeout=CLIENT_SECONDS)
    return reply.status_code, reply.json()


@asynccontextmanager
async def python_client(
    endpoint: Endpoint, mode: ConnectMode, **options: Any
) -> AsyncIterator[Client]:
    """A connected client of the Python SDK that has listed the tools."""
    async with httpx2.AsyncClient(headers=endpoint.headers, timeout=CLIENT_SECONDS) as http:
        transport = streamable_http_client(endpoint.url, http_client=http)
        async with Client(transport, mode=mode, **options) as client:
            await client.list_tools()
            yield client


def result_of(answer: types.CallToolResult) -> Result:
    """A call's result as a plain value."""
    texts = [block.text for block in answer.content if isinstance(block, types.TextContent)]
    return Result("\n".join(texts), is_error=answer.is_error, meta=answer.meta or {})


async def _said(on_link: OnLink, asked: types.ElicitRequestURLParams) -> Word:
    link = Link(url=asked.url, message=asked.message)
    return await asyncio.to_thread(on_link, link)


def _node_result(told: dict[str, Any]) -> Result:
    if "error" in told:
        return Result(told["error"]["message"], is_error=True, error=told["error"]["code"])
    return Result(told["text"], is_error=told["isError"], meta=told["meta"])


def _write(stream: IO[str], line: dict[str, Any]) -> None:
    stream.write(json.dumps(line) + "\n")
    stream.flush()
