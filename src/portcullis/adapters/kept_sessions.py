"""Sessions as the table keeps them, for people who look after the gateway. It only reads.

Of one principal at one server all is read: they share a partition. Of everybody only a scan can
tell, which reads the whole table, counters included; it is bounded, and says where it was cut.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from portcullis.adapters.attributes import text_in, whole_in
from portcullis.adapters.aws_calls import AwsError, Client, error_code
from portcullis.adapters.dynamodb_calls import Item
from portcullis.adapters.dynamodb_grants import GRANT_PREFIX
from portcullis.adapters.dynamodb_sessions import PREFIX, partition
from portcullis.adapters.session_slots import Slots, decode
from portcullis.errors import SessionStoreError

MOST_PAGES: Final = 20  # of 1 MB, of one principal's sessions at one server
_SESSION: Final = "SID#"
_SLOTS: Final = "SLOTS"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSession:
    """One session. `principal` is the SHA-256 of the principal's key; times in epoch seconds.

    `opened_at` is None where it was opened under an earlier release. `has_upstream`: the server
    keeps a session of its own for it.
    """

    id: str
    principal: str
    server: str
    slot: int
    opened_at: int | None
    expires_at: int
    is_closed: bool
    has_upstream: bool

    def is_open(self, *, now_seconds: int) -> bool:
        """Whether it was neither closed nor is over."""
        return not self.is_closed and now_seconds < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """All sessions of a principal at a server, and the slots that they share."""

    sessions: tuple[KeptSession, ...]
    slots: Slots


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What a scan found. `is_whole`: the table was read to its end.

    `grants` are the names that grants in it carry.
    """

    sessions: tuple[KeptSession, ...]
    grants: frozenset[str]
    is_whole: bool


def read_partition(client: Client, table: str, *, principal_key: str, server: str) -> Partition:
    """Read what a principal has at a server (DynamoDB API reference, Query).

    Raises:
        SessionStoreError: the table did not answer, holds something else, or too much.
    """
    asked = {
        "TableName": table,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": partition(principal_key, server)}},
        "ConsistentRead": True,
    }
    items, is_whole = _items(client.query, asked, most=MOST_PAGES)
    if not is_whole:
        raise SessionStoreError("the principal has more sessions than can be looked at")
    sessions = [one for one in items if _text(one, "sk").startswith(_SESSION)]
    slots = [one for one in items if _text(one, "sk") == _SLOTS]
    return Partition(
        sessions=tuple(map(_session, sessions)), slots=_slots(slots[0]) if slots else ()
    )


def scan_sessions(client: Client, table: str, *, pages: int) -> Scanned:
    """Read the whole table, at most `pages` of it, for sessions (API reference, Scan).

    Raises:
        SessionStoreError: the table did not answer, or holds something else.
    """
    asked = {
        "TableName": table,
        "FilterExpression": "begins_with(pk, :session) OR begins_with(pk, :grant)",
        "ExpressionAttributeValues": {":session": {"S": PREFIX}, ":grant": {"S": GRANT_PREFIX}},
        "ConsistentRead": True,
    }
    items, is_whole = _items(client.scan, asked, most=pages)
    grants = [one for one in items if _text(one, "pk").startswith(GRANT_PREFIX)]
    sessions = [one for one in items if _text(one, "sk").startswith(_SESSION)]
    return Scanned(
        sessions=tuple(map(_session, sessions)),
        grants=frozenset(_text(one, "name") for one in grants),
        is_whole=is_whole,
    )


def _items(
    call: Callable[..., Mapping[str, Any]], asked: Mapping[str, Any], *, most: int
) -> tuple[list[Item], bool]:
    """The items of `most` pages, and whether these were all there are."""
    more: dict[str, Any] = {}
    found: list[Item] = []
    for _ in range(most):
        try:
            page = call(**asked, **more)
        except AwsError as error:
            raise SessionStoreError(f"sessions cannot be read: {error_code(error)}") from error
        found += page["Items"]
        if not page.get("LastEvaluatedKey"):
            return found, True
        more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    return found, False


def _session(item: Item) -> KeptSession:
    try:
        _, principal, server = text_in(item, "pk").split("#")
        return KeptSession(
            id=text_in(item, "sk").removeprefix(_SESSION),
            principal=principal,
            server=server,
            slot=whole_in(item, "slot"),
            opened_at=whole_in(item, "opened") if "opened" in item else None,
            expires_at=whole_in(item, "ttl"),
            is_closed="closed" in item,
            has_upstream="upstream" in item,
        )
    except ValueError as error:
        raise SessionStoreError(f"a stored session is not usable: {error}") from error


def _slots(item: Item) -> Slots:
    try:
        return decode(text_in(item, "slots"))
    except ValueError as error:
        raise SessionStoreError(f"a stored session is not usable: {error}") from error


def _text(item: Item, name: str) -> str:
    try:
        return text_in(item, name)
    except ValueError as error:
        raise SessionStoreError("a stored item is not usable") from error
