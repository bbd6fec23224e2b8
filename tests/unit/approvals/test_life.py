"""What can be done to an approval: when it happens, what it writes, and what it leaves alone."""

from collections.abc import Callable
from dataclasses import fields, replace

import pytest

from model.records import ASKED, EXPIRES, make_record, make_requester, make_terms, make_vote
from portcullis.approvals import life
from portcullis.approvals.life import Refusal
from portcullis.approvals.record import ApprovalRecord
from portcullis.approvals.states import State
from portcullis.policy.model import Principal

Outcome = ApprovalRecord | Refusal
FIXED = {one.name for one in fields(ApprovalRecord)[:11]}
IN_TIME, LATE = EXPIRES - 1, EXPIRES
CHANGES: dict[str, Callable[[ApprovalRecord, int], Outcome]] = {
    "approve": lambda record, now: life.approve(record, make_vote(), now=now),
    "deny": lambda record, now: life.deny(record, make_vote(), now=now),
    "cancel": lambda record, now: life.cancel(record, note="note", now=now),
    "expire": lambda record, now: life.expire(record, now=now),
    "claim": lambda record, now: life.claim(record, now=now),
    "finish": lambda record, now: life.finish(record, parts=2, now=now),
    "refuse": lambda record, now: life.refuse(record, note="note", now=now),
    "lose": lambda record, now: life.lose(record, note="note", now=now),
    "deliver": lambda record, now: life.deliver(record, now=now),
}
# What each change makes of each state one second before the deadline and at it.
OUTCOMES: dict[State, dict[str, tuple[State | Refusal, State | Refusal]]] = {
    State.PENDING: {
        "approve": (State.APPROVED, Refusal.TOO_LATE),
        "deny": (State.DENIED, Refusal.TOO_LATE),
        "cancel": (State.CANCELLED, Refusal.TOO_LATE),
        "expire": (Refusal.NOT_NOW, State.EXPIRED),
        "claim": (Refusal.NOT_NOW, Refusal.TOO_LATE),
        "refuse": (Refusal.NOT_NOW, Refusal.TOO_LATE),
    },
    State.APPROVED: {
        "cancel": (State.CANCELLED, Refusal.TOO_LATE),
        "expire": (Refusal.NOT_NOW, State.EXPIRED),
        "claim": (State.EXECUTING, Refusal.TOO_LATE),
        "refuse": (State.FAILED, Refusal.TOO_LATE),
    },
    State.EXECUTING: {
        "finish": (State.DONE, State.DONE),
        "refuse": (State.FAILED, State.FAILED),
        "lose": (State.UNKNOWN, State.UNKNOWN),
    },
    **{
        state: {"deliver": (state, state)}
        for state in (
            *(State.DONE, State.FAILED, State.UNKNOWN),
            *(State.DENIED, State.EXPIRED, State.CANCELLED),
        )
    },
}
NEVER = (Refusal.NOT_NOW, Refusal.NOT_NOW)


