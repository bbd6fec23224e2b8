"""Counter items: how counters lie in the state table, and what one write does to them.

What may live here: the translation between an item's attributes and the windows' states, and
the updates that follow from a state. No calls.

All counters of one server, scope and counter value share an item, so one write takes any
number of them:

    pk `COUNTER#<server>#<scope>#<sha256 of the counter value>`, sk `COUNTER`
    s_<identity>                    a sliding window's state as text (`window_text`)
    f_<number>_<seconds>_<identity> a fixed window's used amount (number)
    x_<number>_<seconds>_<identity> the reservations given back in that window (string set)
    v                               version of the sliding states: grows with each write to them
    w                               the reservation that wrote last
    ttl                             epoch seconds after which nothing in the item can count

A write to sliding windows is a compare-and-set on `v`. Fixed windows only add under their own
condition, so writers of fixed windows never stand in each other's way. `v` starts at the
microsecond of the first write: an item that was deleted and made again has another version.
`ttl` only cleans up. It is the same distance for every write, so no writer shortens the life
of a counter it knows nothing of.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from portcullis.adapters.attributes import (
    number_in,
    string_set_in,
    text_in,
    whole_in,
    written,
)
from portcullis.adapters.dynamodb_calls import AttributeValue, Item
from portcullis.adapters.item_update import ItemUpdate
from portcullis.adapters.takes import LONGEST_WINDOW_SECONDS, RefusedTake, remainders
from portcullis.gateway.ports import Remaining, Taken
from portcullis.policy.decision import Take
from portcullis.policy.model import Algorithm, Instant, Limit
from portcullis.policy.window_text import decode, encode, is_spent
from portcullis.policy.windows import (
    MICROS_PER_SECOND,
    Admitted,
    FixedState,
    Full,
    SlidingState,
    admit,
    admit_fixed,
    difference,
    release,
    total,
    window_number,
)

MAXIMUM_RELEASES = 500  # remembered in one fixed window; further ones stay taken
_RETENTION_SECONDS = LONGEST_WINDOW_SECONDS + 24 * 3600
_FIXED_NAME = re.compile(r"[fx]_([0-9]{1,18})_([0-9]{1,18})_.+", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPlan:
    """What a reservation does to one item, told from the state it was last seen in.

    `update` is None where there is nothing to write; `after` is the item once it is written.
    """

    update: ItemUpdate | None
    after: Item
    taken: tuple[Taken, ...]
    remaining: tuple[Remaining, ...]
    refused: tuple[RefusedTake, ...]
    has_fixed: bool


def item_key(take: Take, server: str) -> Item:
    """The key of the item that holds the take's counter; any counter value fits a key."""
    digest = hashlib.sha256(take.counter.encode("utf-8", "surrogatepass")).hexdigest()
    return {
        "pk": {"S": f"COUNTER#{server}#{take.limit.scope.value}#{digest}"},
        "sk": {"S": "COUNTER"},
    }


def is_fixed(take: Take) -> bool:
    """Whether the take is counted in a fixed window."""
    return take.limit.algorithm is Algorithm.FIXED_WINDOW


def written_by(item: Item, reservation_id: str) -> bool:
    """Whether the reservation's own write is the last that reached the item."""
    return item.get("w") == {"S": reservation_id}


def plan_takes(
    item: Item, takes: Sequence[Take], *, key: Item, reservation_id: str, now: Instant
) -> ItemPlan:
    """Plan the takes on one item seen as `item` (empty: not there, or never seen).

    Raises:
        ValueError: the item is not one that this module writes.
        ArithmeticError: a sum cannot be kept exactly.
    """
    answers = [(take, _admission(item, take, now)) for take in takes]
    admitted = [(take, answer) for take, answer in answers if isinstance(answer, Admitted)]
    update = ItemUpdate(key)
    sets: dict[str, AttributeValue] = {}
    for take, admission in admitted:
        if isinstance(admission.state, SlidingState):
            sets[_sliding_name(take.limit)] = {"S": encode(admission.state, take.limit)}
        else:
            sets |= _add_fixed(update, take, admission.state)
    version = _sign(update, item, sets, reservation_id=reservation_id, now=now)
    dropped = _drop_spent(update, item, kept=sets, now=now, with_sliding=bool(version))
    after = {name: value for name, value in item.items() if name not in dropped}
    return ItemPlan(
        update=update if admitted else None,
        after={**after, **sets, **version},
        taken=tuple(Taken(take=take, tick=answer.tick) for take, answer in admitted),
        remaining=remainders((take, answer.remaining) for take, answer in admitted),
        refused=tuple((take, answer) for take, answer in answers if isinstance(answer, Full)),
        has_fixed=any(is_fixed(take) for take, _ in admitted),
    )


