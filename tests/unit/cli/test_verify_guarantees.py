"""The suite itself can fail: a whole gate keeps every guarantee, a broken one is found out."""

import json
from dataclasses import replace
from typing import Any, cast

import httpx2
import pytest

from mcp_host.canary import Canary
from mcp_host.receipts import DynamoDBReceipts
from portcullis_cli.verifying.guarantees import GUARANTEES
from portcullis_cli.verifying.model import Need, Result, State
from portcullis_cli.verifying.preparing import policy_revision
from portcullis_cli.verifying.running import control, verify
from portcullis_cli.verifying.scene import People, Scene
from portcullis_cli.verifying.wire import LEGACY, Reply
from support.dynamodb_faults import client_error
from support.verified_gateway import FIRST, URL, VerifiedGateway, scene_of
from unit.cli.verify_mutants import MUTANTS, Setup


def ran(scene: Scene, *, is_in_force: bool = True) -> dict[str, Result]:
    lacking = control(scene, policy_revision(), is_in_force=is_in_force)
    found = verify(scene, GUARANTEES, lacking=lacking, progress=lambda _name: None)
    return {one.guarantee.id: one for one in found}


def with_state(results: dict[str, Result], state: State) -> set[str]:
    return {name for name, one in results.items() if one.state is state}


def test_a_whole_gate_keeps_every_guarantee() -> None:
    results = ran(scene_of(VerifiedGateway()), is_in_force=False)
    assert {name: one.detail for name, one in results.items() if one.detail} == {}
    assert with_state(results, State.HOLDS) == {one.id for one in GUARANTEES}
    assert all(one.checks for one in results.values())


@pytest.mark.parametrize(("setup", "expected"), MUTANTS.values(), ids=MUTANTS.keys())
def test_a_gate_that_breaks_one_law_is_seen_to_break_it_and_no_other(
    setup: Setup, expected: set[str]
) -> None:
    gateway = VerifiedGateway()
    setup(gateway)
    results = ran(scene_of(gateway))
    told = {name: one.detail for name, one in results.items() if one.state is State.BROKEN}
    assert set(told) == expected, told
    assert all(told.values())


def test_every_guarantee_has_a_gate_that_breaks_it() -> None:
    broken = {name for _, expected in MUTANTS.values() for name in expected}
    assert broken == {one.id for one in GUARANTEES}


def refusing(status: int, **content: Any) -> httpx2.MockTransport:
    return httpx2.MockTransport(lambda _request: httpx2.Response(status, **content))


def failing(error: type[httpx2.TransportError]) -> httpx2.MockTransport:
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise error("", request=request)

    return httpx2.MockTransport(fail)


def other_server(request: httpx2.Request) -> httpx2.Response:
    """An MCP server that takes every call, and no gate before it."""
    message = json.loads(request.read())
    done = {"content": [{"type": "text", "text": "done"}]}
    return httpx2.Response(200, json={"jsonrpc": "2.0", "id": message.get("id"), "result": done})


@pytest.mark.parametrize(
    ("transport", "told"),
    [
        (failing(httpx2.ConnectError), "no answer: ConnectError"),
        (failing(httpx2.ReadTimeout), "no answer: ReadTimeout"),
        (refusing(500, json={"message": "Internal server error"}), "HTTP 500"),
        (refusing(429, json={}), "too many requests"),
        (refusing(302, headers={"location": "https://evil.example"}), "a redirect"),
        (refusing(200, html="<html>Welcome</html>"), "does not reach the canary: HTTP 200"),
        (refusing(404, json={}), "CanaryServer=true"),
        (refusing(401, json={}), "the token does not open the canary"),
        (refusing(200, content=b"x" * (5 << 20)), "too long"),
        (httpx2.MockTransport(other_server), "does not reach the canary: HTTP 200, a result"),
    ],
    ids=["nobody", "slow", "500", "429", "redirect", "html", "404", "401", "long", "other-server"],
)
def test_where_no_canary_answers_nothing_can_be_told(
    transport: httpx2.MockTransport, told: str
) -> None:
    gateway = VerifiedGateway()
    gateway.transport = transport
    results = ran(scene_of(gateway), is_in_force=False)
    needing = {one.id for one in GUARANTEES if Need.WITNESS in one.needs}
    assert needing <= with_state(results, State.UNKNOWN)
    assert with_state(results, State.HOLDS) == set()
    assert told in results["denied-tool"].detail


@pytest.mark.parametrize("policy", ["{action: deny}", "{action: allow}"])
def test_with_another_policy_in_force_nothing_can_be_told(policy: str) -> None:
    gateway = VerifiedGateway()
    every = f'version: "1"\ndefault: deny\ntools:\n  "*": {policy}\n  canary_allow: '
    gateway.replace_policy(gateway.policy, every + "{action: allow}\n", is_told=True)
    results = ran(scene_of(gateway), is_in_force=False)
    assert with_state(results, State.HOLDS) <= {"no-token"}
    assert with_state(results, State.BROKEN) == set()


