"""The choke point: which way each request goes, and that whatever breaks is a denial."""

import json
from typing import Any

import pytest

from portcullis.errors import UpstreamNotSentError, UpstreamUncertainError
from portcullis.gateway.ports import UpstreamReply
from portcullis.protocol.methods import MethodKind
from support.gateway_in_memory import (
    ALICE,
    BOB,
    LEGACY,
    MODERN,
    SERVER,
    World,
    body_of,
    decision_of,
    header,
)

ERAS = pytest.mark.parametrize("era", [MODERN, LEGACY])


def test_every_kind_of_method_has_a_way() -> None:
    assert set(World().gateway._ways.table) == set(MethodKind)


# ---------------------------------------------------------------- tools/call


@ERAS
def test_an_allowed_call_goes_out_once_and_its_bytes_come_back(era: str) -> None:
    world = World()
    reply = world.call("get_info", era=era)
    assert reply.status == 200
    assert body_of(reply)["result"]["content"][0]["text"] == "executed"
    assert [m["params"]["name"] for m in world.upstream.messages] == ["get_info"]
    (record,) = world.log.records
    assert (record.outcome, record.rule, record.name) == ("allowed", "get_info", "get_info")
    assert record.revision is not None
    assert record.remaining == ({"rule": "get_info", "max": "2", "remaining": "1"},)
    assert record.argument_digest is not None
    assert {"policy", "store", "upstream", "total"} <= set(record.latency_micros)


@ERAS
def test_a_limit_that_is_reached_denies_with_the_time_to_wait(era: str) -> None:
    world = World()
    for _ in range(2):
        assert "executed" in world.call("get_info", era=era).body.decode()
    reply = world.call("get_info", era=era)
    decision = decision_of(reply)
    assert (decision["outcome"], decision["retry_after"], decision["remaining"]) == (
        "limit_reached",
        60,
        0,
    )
    text = body_of(reply)["result"]["content"][0]["text"]
    assert "at most 2 calls in any 60 s in this session" in text
    assert "Try again in 60 s." in text
    assert len(world.upstream.sent) == 2


def test_defaults_are_evaluated_and_forwarded() -> None:
    world = World()
    assert decision_of(world.call("create_broker"))["rule"] == "create_broker/public"
    allowed = world.call("create_broker", {"publicly_accessible": False})
    assert "executed" in allowed.body.decode()
    assert world.upstream.messages[0]["params"]["arguments"] == {"publicly_accessible": False}


@pytest.mark.parametrize("value", ["false", 0, "no", None])
def test_I03_a_coercion_twin_is_refused_without_its_value(value: Any) -> None:
    world = World()
    reply = world.call("create_broker", {"publicly_accessible": value})
    assert decision_of(reply)["outcome"] == "invalid_arguments"
    assert "Argument `args.publicly_accessible` must be boolean" in reply.body.decode()
    assert "publicly_accessible" in decision_of(reply)["reason"]
    assert world.upstream.sent == []


@ERAS
def test_a_hidden_tool_and_an_unknown_one_get_the_same_answer(era: str) -> None:
    world = World()
    hidden, unknown = world.call("delete_broker", era=era), world.call("no_such", era=era)
    same = hidden.body.replace(b"delete_broker", b"X") == unknown.body.replace(b"no_such", b"X")
    assert same
    assert (hidden.status, hidden.headers) == (unknown.status, unknown.headers)
    assert [record.outcome for record in world.log.records] == ["hidden", "unknown_tool"]


def test_a_header_that_contradicts_the_arguments_is_rejected() -> None:
    world = World()
    arguments = {"publicly_accessible": False, "name": "a"}
    reply = world.call("create_broker", arguments, extra={"mcp-param-broker": "b"})
    assert (reply.status, body_of(reply)["error"]["code"]) == (400, -32020)
    assert world.upstream.sent == []


def test_headers_that_mirror_arguments_are_made_anew() -> None:
    world = World()
    arguments = {"publicly_accessible": False, "name": "a"}
    world.call("create_broker", arguments, extra={"mcp-param-broker": "a", "cookie": "c"})
    sent = dict(world.upstream.sent[0].headers)
    assert sent["mcp-param-broker"] == "a"
    assert "cookie" not in sent
    assert "host" not in sent


def test_shadow_rules_are_recorded_and_block_nothing() -> None:
    world = World(
        'version: "1"\ndefault: deny\ntools:\n  get_info:\n    rules:\n'
        "      - {name: ok, action: allow}\n"
        "      - {name: never, action: deny, mode: shadow}\n"
        "      - {name: few, mode: shadow, rate_limit: {max: 1, window: 60}}\n"
        "  create_broker:\n    rules:\n"
        "      - {name: ok, action: allow}\n"
        "      - {name: ask, action: require_approval, mode: shadow, approval: {approvers: [x]}}\n"
    )
    for _ in range(2):
        assert "executed" in world.call("get_info").body.decode()
    world.call("create_broker", {"publicly_accessible": False})
    first, second, third = (record.shadow for record in world.log.records)
    assert first == ({"outcome": "denied_by_rule", "rule": "get_info/never"},)
    assert {"outcome": "limit_reached", "rule": "get_info/few"} in second
    assert third == ({"outcome": "approval_required", "rule": "create_broker/ask"},)


# ---------------------------------------------------------------- fail closed


@ERAS
@pytest.mark.parametrize(
    ("break_it", "outcome"),
    [
        pytest.param(lambda w: setattr(w.policies, "policy", None), "policy_unavailable", id="p"),
        pytest.param(lambda w: setattr(w.snapshots, "tools", None), "snapshot_unavailable", id="s"),
        pytest.param(
            lambda w: setattr(w.counters, "fails_to_reserve", True), "store_unavailable", id="c"
        ),
    ],
)
def test_P02_a_dependency_that_fails_denies(break_it: Any, outcome: str, era: str) -> None:
    world = World()
    break_it(world)
    reply = world.call("get_info", era=era)
    assert decision_of(reply)["outcome"] == outcome
    assert world.upstream.sent == []
    assert [record.outcome for record in world.log.records] == [outcome]


