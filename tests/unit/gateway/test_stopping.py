"""What a person stopped reaches no server, whichever way it would have gone."""

from collections.abc import Callable

import pytest

from portcullis.approvals.states import State
from portcullis.gateway.execution import AGAIN_SECONDS
from portcullis.gateway.ports import Stop
from portcullis.protocol.http import HttpReply
from support.approval_gate import CALL, ApprovalGate, text_of
from support.gateway_in_memory import LEGACY, SERVER, World, body_of, decision_of

STOP = Stop(reason="An incident is being looked at.")


def stopped_world() -> World:
    world = World()
    world.kill_switch.stops[SERVER] = STOP
    return world


def test_a_stopped_tool_call_says_that_a_person_stopped_it_and_why() -> None:
    world = stopped_world()
    reply = world.call("get_info")
    assert reply.status == 200
    assert body_of(reply)["result"]["isError"] is True
    assert text_of(reply) == (
        "DENIED: this call was not executed. A person has stopped all calls to this server: "
        "An incident is being looked at."
    )
    assert decision_of(reply)["outcome"] == "stopped"
    assert world.upstream.sent == []
    assert [record.outcome for record in world.log.records] == ["stopped"]


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda world: world.ask("tools/list"), id="a list"),
        pytest.param(lambda world: world.ask("server/discover"), id="discovery"),
        pytest.param(lambda world: world.initialize(), id="a handshake"),
        pytest.param(lambda world: world.ask("prompts/get", {"name": "greet"}), id="a prompt"),
        pytest.param(
            lambda world: world.ask("resources/read", {"uri": "doc://a"}), id="a resource"
        ),
        pytest.param(
            lambda world: world.ask("logging/setLevel", {"level": "info"}, era=LEGACY),
            id="a setting",
        ),
        pytest.param(lambda world: world.call("delete_broker"), id="a hidden tool"),
    ],
)
def test_whatever_would_reach_the_server_is_stopped(ask: Callable[[World], HttpReply]) -> None:
    world = stopped_world()
    reply = ask(world)
    assert world.upstream.sent == []
    assert [record.outcome for record in world.log.records] == ["stopped"]
    assert "A person has stopped all calls" in reply.body.decode()


def test_a_notification_and_the_end_of_a_session_are_refused_while_stopped() -> None:
    world = World()
    world.upstream.headers = (("mcp-session-id", "of-the-upstream"),)
    token = dict(world.initialize().headers)["mcp-session-id"]
    world.upstream.sent.clear()
    world.log.records.clear()
    world.kill_switch.stops[SERVER] = STOP
    headers = {"mcp-session-id": token, "mcp-protocol-version": LEGACY}
    noted = world.send({"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=headers)
    ended = world.send(b"", headers=headers, method="DELETE")
    assert (noted.status, ended.status) == (503, 503)
    assert world.upstream.sent == []
    assert [record.outcome for record in world.log.records] == ["stopped", "stopped"]


def test_a_ping_is_answered_while_stopped() -> None:
    world = stopped_world()
    assert body_of(world.ask("ping", era=LEGACY))["result"] == {}
    assert world.kill_switch.looks == 0


def test_only_the_stopped_server_is_stopped() -> None:
    world = World()
    world.kill_switch.stops["other"] = STOP
    assert "executed" in world.call("get_info").body.decode()


def test_a_call_that_was_let_in_before_is_stopped_right_before_it_is_sent() -> None:
    world = stopped_world()
    world.kill_switch.later = 1
    reply = world.call("get_info")
    assert decision_of(reply)["outcome"] == "stopped"
    assert world.upstream.sent == []
    assert len(world.counters.released) == 1


@pytest.mark.parametrize("later", [0, 1])
def test_what_cannot_be_told_denies_in_the_name_of_the_store(later: int) -> None:
    world = World()
    world.kill_switch.is_down, world.kill_switch.later = True, later
    reply = world.call("get_info")
    assert decision_of(reply)["outcome"] == "store_unavailable"
    assert "cannot be told" in text_of(reply)
    assert world.upstream.sent == []


def test_something_unreadable_in_the_switch_s_place_stops() -> None:
    world = World()
    world.kill_switch.stops[SERVER] = Stop(is_readable=False)
    assert "cannot be read, which counts as stopped" in text_of(world.call("get_info"))
    world.kill_switch.stops[SERVER] = Stop()
    assert text_of(world.call("get_info")).endswith(
        "A person has stopped all calls to this server."
    )


@pytest.mark.parametrize("later", [0, 1], ids=["at first", "right before the claim"])
def test_an_approval_stands_while_stopped_and_is_executed_afterwards(later: int) -> None:
    gate = ApprovalGate()
    record = gate.approved()
    gate.kill_switch.stops[SERVER] = STOP
    gate.kill_switch.later = gate.kill_switch.looks + later
    gate.log.records.clear()
    assert gate.executor().step(record.id) >= AGAIN_SECONDS
    stored = gate.approvals.read(record.id)
    assert stored is not None
    assert stored.state is State.APPROVED
    assert gate.upstream.sent == []
    assert [one.outcome for one in gate.log.records] == ["stopped"]
    gate.kill_switch.stops.clear()
    assert gate.run(record).state is State.DONE
    assert len(gate.upstream.sent) == 1


def test_an_approval_that_is_stopped_until_its_deadline_expires() -> None:
    gate = ApprovalGate()
    record = gate.approved()
    gate.kill_switch.stops[SERVER] = STOP
    gate.executor().step(record.id)
    gate.seconds(record.terms.timeout_seconds + 1)
    assert gate.run(record).state is State.EXPIRED
    assert gate.upstream.sent == []


def test_an_approval_waits_while_it_cannot_be_told() -> None:
    gate = ApprovalGate()
    record = gate.approved()
    gate.kill_switch.is_down = True
    gate.log.records.clear()
    assert gate.executor().step(record.id) >= AGAIN_SECONDS
    assert [one.outcome for one in gate.log.records] == ["store_unavailable"]
    assert gate.upstream.sent == []


def test_nobody_is_asked_to_approve_a_call_that_is_stopped() -> None:
    gate = ApprovalGate()
    gate.kill_switch.stops[SERVER] = STOP
    assert decision_of(gate.call("create_broker", CALL))["outcome"] == "stopped"
    assert gate.approvals.listed(is_open=True, limit=10) == ()
