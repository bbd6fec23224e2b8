"""Approvals when DynamoDB fails or holds something else: an error, and never two of anything.

Whatever fails, the store raises: nobody takes a request for stored, decided or claimed that
may not be. What a fault leaves behind is what happened or nothing at all (P02, P05, P12, P13).

The faults are injected at the client; that AWS sends them is not shown here.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from portcullis.adapters.dynamodb_approvals import DynamoDBApprovalStore
from portcullis.errors import ApprovalStoreError
from portcullis.gateway.approval_ports import Replaced
from support.approval_engines import DynamoDBApprovals
from support.approval_steps import NOW
from support.dynamodb_faults import client_error, errors_of, lose_one_answer, sent_by
from support.engines import make_client
from support.faulty_approvals import ACTIONS, PAIRS, PARTS, Approvals

# ---------------------------------------------------------------- failing calls


@pytest.mark.parametrize("action,operation", PAIRS)
def test_P02_a_fault_before_the_effect_is_an_error_and_changes_nothing(
    approvals: Approvals, action: str, operation: str
) -> None:
    before = approvals.items()
    for error in errors_of(operation).values():
        approvals.faults.before(operation, error)
        with pytest.raises(ApprovalStoreError):
            ACTIONS[action][0](approvals)
    assert approvals.items() == before


@pytest.mark.parametrize("action,operation", PAIRS)
def test_P02_a_fault_after_the_effect_is_an_error(
    approvals: Approvals, action: str, operation: str
) -> None:
    for error in errors_of(operation).values():
        approvals.faults.after(operation, error)
        with pytest.raises(ApprovalStoreError):
            ACTIONS[action][0](approvals)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_operation_of_an_action_has_fault_rows(approvals: Approvals, action: str) -> None:
    act, operations = ACTIONS[action]
    act(approvals)
    assert set(approvals.faults.called) == operations


def test_every_action_of_the_port_has_fault_rows() -> None:
    public = {name for name in vars(DynamoDBApprovalStore) if not name.startswith("_")}
    assert public == set(ACTIONS)


def test_no_error_tells_what_is_stored(approvals: Approvals) -> None:
    approvals.change("RECORD", task_token={"N": "1"}, life={"S": '{"handle":"secret"}'})
    with pytest.raises(ApprovalStoreError) as caught:
        approvals.store.read(approvals.record.id)
    assert "secret" not in str(caught.value)


# ---------------------------------------------------------------- answers that are lost


def test_P05_a_request_whose_answer_was_lost_is_stored_whole_and_once(
    approvals: Approvals,
) -> None:
    approvals.faults.after("TransactWriteItems", errors_of("")["read-time-out"], times=1)
    with pytest.raises(ApprovalStoreError):
        approvals.store.create(approvals.new)
    assert approvals.store.find(approvals.new.key) == approvals.new.record.id
    assert approvals.store.read(approvals.new.record.id) == approvals.new.record
    stored = approvals.items()
    assert approvals.store.create(approvals.new)
    assert approvals.items() == stored


def test_N26_a_claim_whose_answer_was_lost_is_nobodys(approvals: Approvals) -> None:
    approvals.faults.after("UpdateItem", errors_of("")["read-time-out"], times=1)
    with pytest.raises(ApprovalStoreError):
        approvals.store.replace(approvals.record, approvals.claim())
    assert approvals.store.replace(approvals.record, approvals.claim()) is None
    assert approvals.store.read(approvals.record.id) == approvals.claim()


def repeated(approvals: Approvals, act: Callable[[Any], object]) -> Replaced | None:
    """Claim by a client that repeats calls by itself, as SDKs do; `act` is what came first."""
    client = make_client(retries=1)
    lose_one_answer(client, "UpdateItem", act)
    store = DynamoDBApprovals(client, approvals.engine.table).store()
    return store.replace(approvals.record, approvals.claim())


def test_a_change_that_the_sdk_repeats_is_carried_out_once(approvals: Approvals) -> None:
    approvals.engine.hold(approvals.record.id, "handle")
    answer = repeated(approvals, sent_by(approvals.client, "UpdateItem"))
    assert answer == Replaced(record=approvals.claim(), wake="handle")
    assert approvals.store.read(approvals.record.id) == approvals.claim()


def test_N26_a_rivals_claim_in_the_same_second_is_not_taken_for_ones_own(
    approvals: Approvals,
) -> None:
    rivals: list[Replaced | None] = []

    def claim_first(_: Any) -> None:
        rivals.append(approvals.store.replace(approvals.record, approvals.claim()))

    assert repeated(approvals, claim_first) is None
    assert rivals == [Replaced(record=approvals.claim())]


def test_a_change_that_the_workflow_has_gone_past_is_not_told_as_carried_out(
    approvals: Approvals,
) -> None:
    def claim_and_be_lost(request: Any) -> None:
        sent_by(approvals.client, "UpdateItem")(request)
        approvals.engine.lose(approvals.record.id, at=NOW + 900)

    assert repeated(approvals, claim_and_be_lost) is None


def test_a_result_whose_answer_was_lost_can_be_stored_again(approvals: Approvals) -> None:
    approvals.faults.after("UpdateItem", errors_of("")["read-time-out"], times=1)
    with pytest.raises(ApprovalStoreError):
        approvals.store.put_result(approvals.record, PARTS)
    approvals.store.put_result(approvals.record, PARTS)
    assert approvals.store.result(replace(approvals.done, id=approvals.record.id)) == PARTS


# ---------------------------------------------------------------- conditions and conflicts

CONFLICT = client_error("TransactionConflictException", "UpdateItem")


def cancelled(*codes: str) -> Exception:
    return client_error(
        "TransactionCanceledException",
        "TransactWriteItems",
        CancellationReasons=[{"Code": code} for code in codes],
    )


@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize("code", ["ConditionalCheckFailed", "TransactionConflict"])
def test_P12_a_condition_or_a_conflict_says_that_somebody_was_faster(
    approvals: Approvals, position: int, code: str
) -> None:
    codes = ["None"] * 4
    codes[position] = code
    approvals.faults.before("TransactWriteItems", cancelled(*codes))
    assert approvals.store.create(approvals.new) is False


@pytest.mark.parametrize(
    "codes",
    [
        pytest.param(["ThrottlingError", "None", "None", "None"], id="throttled"),
        pytest.param(
            ["ConditionalCheckFailed", "None", "None", "ProvisionedThroughputExceeded"],
            id="capacity",
        ),
        pytest.param(["None", "ValidationError", "None", "None"], id="invalid"),
        pytest.param(["None"] * 4, id="none-at-fault"),
        pytest.param(["ConditionalCheckFailed"], id="too-few"),
    ],
)
def test_P12_any_other_cancellation_is_an_error(approvals: Approvals, codes: list[str]) -> None:
    approvals.faults.before("TransactWriteItems", cancelled(*codes))
    with pytest.raises(ApprovalStoreError):
        approvals.store.create(approvals.new)


def test_P12_a_change_that_meets_a_conflict_is_not_carried_out(approvals: Approvals) -> None:
    approvals.faults.before("UpdateItem", CONFLICT, times=1)
    assert approvals.store.replace(approvals.record, approvals.claim()) is None
    assert approvals.store.replace(approvals.record, approvals.claim()) is not None


@pytest.mark.parametrize("action", ["put_result", "forget_result"])
def test_P12_a_result_that_meets_a_conflict_is_an_error(approvals: Approvals, action: str) -> None:
    approvals.faults.before("UpdateItem", CONFLICT)
    with pytest.raises(ApprovalStoreError):
        ACTIONS[action][0](approvals)
