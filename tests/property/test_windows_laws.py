"""Laws of the windows, against a plain list of everything that was ever taken.

In *no* period of a window's length do more than `maximum` units pass, whatever is taken and
given back, whenever, by clocks that disagree. Where every entry is kept the window is exact
both ways and `retry_after` is the truth; where entries were merged it may refuse more than
the list would, never less.
"""

from decimal import Decimal
from typing import ClassVar
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from portcullis.policy import windows
from portcullis.policy.model import Instant, Limit
from portcullis.policy.window_text import decode, encode
from portcullis.policy.windows import (
    Admitted,
    FixedState,
    Full,
    SlidingState,
    admit,
    admit_fixed,
    is_countable,
    release,
    window_number,
)
from support.takes import at, make_limit

pytestmark = pytest.mark.property

WINDOW_MICROS = 10_000_000
AMOUNTS = st.decimals("0.01", "7", places=2)
STEPS = st.integers(0, WINDOW_MICROS // 3)


class SlidingWindow(RuleBasedStateMachine):
    """A window of 10 s and 12 units; clocks differ by up to a second."""

    cells: ClassVar[int] = windows.CELLS

    def __init__(self) -> None:
        super().__init__()
        self.limit: Limit = make_limit(12, window_seconds=10, spend=True)
        self.state = SlidingState()
        self.micros = at().micros
        self.left_before = 0  # ticks a faster clock has seen leave the window
        self.everything: list[tuple[int, Decimal]] = []  # the model: never merged, never dropped
        self.grid = patch.object(windows, "CELLS", self.cells)  # a small grid merges early

    @initialize()
    def lay_the_grid(self) -> None:
        self.grid.start()

    def teardown(self) -> None:
        self.grid.stop()

    def used_by_the_model(self, now: int) -> Decimal:
        edge = max(now - WINDOW_MICROS, self.left_before)
        return sum((amount for tick, amount in self.everything if tick > edge), Decimal(0))

    @rule(step=STEPS)
    def time_passes(self, step: int) -> None:
        self.micros += step

    @rule(amount=AMOUNTS, skew=st.integers(-1_000_000, 1_000_000))
    def take(self, amount: Decimal, skew: int) -> None:
        now = self.micros + skew
        answer = admit(self.state, self.limit, amount=amount, now=Instant(micros=now))
        fits = self.used_by_the_model(now) + amount <= self.limit.maximum
        self.check_answer(answer, fits=fits)
        if isinstance(answer, Admitted):
            assert all(answer.tick > tick for tick, _ in self.everything)
            self.everything.append((answer.tick, amount))
            self.left_before = max(self.left_before, now - WINDOW_MICROS)
            self.state = decode(encode(answer.state, self.limit))
            assert self.state == answer.state
        elif answer.retry_after_micros is not None:
            self.check_wait(amount, now, answer.retry_after_micros)

    def check_answer(self, answer: Admitted[SlidingState] | Full, *, fits: bool) -> None:
        assert isinstance(answer, Admitted) == fits

    def check_wait(self, amount: Decimal, now: int, wait: int) -> None:
        def answer_at(micros: int) -> object:
            return admit(self.state, self.limit, amount=amount, now=Instant(micros=micros))

        assert wait > 0
        assert isinstance(answer_at(now + wait), Admitted)
        assert isinstance(answer_at(now + wait - 1), Full)

    @precondition(lambda self: self.everything)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        tick, amount = data.draw(st.sampled_from(self.everything))
        before = self.state
        self.state = release(before, tick=tick, amount=amount)
        if self.state is not before:
            self.everything.remove((tick, amount))
        assert release(self.state, tick=tick, amount=amount) is self.state

    @invariant()
    def no_period_holds_more_than_the_maximum(self) -> None:
        for tick, _ in self.everything:
            within = [a for t, a in self.everything if tick - WINDOW_MICROS < t <= tick]
            assert sum(within, Decimal(0)) <= self.limit.maximum

    @invariant()
    def memory_is_bounded(self) -> None:
        # Its own window and one cell more, and the second a fast clock can be ahead.
        assert len(self.state.entries) <= 2 * self.cells + 2


class MergingWindow(SlidingWindow):
    """The same on a grid of four cells: nearly every state is merged."""

    cells = 4

    def check_answer(self, answer: Admitted[SlidingState] | Full, *, fits: bool) -> None:
        assert fits or isinstance(answer, Full)


settings.register_profile("windows", max_examples=150, stateful_step_count=40, deadline=None)
TestSlidingWindow = SlidingWindow.TestCase
TestSlidingWindow.settings = settings.get_profile("windows")
TestMergingWindow = MergingWindow.TestCase
TestMergingWindow.settings = settings.get_profile("windows")


@given(takes=st.lists(st.tuples(STEPS, AMOUNTS), max_size=40))
@settings(max_examples=100, deadline=None)
def test_a_fixed_window_holds_no_more_than_its_maximum(takes: list[tuple[int, Decimal]]) -> None:
    limit = make_limit(12, window_seconds=10, fixed=True)
    state, micros = FixedState(), at().micros
    passed: dict[int, Decimal] = {}
    for step, amount in takes:
        micros += step
        answer = admit_fixed(state, limit, amount=amount, now=Instant(micros=micros))
        number = window_number(limit, micros)
        fits = passed.get(number, Decimal(0)) + amount <= limit.maximum
        assert isinstance(answer, Admitted) == fits
        if isinstance(answer, Admitted):
            state = answer.state
            passed[number] = passed.get(number, Decimal(0)) + amount
        elif answer.retry_after_micros is not None:
            later = Instant(micros=micros + answer.retry_after_micros)
            assert isinstance(admit_fixed(state, limit, amount=amount, now=later), Admitted)


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_what_is_countable_is_positive_finite_and_survives_being_written(amount: Decimal) -> None:
    if is_countable(amount):
        state = SlidingState(entries=((1, amount),), last_tick=1)
        assert amount > 0
        assert decode(encode(state, make_limit())) == state
