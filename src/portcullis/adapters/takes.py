"""What every counter store does with takes before and after it looks at its counters.

What may live here: checks and choices that need no counter. Whatever technology keeps the
counters, what is countable and which refusal is answered is decided here once.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from portcullis.errors import CounterStoreError
from portcullis.gateway.ports import Refused, Remaining
from portcullis.policy.decision import Take
from portcullis.policy.model import Limit
from portcullis.policy.windows import MICROS_PER_SECOND, Full, is_countable

# No policy may hold a longer window, and no counter is cleaned up before it is over.
LONGEST_WINDOW_SECONDS = 31 * 24 * 3600
_MAXIMUM_NAME_CHARS = 256

RefusedTake = tuple[Take, Full]


def require_countable(takes: Sequence[Take], *, server: str) -> None:
    """Refuse what no counter can keep exactly, whatever made it out of the policy.

    Raises:
        CounterStoreError: an amount, a limit or a name is unusable, or two takes are on one
            counter.
    """
    if not server or "#" in server or len(server) > _MAXIMUM_NAME_CHARS:
        raise CounterStoreError("the server's name cannot name a counter")
    for take in takes:
        _require_usable(take.limit)
        if not is_countable(take.amount):
            raise CounterStoreError("an amount is not a finite number above 0 of 38 digits")
    names = {(take.limit.scope, take.counter, take.limit.identity) for take in takes}
    if len(names) != len(takes):
        raise CounterStoreError("two takes are on one counter")


def _require_usable(limit: Limit) -> None:
    if not limit.identity or len(limit.identity) > _MAXIMUM_NAME_CHARS:
        raise CounterStoreError("a limit's identity cannot name a counter")
    if not 0 < limit.window_seconds <= LONGEST_WINDOW_SECONDS:
        raise CounterStoreError("a limit's window cannot be counted in")
    if limit.maximum != 0 and not is_countable(limit.maximum):
        raise CounterStoreError("a limit's maximum is not a finite number of 38 digits")


def refusal(refused: Sequence[RefusedTake]) -> Refused | None:
    """The refusal to answer: the enforced take to wait longest for; None where none is refused."""
    enforced = [(take, full) for take, full in refused if not take.shadow]
    if not enforced:
        return None
    take, full = max(enforced, key=_wait_of)
    return Refused(
        take=take,
        remaining=full.remaining,
        retry_after_seconds=_seconds(full.retry_after_micros),
    )


def remainders(left: Iterable[tuple[Take, Decimal]]) -> tuple[Remaining, ...]:
    """What is left of the enforced takes' limits; an agent is not told of shadow limits."""
    return tuple(
        Remaining(
            limit=take.limit.identity,
            rule=take.rule,
            maximum=take.limit.maximum,
            remaining=remaining,
        )
        for take, remaining in left
        if not take.shadow
    )


def _wait_of(refused: RefusedTake) -> tuple[bool, int]:
    wait = refused[1].retry_after_micros
    return (wait is None, wait or 0)  # never is longer than any wait


def _seconds(micros: int | None) -> int | None:
    return None if micros is None else max(1, -(-micros // MICROS_PER_SECOND))