def test_a_canary_that_loses_its_receipts_is_no_witness() -> None:
    gateway = VerifiedGateway()
    scene = scene_of(gateway)
    gateway.upstream.canary = Canary(
        DynamoDBReceipts(cast("Any", Forgetful()), table="", clock=lambda: 0.0)
    )
    assert "it is no witness" in control(scene, policy_revision(), is_in_force=True)


class Forgetful:
    """Takes receipts and has none."""

    def update_item(self, **_given: Any) -> None:
        """Take it."""

    def get_item(self, **_given: Any) -> dict[str, Any]:
        return {}


def test_a_gate_that_refuses_everything_of_an_era_is_not_called_careful() -> None:
    """Refusals say something only where the same call, written rightly, goes through."""
    gateway = VerifiedGateway()
    gateway.before = lambda seen, passed: (
        httpx2.Response(400, json={})
        if seen.header("mcp-protocol-version") == LEGACY and b"tools/call" in seen.body
        else passed(seen)
    )
    results = ran(scene_of(gateway))
    assert results["both-eras"].state is State.BROKEN
    undecided = {"one-reading", "own-session", "own-word", "unknown-method"}
    assert undecided <= with_state(results, State.UNKNOWN)


def test_receipts_that_cannot_be_read_halfway_leave_the_rest_undecided() -> None:
    gateway = VerifiedGateway()
    scene = scene_of(gateway)
    assert control(scene, policy_revision(), is_in_force=False) == ""
    gateway.table.failure = client_error("ThrottlingException", "UpdateItem")
    found = verify(scene, GUARANTEES, lacking="", progress=lambda _name: None)
    states = {one.guarantee.id: one.state for one in found}
    assert State.BROKEN not in states.values()
    assert states["denied-tool"] is states["no-token"] is State.UNKNOWN


def test_a_call_that_arrives_late_breaks_what_it_was_tried_for() -> None:
    gateway = VerifiedGateway()
    scene = scene_of(gateway)

    def slow(seen: Scene) -> None:
        nonce = seen.nonce()
        seen.expect_never({nonce: "a denied call"})
        gateway.to_the_canary(f'{{"method":"x","x":"{seen.mark(nonce)}"}}'.encode())

    late = replace(GUARANTEES[1], probe=slow)
    (found,) = verify(scene, [late], lacking="", progress=lambda _name: None)
    assert (found.state, found.detail) == (State.BROKEN, "a denied call: it reached the server")


def test_a_probe_that_looks_at_nothing_tells_nothing() -> None:
    idle = replace(GUARANTEES[1], probe=lambda _scene: None)
    scene = scene_of(VerifiedGateway())
    (found,) = verify(scene, [idle], lacking="", progress=lambda _name: None)
    assert (found.state, found.detail) == (State.UNKNOWN, "nothing was looked at")


def test_a_run_ends_when_its_requests_are_used_up() -> None:
    scene = scene_of(VerifiedGateway())

    def endless(seen: Scene) -> None:
        while True:
            seen.expect(seen.receipts(), "")

    (found,) = verify(
        scene, [replace(GUARANTEES[1], probe=endless)], lacking="", progress=lambda _name: None
    )
    assert (found.state, found.detail) == (
        State.UNKNOWN, "the run has used up its time or its requests",
    )  # fmt: skip


def test_without_the_people_that_it_needs_a_guarantee_is_undecided_and_says_who() -> None:
    scene = scene_of(VerifiedGateway(), url=URL.replace("https:", "http:"))
    scene.people = People(first=FIRST)
    lacking = {
        one.guarantee.id: one.detail
        for one in verify(scene, GUARANTEES, lacking="", progress=lambda _name: None)
        if one.state is State.UNKNOWN and one.detail.startswith("it needs")
    }
    assert lacking.keys() == {
        "approval-first", "approval-once", "ended-token", "other-server", "own-session", "tls",
    }  # fmt: skip
    assert "--second-token-file" in lacking["own-session"]


def test_no_answer_of_a_server_is_shown_but_its_shape() -> None:
    hostile = {"_meta": {"portcullis/decision": {"outcome": "\x1b[31mgeheim"}}, "isError": True}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": hostile}).encode()
    reply = Reply(200, (("content-type", "application/json"),), body)
    assert reply.shown() == "HTTP 200, an unknown outcome"
    assert Reply(200, (("content-type", "text/event-stream"),), b"data: " + body).is_refusal
    assert Reply(200, (), b"[]").shown() == "HTTP 200"
