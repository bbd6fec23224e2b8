"""Our own request state names one approval, for one caller and one call, for a short while."""

from dataclasses import replace
from typing import Any

import pytest

from portcullis.protocol import sealing
from portcullis.protocol.request_state import (
    LAST_ROUND,
    MAX_ROUNDS,
    MAX_STATE_LENGTH,
    StateClaims,
    is_own_state,
    seal_state,
    unseal_state,
)
from portcullis.protocol.session_token import unseal

KEY = b"k" * 32
CALL = {
    "principal": "digest-of-alice",
    "server": "mq",
    "tool": "delete_broker",
    "arguments": "0" * 64,
}
CLAIMS = StateClaims(approval="a-1", issued_at=1_000, expires_at=1_900, round=3, **CALL)


def opened(text: str, *, now: int = 1_500, **other: Any) -> StateClaims | None:
    return unseal_state(text, (KEY,), now_seconds=now, **{**CALL, **other})


def test_a_state_gives_back_its_claims() -> None:
    assert opened(seal_state(CLAIMS, KEY)) == CLAIMS


def test_a_state_of_an_older_key_holds_while_the_key_is_kept() -> None:
    text = seal_state(CLAIMS, b"old")
    assert opened(text) is None
    assert unseal_state(text, (KEY, b"old"), now_seconds=1_500, **CALL) == CLAIMS


@pytest.mark.parametrize("now, holds", [(1_899, True), (1_900, False), (9_999, False)])
def test_K08_a_state_holds_until_it_expires(now: int, holds: bool) -> None:
    assert (opened(seal_state(CLAIMS, KEY), now=now) is not None) is holds


@pytest.mark.parametrize("bound", CALL)
def test_K08_N05_a_state_is_nothing_for_another_caller_or_call(bound: str) -> None:
    other: dict[str, Any] = {bound: "other"}
    assert opened(seal_state(CLAIMS, KEY), **other) is None


def test_K08_a_forged_state_opens_nothing() -> None:
    assert opened(seal_state(CLAIMS, b"x" * 32)) is None
    assert opened(seal_state(CLAIMS, KEY) + "x") is None
    assert opened("pcs1.e30.x") is None


def test_a_session_token_is_no_state_and_a_state_is_no_session_token() -> None:
    state = seal_state(CLAIMS, KEY)
    assert (
        unseal(state, (KEY,), now_seconds=1_500, principal_digest=CALL["principal"], server="mq")
        is None
    )
    assert opened(sealing.seal("v1", {"approval": "a-1"}, KEY)) is None


PAYLOAD: dict[str, Any] = {
    **CALL,
    "approval": "a-1",
    "iat": 1_000,
    "exp": 1_900,
    "round": 0,
}


@pytest.mark.parametrize("name", PAYLOAD)
@pytest.mark.parametrize("value", [None, True, 1.5, []])
def test_a_sealed_payload_of_another_form_opens_nothing(name: str, value: Any) -> None:
    assert opened(sealing.seal("pcs1", PAYLOAD, KEY)) == replace(CLAIMS, round=0)
    assert opened(sealing.seal("pcs1", {**PAYLOAD, name: value}, KEY)) is None


def test_the_longest_names_fit() -> None:
    claims = replace(CLAIMS, approval="a" * 64, server="s" * 64, tool="t" * 128)
    text = seal_state(claims, KEY)
    assert len(text) < MAX_STATE_LENGTH
    assert opened(text, server="s" * 64, tool="t" * 128) == claims


@pytest.mark.parametrize(
    "text, is_own",
    [
        (seal_state(CLAIMS, KEY), True),
        ("pcs1.anything", True),
        ("pcs1", False),
        ("", False),
        ("PCS1.x", False),
        ("v1.e30.x", False),
    ],
)
def test_own_states_are_known_by_their_prefix(text: str, is_own: bool) -> None:
    assert is_own_state(text) is is_own


def test_the_last_round_is_answered_before_the_clients_give_up() -> None:
    assert (LAST_ROUND, MAX_ROUNDS) == (9, 10)
