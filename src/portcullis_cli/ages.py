"""Times as people read them: how long ago, how long."""

from datetime import datetime
from typing import Final

_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def long(seconds: int) -> str:
    """A length of time in the largest unit that it fills, rounded down: `3 d`, `40 s`."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return "0 s"


def exactly(seconds: int) -> str:
    """A length of time without rounding: `1 h`, `90 s`."""
    for size, unit in _UNITS:
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return "0 s"


def ago(then: int, now: int) -> str:
    """How long ago an instant (epoch seconds) was; one that is still to come is now."""
    return f"{long(max(0, now - then))} ago"


def instant_of(text: object) -> int | None:
    """The epoch seconds of an instant as status objects write it; None where it is none."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return None if moment.tzinfo is None else int(moment.timestamp())
