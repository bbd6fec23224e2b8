"""An approval store whose calls of DynamoDB fail as a test says, and every action it has."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from portcullis.approvals import life
from portcullis.approvals.record import ApprovalRecord
from portcullis.gateway.approval_ports import Question
from support.approval_engines import DynamoDBApprovals
from support.approval_records import ALICE, make_question, make_record, make_vote
from support.approval_steps import NOW
from support.dynamodb_faults import Faults
from support.engines import create_state_table, moto_client

PARTS = (b"one", b"two")
TABLES = itertools.count()


class Approvals:
    """A store under faults in which one request is approved and one is done."""

    def __init__(self, client: Any, faults: Faults) -> None:
        self.client = client
        self.faults = faults
        table = create_state_table(client, f"approval-faults-{next(TABLES)}")
        self.engine = DynamoDBApprovals(client, table)
        self.engine.clock.seconds = 60
        self.store = self.engine.store()
        self.question = self._next_question("1")
        assert self.store.create(self.question)
        self.record = self._change(self.question.record, life.approve)
        self.done = self._finished()
        self.new = self._next_question("3")
        faults.called.clear()

    def claim(self) -> ApprovalRecord:
        claimed = life.claim(self.record, now=NOW)
        assert isinstance(claimed, ApprovalRecord)
        return claimed

    def change(self, sk: str, number: int = 1, **attributes: Any) -> None:
        """Rewrite the attributes of a request's item; None removes one."""
        items = self.client.scan(TableName=self.engine.table)["Items"]
        (item,) = [one for one in items if one["sk"]["S"] == sk and self.is_of(one, number)]
        changed = {**item, **attributes}
        kept = {name: value for name, value in changed.items() if value is not None}
        self.client.put_item(TableName=self.engine.table, Item=kept)

    @staticmethod
    def is_of(item: dict[str, Any], number: int) -> bool:
        """Whether an item is of a request; the only list of open requests is of every one."""
        wanted = (f"APPROVAL#{number:032}", f"ASK#key-{number}")
        return item["pk"]["S"] in wanted or item["sk"]["S"] == "OPEN"

    def items(self) -> list[dict[str, Any]]:
        self.faults.clear()
        items: list[dict[str, Any]] = self.client.scan(TableName=self.engine.table)["Items"]
        return sorted(items, key=repr)

    def _next_question(self, number: str) -> Question:
        listed = self.store.open_requests(ALICE.key)
        return make_question(
            make_record(id=number.zfill(32)),
            key=f"key-{number}",
            others=listed.requests,
            others_version=listed.version,
        )

    def _change(self, record: ApprovalRecord, change: Callable[..., Any]) -> ApprovalRecord:
        options = {"vote": make_vote()} if change is life.approve else {}
        replaced = self.store.replace(record, change(record, now=NOW, **options))
        assert replaced is not None
        return replaced.record

    def _finished(self) -> ApprovalRecord:
        question = self._next_question("2")
        assert self.store.create(question)
        record = self._change(self._change(question.record, life.approve), life.claim)
        self.store.put_result(record, PARTS)
        changed = life.finish(record, parts=len(PARTS), now=NOW)
        assert isinstance(changed, ApprovalRecord)
        replaced = self.store.replace(record, changed)
        assert replaced is not None
        return replaced.record


# Each action of the store with the operations it calls.
ACTIONS: dict[str, tuple[Callable[[Approvals], object], set[str]]] = {
    "find": (lambda approvals: approvals.store.find("key-1"), {"GetItem"}),
    "open_requests": (lambda approvals: approvals.store.open_requests(ALICE.key), {"GetItem"}),
    "create": (lambda approvals: approvals.store.create(approvals.new), {"TransactWriteItems"}),
    "read": (lambda approvals: approvals.store.read(approvals.record.id), {"GetItem"}),
    "replace": (
        lambda approvals: approvals.store.replace(approvals.record, approvals.claim()),
        {"UpdateItem"},
    ),
    "sealed_arguments": (
        lambda approvals: approvals.store.sealed_arguments(approvals.record.id),
        {"GetItem"},
    ),
    "put_result": (
        lambda approvals: approvals.store.put_result(approvals.record, PARTS),
        {"UpdateItem"},
    ),
    "result": (lambda approvals: approvals.store.result(approvals.done), {"BatchGetItem"}),
    "forget_result": (
        lambda approvals: approvals.store.forget_result(approvals.done),
        {"UpdateItem"},
    ),
    "listed": (
        lambda approvals: approvals.store.listed(is_open=True, limit=10),
        {"BatchGetItem", "Query"},
    ),
}
PAIRS = [
    pytest.param(action, operation, id=f"{action}-{operation}")
    for action, (_, operations) in ACTIONS.items()
    for operation in sorted(operations)
]


@pytest.fixture(scope="module")
def faulty_dynamodb() -> Iterator[tuple[Any, Faults]]:
    """One client for a module's tests, and its faults."""
    with moto_client() as client:
        yield client, Faults(client)


@pytest.fixture
def approvals(faulty_dynamodb: tuple[Any, Faults]) -> Iterator[Approvals]:
    """Approvals on a table of their own, without a fault."""
    yield Approvals(*faulty_dynamodb)
    faulty_dynamodb[1].clear()
