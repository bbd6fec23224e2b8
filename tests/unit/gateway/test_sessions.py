"""Legacy sessions through the gateway: minted, bound, shared, ended."""

import json
from typing import Any

import pytest

from portcullis.gateway.ports import UpstreamReply
from portcullis.policy.model import Instant
from portcullis.protocol.methods import NOTIFICATIONS
from support.gateway_in_memory import (
    ALICE,
    BOB,
    LEGACY,
    SERVER,
    World,
    body_of,
    decision_of,
    header,
)


def session_of(world: World, **more: Any) -> str:
    token = header(world.initialize(**more), "mcp-session-id")
    assert token is not None
    return token


def test_the_handshake_is_honest_both_ways() -> None:
    world = World()
    told = body_of(world.initialize())["result"]
    assert told["capabilities"] == {"tools": {}, "resources": {}}
    assert world.upstream.messages[0]["params"]["capabilities"] == {}


def accepts_url(world: World, token: str | None) -> bool:
    """Whether the gateway would show this session's client a link."""
    sessions = world.gateway._ports.sessions
    now = Instant(micros=world.now)
    target = world.servers.find(SERVER, now=now)
    assert target is not None
    session = sessions.find(token, principal=ALICE, target=target, now=now)
    assert session is not None
    return session.accepts_url


@pytest.mark.parametrize(
    ("declared", "version", "accepts"),
    [
        pytest.param({"elicitation": {"url": {}}}, "2025-11-25", True, id="D6 declared"),
        pytest.param({"elicitation": {}}, "2025-11-25", False, id="D6 forms only"),
        pytest.param({"elicitation": {"url": True}}, "2025-11-25", False, id="D6 malformed"),
        pytest.param({}, "2025-11-25", False, id="D6 nothing declared"),
        pytest.param({"elicitation": {"url": {}}}, "2025-06-18", False, id="D7 before it existed"),
    ],
)
def test_a_session_remembers_whether_its_client_shows_links(
    declared: dict[str, object], version: str, accepts: bool
) -> None:
    world = World()
    world.upstream.result = {"protocolVersion": version, "capabilities": {}}
    params = {"protocolVersion": version, "capabilities": declared, "clientInfo": {}}
    token = header(world.ask("initialize", params, era=version), "mcp-session-id")
    assert accepts_url(world, token) is accepts
    assert world.upstream.messages[0]["params"]["capabilities"] == {}


def test_without_a_session_no_client_is_known_to_show_links() -> None:
    assert not accepts_url(World(), None)


def test_a_session_needs_no_round_trip_to_be_known() -> None:
    world = World()
    token = session_of(world)
    assert "error" not in body_of(world.call("get_info", era=LEGACY, token=token))
    assert world.log.records[-1].session == "slot-1"


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"), id="G04 altered"),
        pytest.param(lambda _t: "fixation-123", id="G04 chosen by the client"),
        pytest.param(lambda t: t.swapcase(), id="G05 case"),
        pytest.param(lambda t: t + "x" * 100_000, id="G05 long"),
        pytest.param(lambda _t: "", id="G05 empty"),
    ],
)
def test_a_token_that_was_not_minted_here_is_unknown(spoil: object) -> None:
    world = World()
    token = spoil(session_of(world))  # type: ignore[operator]  # one of the lambdas above
    reply = world.call("get_info", era=LEGACY, token=token)
    assert reply.status in {400, 404}
    assert len(world.upstream.sent) == 1, "only the handshake"


def test_G04_a_victims_session_is_unknown_to_anyone_else() -> None:
    world = World()
    token = session_of(world)
    assert world.call("get_info", era=LEGACY, token=token, principal=BOB).status == 404
    for _ in range(2):
        reply = world.call("get_info", era=LEGACY, token=token)
        assert "error" not in body_of(reply), "the victim's quota is untouched"
    assert decision_of(world.call("get_info", era=LEGACY, token=token))["outcome"] == (
        "limit_reached"
    )


def test_an_expired_session_is_unknown() -> None:
    world = World()
    token = session_of(world)
    world.now += 601 * 1_000_000
    assert world.call("get_info", era=LEGACY, token=token).status == 404


def test_G03_new_sessions_never_bring_more_than_cap_times_the_limit() -> None:
    world = World(cap=2)
    executed = 0
    for _ in range(20):
        token = session_of(world)
        reply = world.call("get_info", era=LEGACY, token=token)
        executed += "limit_reached" not in reply.body.decode()
        world.send(b"", method="DELETE", headers={"mcp-session-id": token})
    for _ in range(5):
        executed += "limit_reached" not in world.call("get_info").body.decode()
    assert executed == 2 * 2


