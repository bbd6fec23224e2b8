"""Drives an MCP server's streamable HTTP transport in-process: one request in, one reply out.

One event loop for each environment, on a thread of its own: the transport's task group has to
stay open between calls, and a call that overruns its time can be answered while it still
runs. The transport is stateless, since the next call may land in another environment, and
answers with SSE where the server sends more than one message; the body is collected whole.

Refused before the transport sees them: every method but POST (the transport would open a
stream that a collected reply never ends), and batches, which no revision it speaks has.
`subscriptions/listen` is taken out for the same reason, so discovery says it is not offered.

Source: MCP 2025-11-25 and 2026-07-28, streamable HTTP transport.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, MutableMapping
from concurrent.futures import CancelledError
from typing import Any, Final, TypeVar

from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from mcp_host.exchange import (
    CALLER_SCOPE,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    HostReply,
    HostRequest,
    rejection,
)

_START_SECONDS: Final = 10.0
_JSON_WHITESPACE: Final = b" \t\r\n"

_Answer = TypeVar("_Answer")
_Message = MutableMapping[str, Any]  # what ASGI passes; its members differ by `type`


class AsgiHost:
    """Holds one MCP server ready and sends requests through it."""

    def __init__(self, server: Server[Any]) -> None:
        remove_endless_methods(server)
        self._manager = StreamableHTTPSessionManager(server, json_response=False, stateless=True)
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="mcp-server", daemon=True
        )
        self._held: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Open the transport; calls are answered from here on.

        Raises:
            TimeoutError: the transport did not open. Whatever kept it from opening is raised
                as it is.
        """
        self._thread.start()
        try:
            self._run(self._open(), _START_SECONDS)
        except BaseException:  # whatever it was goes on; the thread must not outlive it
            self._stop_loop()
            raise

    def close(self) -> None:
        """Close the transport, the loop and its thread."""
        self._run(self._shut(), _START_SECONDS)
        self._stop_loop()

    def call(self, request: HostRequest, *, timeout_seconds: float) -> HostReply:
        """Answer a request; an overrun is answered 504, and may still take effect."""
        refusal = _refusal(request)
        if refusal is not None:
            return refusal
        try:
            return self._run(self._exchange(request), timeout_seconds)
        except (TimeoutError, CancelledError):
            return rejection(504, INTERNAL_ERROR, "the server did not answer in time")

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_SECONDS)
        self._loop.close()

    def _run(self, work: Coroutine[object, None, _Answer], seconds: float) -> _Answer:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(seconds)
        finally:
            future.cancel()

    async def _open(self) -> None:
        opened = self._loop.create_future()
        self._held = self._loop.create_task(self._hold(lambda: opened.set_result(None)))
        await asyncio.wait({opened, self._held}, return_when=asyncio.FIRST_COMPLETED)
        if self._held.done():
            await self._held

    async def _hold(self, opened: Callable[[], None]) -> None:
        # A task group must be left by the task that entered it: this one.
        async with self._manager.run():
            opened()
            await self._stop.wait()

    async def _shut(self) -> None:
        self._stop.set()
        if self._held is not None:
            await self._held
        # The SSE library keeps a watcher of its own on the loop.
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._loop.shutdown_asyncgens()

    async def _exchange(self, request: HostRequest) -> HostReply:
        CALLER_SCOPE.set(request.scope)  # this task's own context; the tool inherits it
        collector = _Collector(request.body)
        await self._manager.handle_request(_asgi_scope(request), collector.receive, collector.send)
        return collector.reply()


def remove_endless_methods(server: Server[Any]) -> None:
    """Take out the methods whose reply never ends."""
    # The SDK has no public way to serve everything but this; its version is pinned.
    server._request_handlers.pop("subscriptions/listen", None)  # noqa: SLF001


def _refusal(request: HostRequest) -> HostReply | None:
    if request.method != "POST":
        return rejection(405, INVALID_REQUEST, "method not allowed", headers=(("allow", "POST"),))
    if request.body.lstrip(_JSON_WHITESPACE).startswith(b"["):
        return rejection(400, INVALID_REQUEST, "batches are not supported")
    return None


def _asgi_scope(request: HostRequest) -> _Message:
    """The ASGI connection scope (ASGI HTTP specification 2.3) of a request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "https",
        "path": "/mcp",
        "raw_path": b"/mcp",
        "root_path": "",
        "query_string": b"",
        "headers": [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers
        ],
        "client": ("127.0.0.1", 0),
        "server": ("lambda", 443),
    }


class _Collector:
    """The client side of one ASGI exchange."""

    def __init__(self, body: bytes) -> None:
        self._request: bytes | None = body
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = bytearray()

    async def receive(self) -> _Message:
        if self._request is None:
            # A buffered client never disconnects.
            await asyncio.Event().wait()
        body, self._request = self._request, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: _Message) -> None:
        if message["type"] == "http.response.start":
            self._status = int(message["status"])
            self._headers = list(message.get("headers", ()))
        else:
            self._body.extend(message.get("body", b""))

    def reply(self) -> HostReply:
        if not self._status:
            return rejection(502, INTERNAL_ERROR, "the server gave no reply")
        return HostReply(
            status=self._status,
            headers=tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in self._headers),
            body=self._body.decode("utf-8"),
        )
