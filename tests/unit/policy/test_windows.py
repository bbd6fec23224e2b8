"""Windows as state machines: what fits, what is left, how long to wait, what is remembered."""

from decimal import Decimal

import pytest

from portcullis.policy.model import Instant, Limit
from portcullis.policy.window_text import decode, encode, is_spent
from portcullis.policy.windows import (
    CELLS,
    Admitted,
    FixedState,
    Full,
    SlidingState,
    admit,
    admit_fixed,
    difference,
    is_countable,
    is_over,
    release,
    release_fixed,
    total,
    window_number,
)
from support.takes import START_SECONDS, at, make_limit

ONE = Decimal(1)


def taken(
    state: SlidingState, limit: Limit, seconds: float, amount: str | int = 1
) -> Admitted[SlidingState]:
    answer = admit(state, limit, amount=Decimal(amount), now=at(seconds))
    assert isinstance(answer, Admitted)
    return answer


def refused(state: SlidingState, limit: Limit, seconds: float, amount: str | int = 1) -> Full:
    answer = admit(state, limit, amount=Decimal(amount), now=at(seconds))
    assert isinstance(answer, Full)
    return answer


def filled(limit: Limit, *seconds: float) -> SlidingState:
    state = SlidingState()
    for second in seconds:
        state = taken(state, limit, second).state
    return state


# ---------------------------------------------------------------- sliding


def test_g01_three_of_three_pass_and_the_fourth_waits_for_the_first_to_leave() -> None:
    limit = make_limit(3, window_seconds=60)
    state = filled(limit, 0, 10, 20)
    assert refused(state, limit, 30) == Full(remaining=Decimal(0), retry_after_micros=30_000_000)


def test_what_is_left_is_told_after_each_take() -> None:
    limit = make_limit(3)
    first = taken(SlidingState(), limit, 0)
    assert (first.remaining, first.tick) == (Decimal(2), at(0).micros)


def test_g10_a_burst_over_the_minute_boundary_gets_three_in_all() -> None:
    limit = make_limit(3, window_seconds=60)
    state = filled(limit, 59.9, 59.9, 59.9)
    assert refused(state, limit, 60.1).remaining == 0


def test_an_entry_counts_until_the_instant_its_window_is_over() -> None:
    limit = make_limit(1, window_seconds=60)
    state = filled(limit, 0)
    assert refused(state, limit, 59.999999).retry_after_micros == 1
    assert taken(state, limit, 60).state.entries == ((at(60).micros, ONE),)


def test_two_takes_in_one_microsecond_get_two_ticks() -> None:
    limit = make_limit(3)
    state = filled(limit, 0, 0)
    assert [tick for tick, _ in state.entries] == [at(0).micros, at(0).micros + 1]


def test_P16_a_slow_clock_does_not_set_ticks_back() -> None:
    limit = make_limit(3)
    state = filled(limit, 5)
    assert taken(state, limit, 2).tick == at(5).micros + 1


def test_a_wait_covers_as_many_entries_as_the_amount_needs() -> None:
    limit = make_limit(1000, spend=True)
    state = taken(SlidingState(), limit, 0, 100).state
    state = taken(state, limit, 10, 400).state
    state = taken(state, limit, 20, 500).state
    assert refused(state, limit, 30, 450) == Full(
        remaining=Decimal(0), retry_after_micros=40_000_000
    )


def test_h01_an_amount_above_what_is_left_is_refused() -> None:
    limit = make_limit(1000, spend=True)
    state = taken(SlidingState(), limit, 0, 900).state
    assert refused(state, limit, 1, 200).remaining == 100


def test_h03_amounts_below_one_add_up() -> None:
    limit = make_limit(2, spend=True)
    state = taken(SlidingState(), limit, 0, "0.99").state
    state = taken(state, limit, 1, "0.99").state
    assert refused(state, limit, 2, "0.99").remaining == Decimal("0.02")


def test_an_amount_above_the_maximum_never_fits() -> None:
    assert refused(SlidingState(), make_limit(3), 0, 4) == Full(
        remaining=Decimal(3), retry_after_micros=None
    )


def test_h04_an_enormous_amount_leaves_the_state_usable() -> None:
    limit = make_limit(1000, spend=True)
    assert refused(SlidingState(), limit, 0, "1e125").retry_after_micros is None
    assert taken(SlidingState(), limit, 0, 500).remaining == 500


def test_g23_a_lowered_maximum_applies_to_what_was_taken_before() -> None:
    state = filled(make_limit(10), 0, 1, 2, 3, 4)
    assert refused(state, make_limit(3), 5) == Full(
        remaining=Decimal(0), retry_after_micros=57_000_000
    )
    assert taken(state, make_limit(6), 5).remaining == 0