@pytest.mark.parametrize("late", [False, True], ids=["in time", "at the deadline"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("state", State)
def test_N21_what_a_change_makes_of_a_state(state: State, change: str, late: bool) -> None:
    record = make_record(state=state)
    outcome = CHANGES[change](record, LATE if late else IN_TIME)
    expected = OUTCOMES[state].get(change, NEVER)[late]
    if isinstance(expected, Refusal):
        assert outcome is expected
        return
    assert isinstance(outcome, ApprovalRecord)
    assert outcome.state is expected
    assert outcome.version == record.version + 1
    assert all(getattr(outcome, name) == getattr(record, name) for name in FIXED)


def changed(outcome: Outcome) -> ApprovalRecord:
    assert isinstance(outcome, ApprovalRecord), outcome
    return outcome


def test_the_fixed_facts_are_those_before_the_state() -> None:
    assert {"id", "binding", "requester", "terms", "asked_at", "expires_at", "link"} <= FIXED
    assert "state" not in FIXED


def test_an_end_is_dated_and_what_goes_on_is_not() -> None:
    approved = changed(life.approve(make_record(), make_vote(), now=ASKED + 1))
    claimed = changed(life.claim(approved, now=ASKED + 2))
    done = changed(life.finish(claimed, parts=2, now=ASKED + 3))
    assert (approved.ended_at, claimed.ended_at, done.ended_at) == (None, None, ASKED + 3)
    assert (claimed.claimed_at, done.claimed_at) == (ASKED + 2, ASKED + 2)
    assert (done.result_parts, done.version) == (2, 3)


def test_a_reason_is_kept() -> None:
    executing = make_record(state=State.EXECUTING)
    assert changed(life.lose(executing, note="it timed out", now=ASKED)).note == "it timed out"
    assert changed(life.cancel(make_record(), note="not needed", now=ASKED)).note == "not needed"


def test_the_one_who_denied_is_kept_apart_from_those_who_approved() -> None:
    record = make_record(terms=make_terms(min_approvals=2))
    agreed = changed(life.approve(record, make_vote("anna"), now=ASKED))
    ben = make_vote("ben", comment="not today")
    denied = changed(life.deny(agreed, ben, now=ASKED))
    assert (denied.state, denied.approvals, denied.denial) == (
        State.DENIED, agreed.approvals, ben,
    )  # fmt: skip


# ---------------------------------------------------------------- who may decide


@pytest.mark.parametrize("change", ["approve", "deny"])
@pytest.mark.parametrize(
    "vote,expected",
    [
        pytest.param(make_vote("rita"), Refusal.OWN_REQUEST, id="the person behind the agent"),
        pytest.param(
            make_vote("eve", key=make_requester().key), Refusal.OWN_REQUEST, id="the agent's grant"
        ),
        pytest.param(
            make_vote("anna", person="RITA"), Refusal.OWN_REQUEST, id="another grant of hers"
        ),
        pytest.param(
            make_vote("rita", person="anna"), Refusal.OWN_REQUEST, id="her name as a subject"
        ),
        pytest.param(make_vote("build-agent"), Refusal.OWN_REQUEST, id="the agent's name"),
        pytest.param(make_vote("eve"), Refusal.NOT_AN_APPROVER, id="somebody else"),
        pytest.param(
            make_vote("eve", groups=("billing",)), Refusal.NOT_AN_APPROVER, id="another group"
        ),
    ],
)
def test_N09_N10_who_cannot_decide(change: str, vote: object, expected: Refusal) -> None:
    terms = make_terms(approvers=("anna", "ben", "rita", "build-agent", "group:platform"))
    record = make_record(terms=terms)
    decide = life.approve if change == "approve" else life.deny
    assert decide(record, vote, now=ASKED) is expected  # type: ignore[arg-type]


def test_N09_a_requester_in_an_approving_group_is_refused() -> None:
    rita = make_vote("rita", groups=("platform",))
    assert life.approve(make_record(), rita, now=ASKED) is Refusal.OWN_REQUEST


def test_who_may_not_decide_learns_nothing_of_where_it_stands() -> None:
    over = make_record(state=State.DONE)
    assert life.refusal_to_decide(over, make_vote("eve"), now=LATE) is Refusal.NOT_AN_APPROVER
    assert life.refusal_to_decide(over, make_vote("rita"), now=LATE) is Refusal.OWN_REQUEST
    assert life.refusal_to_decide(over, make_vote("anna"), now=LATE) is Refusal.NOT_NOW
    assert life.refusal_to_decide(make_record(), make_vote("anna"), now=IN_TIME) is None


# ---------------------------------------------------------------- how many must agree


def test_N34_two_people_make_it_approved_and_one_does_not() -> None:
    record = make_record(terms=make_terms(min_approvals=2))
    first = changed(life.approve(record, make_vote("anna"), now=ASKED))
    assert (first.state, first.ended_at) == (State.PENDING, None)
    second = changed(life.approve(first, make_vote("ben"), now=ASKED))
    assert second.state is State.APPROVED
    assert [vote.person for vote in second.approvals] == ["anna", "ben"]


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(make_vote("anna"), id="the same grant"),
        pytest.param(make_vote("a-17", person="ANNA"), id="a sign-in under another subject"),
        pytest.param(
            make_vote("anna", person="anna@example.com", key="2:id|anna", groups=("platform",)),
            id="one whose person nobody linked, under the same subject",
        ),
    ],
)
def test_N34_the_same_person_counts_once(again: object) -> None:
    record = make_record(terms=make_terms(min_approvals=2))
    first = changed(life.approve(record, make_vote("anna"), now=ASKED))
    outcome = life.approve(first, again, now=ASKED)  # type: ignore[arg-type]
    assert outcome is Refusal.SAID_ALREADY


