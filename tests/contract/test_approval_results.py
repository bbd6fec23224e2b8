"""What every approval store lists and hands over, on memory and on two emulators of DynamoDB."""

from dataclasses import replace

import pytest

from portcullis.adapters.approval_bounds import MAXIMUM_PART_BYTES, MAXIMUM_PARTS
from portcullis.approvals import life
from portcullis.approvals.life import RESULT_SECONDS
from portcullis.approvals.states import State
from portcullis.errors import ApprovalStoreError
from support.approval_engines import ApprovalEngine
from support.approval_records import make_vote
from support.approval_steps import NOW, created, executing, finished, moved, numbered
from support.takes import START_SECONDS

# ---------------------------------------------------------------- lists


def test_lists_are_newest_first_and_no_longer_than_asked(approval_stores: ApprovalEngine) -> None:
    store = approval_stores.store()
    records = [created(store, numbered(n)) for n in (2, 5, 1, 4, 3)]
    newest = sorted(records, key=lambda record: record.asked_at, reverse=True)
    assert store.listed(is_open=True, limit=10) == tuple(newest)
    assert store.listed(is_open=True, limit=2) == tuple(newest[:2])


def test_a_request_is_listed_by_whether_it_is_open_now(approval_stores: ApprovalEngine) -> None:
    store = approval_stores.store()
    pending, approved, denied, lost = (numbered(n) for n in range(1, 5))
    created(store, pending)
    created(store, approved)
    created(store, denied)
    approved = moved(store, approved, life.approve(approved, make_vote(), now=NOW))
    denied = moved(store, denied, life.deny(denied, make_vote(), now=NOW))
    lost = executing(store, lost)
    assert store.listed(is_open=True, limit=10) == (lost, approved, pending)
    approval_stores.lose(lost.id, at=NOW)
    assert store.listed(is_open=True, limit=10) == (approved, pending)
    closed = store.listed(is_open=False, limit=10)
    assert [(one.id, one.state) for one in closed] == [
        (lost.id, State.UNKNOWN),
        (denied.id, State.DENIED),
    ]


# ---------------------------------------------------------------- results


def test_a_result_is_kept_in_its_pieces_for_every_environment(
    approval_stores: ApprovalEngine,
) -> None:
    parts = [b"first", b"second" * 1000, b"third"]
    record = finished(approval_stores.store(), parts)
    assert approval_stores.store().result(record) == tuple(parts)


def test_a_result_is_over_after_an_hour_though_it_is_still_stored(
    approval_stores: ApprovalEngine,
) -> None:
    store = approval_stores.store()
    record = finished(store, [b"sealed"])
    assert record.ended_at is not None
    over = record.ended_at + RESULT_SECONDS - START_SECONDS
    approval_stores.clock.seconds = over - 1
    assert store.result(record) == (b"sealed",)
    approval_stores.clock.seconds = over
    with pytest.raises(ApprovalStoreError, match="over"):
        store.result(record)


def test_a_result_that_was_forgotten_is_gone_for_good(approval_stores: ApprovalEngine) -> None:
    store = approval_stores.store()
    record = finished(store, [b"one", b"two"])
    store.forget_result(record)
    store.forget_result(record)
    with pytest.raises(ApprovalStoreError):
        approval_stores.store().result(record)
    with pytest.raises(ApprovalStoreError):
        store.put_result(record, [b"one", b"two"])


def test_forgetting_where_there_is_no_result_changes_nothing(
    approval_stores: ApprovalEngine,
) -> None:
    store = approval_stores.store()
    record = executing(store)
    store.forget_result(replace(record, result_parts=1))
    store.put_result(record, [b"sealed"])
    record = moved(store, record, life.finish(record, parts=1, now=NOW + 2))
    assert store.result(record) == (b"sealed",)


def test_a_result_is_stored_once(approval_stores: ApprovalEngine) -> None:
    store = approval_stores.store()
    record = executing(store)
    store.put_result(record, [b"sealed"])
    store.put_result(record, [b"sealed"])  # a repetition whose answer was lost
    with pytest.raises(ApprovalStoreError):
        store.put_result(record, [b"another"])


@pytest.mark.parametrize("known", [1, 3], ids=["more-are-stored", "some-are-missing"])
def test_a_result_without_exactly_its_pieces_is_none(
    approval_stores: ApprovalEngine, known: int
) -> None:
    store = approval_stores.store()
    record = executing(store)
    store.put_result(record, [b"one", b"two"])
    record = moved(store, record, life.finish(record, parts=known, now=NOW + 2))
    with pytest.raises(ApprovalStoreError):
        store.result(record)


def test_a_request_that_was_not_executed_has_no_result(approval_stores: ApprovalEngine) -> None:
    store = approval_stores.store()
    record = created(store)
    denied = moved(store, record, life.deny(record, make_vote(), now=NOW))
    for one in (record, denied, replace(denied, result_parts=MAXIMUM_PARTS + 1)):
        with pytest.raises(ApprovalStoreError):
            store.result(one)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([], id="none"),
        pytest.param([b""], id="empty"),
        pytest.param([b"x", b"x" * (MAXIMUM_PART_BYTES + 1)], id="too-long"),
        pytest.param([b"x"] * (MAXIMUM_PARTS + 1), id="too-many"),
    ],
)
def test_a_result_that_cannot_be_stored_whole_is_not_stored(
    approval_stores: ApprovalEngine, parts: list[bytes]
) -> None:
    store = approval_stores.store()
    record = executing(store)
    with pytest.raises(ApprovalStoreError):
        store.put_result(record, parts)
    store.put_result(record, [b"nothing was stored before"])


def test_the_longest_result_is_stored_whole(approval_stores: ApprovalEngine) -> None:
    parts = [bytes([n]) * MAXIMUM_PART_BYTES for n in range(1, MAXIMUM_PARTS + 1)]
    record = finished(approval_stores.store(), parts)
    assert approval_stores.store().result(record) == tuple(parts)
