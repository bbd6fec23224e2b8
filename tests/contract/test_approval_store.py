"""What every approval store does, on memory and on two emulators of DynamoDB."""

from dataclasses import replace
from typing import Any

import pytest

from portcullis.adapters.approval_bounds import MAXIMUM_ARGUMENT_BYTES
from portcullis.adapters.approval_items import LOST_NOTE
from portcullis.approvals import life
from portcullis.approvals.record import ApprovalRecord
from portcullis.approvals.states import State
from portcullis.errors import ApprovalStoreError
from portcullis.gateway.approval_ports import ApprovalStore, OpenRequests, Replaced
from support.approval_engines import ApprovalEngine
from support.approval_records import ALICE, make_question, make_record, make_vote
from support.approval_steps import NOW, RIVALS, at_once, created, executing, moved, numbered

HANDLE = "AQC8AAAAKgAAAAMAAAAAAAAAAa-callback-handle"


# ---------------------------------------------------------------- finding and creating


def test_where_nothing_was_asked_nothing_is_found(approval_stores: ApprovalEngine) -> None:
    store = approval_stores.store()
    assert store.find(make_question().key) is None
    assert store.open_requests(ALICE.key) == OpenRequests()
    assert store.listed(is_open=True, limit=10) == ()
    with pytest.raises(ApprovalStoreError):
        store.sealed_arguments(make_record().id)


@pytest.mark.parametrize(
    "approval_id", ["f" * 32, "", "x" * 3000, "é", "\ud800", "0" * 31 + "1 "], ids=ascii
)
def test_N05_an_unknown_id_is_that_of_no_request(
    approval_stores: ApprovalEngine, approval_id: str
) -> None:
    store = approval_stores.store()
    created(store)
    assert store.read(approval_id) is None
    with pytest.raises(ApprovalStoreError):
        store.sealed_arguments(approval_id)


def test_a_request_is_found_with_everything_that_was_stored(
    approval_stores: ApprovalEngine,
) -> None:
    question = make_question()
    assert approval_stores.store().create(question)
    store = approval_stores.store()
    assert store.find(question.key) == question.record.id
    assert store.read(question.record.id) == question.record
    assert store.sealed_arguments(question.record.id) == question.sealed_arguments
    listed = store.open_requests(ALICE.key)
    assert listed.requests == ((question.record.id, question.record.expires_at),)
    assert listed.version > 0


def test_open_requests_are_those_of_one_principal(approval_stores: ApprovalEngine) -> None:
    store = approval_stores.store()
    first, second = created(store, numbered(1)), created(store, numbered(2))
    bob = replace(ALICE, subject="bob-agent")
    created(store, numbered(3, requester=bob))
    assert [one for one, _ in store.open_requests(ALICE.key).requests] == [first.id, second.id]
    assert [one for one, _ in store.open_requests(bob.key).requests] == [f"{3:032}"]


def test_those_that_have_closed_are_left_out_of_the_list_by_the_next_request(
    approval_stores: ApprovalEngine,
) -> None:
    store = approval_stores.store()
    created(store, numbered(1))
    seen = store.open_requests(ALICE.key)
    question = make_question(numbered(2), others=(), others_version=seen.version)
    assert store.create(question)
    listed = store.open_requests(ALICE.key)
    assert [one for one, _ in listed.requests] == [question.record.id]
    assert listed.version > seen.version


def assert_nothing_of(store: ApprovalStore, record: ApprovalRecord) -> None:
    assert store.read(record.id) is None
    assert record.id not in dict(store.open_requests(record.requester.key).requests)
    assert record not in store.listed(is_open=True, limit=10)
    with pytest.raises(ApprovalStoreError):
        store.sealed_arguments(record.id)


def test_N27_a_key_that_names_a_request_is_not_given_another_unseen(
    approval_stores: ApprovalEngine,
) -> None:
    store = approval_stores.store()
    first = created(store)
    version = store.open_requests(ALICE.key).version
    second = replace(first, id="e" * 32)
    for seen in (None, "f" * 32):
        assert not store.create(make_question(second, seen=seen, others_version=version))
    assert_nothing_of(store, second)
    assert store.find(make_question().key) == first.id


def test_a_key_whose_request_was_seen_names_the_next_one(approval_stores: ApprovalEngine) -> None:
    store = approval_stores.store()
    first = created(store)
    version = store.open_requests(ALICE.key).version
    second = replace(first, id="e" * 32)
    assert store.create(make_question(second, seen=first.id, others_version=version))
    assert store.find(make_question().key) == second.id
    assert store.read(first.id) == first


def test_a_pointer_that_is_gone_since_it_was_seen_is_made_again(
    approval_stores: ApprovalEngine,
) -> None:
    store = approval_stores.store()
    assert store.create(make_question(seen="f" * 32))
    assert store.find(make_question().key) == make_record().id


