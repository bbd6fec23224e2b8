"""A probe says what it saw: no more, no less, and nothing of what it did is left behind."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from portcullis_cli.errors import CommandError, ExitCode, unavailable
from portcullis_cli.verifying.account_probes import LONGEST_REFRESH_SECONDS
from portcullis_cli.verifying.guarantees import GUARANTEES
from portcullis_cli.verifying.model import Result, State, UndecidedError
from portcullis_cli.verifying.preparing import policy_revision
from portcullis_cli.verifying.reaching import GroupSearch
from portcullis_cli.verifying.running import control, verify
from portcullis_cli.verifying.scene import Reach, Scene
from portcullis_cli.verifying.wire import Reply, require_sound
from support.deployment import TEMPLATE
from support.verified_gateway import (
    URL,
    MemoryLog,
    MemorySwitch,
    Passed,
    Seen,
    VerifiedGateway,
    scene_of,
)


def tried(scene: Scene, name: str) -> Result:
    (guarantee,) = [one for one in GUARANTEES if one.id == name]
    (found,) = verify(scene, [guarantee], lacking="", progress=lambda _name: None)
    return found


def told(result: Result) -> tuple[State, str]:
    return result.state, result.detail


def switch_of(gateway: VerifiedGateway, **changes: Any) -> Reach:
    switch = MemorySwitch(gateway)
    for name, value in changes.items():
        setattr(switch, name, value)
    return Reach(log=MemoryLog(gateway), switch=switch)


def fail(error: Exception) -> Callable[[], None]:
    def raising() -> None:
        raise error

    return raising


def test_what_the_switch_did_not_stop_is_told_also_where_it_cannot_be_taken_back() -> None:
    gateway = VerifiedGateway(can_be_stopped=False)
    scene = scene_of(gateway)
    scene.reach = switch_of(gateway, go_on=fail(unavailable("no answer")))
    state, detail = told(tried(scene, "kill-switch"))
    assert state is State.BROKEN
    assert detail == (
        "it does not stop, even after 90 seconds; then: no answer; the canary may be stopped: "
        "see `portcullis kill-switch status`"
    )


@pytest.mark.parametrize("move", ["stop", "go_on"])
def test_a_canary_that_may_be_left_stopped_is_told(move: str) -> None:
    gateway = VerifiedGateway()
    scene = scene_of(gateway)
    scene.reach = switch_of(gateway, **{move: fail(unavailable("no answer"))})
    state, detail = told(tried(scene, "kill-switch"))
    assert (state, "the canary may be stopped" in detail) == (State.UNKNOWN, True)


def test_what_is_stopped_already_is_not_told_as_left_by_this_run() -> None:
    gateway = VerifiedGateway()
    scene = scene_of(gateway)
    refused = CommandError(ExitCode.REFUSED, "something is stopped already", code="x")
    scene.reach = switch_of(gateway, stop=fail(refused))
    expected = (State.UNKNOWN, "something is stopped already")
    assert told(tried(scene, "kill-switch")) == expected


@pytest.mark.parametrize(("seconds", "state"), [(59, State.HOLDS), (200, State.BROKEN)])
def test_an_environment_may_take_as_long_to_stop_as_the_template_allows(
    seconds: int, state: State
) -> None:
    """One environment serves old clients, and hears of the switch later than the other."""
    assert TEMPLATE["Parameters"]["KillSwitchRefreshSeconds"]["MaxValue"] + 1 == (
        LONGEST_REFRESH_SECONDS
    )
    gateway = VerifiedGateway()
    scene = scene_of(gateway)
    stopped: list[int] = []

    def late(seen: Seen, passed: Passed) -> httpx2.Response:
        stops = gateway.world.kill_switch.stops
        if stops and not stopped:
            stopped.append(gateway.world.now)
        is_old = seen.header("mcp-protocol-version") == "2025-11-25"
        if is_old and stops and gateway.world.now - stopped[0] < seconds * 1_000_000:
            return gateway.to_the_canary(seen.body)
        return passed(seen)

    gateway.before = late
    assert tried(scene, "kill-switch").state is state


def test_a_log_that_is_too_long_to_be_searched_is_not_told_as_one_without_the_text() -> None:
    class Endless:
        def filter_log_events(self, **_asked: Any) -> Any:
            return {"events": [], "nextToken": "more"}

    search = GroupSearch(client=Endless(), group="gateway", since=0)
    with pytest.raises(CommandError, match="more than can be looked at"):
        search.holds("canary")


@pytest.mark.parametrize("is_in_force", [False, True])
def test_what_the_gate_decides_by_counts_more_than_what_the_bucket_says(
    *, is_in_force: bool
) -> None:
    gateway = VerifiedGateway()
    gateway.replace_policy("max: 3", "max: 4", is_told=True)
    lacking = control(scene_of(gateway), policy_revision(), is_in_force=is_in_force)
    assert ("--settle" if is_in_force else "--install") in lacking


def test_a_gate_that_has_no_policy_is_told_what_to_do() -> None:
    gateway = VerifiedGateway()
    gateway.world.policies.policy = None
    lacking = control(scene_of(gateway), policy_revision(), is_in_force=False)
    assert lacking == "tools/call: no policy is in force; of the canary, use --install"


def test_an_error_with_a_decision_that_says_the_gate_is_not_well_is_no_refusal() -> None:
    data = b'{"portcullis/decision":{"outcome":"counter_unavailable"}}'
    body = b'{"jsonrpc":"2.0","id":1,"error":{"code":40301,"message":"","data":' + data + b"}}"
    with pytest.raises(UndecidedError, match="not well"):
        require_sound(Reply(200, (), body), "resources/read")


def test_an_odd_amount_is_refused_for_what_it_is_and_not_for_an_earlier_run() -> None:
    """The earlier run's 6 of 10 leave no room for anything that this one tries."""
    gateway = VerifiedGateway()
    earlier = scene_of(gateway, run="1" * 32)
    earlier.call("canary_spend", earlier.nonce(), arguments={"amount": 6})

    def reads_texts(seen: Seen, passed: Passed) -> httpx2.Response:
        return passed(replace(seen, body=seen.body.replace(b'"amount": "1"', b'"amount": 1')))

    gateway.before = reads_texts
    state, detail = told(tried(scene_of(gateway), "spend-limit"))
    assert (state, detail.startswith("an amount of '1': ")) == (State.BROKEN, True)


