"""The written form of a sliding window's state: short text, read back strictly.

What may live here: this one encoding. A state is `1 <window> <last> <entry> <entry> …`:
the format's version, the window in seconds, the last tick given, then each entry as the
distance to the tick before it (the first one to 0) and, unless the amount is one unit,
`*<amount>`. Window, tick and distances are lower-case hexadecimal.

The window is written down so that whoever reads the text can tell when nothing in it counts
any more, without knowing the policy it was written under.
"""

import re
from decimal import Decimal
from itertools import pairwise

from portcullis.policy.model import Instant, Limit
from portcullis.policy.windows import MICROS_PER_SECOND, Entry, SlidingState

_ONE = Decimal(1)
_VERSION = "1"
_LARGEST_EXPONENT = 130
_ENTRY = r"[0-9a-f]{1,16}(?:\*[0-9]{1,256}(?:\.[0-9]{1,256})?(?:E[+-]?[0-9]{1,3})?)?"
_TEXT = re.compile(rf"1 ([0-9a-f]{{1,16}}) ([0-9a-f]{{1,16}})((?: {_ENTRY})*)")


def encode(state: SlidingState, limit: Limit) -> str:
    """Write a state down."""
    ticks = (0, *(tick for tick, _ in state.entries))
    words = [_VERSION, f"{limit.window_seconds:x}", f"{state.last_tick:x}"]
    for (before, tick), (_, amount) in zip(pairwise(ticks), state.entries, strict=True):
        words.append(f"{tick - before:x}" if amount == _ONE else f"{tick - before:x}*{amount}")
    return " ".join(words)


def decode(text: str) -> SlidingState:
    """Read a state back.

    Raises:
        ValueError: the text is not exactly what `encode` writes.
    """
    _, last_tick, words = _parts(text)
    entries: list[Entry] = []
    tick = 0
    for word in words.split():
        distance, _, amount_text = word.partition("*")
        amount = Decimal(amount_text) if amount_text else _ONE
        step = int(distance, 16)
        # All of `is_countable` that the pattern leaves open; this runs for every entry.
        if not step or not amount or abs(amount.adjusted()) > _LARGEST_EXPONENT:
            raise ValueError("a stored window has an entry that cannot be one")
        tick += step
        entries.append((tick, amount))
    if tick > last_tick:
        raise ValueError("a stored window has entries after its last tick")
    return SlidingState(entries=tuple(entries), last_tick=last_tick)


def is_spent(text: str, *, now: Instant) -> bool:
    """Whether nothing in the written state counts any more at `now`.

    Raises:
        ValueError: the text is not exactly what `encode` writes.
    """
    window_seconds, last_tick, _ = _parts(text)
    return last_tick + window_seconds * MICROS_PER_SECOND <= now.micros


def _parts(text: str) -> tuple[int, int, str]:
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError("a stored window is not in the form windows are written in")
    return int(match[1], 16), int(match[2], 16), match[3]
