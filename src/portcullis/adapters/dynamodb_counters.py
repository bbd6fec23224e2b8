"""Counters in DynamoDB: all takes of a call checked and taken in one write, or none.

A warm environment remembers the items it saw last and writes on the strength of that; the
write's condition fails where another environment was faster, the failure carries the newer
state, and the pure core computes again. A refusal writes nothing, and one that was told from
memory is confirmed by a read. What the items look like is in `counter_items`.

One reservation id is one reservation: a write whose answer was lost, and which is repeated,
finds itself in the item and is not done again.

An item with fixed windows is read when an environment first meets it, so that windows long
over are dropped; without that an item in steady but sparse use would grow for ever.
"""

import hashlib
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeAlias

from portcullis.adapters.aws_calls import Client
from portcullis.adapters.counter_items import (
    ItemPlan,
    is_fixed,
    item_key,
    plan_release,
    plan_takes,
    remaining_in,
    taken_in,
    written_by,
)
from portcullis.adapters.dynamodb_calls import DynamoDBTable, Item, Moved
from portcullis.adapters.takes import refusal, require_countable
from portcullis.errors import CounterStoreError
from portcullis.gateway.ports import CounterStore, Refused, Reserved, Taken
from portcullis.policy.decision import Take
from portcullis.policy.model import Instant
from portcullis.policy.windows import is_over

ATTEMPTS = 48
BUDGET_SECONDS = 3.0
_LONGEST_PAUSE_SECONDS = 0.05
_CACHED_ITEMS = 1024

Pause = Callable[[int], None]


def jittered_pause(attempt: int) -> None:
    """Wait a little, at random, longer with each attempt, so that rivals drift apart."""
    longest = min(0.001 * 2**attempt, _LONGEST_PAUSE_SECONDS)
    time.sleep(random.uniform(0, longest))  # noqa: S311 - spreads load, guards nothing


class DynamoDBCounterStore(CounterStore):
    """Keeps counters in the state table (`pk`, `sk`, TTL on `ttl`).

    `pause` is called with the attempt's number before an attempt is repeated; `clock` is
    monotonic seconds. Safe to use from several threads.
    """

    def __init__(
        self,
        client: Client,
        table: str,
        *,
        pause: Pause = jittered_pause,
        clock: Callable[[], float] = time.monotonic,
        cached_items: int = _CACHED_ITEMS,
    ) -> None:
        self._name = table
        self._table = DynamoDBTable(client, table, CounterStoreError)
        self._pause = pause
        self._clock = clock
        self._seen = _LastSeen(cached_items)

    def reserve(
        self, takes: Sequence[Take], *, server: str, reservation_id: str, now: Instant
    ) -> Reserved | Refused:
        """Take every enforced take or none, as the port says. Ids are unique to a call."""
        if not takes:
            return Reserved(reservation_id=reservation_id, server=server)
        require_countable(takes, server=server)
        groups = _groups(takes, server)
        with self._translated(groups):
            return self._reserve(groups, server=server, reservation_id=reservation_id, now=now)

    def check(self, takes: Sequence[Take], *, server: str, now: Instant) -> Refused | None:
        """Answer what `reserve` would refuse now, as the port says; one read an item."""
        require_countable(takes, server=server)
        groups = _groups(takes, server)
        with self._translated(groups):
            plans = [
                plan_takes(
                    self._table.read(group.key),
                    group.takes,
                    key=group.key,
                    reservation_id="",
                    now=now,
                )
                for group in groups.values()
            ]
            return refusal([one for plan in plans for one in plan.refused])

    def release(self, reserved: Reserved, *, now: Instant) -> None:
        """Give back what `reserved` took, each in its own window, as the port says."""
        groups: dict[str, list[Taken]] = {}
        for taken in reserved.taken:
            if not is_over(taken.take.limit, tick=taken.tick, now=now):
                pk = item_key(taken.take, reserved.server)["pk"]["S"]
                groups.setdefault(pk, []).append(taken)
        failures: list[CounterStoreError] = []
        for pk, group in groups.items():
            try:
                with self._translated([pk]):
                    self._release(group, reserved, now)
            except CounterStoreError as error:
                failures.append(error)  # the other items are still given back
        if failures:
            raise failures[0]

    def _reserve(
        self, groups: "_Groups", *, server: str, reservation_id: str, now: Instant
    ) -> Reserved | Refused:
        view = self._first_look(groups)
        for attempt in self._attempts():
            plans = {
                pk: plan_takes(
                    view.items[pk],
                    group.takes,
                    key=group.key,
                    reservation_id=reservation_id,
                    now=now,
                )
                for pk, group in groups.items()
            }
            doubtful = _doubtful(plans, view)
            if doubtful:
                for pk in doubtful:
                    view.saw(pk, self._table.read(groups[pk].key))
                continue
            refused = refusal([one for plan in plans.values() for one in plan.refused])
            if refused is not None:
                self._seen.remember(view.items)
                return refused
            token = _token(
                table=self._name, reservation_id=reservation_id, now=now, attempt=attempt
            )
            written = self._write(plans, view, reservation_id=reservation_id, token=token)
            if written is not None:
                self._seen.remember(written)
                return _reserved(plans, written, server=server, reservation_id=reservation_id)
            self._pause(attempt)
        raise CounterStoreError("the counters kept moving")

    def _first_look(self, groups: "_Groups") -> "_View":
        view = _View()
        for pk, group in groups.items():
            known = self._seen.get(pk)
            if known is None and any(is_fixed(take) for take in group.takes):
                view.saw(pk, self._table.read(group.key))
            else:
                view.items[pk] = known or {}
        return view

    def _write(
        self, plans: Mapping[str, ItemPlan], view: "_View", *, reservation_id: str, token: str
    ) -> dict[str, Item] | None:
        """Write what is planned; answers the items as they are now, None where state moved."""
        writes = {pk: plan for pk, plan in plans.items() if plan.update is not None}
        written = {pk: plan.after for pk, plan in writes.items()}
        moved = self._send(writes, written, token)
        if moved is None:
            return written
        landed = False
        for pk, item in zip(writes, moved.items, strict=True):
            if item is not None:
                view.saw(pk, item)
                written[pk] = item
                landed = landed or written_by(item, reservation_id)
        return written if landed else None

    def _send(
        self, writes: Mapping[str, ItemPlan], written: dict[str, Item], token: str
    ) -> Moved | None:
        parameters = [plan.update.to_parameters() for plan in writes.values() if plan.update]
        if len(writes) > 1:
            return self._table.transact(parameters, token=token)
        for pk, plan in writes.items():
            # Others may have added to a fixed window since: only the answer knows its sum.
            returns = "ALL_NEW" if plan.has_fixed else "NONE"
            answer = self._table.update(parameters[0], returns=returns)
            if isinstance(answer, Moved):
                return answer
            if plan.has_fixed:
                written[pk] = answer
        return None

    def _release(self, group: Sequence[Taken], reserved: Reserved, now: Instant) -> None:
        key = item_key(group[0].take, reserved.server)
        item = self._table.read(key)
        for attempt in self._attempts():
            update = plan_release(
                item, group, key=key, reservation_id=reserved.reservation_id, now=now
            )
            answer = {} if update is None else self._table.update(update.to_parameters())
            if not isinstance(answer, Moved):
                self._seen.forget([key["pk"]["S"]])
                return
            item = item if answer.items[0] is None else answer.items[0]
            self._pause(attempt)
        raise CounterStoreError("the counters kept moving")

    def _attempts(self) -> Iterator[int]:
        deadline = self._clock() + BUDGET_SECONDS
        for attempt in range(ATTEMPTS):
            if attempt and self._clock() > deadline:
                return
            yield attempt

    @contextmanager
    def _translated(self, pks: Iterable[str]) -> Iterator[None]:
        """Make every failure the port's, and forget the items it leaves in doubt."""
        try:
            yield
        except (ValueError, ArithmeticError) as error:
            self._seen.forget(pks)
            raise CounterStoreError(f"a counter is not usable: {error}") from error
        except CounterStoreError:
            self._seen.forget(pks)
            raise


