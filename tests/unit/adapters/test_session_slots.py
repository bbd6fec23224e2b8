"""Slots as values: which one a new session gets, and what is read back."""

import pytest

from portcullis.adapters.session_slots import Slot, close_slot, decode, encode, open_slot
from support.takes import at


def test_a_lowered_cap_gives_only_slots_below_it() -> None:
    slots = tuple(Slot(opened_micros=at(n).micros, open_sessions=1) for n in (2, 1, 0))
    number, after = open_slot(slots, cap=2, lifetime_seconds=60, now=at(3))
    assert (number, len(after)) == (1, 2)


def test_a_raised_cap_gives_the_new_slots_first() -> None:
    slots = (Slot(opened_micros=at().micros, open_sessions=1),)
    assert open_slot(slots, cap=2, lifetime_seconds=60, now=at(1))[0] == 1


@pytest.mark.parametrize("number", [0, 5], ids=["nothing-open", "above-the-cap"])
def test_closing_what_is_not_open_changes_nothing(number: int) -> None:
    slots = (Slot(), Slot(opened_micros=1, open_sessions=1))
    assert close_slot(slots, number) is slots


def test_slots_are_read_as_they_were_written() -> None:
    slots = (Slot(opened_micros=17, open_sessions=2), Slot())
    assert encode(slots) == "17*2 0*0"
    assert decode("17*2 0*0") == slots


@pytest.mark.parametrize("text", ["", "17", "17*", "17*2 ", " 17*2", "17*-2", "1_7*2", "17*2,0*0"])
def test_P13_any_other_text_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="stored slots"):
        decode(text)
