"""An AWS endpoint that knows nothing and remembers who signed each request."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_ACCESS_KEY = re.compile(r"Credential=([^/]+)/[^/]+/[^/]+/([^/]+)/")
_NO_USERS = (
    b'<ListUsersResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListUsersResult>'
    b"<Users/><IsTruncated>false</IsTruncated></ListUsersResult></ListUsersResponse>"
)


class RecordingEndpoint(ThreadingHTTPServer):
    """The endpoint; `signers` holds (service, access key) of each request, in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.signers: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL is set to."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def recording_endpoint() -> Iterator[RecordingEndpoint]:
    """An endpoint that answers until the block ends."""
    endpoint = RecordingEndpoint()
    thread = threading.Thread(target=endpoint.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.shutdown()
        thread.join()
        endpoint.server_close()


class _Request(BaseHTTPRequestHandler):
    server: RecordingEndpoint

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        signer = _ACCESS_KEY.search(self.headers.get("Authorization", ""))
        service = signer[2] if signer else ""
        self.server.signers.append((service, signer[1] if signer else ""))
        body = _NO_USERS if service == "iam" else b"{}"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its own name
        """Say nothing."""
