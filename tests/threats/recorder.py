"""The recorder: an upstream that keeps every byte it is sent, and reads it four ways.

A call that must not be executed must not have arrived under any reading that some real MCP
server is known to have had.
"""

import http.server
import json
import ssl
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import pydantic_core

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One HTTP request as it arrived."""

    method: str
    path: str
    headers: Headers
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """A reply to give instead of the usual one.

    `drop`: close the socket without a reply. `chunks`: send these after `body`, one by one,
    then close; the reply states no length.
    """

    status: int = 200
    headers: Headers = (("Content-Type", "application/json"),)
    body: bytes = b""
    drop: bool = False
    chunks: Iterable[bytes] | None = None


Script = Callable[[dict[str, Any]], Scripted]


@dataclass(slots=True)
class Recorder:
    """What arrived, and what to answer. `scripts` map a method to its replacement."""

    tools: list[dict[str, Any]]
    received: list[Received] = field(default_factory=list)
    scripts: dict[str, Script] = field(default_factory=dict)

    def clear(self) -> None:
        self.received.clear()
        self.scripts.clear()

    def calls(self) -> list[dict[str, Any]]:
        """The parameters of every tools/call that arrived, as a plain reader sees them."""
        messages = [json.loads(one.body) for one in self.received if one.body]
        return [m["params"] for m in messages if m.get("method") == "tools/call"]

    def executed(self, tool: str) -> list[str]:
        """The readings under which a call of `tool` arrived; empty is what a denial owes."""
        return [
            name
            for one in self.received
            for name, read in READINGS.items()
            if (tool in _tools_called(read, one.body))
        ]

    def answer(self, message: dict[str, Any]) -> Scripted:
        script = self.scripts.get(message.get("method", ""))
        if script is not None:
            return script(message)
        if "id" not in message:
            return Scripted(status=202, headers=())
        return reply(message, self._result(message))

    def _result(self, message: dict[str, Any]) -> dict[str, Any]:
        modern = {"resultType": "complete"} if _is_modern(message) else {}
        match message["method"]:
            case "tools/list":
                hints = {"ttlMs": 3_600_000, "cacheScope": "public"} if modern else {}
                return {**modern, **hints, "tools": self.tools}
            case "initialize":
                return {
                    "protocolVersion": message["params"]["protocolVersion"],
                    "capabilities": {"tools": {"listChanged": True}},
                    "serverInfo": {"name": "recorder", "version": "1"},
                }
            case "tools/call":
                return {**modern, "content": [{"type": "text", "text": "executed"}]}
            case _:
                return dict(modern)


def reply(message: Mapping[str, Any], result: Mapping[str, Any]) -> Scripted:
    """A JSON reply with a result."""
    body = {"jsonrpc": "2.0", "id": message["id"], "result": result}
    return Scripted(body=json.dumps(body).encode())


@contextmanager
def serving(recorder: Recorder, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve the recorder on a free loopback port, by TLS where a context is given."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are two writes

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            recorder.received.append(
                Received(
                    method=self.command,
                    path=self.path,
                    headers=tuple(self.headers.items()),
                    body=body,
                )
            )
            self._send(recorder.answer(json.loads(body or b"{}")))

        do_DELETE = do_POST  # noqa: N815 - the name http.server looks for

        def _send(self, scripted: Scripted) -> None:
            if scripted.drop:
                self.close_connection = True
                return
            self.send_response(scripted.status)
            for name, value in scripted.headers:
                self.send_header(name, value)
            if scripted.chunks is None:
                self.send_header("Content-Length", str(len(scripted.body)))
            else:
                self.close_connection = True
            self.end_headers()
            with suppress(OSError):  # the gateway may hang up on a reply it has had enough of
                for chunk in chain((scripted.body,), scripted.chunks or ()):
                    self.wfile.write(chunk)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    _secure(server, context)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _secure(server: http.server.HTTPServer, context: ssl.SSLContext | None) -> None:
    if context is not None:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )


# ---------------------------------------------------------------- the four readings


def _first_key_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found


def _folded(key: str) -> str:
    return unicodedata.normalize("NFKC", key).casefold().split("\0")[0].strip()


def _case_insensitive(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {_folded(key): value for key, value in pairs}


READINGS: dict[str, Callable[[bytes], Any]] = {
    "python json": json.loads,
    "pydantic": lambda data: pydantic_core.from_json(data, allow_inf_nan=True),
    "first key wins": lambda data: json.loads(data, object_pairs_hook=_first_key_wins),
    "case-insensitive": lambda data: json.loads(data, object_pairs_hook=_case_insensitive),
}


def _tools_called(read: Callable[[bytes], Any], body: bytes) -> set[str]:
    try:
        tree = read(body)
    except (ValueError, RecursionError):
        return set()
    entries = tree if isinstance(tree, list) else [tree]
    return {
        str(entry["params"].get("name"))
        for entry in entries
        if isinstance(entry, dict)
        and entry.get("method") == "tools/call"
        and isinstance(entry.get("params"), dict)
    }


def _is_modern(message: Mapping[str, Any]) -> bool:
    meta = (message.get("params") or {}).get("_meta") or {}
    return "io.modelcontextprotocol/protocolVersion" in meta
