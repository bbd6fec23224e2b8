"""A loopback relay that adds one credential: the suite's client cannot send headers of its own.

Bytes pass as they are in both directions, event streams included. Two things are done to a
request's head: `Authorization` is added, and the relay's own authority, where it stands in
`Host` or `Origin`, becomes the gateway's. Any other host or origin passes untouched, so the
rebinding scenario still reaches the gateway with the attacker's names.
"""

import contextlib
import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

HOST: Final = "127.0.0.1"
LARGEST_HEAD: Final = 65536
CHUNK: Final = 65536
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_AUTHORITY: Final = rb"(\r\n(?:host:|origin:[ \t]*http://)[ \t]*)%s(?=[ \t]*\r\n)"


class RelayError(RuntimeError):
    """A request the relay does not carry."""


def rewritten(head: bytes, *, own: str, target: str, token: str) -> bytes:
    """The head of a request as the gateway gets it.

    `head` ends with the empty line; `own` and `target` are `host:port`.
    """
    mine = re.compile(_AUTHORITY % re.escape(own.encode("ascii")), re.IGNORECASE)
    named = mine.sub(rb"\g<1>" + target.encode("ascii"), head)
    return named[:-2] + f"Authorization: Bearer {token}\r\n\r\n".encode("ascii")


def body_length(head: bytes) -> int:
    """How many bytes follow the head.

    Raises:
        RelayError: for a chunked body, which the suite never sends.
    """
    if _CHUNKED.search(head):
        raise RelayError("the relay carries no chunked requests")
    declared = _LENGTH.search(head)
    return int(declared[1]) if declared else 0


class _Connection(socketserver.StreamRequestHandler):
    """One client connection, paired with one connection to the gateway."""

    server: "_Relay"

    def handle(self) -> None:
        """Relay requests until the client is done; answers flow back on their own."""
        with socket.create_connection(self.server.gateway) as gateway:
            back = threading.Thread(target=self._answers, args=(gateway,), daemon=True)
            back.start()
            try:
                self._requests(gateway)
            finally:
                with contextlib.suppress(OSError):
                    gateway.shutdown(socket.SHUT_RDWR)
                back.join()

    def _requests(self, gateway: socket.socket) -> None:
        """Forward each request of the connection."""
        with contextlib.suppress(OSError):
            while head := self._head():
                gateway.sendall(self.server.rewrite(head))
                gateway.sendall(self.rfile.read(body_length(head)))

    def _head(self) -> bytes:
        """Read a request's head with its empty line; empty when the client has gone."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline(LARGEST_HEAD)
            head += line
            if not line or len(head) > LARGEST_HEAD:
                return b""
        return head

    def _answers(self, gateway: socket.socket) -> None:
        """Copy everything the gateway sends, as it comes."""
        with contextlib.suppress(OSError):
            while chunk := gateway.recv(CHUNK):
                self.connection.sendall(chunk)
            self.connection.shutdown(socket.SHUT_RDWR)


class _Relay(socketserver.ThreadingTCPServer):
    """The listening side."""

    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def __init__(self, gateway: tuple[str, int], token: str) -> None:
        super().__init__((HOST, 0), _Connection)
        self.gateway = gateway
        self._token = token

    @property
    def authority(self) -> str:
        """The relay's own `host:port`."""
        return f"{HOST}:{self.server_address[1]}"

    def rewrite(self, head: bytes) -> bytes:
        """The head of one request as the gateway gets it."""
        target = f"{self.gateway[0]}:{self.gateway[1]}"
        return rewritten(head, own=self.authority, target=target, token=self._token)


@contextlib.contextmanager
def bearer_relay(url: str, token: str) -> Iterator[str]:
    """Relay to the `http://host:port/path` URL `url`; yields the URL to use instead."""
    parts = urlsplit(url)
    with _Relay((parts.hostname or HOST, parts.port or 80), token) as relay:
        serving = threading.Thread(target=relay.serve_forever, args=(0.05,), daemon=True)
        serving.start()
        try:
            yield f"http://{relay.authority}{parts.path}"
        finally:
            relay.shutdown()
            serving.join()
