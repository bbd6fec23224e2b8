"""After a table was restored: forget every request for an approval that had not ended.

Usage: AWS credentials and region as the AWS libraries find them, then
    .venv/bin/python scripts/forget_restored_approvals.py TABLE

A restored table shows requests as they stood at an instant that is past. One that is approved
there may have been executed since; executed again it would be a second call that nobody asked
for. Nothing that is left can be executed: a request without its record is unknown to the
gateway, the executor and the console. Agents ask again.
"""

import sys
from collections.abc import Iterator
from typing import Any

import boto3

ENDED = {"CANCELLED", "DENIED", "DONE", "EXPIRED", "FAILED", "UNKNOWN"}
_PREFIX, _RECORD = "APPROVAL#", "RECORD"
_POINTERS = ("ASK#", "ASKER#")  # what finds a request, and who has how many open


def forget(dynamodb: Any, table: str) -> int:
    """Delete what is not known to have ended, and all pointers; answer how many requests."""
    items = list(_items(dynamodb, table))
    open_ones = {
        item["pk"]["S"]
        for item in items
        if item["sk"]["S"] == _RECORD and item.get("state", {}).get("S") not in ENDED
    }
    for item in items:
        owner = item["pk"]["S"]
        if owner in open_ones or owner.startswith(_POINTERS):
            dynamodb.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
    return len(open_ones)


def _items(dynamodb: Any, table: str) -> Iterator[dict[str, Any]]:
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=True,
        ProjectionExpression="pk, sk, #state",
        ExpressionAttributeNames={"#state": "state"},
    )
    for page in pages:
        for item in page["Items"]:
            if item["pk"]["S"].startswith((_PREFIX, *_POINTERS)):
                yield item


if __name__ == "__main__":
    print(f"forgotten: {forget(boto3.client('dynamodb'), sys.argv[1])}")
