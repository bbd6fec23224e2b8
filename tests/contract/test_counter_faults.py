"""Counters when DynamoDB fails, before and after the effect: denied, or right; never too many.

P02, P12: a failed condition is the only failure that says anything about a counter. Whatever
else happens the store raises, and once the fault is gone the limit is still the limit: what
passed never exceeds it, and a fault before the effect has taken nothing.

The faults are injected at the client; that AWS sends them is not shown here.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from portcullis.adapters.dynamodb_counters import ATTEMPTS, BUDGET_SECONDS, DynamoDBCounterStore
from portcullis.errors import CounterStoreError
from portcullis.gateway.ports import Refused, Reserved
from portcullis.policy.decision import Take
from portcullis.policy.model import Scope
from support.dynamodb_faults import Faults, client_error, errors_of, lose_one_answer, sent_by
from support.engines import create_state_table, make_client, moto_client
from support.takes import at, make_limit, make_take

MAXIMUM = 3
SLIDING = make_take(make_limit(MAXIMUM, identity="s"))
FIXED = make_take(make_limit(MAXIMUM, identity="f", fixed=True))
ELSEWHERE = make_take(make_limit(MAXIMUM, identity="e", scope=Scope.SERVER), counter="")
# The operation a fault is injected into, and takes that make the store call it.
SITUATIONS = {
    "UpdateItem": [SLIDING],
    "UpdateItem, fixed": [FIXED],
    "UpdateItem, mixed": [SLIDING, FIXED],
    "GetItem": [FIXED],
    "TransactWriteItems": [SLIDING, ELSEWHERE],
    "TransactWriteItems, fixed": [FIXED, ELSEWHERE],
}
OPERATIONS = {name.split(",")[0] for name in SITUATIONS}
FAULTS = sorted(errors_of(""))
GARBLED: dict[str, dict[str, Any]] = {
    "text": {"Item": "x", "Attributes": "x"},
    "no-attribute-value": {"Item": {"v": "1"}, "Attributes": {"v": "1"}},
    "another-version": {"Item": {"v": {"S": "x"}}, "Attributes": {"v": {"S": "x"}}},
    "empty": {},
}
CANCELLED: dict[str, Any] = {
    "throttled": [{"Code": "ThrottlingError"}, {"Code": "None"}],
    "capacity": [{"Code": "None"}, {"Code": "ProvisionedThroughputExceeded"}],
    "invalid": [{"Code": "ValidationError"}, {"Code": "ConditionalCheckFailed"}],
    "unknown": [{"Code": "SomethingNew"}, {"Code": "ConditionalCheckFailed"}],
    "no-code": [{}, {"Code": "ConditionalCheckFailed"}],
    "none-at-fault": [{"Code": "None"}, {"Code": "None"}],
    "too-few": [{"Code": "ConditionalCheckFailed"}],
    "no-reasons": None,
    "text": "ConditionalCheckFailed",
}


TABLES = itertools.count()


class Gate:
    """A store under faults, and how many reservations passed it."""

    def __init__(self, client: Any, faults: Faults) -> None:
        self.client = client
        self.faults = faults
        self.table = create_state_table(client, f"state-{next(TABLES)}")
        faults.called.clear()
        self.store = self.another()
        self.passed = 0
        self.asked = 0

    def another(self, **options: Any) -> DynamoDBCounterStore:
        return DynamoDBCounterStore(self.client, self.table, pause=lambda _: None, **options)

    def reserve(self, takes: list[Take]) -> Reserved | Refused:
        self.asked += 1
        answer = self.store.reserve(
            takes, server="amazon-mq", reservation_id=f"r{self.asked}", now=at(self.asked)
        )
        self.passed += isinstance(answer, Reserved)
        return answer

    def use_up(self, takes: list[Take]) -> None:
        self.faults.clear()
        while isinstance(self.reserve(takes), Reserved):
            assert self.passed <= MAXIMUM


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Any, Faults]]:
    with moto_client() as client:
        yield client, Faults(client)


@pytest.fixture
def gate(shared: tuple[Any, Faults]) -> Iterator[Gate]:
    yield Gate(*shared)
    shared[1].clear()


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("fault", FAULTS)
def test_P02_a_fault_before_the_effect_denies_and_takes_nothing(
    gate: Gate, situation: str, fault: str
) -> None:
    operation, takes = situation.split(",", maxsplit=1)[0], SITUATIONS[situation]
    gate.faults.before(operation, errors_of(operation)[fault])
    with pytest.raises(CounterStoreError):
        gate.reserve(takes)
    gate.use_up(takes)
    assert gate.passed == MAXIMUM


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("fault", FAULTS)
def test_P02_a_fault_after_the_effect_denies_and_counts_once_at_most(
    gate: Gate, situation: str, fault: str
) -> None:
    operation, takes = situation.split(",", maxsplit=1)[0], SITUATIONS[situation]
    gate.faults.after(operation, errors_of(operation)[fault])
    with pytest.raises(CounterStoreError):
        gate.reserve(takes)
    gate.use_up(takes)
    assert gate.passed == (MAXIMUM if operation == "GetItem" else MAXIMUM - 1)


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("fault", ["ThrottlingException", "read-time-out", "unreadable"])
def test_a_fault_of_a_warm_store_denies(gate: Gate, situation: str, fault: str) -> None:
    operation, takes = situation.split(",", maxsplit=1)[0], SITUATIONS[situation]
    gate.reserve(takes)
    gate.faults.before(operation, errors_of(operation)[fault])
    if operation == "GetItem":
        gate.store = gate.another()
    with pytest.raises(CounterStoreError):
        gate.reserve(takes)
    gate.use_up(takes)
    assert gate.passed == MAXIMUM


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("answer", GARBLED)
def test_P13_an_answer_that_is_not_one_never_lets_too_many_pass(
    gate: Gate, situation: str, answer: str
) -> None:
    operation, takes = situation.split(",", maxsplit=1)[0], SITUATIONS[situation]
    gate.faults.garble(operation, GARBLED[answer])
    for _ in range(2):
        try:
            gate.reserve(takes)
        except CounterStoreError:
            continue
    gate.use_up(takes)
    assert gate.passed <= MAXIMUM


@pytest.mark.parametrize("reasons", CANCELLED)
def test_P12_a_cancellation_for_any_other_reason_than_the_condition_denies(
    gate: Gate, reasons: str
) -> None:
    error = client_error(
        "TransactionCanceledException", "TransactWriteItems", CancellationReasons=CANCELLED[reasons]
    )
    gate.faults.before("TransactWriteItems", error)
    with pytest.raises(CounterStoreError):
        gate.reserve([SLIDING, ELSEWHERE])
    assert gate.faults.called == ["TransactWriteItems"]


CONFLICTS = {
    "UpdateItem": client_error("TransactionConflictException", "UpdateItem"),
    "TransactWriteItems": client_error(
        "TransactionCanceledException",
        "TransactWriteItems",
        CancellationReasons=[{"Code": "TransactionConflict"}, {"Code": "None"}],
    ),
}


@pytest.mark.parametrize("operation", CONFLICTS)
def test_P12_a_conflict_is_tried_again_and_then_denies(gate: Gate, operation: str) -> None:
    gate.faults.before(operation, CONFLICTS[operation], times=3)
    assert isinstance(gate.reserve(SITUATIONS[operation]), Reserved)
    gate.faults.before(operation, CONFLICTS[operation])
    with pytest.raises(CounterStoreError):
        gate.reserve(SITUATIONS[operation])
    assert len(gate.faults.called) == 4 + ATTEMPTS


def test_state_that_keeps_moving_denies_within_the_budget(gate: Gate) -> None:
    instants = iter(BUDGET_SECONDS * part for part in (0.0, 0.4, 0.8, 1.2))
    gate.store = gate.another(clock=lambda: next(instants))
    gate.faults.before("UpdateItem", CONFLICTS["UpdateItem"])
    with pytest.raises(CounterStoreError):
        gate.reserve([SLIDING])
    assert gate.faults.called == ["UpdateItem"] * 3


def test_a_failed_condition_without_an_item_is_an_item_that_is_gone(gate: Gate) -> None:
    gate.reserve([SLIDING])
    error = client_error("ConditionalCheckFailedException", "UpdateItem")
    gate.faults.before("UpdateItem", error, times=1)
    assert isinstance(gate.reserve([SLIDING]), Reserved)
    gate.use_up([SLIDING])
    assert gate.passed == MAXIMUM


@pytest.mark.parametrize("situation", SITUATIONS)
def test_G20_an_answer_lost_and_repeated_by_the_sdk_counts_exactly_once(
    shared: tuple[Any, Faults], situation: str
) -> None:
    takes = SITUATIONS[situation]
    client = make_client(retries=2)
    gate = Gate(client, Faults(client))
    operation = situation.split(",", maxsplit=1)[0]
    lose_one_answer(client, operation, sent_by(shared[0], operation))
    gate.use_up(takes)
    assert gate.passed == MAXIMUM


# ---------------------------------------------------------------- release


@pytest.mark.parametrize("take", [SLIDING, FIXED], ids=["sliding", "fixed"])
@pytest.mark.parametrize("operation", ["GetItem", "UpdateItem"])
@pytest.mark.parametrize("fault", ["ThrottlingException", "read-time-out", "unreadable"])
def test_P03_a_release_that_fails_leaves_the_take_taken(
    gate: Gate, take: Take, operation: str, fault: str
) -> None:
    reserved = gate.reserve([take])
    assert isinstance(reserved, Reserved)
    gate.faults.before(operation, errors_of(operation)[fault])
    with pytest.raises(CounterStoreError):
        gate.store.release(reserved, now=at(2))
    gate.use_up([take])
    assert gate.passed == MAXIMUM


@pytest.mark.parametrize("take", [SLIDING, FIXED], ids=["sliding", "fixed"])
def test_a_release_whose_answer_was_lost_is_not_done_again(gate: Gate, take: Take) -> None:
    reserved = gate.reserve([take])
    gate.reserve([take])
    assert isinstance(reserved, Reserved)
    gate.faults.after("UpdateItem", errors_of("UpdateItem")["read-time-out"], times=1)
    with pytest.raises(CounterStoreError):
        gate.store.release(reserved, now=at(3))
    gate.store.release(reserved, now=at(3))
    gate.passed -= 1  # the one given back
    gate.use_up([take])
    assert gate.passed == MAXIMUM


def test_a_release_that_meets_a_conflict_is_tried_again_and_then_given_up(gate: Gate) -> None:
    reserved = gate.reserve([SLIDING])
    assert isinstance(reserved, Reserved)
    gate.faults.before("UpdateItem", CONFLICTS["UpdateItem"])
    with pytest.raises(CounterStoreError):
        gate.store.release(reserved, now=at(2))
    gate.faults.before("UpdateItem", CONFLICTS["UpdateItem"], times=2)
    gate.store.release(reserved, now=at(2))
    assert gate.faults.called.count("UpdateItem") == 1 + ATTEMPTS + 3


def test_a_release_that_meets_another_writer_computes_again(gate: Gate) -> None:
    reserved = gate.reserve([SLIDING])
    assert isinstance(reserved, Reserved)
    other = gate.another()
    writes: list[str] = []

    def write(model: Any, **_: object) -> None:
        if model.name == "UpdateItem" and not writes:
            writes.append(model.name)
            other.reserve([SLIDING], server="amazon-mq", reservation_id="other", now=at(2))

    gate.client.meta.events.register("before-call.dynamodb", write)
    gate.store.release(reserved, now=at(3))
    gate.passed = 1  # what the other environment took
    gate.use_up([SLIDING])
    assert gate.passed == MAXIMUM


# ---------------------------------------------------------------- completeness


def test_every_operation_the_store_calls_has_fault_rows(gate: Gate) -> None:
    for n, takes in enumerate(SITUATIONS.values()):
        for _ in range(2):
            reserved = gate.store.reserve(
                takes, server=f"server-{n}", reservation_id="r", now=at(gate.asked)
            )
            assert isinstance(reserved, Reserved)
            gate.store.release(reserved, now=at(gate.asked))
            gate.asked += 1
    assert set(gate.faults.called) - {"CreateTable"} == OPERATIONS


@pytest.mark.parametrize("fault", FAULTS)
def test_G26_a_check_that_cannot_read_is_an_error(gate: Gate, fault: str) -> None:
    gate.faults.before("GetItem", errors_of("GetItem")[fault])
    with pytest.raises(CounterStoreError):
        gate.store.check([SLIDING], server="amazon-mq", now=at())
    gate.faults.clear()
    assert gate.store.check([SLIDING], server="amazon-mq", now=at()) is None
