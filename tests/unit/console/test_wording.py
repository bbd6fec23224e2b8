"""Every state and every refusal has its words, once."""

from portcullis.approvals.life import Refusal
from portcullis.approvals.states import State
from portcullis.console import wording
from portcullis.console.wording import REFUSALS, STATES, Fault


def test_every_state_is_explained() -> None:
    assert set(STATES) == set(State)
    assert len({words.title for words in STATES.values()}) == len(State)
    assert all(words.meaning.endswith(".") for words in STATES.values())


def test_an_unknown_outcome_says_that_it_may_have_run_and_is_not_repeated() -> None:
    meaning = STATES[State.UNKNOWN].meaning
    assert "may have been executed" in meaning
    assert "no machine repeats it" in meaning


def test_every_refusal_is_a_fault_of_its_own() -> None:
    assert set(REFUSALS) == set(Refusal)
    assert len({fault.code for fault in REFUSALS.values()}) == len(Refusal)


def test_who_may_not_is_told_403_and_what_is_over_409() -> None:
    forbidden = {refusal for refusal, fault in REFUSALS.items() if fault.status == 403}
    assert forbidden == {Refusal.OWN_REQUEST, Refusal.NOT_AN_APPROVER}
    assert {fault.status for fault in REFUSALS.values()} == {403, 409}


def test_every_fault_is_a_sentence() -> None:
    faults = [one for one in vars(wording).values() if isinstance(one, Fault)]
    assert faults
    assert all(fault.message.endswith(".") for fault in (*faults, *REFUSALS.values()))
