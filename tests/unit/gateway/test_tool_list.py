"""The gateway's own reading of a server's tools: both eras, all pages, bounded."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from portcullis.errors import UpstreamError, UpstreamNotSentError, UpstreamUncertainError
from portcullis.gateway.ports import Registered, Upstream, UpstreamReply, UpstreamRequest
from portcullis.gateway.tool_list import MAXIMUM_BYTES, MAXIMUM_PAGES, SCOPE, fetch_tools
from portcullis.protocol.versions import Era

Answer = Callable[[dict[str, Any], dict[str, str]], UpstreamReply]


class Scripted(Upstream):
    """Answers by script and keeps what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.asked: list[tuple[dict[str, Any], dict[str, str]]] = []

    def send(self, request: UpstreamRequest, *, timeout_seconds: float) -> UpstreamReply:
        assert (request.scope, timeout_seconds) == (SCOPE, 5)
        asked = (json.loads(request.body), dict(request.headers))
        self.asked.append(asked)
        return self._answer(*asked)


def tools_of(
    upstream: Upstream,
    *,
    seconds: float = 5,
    eras: frozenset[Era] = frozenset(Era),
) -> dict[str, Any]:
    server = Registered(
        server="mq", upstream=upstream, digest="d", timeout_seconds=seconds, eras=eras
    )
    return fetch_tools(server, longest_seconds=5)


def reply(message: dict[str, Any], result: Any, *extra: tuple[str, str]) -> UpstreamReply:
    body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
    headers = (("content-type", "application/json"), *extra)
    return UpstreamReply(status=200, headers=headers, body=body)


def page(names: list[str], **more: Any) -> dict[str, Any]:
    return {"resultType": "complete", "tools": [{"name": name} for name in names], **more}


def is_modern(headers: dict[str, str]) -> bool:
    return headers.get("mcp-protocol-version") == "2026-07-28"


def test_all_pages_of_a_modern_server_are_read() -> None:
    def answer(message: dict[str, Any], _headers: dict[str, str]) -> UpstreamReply:
        if "cursor" not in message["params"]:
            return reply(message, page(["a"], nextCursor=""))
        return reply(message, page(["b"]))

    upstream = Scripted(answer)
    assert list(tools_of(upstream)) == ["a", "b"]
    assert [message["params"].get("cursor") for message, _ in upstream.asked] == [None, ""]
    meta = upstream.asked[0][0]["params"]["_meta"]
    assert meta["io.modelcontextprotocol/clientCapabilities"] == {}


@pytest.mark.parametrize("session", [None, "s-1"])
def test_a_legacy_server_is_asked_through_a_handshake(session: str | None) -> None:
    def answer(message: dict[str, Any], headers: dict[str, str]) -> UpstreamReply:
        if is_modern(headers):
            return UpstreamReply(status=400, headers=(), body=b"")
        if message["method"] == "initialize":
            extra = () if session is None else (("mcp-session-id", session),)
            result = {"protocolVersion": "2025-06-18", "capabilities": {}}
            return reply(message, result, *extra)
        if "id" not in message:
            return UpstreamReply(status=202, headers=(), body=b"")
        assert headers.get("mcp-session-id") == session
        assert headers["mcp-protocol-version"] == "2025-06-18"
        return reply(message, {"tools": [{"name": "a"}]})

    upstream = Scripted(answer)
    assert list(tools_of(upstream)) == ["a"]
    notified = [m["method"] for m, _ in upstream.asked if "id" not in m]
    assert notified == ([] if session is None else ["notifications/initialized"])


def refuse(_message: dict[str, Any], _headers: dict[str, str]) -> UpstreamReply:
    return UpstreamReply(status=500, headers=(), body=b"")


def endless(message: dict[str, Any], _headers: dict[str, str]) -> UpstreamReply:
    return reply(message, page(["a"], nextCursor="again"))


def huge(message: dict[str, Any], _headers: dict[str, str]) -> UpstreamReply:
    more = {"nextCursor": "again", "pad": "x" * (MAXIMUM_BYTES // 4)}
    return reply(message, page(["a"], **more))


def no_list(message: dict[str, Any], _headers: dict[str, str]) -> UpstreamReply:
    return reply(message, {"resultType": "complete", "tools": "none"})


def an_error(message: dict[str, Any], _headers: dict[str, str]) -> UpstreamReply:
    error = {"code": -32000, "message": "no"}
    body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error}).encode()
    return UpstreamReply(status=200, headers=(("content-type", "application/json"),), body=body)


@pytest.mark.parametrize("answer", [refuse, endless, huge, no_list, an_error])
def test_a_server_that_gives_no_list_gives_no_snapshot(answer: Answer) -> None:
    upstream = Scripted(answer)
    with pytest.raises(UpstreamUncertainError):
        tools_of(upstream)
    assert len(upstream.asked) <= 2 * MAXIMUM_PAGES


def test_a_server_that_cannot_be_reached_gives_no_snapshot() -> None:
    def unreachable(_message: dict[str, Any], _headers: dict[str, str]) -> UpstreamReply:
        raise UpstreamNotSentError("refused")

    with pytest.raises(UpstreamError):
        tools_of(Scripted(unreachable))


def either_era(message: dict[str, Any], headers: dict[str, str]) -> UpstreamReply:
    if message["method"] == "initialize":
        return reply(message, {"protocolVersion": "2025-11-25", "capabilities": {}})
    return reply(message, page(["new" if is_modern(headers) else "old"]))


@pytest.mark.parametrize(
    ("eras", "read"),
    [(frozenset(Era), "new"), (frozenset({Era.MODERN}), "new"), (frozenset({Era.LEGACY}), "old")],
)
def test_a_server_is_asked_in_the_era_it_is_registered_with(
    eras: frozenset[Era], read: str
) -> None:
    upstream = Scripted(either_era)
    assert list(tools_of(upstream, eras=eras)) == [read]
    assert {is_modern(headers) for _, headers in upstream.asked} == {read == "new"}


def test_a_modern_server_that_fails_is_not_asked_for_a_handshake() -> None:
    upstream = Scripted(refuse)
    with pytest.raises(UpstreamUncertainError):
        tools_of(upstream, eras=frozenset({Era.MODERN}))
    assert [message["method"] for message, _ in upstream.asked] == ["tools/list"]


def test_a_page_takes_no_longer_than_the_gateway_waits_for_one() -> None:
    assert list(tools_of(Scripted(either_era), seconds=20)) == ["new"]
