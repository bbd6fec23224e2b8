"""Which server a request is for, looked up once a request, and what a changed one voids."""

import pytest

from portcullis.approvals.states import State
from portcullis.gateway.forward import Forwarder
from portcullis.gateway.ports import Registered
from portcullis.protocol.versions import Era
from support.approval_gate import ApprovalGate
from support.gateway_in_memory import LEGACY, MODERN, SERVER, Echo, World, body_of

LEGACY_ONLY, MODERN_ONLY = frozenset({Era.LEGACY}), frozenset({Era.MODERN})


def test_a_server_that_was_removed_is_answered_like_one_that_never_was() -> None:
    world = World()
    unknown = world.send({}, server="nobody")
    world.servers.registered = None
    removed = world.send({})
    assert (removed.status, removed.body) == (unknown.status, unknown.body)
    assert unknown.status == 404
    assert world.upstream.sent == []


def test_where_it_cannot_be_told_whether_there_is_a_server_nothing_is_sent() -> None:
    world = World()
    world.servers.is_down = True
    reply = world.call("get_info")
    assert reply.status == 503
    assert ("retry-after", "1") in reply.headers
    assert "nothing was executed" in body_of(reply)["error"]["message"]
    (record,) = world.log.records
    assert (record.outcome, record.upstream_outcome) == ("store_unavailable", "throttled")
    assert world.upstream.sent == []


def test_each_server_has_its_own_time_out() -> None:
    world = World()
    world.servers.change(timeout_seconds=3)
    world.call("get_info")
    assert world.upstream.timeouts == [3]


def test_a_request_goes_to_one_registration_from_its_beginning_to_its_end() -> None:
    """The tools, the decision and the call are the same server's, whatever is registered then."""
    world = World()
    other = Echo()
    world.policies.before = lambda: world.servers.change(upstream=other, digest="another")
    world.call("get_info")
    assert (len(world.upstream.sent), other.sent) == (1, [])
    world.call("get_info")
    assert (len(world.upstream.sent), len(other.sent)) == (1, 1)


@pytest.mark.parametrize(
    ("eras", "era", "status", "code"),
    [
        pytest.param(LEGACY_ONLY, MODERN, 400, -32600, id="a modern call of a legacy server"),
        pytest.param(MODERN_ONLY, LEGACY, 400, -32022, id="a legacy call of a modern server"),
    ],
)
def test_a_request_of_an_era_the_server_is_not_asked_in_is_refused(
    eras: frozenset[Era], era: str, status: int, code: int
) -> None:
    world = World()
    world.servers.change(eras=eras)
    reply = world.call("get_info", era=era)
    assert (reply.status, body_of(reply)["error"]["code"]) == (status, code)
    assert world.log.records[-1].outcome == "rejected"
    assert world.upstream.sent == []


@pytest.mark.parametrize(("eras", "era"), [(LEGACY_ONLY, LEGACY), (MODERN_ONLY, MODERN)])
def test_a_request_of_its_era_reaches_the_server(eras: frozenset[Era], era: str) -> None:
    world = World()
    world.servers.change(eras=eras)
    assert world.call("get_info", era=era).status == 200
    assert len(world.upstream.sent) == 1


def test_a_modern_server_is_discovered_with_the_revisions_it_is_asked_in() -> None:
    world = World()
    world.upstream.result = {"supportedVersions": [LEGACY, MODERN], "capabilities": {}}
    assert body_of(world.ask("server/discover"))["result"]["supportedVersions"] == [LEGACY, MODERN]
    world.servers.change(eras=MODERN_ONLY)
    assert body_of(world.ask("server/discover"))["result"]["supportedVersions"] == [MODERN]


def test_M03_a_session_id_is_told_to_no_other_server() -> None:
    world = World()
    world.upstream.headers = (("mcp-session-id", "upstream-secret"),)
    token = dict(world.initialize().headers)["mcp-session-id"]
    before = len(world.upstream.sent)
    world.servers.change(digest="another")
    reply = world.call("get_info", era=LEGACY, token=token)
    assert reply.status == 404
    assert len(world.upstream.sent) == before
    ended = world.send(
        b"", method="DELETE", headers={"mcp-session-id": token, "mcp-protocol-version": LEGACY}
    )
    assert ended.status == 404
    assert len(world.upstream.sent) == before


def test_what_was_approved_for_a_server_that_was_removed_is_not_called() -> None:
    gate = ApprovalGate()
    record = gate.approved()
    gate.servers.registered = None
    failed = gate.run(record)
    assert failed.state is State.FAILED
    assert "registered differently" in failed.note
    assert gate.upstream.sent == []


def test_an_approved_call_waits_where_the_server_cannot_be_told() -> None:
    gate = ApprovalGate()
    record = gate.approved()
    gate.servers.is_down = True
    assert gate.run(record).state is State.APPROVED
    assert gate.log.records[-1].upstream_outcome == "not sent: throttled"
    assert gate.upstream.sent == []
    gate.servers.is_down = False
    assert gate.run(record).state is State.DONE


def test_an_approved_call_has_its_servers_time_out() -> None:
    gate = ApprovalGate()
    record = gate.approved()
    gate.servers.change(timeout_seconds=2)
    assert gate.run(record).state is State.DONE
    assert gate.upstream.timeouts == [2]


def test_nothing_is_sent_for_an_exchange_whose_server_nobody_looked_up() -> None:
    gate = ApprovalGate()
    exchange = gate.executor()._exchange(gate.asked())
    session = gate.gateway._ports.sessions.find(
        None, principal=exchange.principal, target=_target(gate), now=exchange.started
    )
    assert session is not None
    with pytest.raises(LookupError):
        Forwarder(gate.kill_switch).send("POST", exchange, session, headers=(), body=b"")
    assert gate.upstream.sent == []


def _target(gate: World) -> Registered:
    found = gate.servers.find(SERVER, now=gate._clock())
    assert found is not None
    return found
