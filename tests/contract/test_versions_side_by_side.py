"""Two versions of the functions work on one table and one bucket while an update takes over.

What the newer one adds to an item as an attribute, the older one leaves alone. A stored JSON
text is read whole or not at all (docs/upgrade.md).
"""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from portcullis.adapters.approval_items import from_item, to_item
from portcullis.adapters.dynamodb_grants import DynamoDBGrants, create_grant
from portcullis.errors import ApprovalStoreError
from support.approval_records import make_record
from support.engines import create_state_table

TABLE = "state"
RECORD = make_record()
LATER: dict[str, Any] = {"added_later": {"S": "x"}, "a_list_of_later": {"L": [{"N": "1"}]}}


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_state_table(client, TABLE)
        yield client


def add_to_all(client: Any) -> None:
    for item in client.scan(TableName=TABLE)["Items"]:
        client.put_item(TableName=TABLE, Item={**item, **LATER})


def test_a_grant_with_attributes_of_a_later_version_is_read_as_before(client: Any) -> None:
    token = create_grant(
        client, TABLE, name="ci", servers=["a"], now_seconds=10, lifetime_seconds=90
    )
    grants = DynamoDBGrants(client, TABLE)
    before = grants.find(token, now_seconds=20)
    add_to_all(client)
    assert before is not None
    assert grants.find(token, now_seconds=20) == before


def test_a_request_with_attributes_of_a_later_version_is_read_as_before() -> None:
    assert from_item({**to_item(RECORD), **LATER}) == RECORD


@pytest.mark.parametrize("half", ["facts", "life"])
def test_a_stored_text_with_members_of_a_later_version_is_refused_and_not_half_read(
    half: str,
) -> None:
    item = to_item(RECORD)
    tree = {**json.loads(item[half]["S"]), "added_later": {"x": [1]}}
    with pytest.raises(ApprovalStoreError):
        from_item({**item, half: {"S": json.dumps(tree)}})
