"""The relay adds a credential, speaks for the gateway's authority, and alters nothing else."""

import socket
import threading
from collections.abc import Iterator

import pytest

from conformance.bearer_relay import RelayError, bearer_relay, body_length, rewritten

OWN, TARGET, TOKEN = "127.0.0.1:4000", "127.0.0.1:5000", "secret-token"


def head(*lines: str) -> bytes:
    return "\r\n".join(["POST /mcp/x HTTP/1.1", *lines, "", ""]).encode()


def relayed(*lines: str) -> bytes:
    return rewritten(head(*lines), own=OWN, target=TARGET, token=TOKEN)


def test_the_credential_is_the_only_header_that_is_added() -> None:
    sent = ("host: elsewhere:1", "mcp-method:  ping ", "Mcp-Method: PING", "content-length: 2")
    assert relayed(*sent) == head(*sent, "Authorization: Bearer secret-token")


def test_the_own_authority_becomes_the_gateways() -> None:
    told = relayed(f"host: {OWN}", f"origin: http://{OWN}")
    assert told == head(
        f"host: {TARGET}", f"origin: http://{TARGET}", "Authorization: Bearer secret-token"
    )


@pytest.mark.parametrize("authority", ["evil.example.com", f"{OWN}0", f"x{OWN}"])
def test_a_foreign_authority_passes_untouched(authority: str) -> None:
    lines = (f"Host: {authority}", f"Origin: http://{authority}")
    assert relayed(*lines) == head(*lines, "Authorization: Bearer secret-token")


def test_the_length_of_a_body_is_read_whatever_the_case_of_its_header() -> None:
    assert body_length(head("Content-Length: 12")) == 12
    assert body_length(head("content-length:7 ")) == 7
    assert body_length(head("accept: */*")) == 0


def test_a_chunked_request_is_refused() -> None:
    with pytest.raises(RelayError):
        body_length(head("Transfer-Encoding: chunked"))


class OneConnection:
    """A server that takes one connection and answers each request with the same bytes."""

    def __init__(self, requests: int, answer: bytes) -> None:
        self.received = b""
        self._requests = requests
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/mcp/x"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with self._listener, connection:
            for _ in range(self._requests):
                seen = len(self.received)
                while not self.received[seen:].endswith(b"{}"):
                    self.received += connection.recv(65536)
                connection.sendall(self._answer)

    def close(self) -> None:
        self._thread.join(10)


@pytest.fixture
def upstream() -> Iterator[OneConnection]:
    server = OneConnection(2, b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\ndata\n")
    yield server
    server.close()


def read_exactly(connection: socket.socket, size: int) -> bytes:
    read = b""
    while len(read) < size:
        read += connection.recv(size - len(read))
    return read


def test_two_requests_of_one_connection_reach_the_gateway_and_their_answers_come_back(
    upstream: OneConnection,
) -> None:
    with bearer_relay(upstream.url, TOKEN) as url:
        host, port = url.removeprefix("http://").removesuffix("/mcp/x").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            for _ in range(2):
                client.sendall(head(f"Host: {host}:{port}", "Content-Length: 2") + b"{}")
                answer = read_exactly(client, 43)
                assert answer.endswith(b"\r\n\r\ndata\n")
    target = upstream.url.removeprefix("http://").removesuffix("/mcp/x")
    forwarded = head(f"Host: {target}", "Content-Length: 2", "Authorization: Bearer secret-token")
    assert upstream.received == (forwarded + b"{}") * 2
