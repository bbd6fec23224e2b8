"""Threat cases D at the socket: framing, paths and verbs before any event exists.

The local front stands in for API Gateway. That the deployed front refuses the same framing
and spells paths the same way only a deployed API can show; what is shown here is that our
route and our authorizer leave no path without a policy, whatever the front lets through.
"""

import json
from collections.abc import Iterator

import pytest

from support.http_calls import send_raw
from threats.fixtures import F0, F1, TARGET, TOOLS, Client, call_text
from threats.front_gate import fronted, mint, read_api
from threats.gate import Gate, standing_gate

GOOD = call_text("get_info")


class Wire:
    """A gate, the port it is served on, and a token for the server `f0` alone."""

    def __init__(self, gate: Gate, port: int, token: str) -> None:
        self.gate = gate
        self.port = port
        self.token = token

    def send(
        self,
        *,
        target: str = "/mcp/f0",
        verb: str = "POST",
        body: bytes = b"",
        extra: str = "",
        name: str = TARGET,
        framing: str | None = None,
    ) -> tuple[int, str, bytes]:
        """Answer status, head and body of one raw request; `framing` replaces Content-Length."""
        client = Client(name=name)
        lines = {**client.headers(), "Content-Type": "application/json", "Host": "gate.example"}
        head = "".join(f"{key}: {value}\r\n" for key, value in lines.items())
        length = f"Content-Length: {len(body)}\r\n" if framing is None else framing
        request = (
            f"{verb} {target} HTTP/1.1\r\n{head}Authorization: Bearer {self.token}\r\n"
            f"{length}{extra}Connection: close\r\n\r\n"
        )
        answer = send_raw(self.port, request.encode("latin-1") + body)
        head_bytes, _, rest = answer.partition(b"\r\n\r\n")
        told = head_bytes.decode("latin-1")
        return int(told.split(" ")[1]), told.lower(), rest


@pytest.fixture(scope="module")
def wired() -> Iterator[Wire]:
    with standing_gate(TOOLS, {"f0": F0, "f1": F1}) as gate, fronted(gate) as port:
        yield Wire(gate, port, mint("alice", "f0"))


@pytest.fixture
def wire(wired: Wire) -> Wire:
    wired.gate.clear()
    return wired


def text(row: str, name: str = TARGET) -> bytes:
    return Client(name=name).text(row).encode()


def chunked(*parts: bytes, trailer: str = "") -> bytes:
    framed = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts)
    return framed + f"0\r\n{trailer}\r\n".encode()


CHUNKED = "Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize("tool", [pytest.param("get_info", id="D21-the one route")])
def test_the_one_route_reaches_the_policy(wire: Wire, tool: str) -> None:
    """Without this, the rows below might be refused for a reason they do not mean."""
    status, _, body = wire.send(body=text(GOOD), name=tool)
    assert (status, wire.gate.records[0].outcome) == (200, "allowed"), body
    status, _, body = wire.send(body=text("<c0>"))
    assert (status, b"Unknown tool" in body) == (200, True)
    assert wire.gate.recorder.executed(TARGET) == []


# ---------------------------------------------------------------- framing


@pytest.mark.parametrize(
    "trailer",
    [
        pytest.param(f"Mcp-Name: {TARGET}\r\n", id="D16-trailer with a name"),
        pytest.param("Authorization: Bearer x\r\n", id="D16-trailer with a credential"),
        pytest.param("MCP-Protocol-Version: 2025-03-26\r\n", id="D16-trailer with a revision"),
    ],
)
def test_no_header_is_taken_from_a_trailer(wire: Wire, trailer: str) -> None:
    whole = text(GOOD)
    body = chunked(whole[:10], whole[10:], trailer=trailer)
    status, _, answer = wire.send(body=body, framing=CHUNKED, name="get_info")
    assert (status, wire.gate.records[0].outcome) == (200, "allowed"), answer
    (sent,) = wire.gate.recorder.received
    assert sent.header("mcp-name") == ["get_info"]


def test_D16_a_chunked_body_is_judged_like_any_other(wire: Wire) -> None:
    status, _, answer = wire.send(body=chunked(text("<c0>")), framing=CHUNKED)
    assert (status, b"Unknown tool" in answer) == (200, True)
    assert wire.gate.recorder.received == []


