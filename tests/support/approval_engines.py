"""Approval stores by the engine they run on, and what the workflow writes beside them.

The workflow writes with the expressions of `approval.asl.json`, on the real table.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from botocore.exceptions import ClientError

from portcullis.adapters.approval_items import record_key
from portcullis.adapters.dynamodb_approvals import DynamoDBApprovalStore
from portcullis.adapters.memory_approvals import MemoryApprovalStore
from portcullis.gateway.approval_ports import ApprovalStore
from support.approval_records import Clock

RETENTION_SECONDS = 86_400 * 30


class ApprovalEngine(Protocol):
    """Stores that share one state and one clock, and the workflow beside them."""

    clock: Clock

    def store(self) -> ApprovalStore:
        """A further environment's store."""
        ...

    def hold(self, approval_id: str, handle: str) -> None:
        """The workflow waits under this handle."""
        ...

    def expire(self, approval_id: str, *, at: int) -> None:
        """The workflow's clock ran out at this second, if nothing happened before."""
        ...

    def lose(self, approval_id: str, *, at: int) -> None:
        """The workflow found that the executor never came back, if it did not."""
        ...


class MemoryApprovals:
    """One store in memory for all environments."""

    def __init__(self) -> None:
        self.clock = Clock()
        self._store = MemoryApprovalStore(clock=self.clock)
        self.hold: Callable[[str, str], None] = self._store.hold

    def store(self) -> ApprovalStore:
        return self._store

    def expire(self, approval_id: str, *, at: int) -> None:
        self._store.expire(approval_id, at=at)

    def lose(self, approval_id: str, *, at: int) -> None:
        self._store.lose(approval_id, at=at)


class DynamoDBApprovals:
    """Stores on one table."""

    def __init__(self, client: Any, table: str) -> None:
        self.clock = Clock()
        self.client = client
        self.table = table

    def store(self, **options: Any) -> DynamoDBApprovalStore:
        return DynamoDBApprovalStore(
            self.client,
            self.table,
            **{
                "clock": self.clock,
                "retention_seconds": RETENTION_SECONDS,
                "pause": lambda _: None,
                **options,
            },
        )

    def hold(self, approval_id: str, handle: str) -> None:
        self.client.update_item(
            TableName=self.table,
            Key=record_key(approval_id),
            UpdateExpression="SET #token = :token",
            ExpressionAttributeNames={"#token": "task_token"},
            ExpressionAttributeValues={":token": {"S": handle}},
        )

    def expire(self, approval_id: str, *, at: int) -> None:
        self._end(approval_id, "EXPIRED", "#state IN (:one_of, :other)", at)

    def lose(self, approval_id: str, *, at: int) -> None:
        self._end(approval_id, "UNKNOWN", "#state = :executing", at)

    def _end(self, approval_id: str, state: str, condition: str, at: int) -> None:
        values = {":one_of": "PENDING", ":other": "APPROVED", ":executing": "EXECUTING"}
        try:
            self.client.update_item(
                TableName=self.table,
                Key=record_key(approval_id),
                UpdateExpression=(
                    "SET #state = :state, #listing = :closed, #ended = :now ADD #v :one"
                ),
                ConditionExpression=condition,
                ExpressionAttributeNames={
                    "#state": "state",
                    "#listing": "listing",
                    "#ended": "ended_iso",
                    "#v": "v",
                },
                ExpressionAttributeValues={
                    ":state": {"S": state},
                    ":closed": {"S": "closed"},
                    ":now": {"S": datetime.fromtimestamp(at, UTC).isoformat()},
                    ":one": {"N": "1"},
                    **{name: {"S": one} for name, one in values.items() if name in condition},
                },
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
