"""The console in memory behind a real socket, for a real browser."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from portcullis.console.ports import Issuer
from support.console_fakes import Answer, ConsoleWorld


class ConsoleServer(ThreadingHTTPServer):
    """Serves a world; `requests` are the methods and targets it was asked for, in order."""

    daemon_threads = True

    def __init__(self, issuer: Issuer | None) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.requests: list[tuple[str, str]] = []
        self.world = ConsoleWorld(
            public_url=self.url, issuer=issuer, hosts=(self.url.removeprefix("http://"),)
        )


@contextmanager
def console_server(issuer: Issuer | None = None) -> Iterator[ConsoleServer]:
    """A console that answers until the block ends."""
    server = ConsoleServer(issuer)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Request(BaseHTTPRequestHandler):
    server: ConsoleServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.requests.append((self.command, self.path))
        answer = self.server.world.serve(self._event(body))
        content = answer.body.encode()
        self.send_response(answer.status)
        self._send_headers(answer)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _send_headers(self, answer: Answer) -> None:
        for name, values in answer.headers.items():
            for value in values:
                self.send_header(name, value)

    def _event(self, body: bytes) -> dict[str, object]:
        parts = urlsplit(self.path)
        headers: dict[str, list[str]] = {}
        for name, value in self.headers.items():
            headers.setdefault(name, []).append(value)
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        return {
            "httpMethod": self.command,
            "path": parts.path,
            "multiValueHeaders": headers,
            "multiValueQueryStringParameters": query,
            "body": body.decode(),
        }

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its own name
        """Say nothing."""