@pytest.mark.parametrize("version", [0, 1, 10**12], ids=["none", "older", "later"])
def test_N28_a_list_that_has_changed_lets_nobody_in(
    approval_stores: ApprovalEngine, version: int
) -> None:
    store = approval_stores.store()
    created(store, numbered(1))
    second = numbered(2)
    assert not store.create(make_question(second, others_version=version))
    assert_nothing_of(store, second)
    assert store.find(make_question(second).key) is None


def test_a_question_that_was_stored_and_is_repeated_is_stored_once(
    approval_stores: ApprovalEngine,
) -> None:
    question = make_question()
    assert [approval_stores.store().create(question) for _ in range(3)] == [True] * 3
    assert len(approval_stores.store().open_requests(ALICE.key).requests) == 1


def test_an_id_is_not_given_twice(approval_stores: ApprovalEngine) -> None:
    store = approval_stores.store()
    first = created(store)
    version = store.open_requests(ALICE.key).version
    other = numbered(7, id=first.id)
    assert not store.create(make_question(other, others_version=version))
    assert store.read(first.id) == first
    assert store.find(make_question(other).key) is None


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"sealed_arguments": b"x" * (MAXIMUM_ARGUMENT_BYTES + 1)}, id="too-long"),
        pytest.param({"sealed_arguments": b""}, id="no-arguments"),
        pytest.param({"record": make_record(id="no id")}, id="an-id-that-is-none"),
    ],
)
def test_what_cannot_be_stored_whole_is_not_stored(
    approval_stores: ApprovalEngine, changes: dict[str, Any]
) -> None:
    store = approval_stores.store()
    question = make_question(**changes)
    with pytest.raises(ApprovalStoreError):
        store.create(question)
    assert_nothing_of(store, question.record)
    assert store.find(question.key) is None


def test_N32_the_longest_arguments_are_stored_whole(approval_stores: ApprovalEngine) -> None:
    sealed = b"x" * MAXIMUM_ARGUMENT_BYTES
    assert approval_stores.store().create(make_question(sealed_arguments=sealed))
    assert approval_stores.store().sealed_arguments(make_record().id) == sealed


def test_N27_of_many_that_ask_the_same_at_once_exactly_one_creates(
    approval_stores: ApprovalEngine,
) -> None:
    stores = [approval_stores.store() for _ in range(RIVALS)]
    records = [make_record(id=f"{n:032}") for n in range(RIVALS)]
    answers = at_once(lambda n: stores[n].create(make_question(records[n])))
    assert answers.count(True) == 1
    (winner,) = [one for one, is_stored in zip(records, answers, strict=True) if is_stored]
    assert stores[0].find(make_question(winner).key) == winner.id
    assert [one.id for one in stores[0].listed(is_open=True, limit=50)] == [winner.id]


def test_N28_of_many_that_ask_for_the_last_place_at_once_exactly_one_gets_it(
    approval_stores: ApprovalEngine,
) -> None:
    stores = [approval_stores.store() for _ in range(RIVALS)]
    answers = at_once(lambda n: stores[n].create(make_question(numbered(n))))
    assert answers.count(True) == 1
    assert len(stores[0].open_requests(ALICE.key).requests) == 1


# ---------------------------------------------------------------- changes


def test_every_step_of_a_life_is_read_as_it_was_written(approval_stores: ApprovalEngine) -> None:
    store = approval_stores.store()
    record = created(store, make_record(terms=replace(make_record().terms, min_approvals=2)))
    record = moved(store, record, life.started(record))
    record = moved(store, record, life.approve(record, make_vote("bob"), now=NOW))
    assert record.state is State.PENDING
    record = moved(store, record, life.approve(record, make_vote("carol"), now=NOW + 1))
    assert record.state is State.APPROVED
    record = moved(store, record, life.claim(record, now=NOW + 2))
    store.put_result(record, [b"sealed"])
    record = moved(store, record, life.finish(record, parts=1, now=NOW + 3))
    record = moved(store, record, life.deliver(record, now=NOW + 4))
    assert (record.version, record.delivered_at) == (6, NOW + 4)


def test_a_denial_keeps_what_was_said(approval_stores: ApprovalEngine) -> None:
    store = approval_stores.store()
    record = created(store)
    vote = make_vote(comment="Not on a Friday: \u202eevil\u0000 “quoted”")
    moved(store, record, life.deny(record, vote, now=NOW))
    seen = approval_stores.store().read(record.id)
    assert seen is not None
    assert seen.denial == vote


def test_a_version_that_is_gone_is_not_changed(approval_stores: ApprovalEngine) -> None:
    store = approval_stores.store()
    first = created(store)
    second = moved(store, first, life.started(first))
    denied = life.deny(first, make_vote(), now=NOW)
    assert isinstance(denied, ApprovalRecord)
    assert store.replace(first, denied) is None
    assert store.replace(replace(second, state=State.APPROVED), replace(denied, version=9)) is None
    assert store.read(first.id) == second


def test_a_request_that_is_not_there_is_not_changed(approval_stores: ApprovalEngine) -> None:
    store = approval_stores.store()
    record = make_record()
    assert store.replace(record, life.started(record)) is None
    assert store.read(record.id) is None


