"""Sessions in DynamoDB: one item for a principal's slots at a server, one for each session.

    pk `SESSION#<sha256 of the principal key>#<server>`
    sk `SLOTS`             slots (`session_slots` text), v (version), ttl
    sk `SID#<session id>`  slot, opened (epoch seconds), upstream, closed, ttl

Slots are changed by compare-and-set on `v`. A session lives while `now < ttl`, compared here:
DynamoDB may leave an expired item for days. Reads are strongly consistent, so a session that
was closed is closed for every environment at once.

The slot is taken before the session is written. If the second write fails the session does
not exist and its slot counts as used until its lifetime is over, which shares slots earlier
and never gives a fresh one.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from portcullis.adapters.attributes import text_in, whole_in
from portcullis.adapters.aws_calls import Client
from portcullis.adapters.dynamodb_calls import DynamoDBTable, Item, Moved
from portcullis.adapters.dynamodb_counters import Pause, jittered_pause
from portcullis.adapters.item_update import ItemUpdate
from portcullis.adapters.session_slots import (
    MICROS_PER_SECOND,
    Slots,
    close_slot,
    decode,
    encode,
    open_slot,
    require_session_id,
    require_upstream_session,
)
from portcullis.errors import SessionStoreError
from portcullis.gateway.ports import SessionSlot, SessionStore
from portcullis.policy.model import Instant

PREFIX = "SESSION#"
_ATTEMPTS = 16
_BUDGET_SECONDS = 1.0

_Change = Callable[[Slots], tuple[int, Slots]]


class DynamoDBSessionStore(SessionStore):
    """Keeps sessions in the state table (`pk`, `sk`, TTL on `ttl`).

    `cap` is the number of slots of a principal at a server, `lifetime_seconds` how long a
    session lives. `pause` and `clock` are as in `DynamoDBCounterStore`.
    """

    def __init__(
        self,
        client: Client,
        table: str,
        *,
        cap: int,
        lifetime_seconds: int,
        pause: Pause = jittered_pause,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._table = DynamoDBTable(client, table, SessionStoreError)
        self._cap = cap
        self._lifetime_seconds = lifetime_seconds
        self._pause = pause
        self._clock = clock

    def open(
        self, *, principal_key: str, server: str, session_id: str, now: Instant
    ) -> SessionSlot:
        """Record a session and give it a slot, as the port says."""
        session_key = _session_key(principal_key, server, session_id)

        def change(slots: Slots) -> tuple[int, Slots]:
            return open_slot(slots, cap=self._cap, lifetime_seconds=self._lifetime_seconds, now=now)

        slot = self._change_slots(_slots_key(principal_key, server), change, now)
        update = ItemUpdate(session_key)
        update.require("attribute_not_exists({name})", "pk")
        update.set("slot", {"N": str(slot)})
        update.set("opened", {"N": str(now.micros // MICROS_PER_SECOND)})
        update.set("ttl", self._ttl(now))
        if isinstance(self._table.update(update.to_parameters()), Moved):
            raise SessionStoreError("the session was opened before")
        return SessionSlot(session_id=session_id, slot=slot)

    def bind_upstream(
        self,
        *,
        principal_key: str,
        server: str,
        session_id: str,
        upstream_session: str,
        now: Instant,
    ) -> None:
        """Remember the upstream's session id of a live session, as the port says."""
        require_upstream_session(upstream_session)
        update = _live_update(_session_key(principal_key, server, session_id), now)
        update.set("upstream", {"S": upstream_session})
        if isinstance(self._table.update(update.to_parameters()), Moved):
            raise SessionStoreError("the session is closed or unknown")

    def upstream_session(
        self, *, principal_key: str, server: str, session_id: str, now: Instant
    ) -> str | None:
        """Answer the upstream's session id of a live session, "" before one is bound."""
        item = self._table.read(_session_key(principal_key, server, session_id))
        if not item or "closed" in item or _whole(item, "ttl") * MICROS_PER_SECOND <= now.micros:
            return None
        with _unexpected_shape():
            return text_in(item, "upstream") if "upstream" in item else ""

    def close(self, *, principal_key: str, server: str, session_id: str, now: Instant) -> None:
        """Mark a session closed, as the port says."""
        update = _live_update(_session_key(principal_key, server, session_id), now)
        update.set("closed", {"BOOL": True})
        written = self._table.update(update.to_parameters(), returns="ALL_NEW")
        if isinstance(written, Moved):
            return  # closed already, over, or never opened
        slot = _whole(written, "slot")

        def change(slots: Slots) -> tuple[int, Slots]:
            return slot, close_slot(slots, slot)

        self._change_slots(_slots_key(principal_key, server), change, now)

    def _change_slots(self, key: Item, change: _Change, now: Instant) -> int:
        item = self._table.read(key)
        deadline = self._clock() + _BUDGET_SECONDS
        for attempt in range(_ATTEMPTS):
            slot, slots = change(_slots(item))
            written = self._table.update(self._slots_update(key, item, slots, now))
            if not isinstance(written, Moved):
                return slot
            item = item if written.items[0] is None else written.items[0]
            if self._clock() > deadline:
                break
            self._pause(attempt)
        raise SessionStoreError("the principal's sessions kept moving")

    def _slots_update(self, key: Item, item: Item, slots: Slots, now: Instant) -> dict[str, object]:
        update = ItemUpdate(key)
        version = now.micros  # an item that was deleted and made again has another version
        if item:
            seen = _whole(item, "v")
            update.require("{name} = {value}", "v", {"N": str(seen)})
            version = max(version, seen + 1)
        else:
            update.require("attribute_not_exists({name})", "pk")
        update.set("v", {"N": str(version)})
        update.set("slots", {"S": encode(slots)})
        update.set("ttl", self._ttl(now))
        return update.to_parameters()

    def _ttl(self, now: Instant) -> dict[str, str]:
        return {"N": str(now.micros // MICROS_PER_SECOND + self._lifetime_seconds)}


def _live_update(key: Item, now: Instant) -> ItemUpdate:
    """An update of a session that must be open and not over."""
    update = ItemUpdate(key)
    update.require("attribute_exists({name})", "pk")
    update.require("attribute_not_exists({name})", "closed")
    update.require("{name} > {value}", "ttl", {"N": str(now.micros // MICROS_PER_SECOND)})
    return update


def partition(principal_key: str, server: str) -> str:
    """The partition key of all of a principal's sessions at a server."""
    digest = hashlib.sha256(principal_key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{PREFIX}{digest}#{server}"


def _slots_key(principal_key: str, server: str) -> Item:
    return {"pk": {"S": partition(principal_key, server)}, "sk": {"S": "SLOTS"}}


def _session_key(principal_key: str, server: str, session_id: str) -> Item:
    require_session_id(session_id)
    return {"pk": {"S": partition(principal_key, server)}, "sk": {"S": f"SID#{session_id}"}}


def _slots(item: Item) -> Slots:
    with _unexpected_shape():
        return decode(text_in(item, "slots")) if item else ()


def _whole(item: Item, name: str) -> int:
    with _unexpected_shape():
        return whole_in(item, name)


@contextmanager
def _unexpected_shape() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise SessionStoreError(f"a stored session is not usable: {error}") from error