def taken_in(item: Item, plan: ItemPlan) -> tuple[Taken, ...]:
    """What the reservation took, told from the item it left: an earlier write of it may have.

    Raises:
        ValueError: the item is not one that this module writes.
    """
    if item is plan.after:
        return plan.taken  # this very write
    return tuple(
        one if is_fixed(one.take) else Taken(take=one.take, tick=_sliding(item, one.take).last_tick)
        for one in plan.taken
    )


def remaining_in(item: Item, plan: ItemPlan) -> tuple[Remaining, ...]:
    """The plan's remainders, those of fixed windows as the written item states them.

    Raises:
        ValueError: the item is not one that this module writes.
    """
    used = {
        one.take.limit.identity: _used_at(item, one) for one in plan.taken if is_fixed(one.take)
    }
    return tuple(
        Remaining(
            limit=one.limit,
            rule=one.rule,
            maximum=one.maximum,
            remaining=max(difference(one.maximum, used[one.limit]), Decimal(0)),
        )
        if one.limit in used
        else one
        for one in plan.remaining
    )


def plan_release(
    item: Item, taken: Sequence[Taken], *, key: Item, reservation_id: str, now: Instant
) -> ItemUpdate | None:
    """Plan giving back what is still there of `taken`; None where nothing is.

    Raises:
        ValueError: the item is not one that this module writes.
    """
    update, changes = ItemUpdate(key), 0
    sets: dict[str, AttributeValue] = {}
    for one in taken:
        if is_fixed(one.take):
            changes += _subtract_fixed(update, item, one, reservation_id)
            continue
        before = _sliding(item, one.take)
        state = release(before, tick=one.tick, amount=one.take.amount)
        if state is not before:
            sets[_sliding_name(one.take.limit)] = {"S": encode(state, one.take.limit)}
    if not sets and not changes:
        return None
    if sets:
        _advance(update, item, sets, now)
    update.set("w", {"S": f"release#{reservation_id}"})
    return update


def use_of(item: Item, take: Take, *, now: Instant) -> tuple[Decimal, int | None]:
    """How much of a take's limit is used now, and when all of it has stopped counting.

    The instant is in microseconds since the epoch, None where nothing is used.

    Raises:
        ValueError: the item is not one that this module writes.
        ArithmeticError: a sum cannot be kept exactly.
    """
    window = take.limit.window_seconds * MICROS_PER_SECOND
    if is_fixed(take):
        number = window_number(take.limit, now.micros)
        used = number_in(item, _fixed_name("f", take.limit, number))
        return used, (number + 1) * window if used else None
    live = [one for one in _sliding(item, take).entries if one[0] + window > now.micros]
    used = total(amount for _, amount in live)
    return used, live[-1][0] + window if live else None


# ---------------------------------------------------------------- sliding


def _admission(
    item: Item, take: Take, now: Instant
) -> Admitted[SlidingState] | Admitted[FixedState] | Full:
    if not is_fixed(take):
        return admit(_sliding(item, take), take.limit, amount=take.amount, now=now)
    number = window_number(take.limit, now.micros)
    used = number_in(item, _fixed_name("f", take.limit, number))
    return admit_fixed(
        FixedState(number=number, used=used), take.limit, amount=take.amount, now=now
    )


def _sliding(item: Item, take: Take) -> SlidingState:
    name = _sliding_name(take.limit)
    return decode(text_in(item, name)) if name in item else SlidingState()


def _sliding_name(limit: Limit) -> str:
    return f"s_{limit.identity}"