def test_a_maximum_of_zero_admits_nothing() -> None:
    assert refused(SlidingState(), make_limit(0), 0).retry_after_micros is None


def test_many_digits_are_added_up_without_rounding() -> None:
    limit = make_limit("1e30", spend=True)
    state = taken(SlidingState(), limit, 0, "999999999999999999999999999999").state
    assert taken(state, limit, 1, "0.00000001").remaining == Decimal("0.99999999")


def test_a_state_of_up_to_256_entries_is_kept_as_it_is() -> None:
    limit = make_limit(CELLS)
    state = filled(limit, *[0.0] * CELLS)
    assert len(state.entries) == CELLS
    assert refused(state, limit, 59).retry_after_micros == 1_000_000


def test_the_entries_of_a_cell_are_merged_into_the_latest_beyond_256() -> None:
    limit = make_limit(1000, window_seconds=256)  # a cell is a second
    state = filled(limit, *[0.25 + n / 1000 for n in range(CELLS)], 10.5)
    assert state.entries == (
        (at(0.505).micros, Decimal(CELLS)),
        (at(10.5).micros, ONE),
    )


def test_a_merged_state_stays_small_over_a_whole_window() -> None:
    limit = make_limit(10_000, window_seconds=256)
    state = filled(limit, *[n / 8 for n in range(256 * 8)])
    assert len(state.entries) <= 2 * CELLS
    assert total(amount for _, amount in state.entries) == 256 * 8


# ---------------------------------------------------------------- release


def test_a_released_entry_counts_no_more_and_its_tick_is_not_given_again() -> None:
    limit = make_limit(1)
    first = taken(SlidingState(), limit, 0)
    state = release(first.state, tick=first.tick, amount=ONE)
    assert taken(state, limit, 0).tick == first.tick + 1


@pytest.mark.parametrize(
    "tick,amount",
    [
        pytest.param(at(1).micros, 1, id="no-such-tick"),
        pytest.param(at(0).micros, 2, id="another-amount"),
    ],
)
def test_g18_releasing_what_was_not_taken_changes_nothing(tick: int, amount: int) -> None:
    state = filled(make_limit(3), 0)
    assert release(state, tick=tick, amount=Decimal(amount)) is state


def test_g18_releasing_twice_is_releasing_once() -> None:
    state = filled(make_limit(3), 0, 1)
    once = release(state, tick=at(0).micros, amount=ONE)
    assert release(once, tick=at(0).micros, amount=ONE) is once


def test_what_was_merged_cannot_be_released() -> None:
    limit = make_limit(1000, window_seconds=256)
    state = filled(limit, *[n / 1000 for n in range(CELLS + 1)])
    assert release(state, tick=at(0.256).micros, amount=ONE) is state


# ---------------------------------------------------------------- fixed


def taken_fixed(
    state: FixedState, limit: Limit, seconds: float, amount: int = 1
) -> Admitted[FixedState]:
    answer = admit_fixed(state, limit, amount=Decimal(amount), now=at(seconds))
    assert isinstance(answer, Admitted)
    return answer


def test_fixed_windows_start_at_whole_multiples_since_the_epoch() -> None:
    limit = make_limit(window_seconds=60)
    assert window_number(limit, at(59.999999).micros) == START_SECONDS // 60
    assert window_number(limit, at(60).micros) == START_SECONDS // 60 + 1


def test_g10_a_fixed_window_admits_its_maximum_on_both_sides_of_a_boundary() -> None:
    limit = make_limit(3, fixed=True)
    state = taken_fixed(FixedState(), limit, 59.9, 3).state
    assert admit_fixed(state, limit, amount=ONE, now=at(59.9)) == Full(
        remaining=Decimal(0), retry_after_micros=100_000
    )
    assert taken_fixed(state, limit, 60.1, 3).remaining == 0


def test_a_fixed_window_never_fits_more_than_its_maximum() -> None:
    answer = admit_fixed(FixedState(), make_limit(3), amount=Decimal(4), now=at())
    assert answer == Full(remaining=Decimal(3), retry_after_micros=None)


def test_P16_a_slow_clock_counts_in_the_window_that_was_opened() -> None:
    limit = make_limit(3, fixed=True)
    opened = taken_fixed(FixedState(), limit, 61).state
    late = taken_fixed(opened, limit, 59)
    assert late.state == FixedState(number=opened.number, used=Decimal(2))
    assert late.tick == at(60).micros


def test_g17_a_release_in_a_later_window_changes_nothing() -> None:
    limit = make_limit(3, fixed=True)
    first = taken_fixed(FixedState(), limit, 0)
    later = taken_fixed(first.state, limit, 60).state
    assert release_fixed(later, limit, tick=first.tick, amount=ONE) is later