def test_G06_one_session_more_than_the_cap_shares_counters_and_evicts_nobody() -> None:
    world = World(cap=2)
    first = session_of(world)
    for _ in range(2):
        world.call("get_info", era=LEGACY, token=first)
    tokens = [session_of(world) for _ in range(3)]
    assert "limit_reached" in world.call("get_info", era=LEGACY, token=first).body.decode()
    outcomes = [
        "limit_reached" in world.call("get_info", era=LEGACY, token=token).body.decode()
        for token in tokens * 2
    ]
    assert outcomes.count(False) == 2, "the second slot's own quota and nothing more"


# ---------------------------------------------------------------- upstreams with sessions


def stateful(world: World) -> str:
    world.upstream.headers = (("mcp-session-id", "upstream-secret"),)
    token = session_of(world)
    world.upstream.headers = ()
    return token


def test_M03_the_upstreams_session_is_used_and_never_shown() -> None:
    world = World()
    token = stateful(world)
    reply = world.call("get_info", era=LEGACY, token=token)
    sent = dict(world.upstream.sent[-1].headers)
    assert sent["mcp-session-id"] == "upstream-secret"
    assert sent["mcp-protocol-version"] == LEGACY
    assert "upstream-secret" not in token + str(reply)


def test_a_session_the_upstream_lost_is_lost() -> None:
    world = World()
    token = stateful(world)
    world.upstream.reply = UpstreamReply(status=404, headers=(), body=b"")
    assert world.call("get_info", era=LEGACY, token=token).status == 404
    assert world.log.records[-1].outcome == "unknown_session"


def test_notifications_go_on_only_where_their_row_and_the_session_say_so() -> None:
    world = World()
    token = stateful(world)
    forwarded = []
    for name in [*NOTIFICATIONS, "notifications/unheard"]:
        before = len(world.upstream.sent)
        headers = {"mcp-protocol-version": LEGACY, "mcp-session-id": token}
        reply = world.send({"jsonrpc": "2.0", "method": name}, headers=headers)
        assert (reply.status, reply.body) == (202, b"")
        if len(world.upstream.sent) > before:
            forwarded.append(name)
    assert forwarded == [name for name, row in NOTIFICATIONS.items() if row.forwarded]


def test_B16_a_cancellation_reaches_only_the_senders_own_session() -> None:
    world = World()
    token = stateful(world)
    message = {
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"requestId": 7},
    }
    headers = {"mcp-protocol-version": LEGACY, "mcp-session-id": token}
    before = len(world.upstream.sent)
    assert world.send(message, headers=headers, principal=BOB).status == 404
    bare = {"mcp-protocol-version": LEGACY}
    assert world.send(message, headers=bare, principal=BOB).status == 202
    assert len(world.upstream.sent) == before


@pytest.mark.parametrize(("upstream", "status"), [(200, 204), (204, 204), (405, 405)])
def test_ending_a_session_ends_the_upstreams_and_ours(upstream: int, status: int) -> None:
    world = World()
    token = stateful(world)
    world.upstream.reply = UpstreamReply(status=upstream, headers=(), body=b"")
    end = {"mcp-session-id": token, "mcp-protocol-version": LEGACY}
    assert world.send(b"", method="DELETE", headers=end).status == status
    assert world.upstream.sent[-1].method == "DELETE"
    world.upstream.reply = None
    assert world.call("get_info", era=LEGACY, token=token).status == 404


def test_a_session_without_an_upstream_one_cannot_be_ended() -> None:
    world = World()
    end = {"mcp-session-id": session_of(world), "mcp-protocol-version": LEGACY}
    assert world.send(b"", method="DELETE", headers=end).status == 405
    assert world.send(b"", method="DELETE", headers={"mcp-session-id": "x"}).status == 404


def test_a_refused_handshake_opens_nothing() -> None:
    world = World()
    world.upstream.reply = UpstreamReply(
        status=200,
        headers=(("content-type", "application/json"),),
        body=b'{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"no"}}',
    )
    reply = world.initialize()
    assert header(reply, "mcp-session-id") is None
    assert body_of(reply)["error"]["code"] == -32602


def test_a_revision_that_is_not_served_is_not_passed_on() -> None:
    world = World()
    body = {"jsonrpc": "2.0", "id": 7, "result": {"protocolVersion": "1999", "capabilities": {}}}
    world.upstream.reply = UpstreamReply(
        status=200,
        headers=(("content-type", "application/json"),),
        body=json.dumps(body).encode(),
    )
    reply = world.initialize()
    assert header(reply, "mcp-session-id") is None
    assert "error" in body_of(reply)


def test_a_session_that_cannot_be_recorded_is_not_opened() -> None:
    world = World()
    world.keys = None
    reply = world.initialize(principal=ALICE)
    assert header(reply, "mcp-session-id") is None
    assert "error" in body_of(reply)
