"""The people of a try-out approve the policies of its start."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local_stack.approving import People


class Console(ThreadingHTTPServer):
    """Counts who said yes; `needed` of them approve, and `refused` may not."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.needed, self.refused = 2, ""
        self.said: list[tuple[str, str, dict[str, str]]] = []


class _Request(BaseHTTPRequestHandler):
    server: Console

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        token = self.headers["Authorization"].removeprefix("Bearer ")
        self.server.said.append((self.path, token, body))
        is_enough = len(self.server.said) >= self.server.needed
        self.send_response(403 if token == self.server.refused else 200)
        self.end_headers()
        self.wfile.write(json.dumps({"state": "APPROVED" if is_enough else "PENDING"}).encode())

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its own name
        """Say nothing."""


@pytest.fixture
def console() -> Iterator[Console]:
    server = Console()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def people(console: Console) -> People:
    url = f"http://127.0.0.1:{console.server_address[1]}/approvals"
    return People(url, ("one", "two", "three"))


def test_people_say_yes_until_it_is_enough(console: Console) -> None:
    assert people(console).approve("abc")
    assert [(path, token) for path, token, _ in console.said] == [
        ("/approvals/abc", "one"),
        ("/approvals/abc", "two"),
    ]
    assert console.said[0][2]["decision"] == "approve"


def test_people_who_may_not_or_are_too_few_approve_nothing(console: Console) -> None:
    console.refused, console.needed = "one", 9
    assert not people(console).approve("abc")
    assert len(console.said) == 3
