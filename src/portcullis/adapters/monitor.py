"""What nobody's call tells: requests that wait, policies' ages, rejected uploads, dead letters.

Each sight is taken by itself: one that cannot be had is counted in `MonitorFailures` and leaves
its metrics out. A zero is written only where it was seen.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from portcullis.adapters import approval_items as items
from portcullis.adapters.aws_calls import Client, error_code
from portcullis.adapters.dynamodb_approvals import INDEX
from portcullis.adapters.dynamodb_calls import DynamoDBTable
from portcullis.adapters.embedded_metrics import gauges
from portcullis.errors import ApprovalStoreError, UnavailableError
from portcullis.policy.model import Instant
from portcullis.strictjson import parse

MOST: Final = 1000  # requests, or objects of a folder, that are looked at: what one page holds
STATUS_BYTES: Final = 1 << 20
_ACTIVE: Final = "active/policies/"
_STATUS: Final = "status/"

Values: TypeAlias = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """The clients that the monitor looks through."""

    s3: Client
    dynamodb: Client
    sqs: Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What belongs to the deployment: its name, bucket, table, and the URL of its queue."""

    stack: str
    bucket: str
    table: str
    dead_letters: str


class Monitor:
    """Looks at one deployment."""

    def __init__(self, clients: Clients, watched: Watched) -> None:
        self._clients = clients
        self._watched = watched
        self._table = DynamoDBTable(clients.dynamodb, watched.table, ApprovalStoreError)

    def look(self, now: Instant) -> list[dict[str, object]]:
        """Answer the lines to write: one of the stack, and one of each active policy."""
        seconds, now_ms = now.micros // 1_000_000, now.micros // 1000
        stack = {"service": self._watched.stack}
        values, failed = Values(), dict[str, str]()
        ages: dict[str, int] = {}

        def approvals() -> Values:
            return self._approvals(seconds)

        def policies() -> Values:
            ages.update(self._ages(seconds))
            return {"ActivePolicies": len(ages)}

        sights: Mapping[str, Callable[[], Values]] = {
            "approvals": approvals,
            "policies": policies,
            "uploads": self._uploads,
            "dead letters": self._dead_letters,
        }
        for name, sight in sights.items():
            try:
                values |= sight()
            except Exception as error:  # noqa: BLE001 - whatever it is, it could not be told
                failed[name] = str(error) if isinstance(error, UnavailableError) else _told(error)
        values["MonitorFailures"] = len(failed)
        lines = [{"message": "monitor", "failed": failed, **gauges(values, stack, now_ms=now_ms)}]
        for server, age in ages.items():
            by_server = gauges({"ActivePolicyAge": age}, {**stack, "Server": server}, now_ms=now_ms)
            lines.append({"message": "monitor", **by_server})
        return lines

    def _approvals(self, now_seconds: int) -> Values:
        """Requests that wait, at most `MOST` of them; the index lists the oldest first."""
        found = self._table.query(
            {
                "IndexName": INDEX,
                "KeyConditionExpression": "#listing = :listing",
                "ExpressionAttributeNames": {"#listing": "listing"},
                "ExpressionAttributeValues": {":listing": {"S": items.listing(is_open=True)}},
                "ScanIndexForward": True,
                "Limit": MOST,
            }
        )
        oldest = now_seconds - int(found[0]["asked"]["N"]) if found else 0
        return {"OpenApprovals": len(found), "OldestApprovalAge": max(0, oldest)}

    def _ages(self, now_seconds: int) -> dict[str, int]:
        """Seconds since each server's policy was put in force."""
        return {
            key.removeprefix(_ACTIVE).removesuffix(".json"): max(
                0, now_seconds - int(modified.timestamp())
            )
            for key, modified in self._modified(_ACTIVE).items()
        }

    def _uploads(self) -> Values:
        """Uploads that were rejected after what is in force was activated."""
        active = self._modified(_ACTIVE)
        rejected = 0
        for key, modified in self._modified(_STATUS).items():
            since = active.get(_ACTIVE + key.removeprefix(_STATUS))
            if self._state(key) == "rejected" and (since is None or modified >= since):
                rejected += 1
        return {"RejectedUploads": rejected}

    def _dead_letters(self) -> Values:
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        answer = self._clients.sqs.get_queue_attributes(
            QueueUrl=self._watched.dead_letters, AttributeNames=list(names)
        )
        return {"DeadLetters": sum(int(answer["Attributes"][name]) for name in names)}

    def _modified(self, prefix: str) -> dict[str, datetime]:
        answer = self._clients.s3.list_objects_v2(
            Bucket=self._watched.bucket, Prefix=prefix, MaxKeys=MOST
        )
        if answer["IsTruncated"]:
            raise UnavailableError(f"`{prefix}` holds more than {MOST} objects")
        found: list[dict[str, Any]] = answer.get("Contents", [])
        return {one["Key"]: one["LastModified"] for one in found}

    def _state(self, key: str) -> object:
        answer = self._clients.s3.get_object(Bucket=self._watched.bucket, Key=key)
        tree = parse(answer["Body"].read(STATUS_BYTES + 1), max_bytes=STATUS_BYTES)
        if not isinstance(tree, dict):
            raise UnavailableError("a status is no object")
        return tree.get("state")


def _told(error: Exception) -> str:
    """What went wrong, without what AWS's message may name."""
    return f"no answer: {error_code(error)}"
