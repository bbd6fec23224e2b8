"""A restored request for an approval cannot be executed a second time."""

from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from moto import mock_aws

from forget_restored_approvals import ENDED, forget
from portcullis.adapters import approval_items as items
from portcullis.approvals.states import State
from portcullis.gateway.approval_ports import OPEN_STATES
from support.engines import create_state_table

TABLE = "restored"


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_state_table(client, TABLE)
        yield client


def put(client: Any, key: Mapping[str, Any], **attributes: Any) -> None:
    client.put_item(TableName=TABLE, Item={**key, **attributes})


def left(client: Any) -> set[str]:
    return {item["pk"]["S"] for item in client.scan(TableName=TABLE)["Items"]}


def test_P17_what_was_open_when_the_table_was_saved_is_gone_after_a_restore(client: Any) -> None:
    for state in State:
        put(client, items.record_key(state.value), state={"S": state.value})
        put(client, items.arguments_key(state.value), sealed={"B": b"x"})
        put(client, items.result_key(state.value, 0), sealed={"B": b"x"})
    put(client, items.pointer_key("key"), id={"S": "APPROVED"})
    put(client, items.open_key("alice"), requests={"SS": ["APPROVED"]})
    put(client, {"pk": {"S": "GRANT#1"}, "sk": {"S": "GRANT"}})
    put(client, {"pk": {"S": "COUNTER#1"}, "sk": {"S": "C"}})
    assert forget(client, TABLE) == len(State) - len(ENDED)
    assert left(client) == {"GRANT#1", "COUNTER#1", *(f"APPROVAL#{name}" for name in ENDED)}


def test_P17_a_record_in_a_state_that_nobody_knows_is_gone_too(client: Any) -> None:
    put(client, items.record_key("x"), state={"S": "ALMOST"})
    put(client, items.record_key("y"))
    assert forget(client, TABLE) == 2
    assert left(client) == set()


def test_the_states_that_have_ended_are_those_that_are_not_open() -> None:
    assert {state.value for state in State} - {state.value for state in OPEN_STATES} == ENDED
