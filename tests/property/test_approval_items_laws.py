"""Laws of approvals as items: what is written is read, and nothing else is."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portcullis.adapters.approval_items import (
    LOST_NOTE,
    from_item,
    open_requests_in,
    requests_text,
    to_item,
)
from portcullis.approvals.record import ApprovalRecord, Binding, Vote
from portcullis.approvals.states import TRANSITIONS, Event, State
from portcullis.errors import ApprovalStoreError
from portcullis.policy.model import Approval, Principal
from portcullis.policy.paths import compile_path
from portcullis.values import JsonValue
from strategies import EACH_PATHS, PATHS

_TEXTS = st.text(max_size=20)
_GROUPS = st.lists(_TEXTS, max_size=3).map(tuple)
_INSTANTS = st.integers(0, 10**12)
_IDS = st.from_regex(r"[0-9A-Za-z_-]{1,80}", fullmatch=True)
_SHOWN = st.sampled_from([*PATHS, *EACH_PATHS, 'args["a \\"b\\" \\u202e"][0]', "principal.tags.x"])
_CLAIMS: st.SearchStrategy[JsonValue] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**60), 10**60)
    | st.decimals(-(10**6), 10**6, places=3)
    | _TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3).map(list[JsonValue])
        | st.dictionaries(_TEXTS, inner, max_size=3).map(dict[str, JsonValue])
    ),
    max_leaves=5,
)


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


_VOTES = st.builds(
    Vote,
    key=_TEXTS,
    person=_TEXTS,
    subject=_TEXTS,
    groups=_GROUPS,
    at=_INSTANTS,
    comment=_TEXTS,
)
RECORDS = st.builds(
    ApprovalRecord,
    id=_IDS,
    binding=st.builds(Binding, **{one.name: _TEXTS for one in fields(Binding)}),
    requester=st.builds(
        Principal,
        issuer=_TEXTS,
        subject=_TEXTS,
        person=_TEXTS,
        credential=_TEXTS,
        groups=_GROUPS,
        tags=st.dictionaries(_TEXTS, _TEXTS, max_size=3),
        claims=st.dictionaries(_TEXTS, _CLAIMS, max_size=3),
    ),
    terms=st.builds(
        Approval,
        approvers=_GROUPS,
        timeout_seconds=st.integers(1, 10**8),
        min_approvals=st.integers(1, 10),
        show=st.lists(_SHOWN.map(compile_path), max_size=3).map(tuple),
    ),
    reason=_maybe(_TEXTS),
    session=_TEXTS,
    scope=_TEXTS,
    era=_TEXTS,
    asked_at=_INSTANTS,
    expires_at=_INSTANTS,
    link=_TEXTS,
    previous=_maybe(_TEXTS),
    state=st.sampled_from(State),
    version=st.integers(0, 10**6),
    is_started=st.booleans(),
    approvals=st.lists(_VOTES, max_size=3).map(tuple),
    denial=_maybe(_VOTES),
    claimed_at=_maybe(_INSTANTS),
    ended_at=_maybe(_INSTANTS),
    note=_TEXTS,
    result_parts=st.integers(0, 1000),
    delivered_at=_maybe(_INSTANTS),
)


def ended_by_workflow(item: dict[str, Any], state: State, at: datetime) -> dict[str, Any]:
    """The item after the workflow ended the request."""
    return {
        **item,
        "state": {"S": state.value},
        "listing": {"S": "closed"},
        "v": {"N": str(int(item["v"]["N"]) + 1)},
        "ended_iso": {"S": at.isoformat()},
    }


@given(RECORDS)
def test_a_record_is_read_as_it_was_written(record: ApprovalRecord) -> None:
    assert from_item(to_item(record)) == record


@given(RECORDS, _TEXTS)
def test_what_is_no_part_of_the_record_changes_nothing_in_it(
    record: ApprovalRecord, text: str
) -> None:
    more = {name: {"S": text} for name in ("notice", "event", "mark", "task_token", "ttl")}
    assert from_item({**to_item(record), **more}) == record


@given(RECORDS, st.sampled_from(State), st.datetimes(datetime(1971, 1, 1)))  # noqa: DTZ001
def test_the_workflow_ends_what_the_table_lets_it_end_and_nothing_else(
    record: ApprovalRecord, state: State, naive: datetime
) -> None:
    at = naive.replace(tzinfo=UTC)
    item = ended_by_workflow(to_item(record), state, at)
    is_expiry = state is State.EXPIRED and TRANSITIONS[record.state].get(Event.EXPIRE) is state
    is_loss = state is State.UNKNOWN and TRANSITIONS[record.state].get(Event.LOSE) is state
    if not (is_expiry or is_loss):
        with pytest.raises(ApprovalStoreError):
            from_item(item)
        return
    note = LOST_NOTE if is_loss and not record.note else record.note
    assert from_item(item) == replace(
        record,
        state=state,
        version=record.version + 1,
        ended_at=int(at.timestamp()),
        note=note,
    )


@given(RECORDS, st.sampled_from(State), st.integers(-3, 3))
def test_a_state_or_version_that_its_life_does_not_know_is_an_error(
    record: ApprovalRecord, state: State, step: int
) -> None:
    version = record.version + step
    assume(version >= 0 and (state, version) != (record.state, record.version))
    item = {**to_item(record), "state": {"S": state.value}, "v": {"N": str(version)}}
    with pytest.raises(ApprovalStoreError):
        from_item(item)


@given(RECORDS, st.data())
def test_a_record_without_one_of_its_parts_is_an_error(
    record: ApprovalRecord, data: st.DataObject
) -> None:
    item = to_item(record)
    name = data.draw(st.sampled_from(sorted(set(item) - {"listing"})))
    kept = {other: value for other, value in item.items() if other != name}
    with pytest.raises(ApprovalStoreError):
        from_item(kept)


@given(st.lists(st.tuples(_IDS, _INSTANTS), max_size=5).map(tuple), st.integers(0, 10**12))
def test_a_list_of_open_requests_is_read_as_it_was_written(
    requests: tuple[tuple[str, int], ...], version: int
) -> None:
    item = {"requests": {"S": requests_text(requests)}, "v": {"N": str(version)}}
    listed = open_requests_in(item)
    assert (listed.requests, listed.version) == (requests, version)
