"""Approvals in DynamoDB: a request is one transaction, every change one conditional write.

What the items look like is in `approval_items`. Reads are strongly consistent, and `state` and
`v` of the record are compared by every write, so two changes of one version never both happen.
Each change carries a mark of its own: two executors that claim in the same second write the
same values, and only the mark tells whose they are. TTL cleans up and decides nothing.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence

from portcullis.adapters import approval_items as items
from portcullis.adapters.approval_bounds import (
    is_id,
    require_kept,
    require_newer,
    require_parts,
    require_storable,
)
from portcullis.adapters.aws_calls import Client
from portcullis.adapters.dynamodb_calls import AttributeValue, DynamoDBTable, Item, Moved
from portcullis.adapters.dynamodb_counters import Pause, jittered_pause
from portcullis.adapters.item_update import ItemUpdate
from portcullis.approvals.life import RESULT_SECONDS
from portcullis.approvals.record import ApprovalRecord
from portcullis.errors import ApprovalStoreError
from portcullis.gateway.approval_ports import (
    OPEN_STATES,
    ApprovalStore,
    OpenRequests,
    Question,
    Replaced,
)
from portcullis.policy.model import Instant

INDEX = "approvals"  # hash `listing`, range `asked`, keys only
_DAY_SECONDS = 86_400


def _new_mark() -> str:
    return secrets.token_hex(8)


class DynamoDBApprovalStore(ApprovalStore):
    """Keeps approvals in the state table (`pk`, `sk`, TTL on `ttl`, the index `approvals`).

    A request is kept for `retention_seconds` after its deadline. `pause` is called with the
    number of a repetition before it; `new_mark` answers another text each time.
    """

    def __init__(
        self,
        client: Client,
        table: str,
        *,
        clock: Callable[[], Instant],
        retention_seconds: int,
        pause: Pause = jittered_pause,
        new_mark: Callable[[], str] = _new_mark,
    ) -> None:
        self._name = table
        self._table = DynamoDBTable(client, table, ApprovalStoreError)
        self._clock = clock
        self._retention_seconds = retention_seconds
        self._pause = pause
        self._new_mark = new_mark

    def find(self, key: str) -> str | None:
        """Answer the id that a key last named, as the port says."""
        return items.pointed_to(self._table.read(items.pointer_key(key)))

    def open_requests(self, principal_key: str) -> OpenRequests:
        """Answer the requests a principal was last known to have open, as the port says."""
        return items.open_requests_in(self._table.read(items.open_key(principal_key)))

    def create(self, question: Question) -> bool:
        """Store a request, its arguments, and what finds it, as the port says.

        A question that was stored, and is asked again because the answer was lost, is stored.
        """
        require_storable(question)
        updates = [
            update.to_parameters()
            for update in (
                self._new_record(question),
                self._new_arguments(question),
                self._new_pointer(question),
                self._longer_list(question),
            )
        ]
        token = hashlib.sha256(repr((self._name, updates)).encode("utf-8", "surrogatepass"))
        return self._table.transact(updates, token=token.hexdigest()[:36]) is None

    def read(self, approval_id: str) -> ApprovalRecord | None:
        """Answer a request as it is now, as the port says."""
        if not is_id(approval_id):
            return None
        item = self._table.read(items.record_key(approval_id))
        return items.from_item(item) if item else None

    def replace(self, record: ApprovalRecord, changed: ApprovalRecord) -> Replaced | None:
        """Write `changed` where the store still holds `record`, as the port says."""
        require_newer(record, changed)
        mark = {"S": self._new_mark()}
        update = ItemUpdate(items.record_key(record.id))
        update.require("{name} = {value}", "state", {"S": record.state.value})
        update.require("{name} = {value}", "v", {"N": str(record.version)})
        _set_all(update, items.to_changes(changed))
        update.set("mark", mark)
        update.remove("ended_iso")  # what it says is part of `life` from here on
        written = self._table.update(update.to_parameters(), returns="ALL_NEW")
        if isinstance(written, Moved):
            # The SDK repeats a write whose answer was lost, and then meets what it wrote.
            seen = written.items[0] or {}
            if seen.get("mark") != mark or seen.get("v") != {"N": str(changed.version)}:
                return None
            written = seen
        if items.from_item(written) != changed:
            raise ApprovalStoreError("what is stored is not what was written")
        return Replaced(record=changed, wake=items.wake_in(written))

    def sealed_arguments(self, approval_id: str) -> bytes:
        """Answer the sealed arguments of a request that exists."""
        if not is_id(approval_id):
            raise ApprovalStoreError("the id cannot name a request")
        return items.sealed_in(self._table.read(items.arguments_key(approval_id)))

    def put_result(self, record: ApprovalRecord, parts: Sequence[bytes]) -> None:
        """Store the sealed pieces of a result, once, before the record says that it is done."""
        require_parts(parts)
        ttl = self._seconds() + RESULT_SECONDS
        for number, part in enumerate(parts):
            update = ItemUpdate(items.result_key(record.id, number))
            update.require("attribute_not_exists({name})", "pk")
            update.set("sealed", {"B": part})
            update.set("ttl", {"N": str(ttl)})
            written = self._table.update(update.to_parameters())
            if isinstance(written, Moved) and (written.items[0] or {}).get("sealed") != {"B": part}:
                raise ApprovalStoreError("a result could not be stored, or is stored already")

    def result(self, record: ApprovalRecord) -> tuple[bytes, ...]:
        """Answer the sealed pieces of a stored result that is not over."""
        require_kept(record, self._clock())
        keys = [items.result_key(record.id, n) for n in range(record.result_parts + 1)]
        *parts, beyond = self._table.read_all(keys, pause=self._pause)
        if beyond:
            raise ApprovalStoreError("a result has pieces that the approval does not know")
        return tuple(items.sealed_in(part) for part in parts)

    def forget_result(self, record: ApprovalRecord) -> None:
        """Drop a stored result; one that is gone already stays so."""
        for number in range(record.result_parts):
            update = ItemUpdate(items.result_key(record.id, number))
            update.require("attribute_exists({name})", "sealed")
            update.remove("sealed")
            update.set("ttl", {"N": str(self._seconds())})
            written = self._table.update(update.to_parameters())
            if isinstance(written, Moved) and written.items[0] is None:
                raise ApprovalStoreError("a result could not be dropped")

    def listed(self, *, is_open: bool, limit: int) -> tuple[ApprovalRecord, ...]:
        """Answer requests, newest first, as the port says."""
        found = self._table.query(
            {
                "IndexName": INDEX,
                "KeyConditionExpression": "#listing = :listing",
                "ExpressionAttributeNames": {"#listing": "listing"},
                "ExpressionAttributeValues": {":listing": {"S": items.listing(is_open=is_open)}},
                "ScanIndexForward": False,
                "Limit": limit,
            }
        )
        ids = dict.fromkeys(items.owner_in(item) for item in found)
        stored = self._table.read_all([items.record_key(one) for one in ids], pause=self._pause)
        records = (items.from_item(item) for item in stored if item)
        return tuple(one for one in records if (one.state in OPEN_STATES) is is_open)

    def _new_record(self, question: Question) -> ItemUpdate:
        record = question.record
        attributes = items.to_item(record)
        key = {name: attributes.pop(name) for name in ("pk", "sk")}
        update = _first_write(key)
        _set_all(update, attributes)
        update.set("notice", {"S": question.notice})
        update.set("event", {"S": question.event})
        update.set("ttl", self._kept(record.expires_at))
        return update

    def _new_arguments(self, question: Question) -> ItemUpdate:
        update = _first_write(items.arguments_key(question.record.id))
        update.set("sealed", {"B": question.sealed_arguments})
        update.set("ttl", self._kept(question.record.expires_at))
        return update

    def _new_pointer(self, question: Question) -> ItemUpdate:
        update = ItemUpdate(items.pointer_key(question.key))
        if question.seen is None:
            update.require("attribute_not_exists({name})", "pk")
        else:
            condition = "attribute_not_exists({name}) OR {name} = {value}"
            update.require(condition, "id", {"S": question.seen})
        update.set("id", {"S": question.record.id})
        update.set("ttl", self._kept(question.record.expires_at, least=_DAY_SECONDS))
        return update

    def _longer_list(self, question: Question) -> ItemUpdate:
        record, seen = question.record, question.others_version
        requests = (*question.others, (record.id, record.expires_at))
        update = ItemUpdate(items.open_key(record.requester.key))
        if seen:
            update.require("{name} = {value}", "v", {"N": str(seen)})
        else:
            update.require("attribute_not_exists({name})", "pk")
        # A list that was deleted by its TTL and made again has another version.
        update.set("v", {"N": str(max(seen + 1, record.asked_at))})
        update.set("requests", {"S": items.requests_text(requests)})
        last = max(expires for _, expires in requests)
        update.set("ttl", self._kept(last, least=_DAY_SECONDS))
        return update

    def _kept(self, expires_at: int, *, least: int = 0) -> AttributeValue:
        return {"N": str(expires_at + max(self._retention_seconds, least))}

    def _seconds(self) -> int:
        return self._clock().micros // 1_000_000


def _first_write(key: Item) -> ItemUpdate:
    update = ItemUpdate(key)
    update.require("attribute_not_exists({name})", "pk")
    return update


def _set_all(update: ItemUpdate, attributes: dict[str, AttributeValue]) -> None:
    for name, value in attributes.items():
        update.set(name, value)
