"""A small HTTP/1.1 server on asyncio and h11: whole requests in, whole responses out.

Parsing is h11's; a request with both Transfer-Encoding and Content-Length is refused
(RFC 9112, section 6.1), because two readers could disagree on where it ends.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

import h11

_READ_BYTES = 65_536
_MAXIMUM_HEAD_BYTES = 65_536
_BODILESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. Header names are as they were sent, values are Latin-1 text."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    peer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One response; its length is added by the server."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
Refuse: TypeAlias = Callable[[int], Response]


class RefusedError(Exception):
    """A request that is answered without asking the handler; the connection is closed."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


def json_response(status: int, tree: object, *headers: tuple[str, str]) -> Response:
    """A response with a JSON body."""
    return Response(
        status=status,
        headers=(("Content-Type", "application/json"), *headers),
        body=json.dumps(tree).encode(),
    )


def _refuse(status: int) -> Response:
    return json_response(status, {"message": "bad request"})


class HttpServer:
    """Serves one handler. A handler that is running is not disturbed by a client that left."""

    def __init__(
        self, handler: Handler, *, maximum_body_bytes: int, refuse: Refuse = _refuse
    ) -> None:
        self._handler = handler
        self._maximum_body_bytes = maximum_body_bytes
        self._refuse = refuse
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, sock: socket.socket) -> None:
        """Serve a bound socket from now on."""
        self.port = sock.getsockname()[1]
        self._server = await asyncio.start_server(self._accept, sock=sock)

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this callback as a task
        self._connections.add(task)
        try:
            await _Connection(reader, writer).serve(
                self._handler, refuse=self._refuse, maximum_body_bytes=self._maximum_body_bytes
            )
        except (ConnectionError, h11.LocalProtocolError, asyncio.CancelledError):
            pass  # the client left, or the server is being closed
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()


class _Connection:
    """One connection, kept alive as long as both sides want it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAXIMUM_HEAD_BYTES)
        self._method = b""

    async def serve(self, handler: Handler, *, refuse: Refuse, maximum_body_bytes: int) -> None:
        while True:
            try:
                request = await self._read(maximum_body_bytes)
            except h11.RemoteProtocolError as error:
                await self._write(refuse(error.error_status_hint), close=True)
                return
            except RefusedError as error:
                await self._write(refuse(error.status), close=True)
                return
            if request is None:
                return
            await self._write(await handler(request))
            if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    async def _read(self, maximum_body_bytes: int) -> Request | None:
        head = await self._next()
        if not isinstance(head, h11.Request):
            return None
        self._method = head.method
        names = {name for name, _ in head.headers}
        if {b"transfer-encoding", b"content-length"} <= names:
            raise RefusedError(400)
        body = await self._read_body(maximum_body_bytes)
        return Request(
            method=head.method.decode("ascii"),
            target=head.target.decode("latin-1"),
            headers=tuple(
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in head.headers.raw_items()
            ),
            body=body,
            peer=str((self._writer.get_extra_info("peername") or ("",))[0]),
        )

    async def _read_body(self, maximum_bytes: int) -> bytes:
        body = bytearray()
        size = 0
        while isinstance(event := await self._next(), h11.Data):
            size += len(event.data)
            if size <= maximum_bytes:
                body += event.data
            elif size > 4 * maximum_bytes:  # read on for a while, so that the answer is seen
                break
        if size > maximum_bytes:
            raise RefusedError(413)
        return bytes(body)

    async def _next(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                self._writer.write(self._http.send(go_on) or b"")
            self._http.receive_data(await self._reader.read(_READ_BYTES))
        return event

    async def _write(self, response: Response, *, close: bool = False) -> None:
        bodiless = self._method == b"HEAD" or response.status in _BODILESS
        headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers
        ]
        if response.status not in _BODILESS:
            headers.append((b"Content-Length", str(len(response.body)).encode()))
        if close:
            headers.append((b"Connection", b"close"))
        parts: list[h11.Response | h11.Data | h11.EndOfMessage] = [
            h11.Response(status_code=response.status, headers=headers)
        ]
        if not bodiless:
            parts.append(h11.Data(data=response.body))
        parts.append(h11.EndOfMessage())
        self._writer.write(b"".join(self._http.send(part) or b"" for part in parts))
        await self._writer.drain()


def listen(host: str, port: int) -> socket.socket:
    """Bind and listen; port 0 takes any free one.

    Raises:
        OSError: the port is taken or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(128)
        sock.setblocking(False)  # noqa: FBT003 - the stdlib's signature
    except OSError:
        sock.close()
        raise
    return sock
