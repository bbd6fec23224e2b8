"""Approvals when DynamoDB answers something else than we wrote, or not all; and what it may drop.

An item that is not as we write it is never read as "not there" or "not decided" (P13).
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from portcullis.adapters.approval_items import to_item
from portcullis.approvals import life
from portcullis.errors import ApprovalStoreError
from support.approval_records import ALICE, make_question, make_record
from support.approval_steps import NOW
from support.faulty_approvals import ACTIONS, PAIRS, PARTS, Approvals
from support.takes import START_SECONDS

READS = [pair for pair in PAIRS if pair.values[1] in ("BatchGetItem", "GetItem", "Query")]

# ---------------------------------------------------------------- answers left out

KEY = {"pk": {"S": "APPROVAL#" + "1".zfill(32)}, "sk": {"S": "RECORD"}}


class LeavingOut:
    """Makes BatchGetItem leave keys out of its first answers."""

    def __init__(self, client: Any, *, rounds: int) -> None:
        self.pauses: list[int] = []
        self._rounds = rounds
        self._asked: list[Any] = []
        self._client = client
        client.meta.events.register("before-parameter-build.dynamodb.BatchGetItem", self._keep)
        client.meta.events.register("after-call.dynamodb.BatchGetItem", self._leave_out)

    def undo(self) -> None:
        events = self._client.meta.events
        events.unregister("before-parameter-build.dynamodb.BatchGetItem", self._keep)
        events.unregister("after-call.dynamodb.BatchGetItem", self._leave_out)

    def _keep(self, params: dict[str, Any], **_: object) -> None:
        ((table, request),) = params["RequestItems"].items()
        assert request["ConsistentRead"] is True
        self._table, self._asked = table, request["Keys"]

    def _leave_out(self, parsed: dict[str, Any], **_: object) -> None:
        if self._rounds > 0:
            self._rounds -= 1
            left = self._asked[1:] or self._asked
            parsed["Responses"][self._table] = [
                item
                for item in parsed["Responses"][self._table]
                if {"pk": item["pk"], "sk": item["sk"]} not in left
            ]
            parsed["UnprocessedKeys"] = {self._table: {"Keys": left}}


@pytest.fixture
def leaving_out(approvals: Approvals) -> Iterator[Callable[[int], LeavingOut]]:
    made: list[LeavingOut] = []

    def make(rounds: int) -> LeavingOut:
        made.append(LeavingOut(approvals.client, rounds=rounds))
        return made[-1]

    yield make
    for one in made:
        one.undo()


def test_what_an_answer_left_out_is_asked_for_again(
    approvals: Approvals, leaving_out: Callable[[int], LeavingOut]
) -> None:
    pauses: list[int] = []
    store = approvals.engine.store(pause=pauses.append)
    leaving_out(3)
    assert store.result(approvals.done) == PARTS
    assert pauses == [0, 1, 2]


def test_what_is_left_out_again_and_again_is_an_error(
    approvals: Approvals, leaving_out: Callable[[int], LeavingOut]
) -> None:
    leaving_out(10**6)
    for act in (ACTIONS["result"][0], ACTIONS["listed"][0]):
        approvals.faults.called.clear()
        with pytest.raises(ApprovalStoreError, match="leaving items out"):
            act(approvals)
        assert approvals.faults.called.count("BatchGetItem") == 8


def test_a_list_longer_than_one_batch_is_read_whole(approvals: Approvals) -> None:
    items = [
        to_item(make_record(id=f"{n:032}", asked_at=START_SECONDS + n)) for n in range(1000, 1120)
    ]
    for start in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
        approvals.client.batch_write_item(RequestItems={approvals.engine.table: puts})
    approvals.faults.called.clear()
    records = approvals.store.listed(is_open=True, limit=115)
    assert [record.id for record in records] == [f"{n:032}" for n in range(1119, 1004, -1)]
    assert approvals.faults.called == ["Query", "BatchGetItem", "BatchGetItem"]


# ---------------------------------------------------------------- what is not as we write it

GARBLED: dict[str, dict[str, Any]] = {
    "text": {"Item": "x", "Attributes": "x", "Items": "x", "Responses": "x"},
    "no-attribute-value": {
        "Item": {"v": "1"},
        "Attributes": {"v": "1"},
        "Items": [{"pk": "1"}],
        "Responses": {},
        "UnprocessedKeys": {"approval-faults": 1},
    },
    "another-item": {
        "Item": {"v": {"S": "x"}},
        "Attributes": {"v": {"S": "x"}},
        "Items": [{"pk": {"S": "GRANT#1"}, "sk": {"S": "GRANT"}}],
        "Responses": None,
    },
}


@pytest.mark.parametrize("answer", GARBLED)
@pytest.mark.parametrize("action,operation", READS)
def test_P13_an_answer_that_is_not_one_is_an_error(
    approvals: Approvals, action: str, operation: str, answer: str
) -> None:
    if operation == "BatchGetItem" and answer == "no-attribute-value":
        rest = {approvals.engine.table: {"Keys": None}}
        approvals.faults.garble(operation, {"Responses": {}, "UnprocessedKeys": rest})
    else:
        approvals.faults.garble(operation, GARBLED[answer])
    with pytest.raises(ApprovalStoreError):
        ACTIONS[action][0](approvals)


@pytest.mark.parametrize("answer", [{}, *GARBLED.values()], ids=["empty", *GARBLED])
def test_P13_a_change_whose_answer_is_not_one_is_an_error(
    approvals: Approvals, answer: dict[str, Any]
) -> None:
    approvals.faults.garble("UpdateItem", answer)
    with pytest.raises(ApprovalStoreError):
        ACTIONS["replace"][0](approvals)


def test_P13_a_change_that_is_stored_as_another_is_an_error(approvals: Approvals) -> None:
    item = approvals.client.get_item(TableName=approvals.engine.table, Key=KEY)["Item"]
    approvals.faults.garble("UpdateItem", {"Attributes": item})
    with pytest.raises(ApprovalStoreError, match="not what was written"):
        ACTIONS["replace"][0](approvals)


@pytest.mark.parametrize("rest", [None, {}, {"Keys": "x"}, 1], ids=repr)
def test_P13_keys_left_out_that_are_none_are_an_error(approvals: Approvals, rest: object) -> None:
    table = approvals.engine.table
    answer: dict[str, Any] = {"Responses": {table: []}, "UnprocessedKeys": {table: rest}}
    approvals.faults.garble("BatchGetItem", answer)
    with pytest.raises(ApprovalStoreError):
        ACTIONS["listed"][0](approvals)


@pytest.mark.parametrize(
    "sk,attributes,action",
    [
        pytest.param("ASK", {"id": {"N": "1"}}, "find", id="pointer-a-number"),
        pytest.param("ASK", {"id": None}, "find", id="pointer-to-nothing"),
        pytest.param("OPEN", {"requests": None}, "open_requests", id="no-list"),
        pytest.param("OPEN", {"requests": {"S": "{}"}}, "open_requests", id="list-an-object"),
        pytest.param("OPEN", {"requests": {"S": "[["}}, "open_requests", id="list-no-json"),
        pytest.param("OPEN", {"requests": {"S": "[[1,2]]"}}, "open_requests", id="id-a-number"),
        pytest.param("OPEN", {"requests": {"S": '["a"]'}}, "open_requests", id="no-pair"),
        pytest.param("OPEN", {"requests": {"S": '[["a",true]]'}}, "open_requests", id="no-time"),
        pytest.param("OPEN", {"requests": {"S": '[["a",1.5]]'}}, "open_requests", id="half-time"),
        pytest.param("OPEN", {"v": None}, "open_requests", id="list-without-version"),
        pytest.param("OPEN", {"v": {"S": "1"}}, "open_requests", id="list-version-text"),
        pytest.param("ARGUMENTS", {"sealed": None}, "sealed_arguments", id="no-arguments"),
        pytest.param("ARGUMENTS", {"sealed": {"S": "x"}}, "sealed_arguments", id="not-bytes"),
        pytest.param("ARGUMENTS", {"sealed": {"B": b""}}, "sealed_arguments", id="no-bytes"),
        pytest.param("RECORD", {"life": {"S": "{}"}}, "read", id="no-life"),
        pytest.param("RECORD", {"state": {"S": "DONE"}}, "listed", id="another-state"),
        pytest.param("RECORD", {"v": {"N": "7"}}, "replace", id="another-version"),
        pytest.param("RECORD", {"task_token": {"N": "1"}}, "replace", id="handle-a-number"),
    ],
)
def test_P13_an_item_not_as_written_is_an_error_or_another_version(
    approvals: Approvals, sk: str, attributes: dict[str, Any], action: str
) -> None:
    approvals.change(sk, **attributes)
    if (action, attributes) == ("replace", {"v": {"N": "7"}}):
        assert ACTIONS[action][0](approvals) is None
        return
    with pytest.raises(ApprovalStoreError):
        ACTIONS[action][0](approvals)


@pytest.mark.parametrize("sk", ["RESULT#000", "RESULT#001"])
@pytest.mark.parametrize("sealed", [None, {"S": "one"}, {"B": b""}], ids=["gone", "text", "empty"])
def test_P13_a_piece_of_a_result_not_as_written_is_an_error(
    approvals: Approvals, sk: str, sealed: dict[str, Any] | None
) -> None:
    approvals.change(sk, number=2, sealed=sealed)
    with pytest.raises(ApprovalStoreError):
        ACTIONS["result"][0](approvals)


# ---------------------------------------------------------------- what disappears, and when


def ttls(approvals: Approvals, number: int) -> dict[str, int]:
    """When each item of a request, its pointer and the asker's list may be deleted."""
    return {
        item["sk"]["S"]: int(item["ttl"]["N"])
        for item in approvals.items()
        if approvals.is_of(item, number)
    }


