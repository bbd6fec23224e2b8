"""Which call speaks of a request that exists, and for how long."""

from dataclasses import fields

import pytest

from model.records import ASKED, EXPIRES, make_binding, make_record, make_requester
from portcullis.approvals.asking import DELIVERED_SECONDS, ask_key, still_speaks
from portcullis.approvals.life import RESULT_SECONDS
from portcullis.approvals.record import ApprovalRecord, Binding
from portcullis.approvals.states import State
from portcullis.policy.model import Principal

COOLDOWN = 300
ENDED = ASKED + 100
DELIVERED = ENDED + 50
LAST = EXPIRES - 1


def speaks(record: ApprovalRecord, now: int, binding: Binding | None = None) -> bool:
    asked = record.binding if binding is None else binding
    return still_speaks(record, asked, now=now, cooldown_seconds=COOLDOWN)


@pytest.mark.parametrize(
    "state,delivered,last",
    [
        pytest.param(State.PENDING, None, LAST, id="waits, until its deadline"),
        pytest.param(State.APPROVED, None, LAST, id="approved, until its deadline"),
        pytest.param(State.EXECUTING, None, 10**9, id="runs, for as long as it does"),
        pytest.param(State.DENIED, None, ENDED + COOLDOWN - 1, id="denied, for the cool-down"),
        pytest.param(State.DENIED, DELIVERED, ENDED + COOLDOWN - 1, id="denied and told"),
        pytest.param(State.DONE, None, ENDED + RESULT_SECONDS - 1, id="done"),
        pytest.param(State.FAILED, None, ENDED + RESULT_SECONDS - 1, id="failed"),
        pytest.param(State.UNKNOWN, None, ENDED + RESULT_SECONDS - 1, id="unknown"),
        pytest.param(State.DONE, DELIVERED, DELIVERED + DELIVERED_SECONDS - 1, id="done, handed"),
        pytest.param(State.FAILED, DELIVERED, DELIVERED + DELIVERED_SECONDS - 1, id="failed, told"),
        pytest.param(
            State.UNKNOWN, DELIVERED, DELIVERED + DELIVERED_SECONDS - 1, id="unknown, told"
        ),
    ],
)
def test_N27_how_long_a_request_answers_the_same_call(
    state: State, delivered: int | None, last: int
) -> None:
    ended = None if state in (State.PENDING, State.APPROVED, State.EXECUTING) else ENDED
    record = make_record(state=state, ended_at=ended, delivered_at=delivered)
    assert speaks(record, last)
    if state is not State.EXECUTING:
        assert not speaks(record, last + 1)


@pytest.mark.parametrize("state", [State.EXPIRED, State.CANCELLED])
@pytest.mark.parametrize("delivered", [None, DELIVERED])
def test_what_expired_or_was_taken_back_is_asked_anew(state: State, delivered: int | None) -> None:
    assert not speaks(make_record(state=state, ended_at=ENDED, delivered_at=delivered), ENDED)


@pytest.mark.parametrize("name", [one.name for one in fields(Binding)])
def test_N01_N05_N24_a_request_that_waits_is_good_for_exactly_its_call(name: str) -> None:
    other = make_binding(**{name: "another"})
    assert not speaks(make_record(), ASKED, other)


@pytest.mark.parametrize("state", [State.APPROVED, State.EXECUTING, State.DONE, State.DENIED])
def test_what_is_decided_answers_also_under_another_policy(state: State) -> None:
    record = make_record(state=state, ended_at=ASKED)
    assert speaks(record, ASKED, make_binding(revision="p2", rule="other", definition="d2"))


def test_an_end_without_a_date_is_long_ago() -> None:
    assert not speaks(make_record(state=State.DENIED), ASKED)


@pytest.mark.parametrize("name", ["server", "tool", "arguments"])
def test_N01_N05_another_call_has_another_key(name: str) -> None:
    key = ask_key(make_requester(), make_binding())
    assert ask_key(make_requester(), make_binding(**{name: "another"})) != key


@pytest.mark.parametrize("name", ["registration", "definition", "revision", "rule"])
def test_N27_the_same_call_is_found_under_another_policy(name: str) -> None:
    key = ask_key(make_requester(), make_binding())
    assert ask_key(make_requester(), make_binding(**{name: "another"})) == key


@pytest.mark.parametrize(
    "principal",
    [make_requester(subject="another"), make_requester(issuer="another")],
    ids=["subject", "issuer"],
)
def test_N05_N36_another_caller_has_another_key(principal: Principal) -> None:
    binding = make_binding()
    assert ask_key(principal, binding) != ask_key(make_requester(), binding)


def test_N25_a_rotated_token_finds_the_request_of_its_grant() -> None:
    binding = make_binding()
    rotated = make_requester(credential="another")
    assert ask_key(rotated, binding) == ask_key(make_requester(), binding)
