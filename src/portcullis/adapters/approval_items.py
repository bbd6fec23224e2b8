"""Approvals as DynamoDB items, read strictly: what is not as we write it is an error.

    pk `APPROVAL#<id>`   sk `RECORD`      state, v, listing, asked, expires, facts, life, mark,
                                          notice, event, task_token, ended_iso, ttl
                         sk `ARGUMENTS`   sealed, ttl
                         sk `RESULT#000`  sealed, ttl; one item for each piece of the result
    pk `ASK#<ask key>`   sk `ASK`         id, ttl
    pk `ASKER#<sha256 of the principal key>`  sk `OPEN`  requests, v, ttl

What may live here: keys, and values to and from items. `state` and `v` are the truth; `facts`
never changes, `life` is written anew with each change. The workflow writes `task_token`, and
where it ends a request itself `state`, `listing`, `ended_iso` and one more `v`, but not
`life`: what it may end, and how, is the table of transitions.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from portcullis.adapters.approval_json import facts_text, life_text, record_of
from portcullis.adapters.attributes import text_in, whole_in
from portcullis.adapters.dynamodb_calls import AttributeValue, Item
from portcullis.approvals.record import ApprovalRecord
from portcullis.approvals.states import Event, State, after
from portcullis.errors import ApprovalStoreError, StrictJsonError
from portcullis.gateway.approval_ports import OPEN_STATES, OpenRequests
from portcullis.policy.compile_error import PathError
from portcullis.strictjson import dump, parse
from portcullis.values import JsonValue

LOST_NOTE = "the executor ended without telling what happened"

_OWNER = "APPROVAL#"
_RECORD = "RECORD"
# The workflow's own arrows: its clock ran out, or the executor never came back.
_ENDED_BY_WORKFLOW = {State.EXPIRED: Event.EXPIRE, State.UNKNOWN: Event.LOSE}


def record_key(approval_id: str) -> Item:
    """The key of a request's record."""
    return _key(_OWNER + approval_id, _RECORD)


def arguments_key(approval_id: str) -> Item:
    """The key of a request's sealed arguments."""
    return _key(_OWNER + approval_id, "ARGUMENTS")


def result_key(approval_id: str, number: int) -> Item:
    """The key of one sealed piece of a result."""
    return _key(_OWNER + approval_id, f"RESULT#{number:03}")


def pointer_key(ask_key: str) -> Item:
    """The key of what finds a request again."""
    return _key(f"ASK#{ask_key}", "ASK")


def open_key(principal_key: str) -> Item:
    """The key of a principal's list of open requests."""
    digest = hashlib.sha256(principal_key.encode("utf-8", "surrogatepass")).hexdigest()
    return _key(f"ASKER#{digest}", "OPEN")


def listing(*, is_open: bool) -> str:
    """What the index lists a request under."""
    return "open" if is_open else "closed"


def to_item(record: ApprovalRecord) -> dict[str, AttributeValue]:
    """A record as its item, without what is no part of the record.

    Raises:
        ApprovalStoreError: a text in it has no JSON form.
    """
    with unexpected_shape():
        return {
            **record_key(record.id),
            **to_changes(record),
            "asked": {"N": str(record.asked_at)},
            "expires": {"N": str(record.expires_at)},
            "facts": {"S": facts_text(record)},
        }


def to_changes(record: ApprovalRecord) -> dict[str, AttributeValue]:
    """The attributes that change with the life cycle.

    Raises:
        ApprovalStoreError: a text in them has no JSON form.
    """
    with unexpected_shape():
        return {
            "state": {"S": record.state.value},
            "v": {"N": str(record.version)},
            "listing": {"S": listing(is_open=record.state in OPEN_STATES)},
            "life": {"S": life_text(record)},
        }


