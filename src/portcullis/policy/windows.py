"""Windows: the state machines that say whether one more take fits a limit.

Pure. What may live here: the states of sliding and fixed windows and how a take or its
release changes them. How a state is written down is in `window_text`; where it is kept is
an adapter's business.

A sliding window is exact: in *any* period of the window's length, whose ends are named in
ticks, at most `maximum` units pass. A tick is the microsecond an entry was taken at, moved
on to the one after the last entry where that is later, so ticks are unique and only grow
even when two environments' clocks disagree. An entry counts while `tick > now - window`.

Memory is bounded without ever admitting too much: as long as a window holds at most
`CELLS` entries each is kept as it is. One more and the entries that share a cell of
`window / CELLS` become one entry at the *latest* of their ticks: it frees later than its
parts would have, never earlier, and it cannot be released any more.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import Generic, TypeAlias, TypeVar

from portcullis.policy.model import Instant, Limit

CELLS = 256
MICROS_PER_SECOND = 1_000_000
MAXIMUM_DIGITS = 38  # of a DynamoDB number, as is its range of magnitudes below
_MAXIMUM_WRITTEN_DIGITS = 256  # with the zeros at the end of `900.00`
_SMALLEST_EXPONENT, _LARGEST_EXPONENT = -130, 125
_ZERO = Decimal(0)
# Wide enough that no sum of storable numbers is ever rounded; anything else raises.
_EXACT = Context(prec=400, traps=[Inexact, InvalidOperation, Overflow, DivisionByZero])

Entry: TypeAlias = tuple[int, Decimal]  # tick in microseconds, amount


@dataclass(frozen=True, slots=True, kw_only=True)
class SlidingState:
    """What a sliding window remembers: its entries, oldest first, and the last tick ever given.

    `last_tick` outlives a released entry, so that its tick is never given to another.
    """

    entries: tuple[Entry, ...] = ()
    last_tick: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedState:
    """What a fixed window remembers: its number since the epoch, and the units used in it."""

    number: int = 0
    used: Decimal = _ZERO


State = TypeVar("State", SlidingState, FixedState)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted(Generic[State]):
    """The take fits: the state after it, the tick that names it, and what is left."""

    state: State
    tick: int
    remaining: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """The take does not fit; it would after `retry_after_micros` (None: never, above maximum)."""

    remaining: Decimal
    retry_after_micros: int | None


def is_countable(amount: object) -> bool:
    """Whether `amount` is one a counter can keep exactly: finite, above 0, at most 38 digits."""
    if not isinstance(amount, Decimal) or not amount.is_finite() or amount <= 0:
        return False
    digits = amount.as_tuple().digits
    return (
        len(digits) <= _MAXIMUM_WRITTEN_DIGITS
        and len("".join(map(str, digits)).rstrip("0")) <= MAXIMUM_DIGITS
        and _SMALLEST_EXPONENT <= amount.adjusted() <= _LARGEST_EXPONENT
    )


def admit(
    state: SlidingState, limit: Limit, *, amount: Decimal, now: Instant
) -> Admitted[SlidingState] | Full:
    """Take `amount` (see `is_countable`) from a sliding window at `now`, if it fits."""
    window = _micros(limit)
    live = _live(state.entries, now.micros - window)
    used = total(amount for _, amount in live)
    after = _EXACT.add(used, amount)
    if after > limit.maximum:
        wait = _wait(live, limit, excess=_EXACT.subtract(after, limit.maximum), now=now)
        return Full(
            remaining=_remaining(limit, used),
            retry_after_micros=None if amount > limit.maximum else wait,
        )
    tick = max(now.micros, state.last_tick + 1)
    entries = (*live, (tick, amount))
    if len(entries) > CELLS:
        entries = _merged(entries, window)
    return Admitted(
        state=SlidingState(entries=entries, last_tick=tick),
        tick=tick,
        remaining=_remaining(limit, after),
    )


def release(state: SlidingState, *, tick: int, amount: Decimal) -> SlidingState:
    """Give back the entry of `tick`; the same state where it is gone, merged or not that amount."""
    kept = tuple(entry for entry in state.entries if entry != (tick, amount))
    if len(kept) == len(state.entries):
        return state
    return SlidingState(entries=kept, last_tick=state.last_tick)


def window_number(limit: Limit, micros: int) -> int:
    """The number of the fixed window that holds `micros`; window 0 starts at the epoch, UTC."""
    return micros // _micros(limit)


def admit_fixed(
    state: FixedState, limit: Limit, *, amount: Decimal, now: Instant
) -> Admitted[FixedState] | Full:
    """Take `amount` from the fixed window of `now`, if it fits.

    A state of a later window (another environment's clock is ahead) is counted in, so that a
    slow clock cannot open a window again.
    """
    number = max(window_number(limit, now.micros), state.number)
    used = state.used if state.number == number else _ZERO
    after = _EXACT.add(used, amount)
    if after > limit.maximum:
        wait = (number + 1) * _micros(limit) - now.micros
        return Full(
            remaining=_remaining(limit, used),
            retry_after_micros=None if amount > limit.maximum else wait,
        )
    return Admitted(
        state=FixedState(number=number, used=after),
        tick=max(now.micros, number * _micros(limit)),
        remaining=_remaining(limit, after),
    )


def release_fixed(state: FixedState, limit: Limit, *, tick: int, amount: Decimal) -> FixedState:
    """Give `amount` back in the window it was taken in; the same state in any other window."""
    if state.number != window_number(limit, tick) or state.used < amount:
        return state
    return FixedState(number=state.number, used=_EXACT.subtract(state.used, amount))


def is_over(limit: Limit, *, tick: int, now: Instant) -> bool:
    """Whether what was taken at `tick` has stopped counting whatever the algorithm."""
    return tick + _micros(limit) <= now.micros


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum.

    Raises:
        ArithmeticError: it has more digits than any storable numbers' sum can have.
    """
    result = _ZERO
    for amount in amounts:
        result = _EXACT.add(result, amount)
    return result


def difference(minuend: Decimal, subtrahend: Decimal) -> Decimal:
    """The exact difference; raises as `total` does."""
    return _EXACT.subtract(minuend, subtrahend)


def _micros(limit: Limit) -> int:
    return limit.window_seconds * MICROS_PER_SECOND


def _remaining(limit: Limit, used: Decimal) -> Decimal:
    # A lowered maximum can leave more used than it allows.
    return max(_EXACT.subtract(limit.maximum, used), _ZERO)


def _live(entries: tuple[Entry, ...], edge: int) -> tuple[Entry, ...]:
    return entries[bisect_right(entries, edge, key=lambda entry: entry[0]) :]


def _wait(live: tuple[Entry, ...], limit: Limit, *, excess: Decimal, now: Instant) -> int:
    """Microseconds until enough of the oldest entries have left to make up for `excess`."""
    leaving = now.micros - _micros(limit)
    for tick, amount in live:
        if excess <= 0:
            break
        leaving = tick
        excess = _EXACT.subtract(excess, amount)
    return leaving + _micros(limit) - now.micros


def _merged(entries: tuple[Entry, ...], window: int) -> tuple[Entry, ...]:
    cells: dict[int, Entry] = {}
    for tick, amount in entries:
        cell = tick * CELLS // window
        earlier = cells.get(cell)
        cells[cell] = (tick, amount if earlier is None else _EXACT.add(earlier[1], amount))
    return tuple(cells.values())
