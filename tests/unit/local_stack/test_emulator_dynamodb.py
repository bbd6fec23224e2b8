"""The corrections of the emulator's DynamoDB: one request at a time, tokens honoured."""

from collections.abc import Iterator
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_stack.emulator import dynamodb
from support.engines import TABLE, moto_client


@pytest.fixture
def client() -> Iterator[Any]:
    with moto_client() as client:
        yield client


def add_one(client: Any, *, token: str | None, amount: int = 1) -> None:
    options = {} if token is None else {"ClientRequestToken": token}
    update = {
        "TableName": TABLE,
        "Key": {"pk": {"S": "p"}, "sk": {"S": "s"}},
        "UpdateExpression": "ADD used :one",
        "ExpressionAttributeValues": {":one": {"N": str(amount)}},
    }
    client.transact_write_items(TransactItems=[{"Update": update}], **options)


def used(client: Any) -> int:
    key = {"pk": {"S": "p"}, "sk": {"S": "s"}}
    return int(client.get_item(TableName=TABLE, Key=key)["Item"]["used"]["N"])


def test_a_repeated_token_is_applied_once(client: Any) -> None:
    add_one(client, token="a")
    add_one(client, token="a")
    add_one(client, token="b")
    assert used(client) == 2


def test_without_a_token_every_transaction_is_applied(client: Any) -> None:
    add_one(client, token="x")
    client.update_item(
        TableName=TABLE,
        Key={"pk": {"S": "p"}, "sk": {"S": "s"}},
        UpdateExpression="ADD used :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    assert used(client) == 2


def test_a_token_for_another_transaction_is_an_error(client: Any) -> None:
    add_one(client, token="a")
    with pytest.raises(ClientError, match="IdempotentParameterMismatchException"):
        add_one(client, token="a", amount=2)
    assert used(client) == 1


def request(**body: Any) -> Any:
    return SimpleNamespace(
        body=body, region="us-east-1", current_account="1", dynamodb_backend=object
    )


def test_a_token_is_forgotten_after_ten_minutes() -> None:
    now = [1000.0]
    answers = iter(range(9))
    handle = dynamodb.once_per_token(lambda _: next(answers), clock=lambda: now[0])
    asked = request(ClientRequestToken="a", TransactItems=[])
    assert [handle(asked), handle(asked)] == [0, 0]
    now[0] += dynamodb.TOKEN_LIFETIME_SECONDS
    assert handle(asked) == 1


def test_a_request_without_a_token_is_handled_each_time() -> None:
    answers = iter(range(9))
    handle = dynamodb.once_per_token(lambda _: next(answers))
    assert [handle(request()), handle(request())] == [0, 1]


def test_requests_are_handled_one_at_a_time() -> None:
    inside, go_on = Event(), Event()
    order: list[str] = []

    def slow(name: Any) -> None:
        if name == "first":
            inside.set()
            go_on.wait(5)
        order.append(name)

    handle = dynamodb.one_at_a_time(slow)
    first = Thread(target=handle, args=("first",))
    first.start()
    inside.wait(5)
    second = Thread(target=handle, args=("second",))
    second.start()
    go_on.set()
    first.join(5)
    second.join(5)
    assert order == ["first", "second"]