def from_item(item: Item) -> ApprovalRecord:
    """The record an item holds.

    Raises:
        ApprovalStoreError: it is not one that we wrote.
    """
    with unexpected_shape():
        record = record_of(
            _owner(item),
            asked_at=whole_in(item, "asked"),
            expires_at=whole_in(item, "expires"),
            facts=text_in(item, "facts"),
            life=text_in(item, "life"),
        )
        return _as_it_stands(record, item)


def wake_in(item: Item) -> str | None:
    """The workflow's callback handle, None while nothing waits.

    Raises:
        ApprovalStoreError: it is no text.
    """
    with unexpected_shape():
        return text_in(item, "task_token") if "task_token" in item else None


def owner_in(item: Item) -> str:
    """The id of the request whose record's key this is.

    Raises:
        ApprovalStoreError: it is the key of something else.
    """
    with unexpected_shape():
        return _owner(item)


def pointed_to(item: Item) -> str | None:
    """The id that a pointer names, None where there is no pointer.

    Raises:
        ApprovalStoreError: it names nothing.
    """
    with unexpected_shape():
        return text_in(item, "id") if item else None


def requests_text(requests: tuple[tuple[str, int], ...]) -> str:
    """A list of open requests as it is stored."""
    return dump([[approval_id, expires] for approval_id, expires in requests]).decode()


def open_requests_in(item: Item) -> OpenRequests:
    """The list of open requests an item holds, an empty one where there is no item.

    Raises:
        ApprovalStoreError: it is not one that we wrote.
    """
    if not item:
        return OpenRequests()
    with unexpected_shape():
        stored = parse(text_in(item, "requests").encode())
        if not isinstance(stored, list):
            raise ValueError("a stored list is no list")  # noqa: TRY004 - data, not an argument
        requests = tuple(_open_request(one) for one in stored)
        return OpenRequests(requests=requests, version=whole_in(item, "v"))


def sealed_in(item: Item) -> bytes:
    """The sealed bytes of an item.

    Raises:
        ApprovalStoreError: there are none.
    """
    sealed = item.get("sealed", {}).get("B")
    if isinstance(sealed, bytes) and sealed:
        return sealed
    raise ApprovalStoreError("sealed content is missing")


@contextmanager
def unexpected_shape() -> Iterator[None]:
    """Make what is not as we write it the store's error."""
    try:
        yield
    except (ValueError, StrictJsonError) as error:
        raise ApprovalStoreError(f"a stored approval is not usable: {error}") from error
    except PathError as error:  # its message quotes the path
        raise ApprovalStoreError("a stored approval shows what is no path") from error


def _key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _owner(item: Item) -> str:
    pk, sk = text_in(item, "pk"), text_in(item, "sk")
    if sk != _RECORD or not pk.startswith(_OWNER):
        raise ValueError("a stored item is no record")
    return pk.removeprefix(_OWNER)


def _as_it_stands(record: ApprovalRecord, item: Item) -> ApprovalRecord:
    """The record as `state` and `v` have it: where they are ahead, the workflow ended it."""
    state, version = State(text_in(item, "state")), whole_in(item, "v")
    if "ended_iso" not in item:
        if (state, version) != (record.state, record.version):
            raise ValueError("the stored state is not that of its life")
        return record
    event = _ENDED_BY_WORKFLOW.get(state)
    if event is None or after(record.state, event) is not state or version != record.version + 1:
        raise ValueError("the stored state is not one that the workflow leads to")
    return replace(
        record,
        state=state,
        version=version,
        ended_at=_instant(text_in(item, "ended_iso")),
        note=LOST_NOTE if state is State.UNKNOWN and not record.note else record.note,
    )


def _open_request(value: JsonValue) -> tuple[str, int]:
    match value:
        case [str() as approval_id, int() as expires] if not isinstance(expires, bool):
            return approval_id, expires
        case _:
            raise ValueError("a stored list holds something else")


def _instant(text: str) -> int:
    """Epoch seconds of a timestamp as Step Functions writes it: RFC 3339, with its zone."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None or instant.timestamp() < 0:
        raise ValueError("a stored instant names no zone, or one before the epoch")
    return int(instant.timestamp())