def test_N34_one_who_approved_can_still_deny() -> None:
    record = make_record(terms=make_terms(min_approvals=2))
    first = changed(life.approve(record, make_vote("anna"), now=ASKED))
    assert changed(life.deny(first, make_vote("anna"), now=ASKED)).state is State.DENIED


# ---------------------------------------------------------------- handing over


def test_N04_an_outcome_is_handed_over_once_and_its_result_is_forgotten() -> None:
    done = make_record(state=State.DONE, result_parts=3, ended_at=ASKED)
    handed = changed(life.deliver(done, now=ASKED + 5))
    assert (handed.state, handed.delivered_at, handed.result_parts) == (State.DONE, ASKED + 5, 0)
    assert life.deliver(handed, now=ASKED + 6) is Refusal.NOT_NOW


def test_a_tasks_result_can_be_read_again() -> None:
    done = make_record(state=State.DONE, result_parts=3, ended_at=ASKED)
    assert changed(life.deliver(done, now=ASKED, keeps_result=True)).result_parts == 3


def test_that_the_workflow_runs_is_noted() -> None:
    started = life.started(make_record())
    assert started == replace(make_record(), is_started=True, version=1)


# ---------------------------------------------------------------- what is seen


@pytest.mark.parametrize("state", State)
def test_a_request_that_waits_is_over_at_its_deadline_whoever_says_so(state: State) -> None:
    record = make_record(state=state)
    waits = state in (State.PENDING, State.APPROVED)
    assert life.seen_state(record, now=IN_TIME) is state
    assert life.seen_state(record, now=LATE) is (State.EXPIRED if waits else state)
    assert life.is_over(record, now=LATE) is waits
    assert not life.is_over(record, now=IN_TIME)


def viewer(subject: str, **more: object) -> Principal:
    return make_requester(subject=subject, **{"person": "", **more})


@pytest.mark.parametrize(
    "principal,expected",
    [
        pytest.param(viewer("anna"), True, id="a named approver"),
        pytest.param(viewer("x", person="ANNA"), True, id="an approver by person"),
        pytest.param(viewer("x", groups=("platform",)), True, id="one of an approving group"),
        pytest.param(viewer("build-agent"), True, id="the agent that asked"),
        pytest.param(viewer("rita"), True, id="the person behind it"),
        pytest.param(viewer("eve"), False, id="somebody else"),
        pytest.param(viewer("eve", groups=("billing",)), False, id="another group"),
    ],
)
def test_N36_who_may_look(principal: Principal, expected: bool) -> None:
    record = make_record()
    assert life.may_see(record, principal, is_admin=False) is expected
    assert life.may_see(record, principal, is_admin=True)


def test_N36_a_person_of_blanks_is_not_the_person_nobody_named() -> None:
    record = make_record(requester=make_requester(person=""))
    assert not life.may_see(record, viewer("eve", person=" "), is_admin=False)