def test_everything_of_a_request_disappears_after_its_retention(approvals: Approvals) -> None:
    kept = approvals.done.expires_at + 30 * 86_400
    over = NOW + life.RESULT_SECONDS
    assert ttls(approvals, 2) == {
        "RECORD": kept,
        "ARGUMENTS": kept,
        "ASK": kept,
        "OPEN": kept,
        "RESULT#000": over,
        "RESULT#001": over,
    }


def test_what_finds_requests_outlasts_the_longest_of_them_by_a_day(approvals: Approvals) -> None:
    last = START_SECONDS + 10**6
    for expires_at, number in ((last, 5), (START_SECONDS + 60, 6)):
        listed = approvals.store.open_requests(ALICE.key)
        question = make_question(
            make_record(id=f"{number:032}", expires_at=expires_at),
            key=f"key-{number}",
            others=listed.requests,
            others_version=listed.version,
        )
        assert approvals.engine.store(retention_seconds=60).create(question)
    assert ttls(approvals, 6) == {
        "RECORD": START_SECONDS + 120,
        "ARGUMENTS": START_SECONDS + 120,
        "ASK": START_SECONDS + 60 + 86_400,
        "OPEN": last + 86_400,
    }


def test_a_result_that_was_handed_over_may_be_deleted_at_once(approvals: Approvals) -> None:
    approvals.store.forget_result(approvals.done)
    assert ttls(approvals, 2)["RESULT#001"] == NOW
    assert not [item for item in approvals.items() if item.get("sealed") == {"B": PARTS[1]}]