@dataclass(frozen=True, slots=True)
class _Group:
    """The takes that share an item."""

    key: Item
    takes: list[Take]


_Groups: TypeAlias = Mapping[str, _Group]  # by partition key


@dataclass(slots=True)
class _View:
    """The items as this call sees them; those in `fresh` were read during the call."""

    items: dict[str, Item] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)

    def saw(self, pk: str, item: Item) -> None:
        self.items[pk] = item
        self.fresh.add(pk)


class _LastSeen:
    """The items an environment saw last; the least recently used go first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: OrderedDict[str, Item] = OrderedDict()
        self._lock = Lock()

    def get(self, pk: str) -> Item | None:
        with self._lock:
            if pk in self._items:
                self._items.move_to_end(pk)
            return self._items.get(pk)

    def remember(self, items: Mapping[str, Item]) -> None:
        with self._lock:
            for pk, item in items.items():
                self._items[pk] = item
                self._items.move_to_end(pk)
            while len(self._items) > self._capacity:
                self._items.popitem(last=False)

    def forget(self, pks: Iterable[str]) -> None:
        with self._lock:
            for pk in pks:
                self._items.pop(pk, None)


def _groups(takes: Sequence[Take], server: str) -> _Groups:
    groups: dict[str, _Group] = {}
    for take in takes:
        key = item_key(take, server)
        groups.setdefault(key["pk"]["S"], _Group(key, [])).takes.append(take)
    return groups


def _doubtful(plans: Mapping[str, ItemPlan], view: _View) -> set[str]:
    """The items that refuse, told from memory, where their refusal would be the answer."""
    refused = [one for plan in plans.values() for one in plan.refused]
    if refusal(refused) is None and any(plan.update is not None for plan in plans.values()):
        return set()  # the write itself proves that what was remembered is current
    return {pk for pk, plan in plans.items() if plan.refused} - view.fresh


def _reserved(
    plans: Mapping[str, ItemPlan],
    written: Mapping[str, Item],
    *,
    server: str,
    reservation_id: str,
) -> Reserved:
    pairs = [(written[pk], plan) for pk, plan in plans.items() if pk in written]
    return Reserved(
        reservation_id=reservation_id,
        server=server,
        taken=tuple(one for item, plan in pairs for one in taken_in(item, plan)),
        remaining=tuple(one for item, plan in pairs for one in remaining_in(item, plan)),
        shadow_refused=tuple(take for plan in plans.values() for take, _ in plan.refused),
    )


def _token(*, table: str, reservation_id: str, now: Instant, attempt: int) -> str:
    """A client request token (at most 36 characters): the same for a repetition, else another."""
    text = f"{table}|{reservation_id}|{now.micros}|{attempt}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:36]