@pytest.mark.parametrize(
    "framing",
    [
        pytest.param(f"Content-Length: 4\r\n{CHUNKED}", id="D16-length and chunks"),
        pytest.param(f"{CHUNKED}Content-Length: 4\r\n", id="D16-chunks and length"),
        pytest.param("Content-Length: 4\r\nContent-Length: 400\r\n", id="D16-two lengths"),
        pytest.param("Transfer-Encoding: gzip, chunked\r\n", id="D16-two codings"),
        pytest.param("Transfer-Encoding: identity\r\n", id="D16-unknown coding"),
        pytest.param("Content-Length: +4\r\n", id="D16-signed length"),
        pytest.param("Transfer-Encoding : chunked\r\n", id="D16-blank before the colon"),
    ],
)
def test_framing_that_two_readers_read_differently_is_refused(wire: Wire, framing: str) -> None:
    status, _, _ = wire.send(body=chunked(text("<c0>")), framing=framing)
    assert 400 <= status < 600
    assert wire.gate.recorder.received == []
    assert wire.gate.records == []  # refused by the front: nobody was asked


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param("Upgrade: websocket\r\n", id="D27-upgrade"),
        pytest.param("Connection: Authorization\r\n", id="D27-strip the credential"),
        pytest.param("Connection: Mcp-Name, X\r\n", id="D27-strip the name"),
        pytest.param("Expect: 100-continue\r\n", id="D27-continue"),
    ],
)
def test_a_hop_by_hop_header_is_no_lever(wire: Wire, extra: str) -> None:
    status, _, answer = wire.send(body=text("<c0>"), extra=extra)
    final = answer if status != 100 else answer.partition(b"\r\n\r\n")[2]
    assert b"Unknown tool" in final
    assert wire.gate.recorder.received == []
    assert [record.principal for record in wire.gate.records] == ["16:portcullis:grant|alice"]


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param("X-A: b\r\n Mcp-Name: get_info\r\n", id="D26-folded"),
        pytest.param("X-A: b\rMcp-Name: get_info\r\n", id="D26-CR alone"),
        pytest.param("X-A: b\0c\r\n", id="D26-NUL"),
    ],
)
def test_a_broken_header_line_names_nothing(wire: Wire, extra: str) -> None:
    status, _, answer = wire.send(body=text("<c0>"), extra=extra)
    assert 400 <= status < 500 or b"Unknown tool" in answer
    assert wire.gate.recorder.received == []


# ---------------------------------------------------------------- paths

LOST = [
    ("//mcp/f0", 404), ("/mcp//f0", 404), ("/mcp/f0/", 403), ("/mcp", 404), ("/mcp/", 404),
    ("/", 404), ("/MCP/f0", 404), ("/mcp;x/f0", 404), ("/%6dcp/f0", 404), ("/mcp%2ff0", 404),
    ("/prod/mcp/f0", 404), ("/mcp/f0/..;/approve", 404), ("/mcp/../mcp/f0", 404),
    ("/./mcp/f0", 404), ("\\mcp\\f0", 404), ("http://evil.example/mcp/f0", 404),
    ("/mcp/f0;x", 403), ("/mcp/F0", 403), ("/mcp/f0%2f", 403), ("/mcp/f0%00", 403),
    ("/mcp/f0%2f..%2ff1", 403), ("/mcp/..%2ff0", 403), ("/mcp/f0%20", 403), ("/mcp/%2a", 403),
    ("/mcp/f1", 403), ("/mcp/*", 403), ("/mcp/%66%31", 403),
]  # fmt: skip


@pytest.mark.parametrize(
    "target,status", [pytest.param(target, status, id=f"D21-{target}") for target, status in LOST]
)
def test_a_path_is_the_route_or_none(wire: Wire, target: str, status: int) -> None:
    """404: no such route. 403: the route, at a path that the grant does not open."""
    answered, _, body = wire.send(target=target, body=text(GOOD), name="get_info")
    assert answered == status, body
    assert (wire.gate.recorder.received, wire.gate.records) == ([], [])


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/mcp/f0?upstream=http://evil.example", id="D21-upstream in the query"),
        pytest.param("/mcp/f0?server=f1&principal=admin", id="D21-names in the query"),
        pytest.param("/mcp/f0?name=get_info&name=x", id="D21-tool in the query"),
        pytest.param("/mcp/%66%30", id="D21-the server in escapes"),
    ],
)
def test_query_and_escapes_change_nothing(wire: Wire, target: str) -> None:
    """An escaped name is either the server itself, under its own policy, or not authorised."""
    status, _, _ = wire.send(target=target, body=text(GOOD), name="get_info")
    if status == 403:
        assert (wire.gate.recorder.received, wire.gate.records) == ([], [])
        return
    assert status == 200
    assert [record.server for record in wire.gate.records] == ["f0"]
    assert [one.path for one in wire.gate.recorder.received] == ["/f0/mcp"]