def test_g18_a_fixed_window_is_never_released_below_zero() -> None:
    limit = make_limit(3, fixed=True)
    state = taken_fixed(FixedState(), limit, 0).state
    empty = release_fixed(state, limit, tick=at(0).micros, amount=ONE)
    assert empty.used == 0
    assert release_fixed(empty, limit, tick=at(0).micros, amount=ONE) is empty


def test_what_was_taken_is_over_when_its_window_is() -> None:
    limit = make_limit(window_seconds=60)
    assert not is_over(limit, tick=at(0).micros, now=at(59.999999))
    assert is_over(limit, tick=at(0).micros, now=at(60))


def test_a_difference_is_exact() -> None:
    assert difference(Decimal("1e30"), Decimal("1e-8")) == Decimal(
        "999999999999999999999999999999.99999999"
    )


# ---------------------------------------------------------------- amounts


@pytest.mark.parametrize(
    "amount",
    [
        pytest.param("1", id="one"),
        pytest.param("900.00", id="H07-zeros-at-the-end"),
        pytest.param("9e2", id="H07-exponent"),
        pytest.param("0.01", id="H03-cents"),
        pytest.param("9" * 38, id="38-digits"),
        pytest.param("1" + "0" * 60, id="many-zeros"),
        pytest.param("1e125", id="largest"),
        pytest.param("1e-130", id="smallest"),
    ],
)
def test_an_exact_positive_amount_is_countable(amount: str) -> None:
    assert is_countable(Decimal(amount))


@pytest.mark.parametrize(
    "amount",
    [
        pytest.param(Decimal(0), id="H05-zero"),
        pytest.param(Decimal("-0.0"), id="H05-minus-zero"),
        pytest.param(Decimal(-1000000), id="H02-negative"),
        pytest.param(Decimal("NaN"), id="not-a-number"),
        pytest.param(Decimal("Infinity"), id="infinite"),
        pytest.param(Decimal("1e300"), id="H04-too-large"),
        pytest.param(Decimal("1e-400"), id="H08-too-small"),
        pytest.param(Decimal("1" * 40), id="H08-40-digits"),
        pytest.param(Decimal("1" + "0" * 300), id="zeros-without-end"),
        pytest.param(1.0, id="H09-float"),
        pytest.param(True, id="H06-boolean"),
        pytest.param("900", id="H06-text"),
    ],
)
def test_nothing_else_is_countable(amount: object) -> None:
    assert not is_countable(amount)


# ---------------------------------------------------------------- the written form


def test_a_state_is_written_as_distances_and_amounts() -> None:
    state = SlidingState(
        entries=((0x10, ONE), (0x2F, Decimal("2.50")), (0x30, Decimal("1e20"))), last_tick=0x31
    )
    text = "1 3c 31 10 1f*2.50 1*1E+20"
    assert encode(state, make_limit(window_seconds=60)) == text
    assert decode(text) == state


def test_an_empty_state_is_written_and_read() -> None:
    assert decode(encode(SlidingState(last_tick=7), make_limit())) == SlidingState(last_tick=7)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("2 3c 31 10", id="another-version"),
        pytest.param("1 3c", id="cut-short"),
        pytest.param("1 3c 31 10 ", id="trailing-space"),
        pytest.param("1 3c 31 -10", id="negative-distance"),
        pytest.param("1 3c 31 1_0", id="python-integer"),
        pytest.param("1 3c 31 10*-5", id="negative-amount"),
        pytest.param("1 3c 31 10*NaN", id="not-a-number"),
        pytest.param("1 3c 31 10*0", id="zero-amount"),
        pytest.param("1 3c 31 10*1E+131", id="enormous-amount"),
        pytest.param("1 3c 31 10*1E-131", id="tiny-amount"),
        pytest.param("1 3c 31 10 0", id="two-entries-of-one-tick"),
        pytest.param("1 3c 0f 10", id="last-tick-before-an-entry"),
        pytest.param("1 3c 31 10\n", id="newline"),
        pytest.param("1 3c 31 10*٣", id="digits-of-another-script"),
        pytest.param('{"entries": []}', id="json"),
    ],
)
def test_p13_any_other_text_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="a stored window"):
        decode(text)


def test_a_written_state_is_spent_once_its_last_entry_has_left() -> None:
    limit = make_limit(window_seconds=60)
    text = encode(filled(limit, 0, 10), limit)
    assert not is_spent(text, now=at(69.999999))
    assert is_spent(text, now=at(70))
    assert not is_spent(text, now=Instant(micros=0))