def test_the_store_that_fails_says_when_to_try_again() -> None:
    world = World()
    world.counters.fails_to_reserve = True
    assert decision_of(world.call("get_info"))["retry_after"] == 2


@ERAS
def test_E12_our_own_bug_is_a_denial_with_generic_text(
    era: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()

    def bug(*_args: object, **_more: object) -> None:
        raise RuntimeError("canary-in-traceback")

    monkeypatch.setattr("portcullis.gateway.enforce.decide", bug)
    reply = world.call("get_info", era=era)
    assert body_of(reply)["error"]["code"] == -32603
    assert b"canary" not in reply.body
    assert world.upstream.sent == []
    (record,) = world.log.records
    assert record.outcome == "internal_error"
    assert record.decision_id in reply.body.decode()


def test_a_store_no_step_answers_for_is_still_a_denial() -> None:
    world = World()
    token = header(world.initialize(), "mcp-session-id")
    world.keys = None
    reply = world.call("get_info", era=LEGACY, token=token)
    assert "error" in body_of(reply)
    assert world.log.records[-1].outcome == "store_unavailable"


def test_a_decision_that_cannot_be_recorded_is_not_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()

    def full(_record: object) -> None:
        raise OSError("canary: no space left")

    monkeypatch.setattr(world.log, "record", full)
    reply = world.call("get_info")
    assert (reply.status, body_of(reply)["error"]["code"]) == (500, -32603)
    assert b"canary" not in reply.body


# ---------------------------------------------------------------- settle


def test_only_a_call_that_was_never_sent_gives_its_reservation_back() -> None:
    world = World()
    world.upstream.fault = UpstreamNotSentError("refused")
    for _ in range(3):
        reply = world.call("get_info")
        assert decision_of(reply)["outcome"] == "upstream_unavailable"
        assert "was not executed" in body_of(reply)["result"]["content"][0]["text"]
    assert len(world.counters.released) == 3


@pytest.mark.parametrize(
    "reply",
    [
        None,
        UpstreamReply(status=500, headers=(), body=b""),
        UpstreamReply(status=200, headers=(("content-type", "text/plain"),), body=b"x"),
    ],
    ids=["G15-hangs up", "G15-500", "G15-unreadable"],
)
def test_an_outcome_that_is_not_known_keeps_the_quota(reply: UpstreamReply | None) -> None:
    world = World()
    world.upstream.reply = reply
    world.upstream.fault = UpstreamUncertainError("gone") if reply is None else None
    texts = [body_of(world.call("get_info"))["result"]["content"][0]["text"] for _ in range(3)]
    assert "may have been executed" in texts[0]
    assert "limit is reached" in texts[2]
    assert world.counters.released == []


def test_P03_a_reservation_that_cannot_be_given_back_stays_taken() -> None:
    world = World()
    world.upstream.fault = UpstreamNotSentError("refused")
    world.counters.fails_to_release = True
    assert decision_of(world.call("get_info"))["outcome"] == "upstream_unavailable"
    assert "reservation kept" in str(world.log.records[0].upstream_outcome)


# ---------------------------------------------------------------- the door


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"origin": "https://evil.example"}, 403, id="D18 foreign origin"),
        pytest.param({"origin": "null"}, 403, id="D18 null origin"),
        pytest.param({"origin": "https://good.example"}, 200, id="D18 good origin"),
        pytest.param({"host": "evil.example"}, 403, id="D17 foreign host"),
        pytest.param(
            {"origin": "https://good.example", "host": "evil.example"}, 403, id="D18 independent"
        ),
    ],
)
def test_origin_and_host_are_checked_apart(headers: dict[str, str], status: int) -> None:
    world = World()
    assert world.call("get_info", extra=headers).status == status
    assert len(world.upstream.sent) == (status == 200)


def test_a_server_that_is_not_configured_does_not_exist() -> None:
    world = World()
    assert world.send(b"{}", server="other").status == 404
    assert world.log.records[0].outcome == "rejected"


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", json.dumps({"jsonrpc": "2.0"}).encode()])
def test_Q05_what_is_refused_is_recorded_too(junk: bytes) -> None:
    world = World()
    reply = world.send(junk)
    assert 400 <= reply.status < 500
    (record,) = world.log.records
    assert (record.outcome, record.status, record.server) == ("rejected", reply.status, SERVER)


def test_E15_two_principals_in_one_environment_never_meet() -> None:
    world = World()
    for turn in range(4):
        world.call("get_info", principal=BOB if turn % 2 else ALICE)
    assert len(world.upstream.sent) == 4, "each has two calls of their own"
    scopes = [request.scope for request in world.upstream.sent]
    assert scopes[0] == scopes[2] != scopes[1] == scopes[3]


def test_Q05_what_is_no_request_at_all_is_recorded_too() -> None:
    world = World()
    reply = world.gateway.refuse("the event was not authorised")
    assert (reply.status, body_of(reply)["error"]["code"]) == (400, -32600)
    assert [record.outcome for record in world.log.records] == ["rejected"]


def test_Q07_a_name_of_absurd_length_is_cut_in_the_record_only() -> None:
    world = World()
    world.ask("resources/read", {"uri": "doc://" + "a" * 5_000}, era=LEGACY)
    assert len(world.upstream.messages[0]["params"]["uri"]) == 5_006
    name = world.log.records[0].name
    assert name is not None
    assert len(name) < 300
    assert name.endswith("(5006 characters)")