def test_a_window_that_ended_meanwhile_tells_nothing_of_a_sum() -> None:
    gateway = VerifiedGateway()

    def slow(seen: Seen, passed: Passed) -> httpx2.Response:
        if b"canary_spend" in seen.body:
            gateway.world.now += 20_000_000
        return passed(seen)

    gateway.before = slow
    assert "longer than the window" in tried(scene_of(gateway), "spend-limit").detail


def test_what_an_earlier_run_has_taken_of_a_limit_is_waited_for() -> None:
    gateway = VerifiedGateway()
    earlier = scene_of(gateway, run="1" * 32)
    for _ in range(2):
        earlier.call("canary_limit", earlier.nonce())
    assert tried(scene_of(gateway), "rate-limit").state is State.HOLDS


def test_a_call_over_the_limit_that_arrives_late_is_seen() -> None:
    gateway = VerifiedGateway()
    held: list[bytes] = []

    def queue(seen: Seen, passed: Passed) -> httpx2.Response:
        reply = passed(seen)
        if b"canary_limit" in seen.body and b"received" not in reply.content:
            held.append(seen.body)
        if b"canary_receipts" in seen.body:
            while held:
                gateway.to_the_canary(held.pop())
        return reply

    gateway.before = queue
    expected = (State.BROKEN, "a call over the limit: it reached the server")
    assert told(tried(scene_of(gateway), "rate-limit")) == expected


def test_what_arrived_late_breaks_also_what_could_not_be_told() -> None:
    gateway = VerifiedGateway()
    scene = scene_of(gateway)

    def cut_short(seen: Scene) -> None:
        nonce = seen.nonce()
        seen.expect_never({nonce: "a denied call"})
        gateway.to_the_canary(f'{{"x":"{seen.mark(nonce)}"}}'.encode())
        raise UndecidedError("no answer")

    late = replace(GUARANTEES[1], probe=cut_short)
    (found,) = verify(scene, [late], lacking="", progress=lambda _name: None)
    assert told(found) == (State.BROKEN, "a denied call: it reached the server")


def test_a_notification_that_something_else_refused_tells_nothing() -> None:
    gateway = VerifiedGateway()
    gateway.before = lambda seen, passed: (
        httpx2.Response(429, json={}) if b"notifications/canary" in seen.body else passed(seen)
    )
    assert tried(scene_of(gateway), "unknown-method").state is State.UNKNOWN


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (httpx2.ConnectError, State.HOLDS),
        (httpx2.ConnectTimeout, State.HOLDS),
        (httpx2.ReadTimeout, State.UNKNOWN),
        (httpx2.ProxyError, State.UNKNOWN),
        (301, State.HOLDS),
        (403, State.HOLDS),
        (429, State.UNKNOWN),
        (503, State.UNKNOWN),
        (401, State.BROKEN),
        (200, State.BROKEN),
    ],
)
@pytest.mark.parametrize("url", [URL, "https://[2001:db8::1]/prod/mcp/canary"])
def test_plain_http_is_judged_by_who_answers_there(
    answer: int | type[httpx2.TransportError], state: State, url: str
) -> None:
    gateway = VerifiedGateway()
    behind = gateway.transport

    def listening(request: httpx2.Request) -> httpx2.Response:
        if request.url.scheme == "https":
            return behind.handle_request(request)
        assert request.url.host == scene.place.url.split("/")[2].strip("[]")
        if isinstance(answer, int):
            return httpx2.Response(answer, json={})
        raise answer("", request=request)

    gateway.transport = httpx2.MockTransport(listening)
    scene = scene_of(gateway, url=url)
    assert tried(scene, "tls").state is state


@pytest.mark.parametrize("name", ["", "\u00e9"])
def test_a_session_whose_name_nobody_can_repeat_is_no_session(name: str) -> None:
    gateway = VerifiedGateway()

    def odd(seen: Seen, passed: Passed) -> httpx2.Response:
        reply = passed(seen)
        if b"initialize" in seen.body:
            reply.headers["mcp-session-id"] = name
        return reply

    gateway.before = odd
    assert tried(scene_of(gateway), "own-session").state is State.UNKNOWN


def test_an_answer_without_an_end_ends_with_the_run() -> None:
    gateway = VerifiedGateway()

    def trickling(_seen: Seen, _passed: Passed) -> httpx2.Response:
        def content() -> Any:
            while True:
                gateway.world.now += 30_000_000
                yield b"x"

        return httpx2.Response(200, content=content())

    gateway.before = trickling
    found = tried(scene_of(gateway), "denied-tool")
    assert told(found) == (State.UNKNOWN, "an answer does not come to its end")