@pytest.mark.parametrize(
    "path", [pytest.param(p, id=f"D21-event path {p}") for p in ("/mcp/f1", "//x", "/admin", "")]
)
def test_the_events_path_decides_nothing(wire: Wire, path: str) -> None:
    """Which server is meant says the route's variable, which the authorizer has judged."""
    answer = Client(name="get_info").send(wire.gate, "f0", GOOD, changed={"path": path})
    assert answer.is_success
    assert [one.path for one in wire.gate.recorder.received] == ["/f0/mcp"]


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"server": "f1"}, id="D21-another server's variable"),
        pytest.param({"server": "f0/../f1"}, id="D21-slashes in the variable"),
        pytest.param({"server": ""}, id="D21-empty variable"),
        pytest.param(None, id="D21-no variable"),
    ],
)
def test_a_server_the_authorizer_did_not_judge_is_refused(wire: Wire, parameters: object) -> None:
    changed = {"pathParameters": parameters}
    answer = Client(name="get_info").send(wire.gate, "f0", GOOD, changed=changed)
    assert answer.is_rejection
    assert wire.gate.recorder.received == []
    assert len(wire.gate.records) == 1


@pytest.mark.parametrize("routes", [pytest.param(1, id="D21-the template's routes")])
def test_the_template_has_one_route_for_agents_and_an_authorizer_on_it(routes: int) -> None:
    """The console authenticates by itself; the metadata is for everybody; nothing else is open."""
    api = read_api()
    kept = [route for route in api.routes if not route.is_open]
    guarded = [(route.path, route.method) for route in kept if not route.is_signed]
    assert guarded == [("/mcp/{server}", "ANY")]
    assert [route.path for route in kept if route.is_signed] == ["/iam/mcp/{server}"]
    assert (len(guarded), api.authorizer.identity_headers) == (routes, ("Authorization",))
    assert {(route.path, route.function) for route in api.routes if route.is_open} == {
        ("/approvals", "ConsoleFunction"),
        ("/approvals/{proxy+}", "ConsoleFunction"),
        ("/.well-known/oauth-protected-resource", "MetadataFunction"),
        ("/.well-known/oauth-protected-resource/mcp/{server}", "MetadataFunction"),
    }
    assert api.binary_media_types == ()


# ---------------------------------------------------------------- verbs


@pytest.mark.parametrize(
    "verb",
    [pytest.param(v, id=f"D22-{v}") for v in ("GET", "PUT", "PATCH", "OPTIONS", "TRACE", "HEAD")],
)
def test_another_verb_is_answered_405(wire: Wire, verb: str) -> None:
    status, head, _ = wire.send(verb=verb, body=text(GOOD), name="get_info")
    assert (status, "allow: post" in head) == (405, True)
    assert wire.gate.recorder.received == []
    assert [record.outcome for record in wire.gate.records] == ["rejected"]


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param("https://evil.example", id="D23-foreign origin"),
        pytest.param("null", id="D23-null origin"),
    ],
)
@pytest.mark.parametrize("has_token", [True, False], ids=["with a token", "as browsers send it"])
def test_a_preflight_learns_nothing(wire: Wire, has_token: bool, origin: str) -> None:
    extra = f"Origin: {origin}\r\nAccess-Control-Request-Method: POST\r\n"
    asking = wire if has_token else Wire(wire.gate, wire.port, "")
    status, head, _ = asking.send(verb="OPTIONS", extra=extra)
    assert status == (403 if has_token else 401)
    assert "access-control" not in head
    assert wire.gate.recorder.received == []


def test_D18_a_foreign_origin_is_forbidden_at_the_socket_too(wire: Wire) -> None:
    extra = "Origin: https://evil.example\r\n"
    status, _, body = wire.send(body=text(GOOD), name="get_info", extra=extra)
    assert (status, "error" in json.loads(body)) == (403, True)
    assert wire.gate.recorder.received == []