@pytest.mark.parametrize(
    "changes", [{"version": 0}, {"id": "f" * 32, "version": 1}], ids=["same-version", "other-id"]
)
def test_a_change_without_a_later_version_is_refused(
    approval_stores: ApprovalEngine, changes: dict[str, Any]
) -> None:
    store = approval_stores.store()
    record = created(store)
    with pytest.raises(ApprovalStoreError):
        store.replace(record, replace(make_record(), note="changed", **changes))
    assert store.read(record.id) == record


def test_N26_of_many_that_claim_in_the_same_second_exactly_one_wins(
    approval_stores: ApprovalEngine,
) -> None:
    store = approval_stores.store()
    record = created(store)
    record = moved(store, record, life.approve(record, make_vote(), now=NOW))
    stores = [approval_stores.store() for _ in range(RIVALS)]

    def claim(n: int) -> Replaced | None:
        changed = life.claim(record, now=NOW)  # the very same values for every rival
        assert isinstance(changed, ApprovalRecord)
        return stores[n].replace(record, changed)

    answers = at_once(claim)
    assert sum(answer is not None for answer in answers) == 1
    seen = store.read(record.id)
    assert seen is not None
    assert (seen.state, seen.version) == (State.EXECUTING, record.version + 1)


def test_N22_of_many_different_words_at_once_exactly_one_counts(
    approval_stores: ApprovalEngine,
) -> None:
    store = approval_stores.store()
    record = created(store)
    changes = [life.approve, life.deny] * (RIVALS // 2)
    stores = [approval_stores.store() for _ in range(RIVALS)]

    def decide(n: int) -> Replaced | None:
        changed = changes[n](record, make_vote(f"approver-{n}"), now=NOW + n)
        assert isinstance(changed, ApprovalRecord)
        return stores[n].replace(record, changed)

    (winner,) = [answer for answer in at_once(decide) if answer is not None]
    assert store.read(record.id) == winner.record


# ---------------------------------------------------------------- the workflow beside it


def test_whoever_changes_a_request_learns_the_handle_of_what_waits(
    approval_stores: ApprovalEngine,
) -> None:
    store = approval_stores.store()
    record = created(store)
    replaced = store.replace(record, life.started(record))
    assert replaced is not None
    assert replaced.wake is None
    approval_stores.hold(record.id, HANDLE)
    approved = life.approve(replaced.record, make_vote(), now=NOW)
    assert isinstance(approved, ApprovalRecord)
    replaced = store.replace(replaced.record, approved)
    assert replaced is not None
    assert replaced.wake == HANDLE


def test_N19_the_handle_is_in_no_record_and_no_list(approval_stores: ApprovalEngine) -> None:
    store = approval_stores.store()
    record = created(store)
    approval_stores.hold(record.id, HANDLE)
    assert HANDLE not in repr(store.read(record.id))
    assert HANDLE not in repr(store.listed(is_open=True, limit=10))
    assert store.read(record.id) == record


@pytest.mark.parametrize("approved", [False, True], ids=["pending", "approved"])
def test_what_the_workflow_expired_is_read_so_and_goes_on_from_there(
    approval_stores: ApprovalEngine, approved: bool
) -> None:
    store = approval_stores.store()
    record = created(store)
    if approved:
        record = moved(store, record, life.approve(record, make_vote(), now=NOW))
    approval_stores.expire(record.id, at=record.expires_at)
    seen = store.read(record.id)
    assert seen == replace(
        record, state=State.EXPIRED, ended_at=record.expires_at, version=record.version + 1
    )
    assert store.listed(is_open=False, limit=10) == (seen,)
    moved(store, seen, life.deliver(seen, now=record.expires_at + 5))


def test_what_the_workflow_lost_is_unknown_and_says_so(approval_stores: ApprovalEngine) -> None:
    store = approval_stores.store()
    record = executing(store)
    approval_stores.lose(record.id, at=NOW + 900)
    seen = store.read(record.id)
    assert seen is not None
    assert (seen.state, seen.ended_at, seen.note) == (State.UNKNOWN, NOW + 900, LOST_NOTE)
    delivered = moved(store, seen, life.deliver(seen, now=NOW + 901))
    assert (delivered.note, delivered.ended_at) == (LOST_NOTE, NOW + 900)


def test_N22_a_decision_of_a_request_that_the_workflow_ended_is_none(
    approval_stores: ApprovalEngine,
) -> None:
    store = approval_stores.store()
    record = created(store)
    approved = life.approve(record, make_vote(), now=record.expires_at - 1)
    assert isinstance(approved, ApprovalRecord)
    approval_stores.expire(record.id, at=record.expires_at)
    assert store.replace(record, approved) is None


def test_N22_the_workflow_ends_nothing_that_was_decided(approval_stores: ApprovalEngine) -> None:
    store = approval_stores.store()
    record = created(store)
    record = moved(store, record, life.deny(record, make_vote(), now=NOW))
    approval_stores.expire(record.id, at=record.expires_at)
    approval_stores.lose(record.id, at=record.expires_at)
    assert store.read(record.id) == record
