"""The HTTP upstream: which URLs and addresses it will talk to, and what it makes of failures."""

import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from portcullis.adapters.http_upstream import (
    Authorise,
    HttpUpstream,
    Outgoing,
    resolve,
    without_credential,
)
from portcullis.errors import (
    CredentialError,
    UpstreamNotSentError,
    UpstreamUncertainError,
)
from portcullis.gateway.ports import UpstreamRequest
from portcullis.registration.endpoint import Endpoint, parse_endpoint

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextmanager
def serving(answer: Answer) -> Iterator[tuple[int, list[dict[str, str]]]]:
    seen: list[dict[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            told = {name.lower(): self.headers.get_all(name, []) for name in self.headers}
            seen.append({name: ", ".join(values) for name, values in told.items()})
            self.rfile.read(int(self.headers["Content-Length"]))
            answer(self)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reply_with(status: int, body: bytes, **headers: str) -> Answer:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


REQUEST = UpstreamRequest(
    method="POST",
    headers=(("content-type", "application/json"), ("accept-encoding", "identity")),
    body=b"{}",
    scope="s",
)


def local_endpoint(port: int, host: str = "127.0.0.1") -> Endpoint:
    endpoint = parse_endpoint(f"http://{host}:{port}/mcp", allow_loopback=True)
    assert isinstance(endpoint, Endpoint)
    return endpoint


def make_upstream(
    port: int,
    *,
    host: str = "127.0.0.1",
    authorise: Authorise = without_credential,
    resolver: Callable[[str, int], list[str]] = resolve,
) -> HttpUpstream:
    return HttpUpstream(
        local_endpoint(port, host),
        allow_loopback=True,
        authorise=authorise,
        resolve=resolver,
    )


def test_the_reply_comes_back_unread_and_only_our_headers_go_out() -> None:
    with serving(reply_with(200, b'{"a":1}', Content_Type="application/json")) as (port, seen):
        upstream = make_upstream(port, authorise=lambda _: {"authorization": "Bearer canary"})
        reply = upstream.send(REQUEST, timeout_seconds=5)
        upstream.send(REQUEST, timeout_seconds=5)
    assert (reply.status, reply.body) == (200, b'{"a":1}')
    assert ("Content-Type", "application/json") in reply.headers
    assert seen[0].keys() == {
        "host", "content-length", "content-type", "accept-encoding", "authorization", "user-agent",
    }  # fmt: skip
    assert seen[0]["host"] == f"127.0.0.1:{port}"
    assert seen[0]["accept-encoding"] == "identity"  # once, whoever else asked for it


@pytest.mark.parametrize("status", [301, 302, 307, 308], ids=lambda s: f"M07-{s}")
def test_redirects_are_handed_back_and_never_followed(status: int) -> None:
    answer = reply_with(status, b"", Location="http://127.0.0.1:1/elsewhere")
    with serving(answer) as (port, seen):
        assert make_upstream(port).send(REQUEST, timeout_seconds=5).status == status
    assert len(seen) == 1


def test_a_refused_connection_provably_sent_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(UpstreamNotSentError):
            make_upstream(port).send(REQUEST, timeout_seconds=2)


def test_G15_a_server_that_hangs_up_may_have_executed() -> None:
    def hang_up(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    with serving(hang_up) as (port, seen), pytest.raises(UpstreamUncertainError):
        make_upstream(port).send(REQUEST, timeout_seconds=5)
    assert len(seen) == 1, "a call is never sent twice"


def test_G15_a_reply_that_breaks_off_may_have_executed() -> None:
    def short(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"{")
        handler.close_connection = True

    with serving(short) as (port, _), pytest.raises(UpstreamUncertainError):
        make_upstream(port).send(REQUEST, timeout_seconds=5)


def test_L12_a_reply_above_the_cap_is_cut_off() -> None:
    body = b" " * ((6 << 20) + 1)
    with serving(reply_with(200, body)) as (port, _), pytest.raises(UpstreamUncertainError):
        make_upstream(port).send(REQUEST, timeout_seconds=20)


def test_L12_a_reply_that_drips_is_cut_off_at_the_deadline() -> None:
    ticks = iter(range(0, 1000, 10))
    with serving(reply_with(200, b"{}")) as (port, _):
        upstream = HttpUpstream(
            local_endpoint(port),
            allow_loopback=True,
            monotonic=lambda: float(next(ticks)),
        )
        with pytest.raises(UpstreamUncertainError, match="too long"):
            upstream.send(REQUEST, timeout_seconds=5)


def test_M06_a_name_with_one_bad_address_is_not_contacted() -> None:
    upstream = make_upstream(
        1, host="localhost", resolver=lambda _h, _p: ["127.0.0.1", "169.254.169.254"]
    )
    with pytest.raises(UpstreamNotSentError, match="not allowed"):
        upstream.send(REQUEST, timeout_seconds=1)


@pytest.mark.parametrize("found", [[], ["not-an-address"]])
def test_a_name_that_does_not_resolve_is_not_contacted(found: list[str]) -> None:
    upstream = make_upstream(1, host="localhost", resolver=lambda _h, _p: found)
    with pytest.raises(UpstreamNotSentError):
        upstream.send(REQUEST, timeout_seconds=1)


def test_P08_a_credential_that_cannot_be_read_sends_nothing() -> None:
    def broken(_outgoing: Outgoing) -> dict[str, str]:
        raise CredentialError("down")

    with serving(reply_with(200, b"{}")) as (port, seen), pytest.raises(UpstreamNotSentError):
        make_upstream(port, authorise=broken).send(REQUEST, timeout_seconds=1)
    assert seen == []
