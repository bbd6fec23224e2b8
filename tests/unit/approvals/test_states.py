"""The table of an approval's life: every state and event decided, one by one."""

import pytest

from portcullis.approvals.states import TERMINAL, TRANSITIONS, Event, State, after

# One line a state, one column an event; "-" cannot happen.
TABLE = """
            AGREE    APPROVE   DENY    EXPIRE   CANCEL     CLAIM      FINISH  REFUSE  LOSE
PENDING     PENDING  APPROVED  DENIED  EXPIRED  CANCELLED  -          -       -       -
APPROVED    -        -         -       EXPIRED  CANCELLED  EXECUTING  -       FAILED  -
EXECUTING   -        -         -       -        -          -          DONE    FAILED  UNKNOWN
DONE        -        -         -       -        -          -          -       -       -
FAILED      -        -         -       -        -          -          -       -       -
UNKNOWN     -        -         -       -        -          -          -       -       -
DENIED      -        -         -       -        -          -          -       -       -
EXPIRED     -        -         -       -        -          -          -       -       -
CANCELLED   -        -         -       -        -          -          -       -       -
"""
HEAD, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
CASES = [
    pytest.param(State[row[0]], Event[event], None if cell == "-" else State[cell],
                 id=f"{row[0]}-{event}")
    for row in ROWS
    for event, cell in zip(HEAD, row[1:], strict=True)
]  # fmt: skip


@pytest.mark.parametrize("state,event,expected", CASES)
def test_what_an_event_does_in_a_state(state: State, event: Event, expected: State | None) -> None:
    assert after(state, event) is expected


def test_every_state_and_every_event_is_decided() -> None:
    assert {State[row[0]] for row in ROWS} == set(State) == set(TRANSITIONS)
    assert {Event[name] for name in HEAD} == set(Event)
    assert len(CASES) == len(State) * len(Event)


def test_an_end_is_where_nothing_can_happen() -> None:
    assert {State[row[0]] for row in ROWS if set(row[1:]) == {"-"}} == TERMINAL


def test_only_a_claim_leads_to_execution_and_only_from_an_approval() -> None:
    arrows = {
        (state, event)
        for state, events in TRANSITIONS.items()
        for event, target in events.items()
        if target is State.EXECUTING
    }
    assert arrows == {(State.APPROVED, Event.CLAIM)}


def test_only_an_approvers_yes_leads_to_an_approval() -> None:
    arrows = {
        (state, event)
        for state, events in TRANSITIONS.items()
        for event, target in events.items()
        if target is State.APPROVED
    }
    assert arrows == {(State.PENDING, Event.APPROVE)}


def test_states_are_stored_under_the_names_people_read() -> None:
    assert all(state.value == state.name for state in State)
