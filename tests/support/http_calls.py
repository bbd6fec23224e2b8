"""Plain HTTP calls over the loopback address, for tests of HTTP servers."""

import http.client
import socket
import urllib.parse


def post(
    url: str, body: bytes = b"", headers: dict[str, str] | None = None, *, method: str = "POST"
) -> tuple[int, dict[str, str], bytes]:
    """Answer the status, the headers by lower-case name, and the body."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, told, answer.read()
    finally:
        connection.close()


def send_raw(port: int, data: bytes) -> bytes:
    """Send bytes as they are and read until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.sendall(data)
        received = bytearray()
        while chunk := sock.recv(65_536):
            received += chunk
        return bytes(received)