def _sign(
    update: ItemUpdate,
    item: Item,
    sets: dict[str, AttributeValue],
    *,
    reservation_id: str,
    now: Instant,
) -> dict[str, AttributeValue]:
    """Add what every reservation's write carries; answers the attributes besides the counters."""
    sliding = {name: value for name, value in sets.items() if name.startswith("s_")}
    signed: dict[str, AttributeValue] = {
        "w": {"S": reservation_id},
        "ttl": {"N": str(now.micros // MICROS_PER_SECOND + _RETENTION_SECONDS)},
    }
    for name, value in signed.items():
        update.set(name, value)
    update.require("attribute_not_exists({name}) OR {name} <> {value}", "w", signed["w"])
    if sliding:
        signed["v"] = _advance(update, item, sliding, now)
    return signed


def _advance(
    update: ItemUpdate, item: Item, sliding: dict[str, AttributeValue], now: Instant
) -> AttributeValue:
    """Write sliding states, provided nobody did since `item` was seen; answers the version."""
    for name, value in sliding.items():
        update.set(name, value)
    version = now.micros
    if "v" in item:
        seen = whole_in(item, "v")
        update.require("{name} = {value}", "v", {"N": str(seen)})
        version = max(version, seen + 1)
    else:
        update.require("attribute_not_exists({name})", "v")
    update.set("v", {"N": str(version)})
    return {"N": str(version)}


# ---------------------------------------------------------------- fixed


def _add_fixed(update: ItemUpdate, take: Take, state: FixedState) -> dict[str, AttributeValue]:
    """Add to a fixed window under its own condition; answers the attribute as it will be.

    The condition alone would let a first amount above the maximum through, and a negative one
    give credit; both were refused before a state was made. A stored number below 0, which only
    somebody else can have written, is no credit either: the condition fails.
    """
    name = _fixed_name("f", take.limit, state.number)
    rest = difference(take.limit.maximum, take.amount)
    update.require(
        "attribute_not_exists({name}) OR {name} BETWEEN {zero} AND {value}",
        name,
        {"N": written(rest)},
    )
    update.add(name, {"N": written(take.amount)})
    return {name: {"N": written(state.used)}}


def _subtract_fixed(update: ItemUpdate, item: Item, taken: Taken, reservation_id: str) -> int:
    """Give back in the taken window, once a reservation; answers how many windows change."""
    limit, amount = taken.take.limit, taken.take.amount
    number = window_number(limit, taken.tick)
    name, marker = _fixed_name("f", limit, number), _fixed_name("x", limit, number)
    released = string_set_in(item, marker)
    if (
        number_in(item, name) < amount
        or reservation_id in released
        or len(released) >= MAXIMUM_RELEASES
    ):
        return 0
    update.require("{name} >= {value}", name, {"N": written(amount)})
    update.require(
        "attribute_not_exists({name}) OR NOT contains({name}, {value})",
        marker,
        {"S": reservation_id},
    )
    update.add(name, {"N": written(-amount)})
    update.add(marker, {"SS": [reservation_id]})
    return 1


def _fixed_name(kind: str, limit: Limit, number: int) -> str:
    return f"{kind}_{number}_{limit.window_seconds}_{limit.identity}"


def _used_at(item: Item, taken: Taken) -> Decimal:
    limit = taken.take.limit
    used = number_in(item, _fixed_name("f", limit, window_number(limit, taken.tick)))
    if used < taken.take.amount:
        raise ValueError("a written counter does not hold what was added to it")
    return used


# ---------------------------------------------------------------- cleaning


def _drop_spent(
    update: ItemUpdate,
    item: Item,
    *,
    kept: dict[str, AttributeValue],
    now: Instant,
    with_sliding: bool,
) -> frozenset[str]:
    spent = frozenset(_spent_names(item, now, with_sliding=with_sliding)) - kept.keys()
    for name in sorted(spent):
        update.remove(name)
    return spent


def _spent_names(item: Item, now: Instant, *, with_sliding: bool) -> Iterator[str]:
    """Attributes in which nothing counts any more, of limits in the policy or long gone.

    A fixed window is kept for one more window, for environments whose clock is behind. Sliding
    states go only with a write that proves (by `v`) that nobody revived them.
    """
    for name in item:
        if match := _FIXED_NAME.fullmatch(name):
            end = (int(match[1]) + 2) * int(match[2]) * MICROS_PER_SECOND
            if end <= now.micros:
                yield name
        elif with_sliding and name.startswith("s_") and is_spent(text_in(item, name), now=now):
            yield name
