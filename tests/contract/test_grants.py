"""Grants in DynamoDB (emulated by moto; AWS's own consistency is not shown here)."""

import hashlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws

from portcullis.adapters.dynamodb_grants import (
    DynamoDBGrants,
    Role,
    create_grant,
    token_digest,
)
from portcullis.errors import GrantStoreError

TABLE = "state"


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client(
            "dynamodb",
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
        )
        client.create_table(
            TableName=TABLE,
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


def mint(client: Any, **changes: Any) -> str:
    arguments = {"name": "ci", "servers": ["b", "a"], "now_seconds": 10, "lifetime_seconds": 90}
    return create_grant(client, TABLE, **{**arguments, **changes})


def test_F09_the_table_is_asked_for_a_digest_that_tells_nothing_of_a_near_miss() -> None:
    """Nothing is compared with a secret, so no time tells how much of a guess was right."""
    store = mock.Mock(get_item=mock.Mock(return_value={}))
    token = "pcl_" + "a" * 43
    for guess in (token, token[:-1], token[:-1] + "b", "pcl_b" + "a" * 42):
        assert DynamoDBGrants(store, TABLE).find(guess, now_seconds=1) is None
    first, *others = (call.kwargs["Key"]["pk"]["S"] for call in store.get_item.call_args_list)
    assert first == "GRANT#" + hashlib.sha256(token.encode()).hexdigest()
    assert all(other[:10] != first[:10] for other in others)


def test_a_minted_token_is_found_until_it_expires(client: Any) -> None:
    token, grants = mint(client), DynamoDBGrants(client, TABLE)
    found = grants.find(token, now_seconds=99)
    assert found is not None
    assert (found.name, found.servers, found.expires_at) == ("ci", ("a", "b"), 100)
    assert grants.find(token, now_seconds=100) is None


def test_the_token_itself_is_stored_nowhere(client: Any) -> None:
    token = mint(client)
    items = client.scan(TableName=TABLE)["Items"]
    assert token not in str(items)
    assert items[0]["pk"] == {"S": f"GRANT#{token_digest(token)}"}
    assert items[0]["ttl"] == {"N": "100"}


def test_a_revoked_grant_is_gone_at_once(client: Any) -> None:
    token, grants = mint(client), DynamoDBGrants(client, TABLE)
    client.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"GRANT#{token_digest(token)}"}, "sk": {"S": "GRANT"}},
        UpdateExpression="SET revoked = :t",
        ExpressionAttributeValues={":t": {"N": "1"}},
    )
    assert grants.find(token, now_seconds=11) is None


@pytest.mark.parametrize("token", ["", "pcl_unknown", "x" * 129, "\ud800"])
def test_a_token_nobody_minted_is_nobody(client: Any, token: str) -> None:
    assert DynamoDBGrants(client, TABLE).find(token, now_seconds=11) is None


def test_G07_a_rotated_token_speaks_for_the_same_principal(client: Any) -> None:
    grants = DynamoDBGrants(client, TABLE)
    found = [grants.find(mint(client), now_seconds=11) for _ in range(2)]
    assert len({grant.principal.key for grant in found if grant}) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"servers": {"S": "a"}},
        {"expires": {"S": "soon"}},
        {"expires": {"N": "x"}},
        {"name": {"S": ""}},
        {"name": {"N": "1"}},
    ],
)
def test_P13_a_grant_of_an_unexpected_shape_is_an_error(change: dict[str, Any]) -> None:
    item = {"name": {"S": "ci"}, "servers": {"SS": ["a"]}, "expires": {"N": "100"}, **change}
    with pytest.raises(GrantStoreError):
        DynamoDBGrants(Answering({"Item": item}), TABLE).find("t", now_seconds=1)


class Answering:
    """A client that gives one answer to everything; a fault no emulator produces on demand."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def get_item(self, **_arguments: Any) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    put_item = get_item


FAULTS = [
    ClientError({"Error": {"Code": code, "Message": "m"}}, "GetItem")
    for code in ("ThrottlingException", "InternalServerError", "AccessDeniedException")
] + [ReadTimeoutError(endpoint_url="x")]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_store_that_fails_is_an_error_and_never_an_answer(fault: Exception) -> None:
    with pytest.raises(GrantStoreError):
        DynamoDBGrants(Answering(fault), TABLE).find("t", now_seconds=1)
    with pytest.raises(GrantStoreError):
        mint(Answering(fault))


def test_a_grant_has_a_role_a_person_and_groups(client: Any) -> None:
    token = mint(client, servers=(), role="approver", person="a@example.com", groups=["x", "b"])
    found = DynamoDBGrants(client, TABLE).find(token, now_seconds=11)
    assert found is not None
    assert (found.role, found.person, found.groups) == (Role.APPROVER, "a@example.com", ("b", "x"))
    assert found.servers == ()
    assert found.principal.person == "a@example.com"
    assert found.principal.groups == ("b", "x")
    assert token not in repr(found)


def test_a_grant_from_before_there_were_roles_is_an_agent_s(client: Any) -> None:
    token = mint(client)
    key = {"pk": {"S": f"GRANT#{token_digest(token)}"}, "sk": {"S": "GRANT"}}
    client.update_item(
        TableName=TABLE,
        Key=key,
        UpdateExpression="REMOVE #r",
        ExpressionAttributeNames={"#r": "role"},
    )
    found = DynamoDBGrants(client, TABLE).find(token, now_seconds=11)
    assert found is not None
    assert found.role is Role.AGENT


@pytest.mark.parametrize("changes", [{"role": "boss"}, {"servers": ()}, {"role": ""}])
def test_a_grant_that_opens_nothing_or_everything_is_not_minted(
    client: Any, changes: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"."):
        mint(client, **changes)
    assert client.scan(TableName=TABLE)["Items"] == []


@pytest.mark.parametrize(
    "attribute",
    [
        {"role": {"S": "boss"}},
        {"role": {"N": "1"}},
        {"person": {"S": ""}},
        {"groups": {"S": "admins"}},
        {"groups": {"NS": ["1"]}},
        {"expires": {"N": "1.5"}},
        {"name": {"S": ""}},
    ],
    ids=lambda one: f"{one}",
)
def test_a_grant_that_is_not_as_we_write_it_is_an_error(
    client: Any, attribute: dict[str, Any]
) -> None:
    token = mint(client)
    item = client.scan(TableName=TABLE)["Items"][0]
    client.put_item(TableName=TABLE, Item={**item, **attribute})
    with pytest.raises(GrantStoreError):
        DynamoDBGrants(client, TABLE).find(token, now_seconds=11)


def test_N25_a_credential_lives_as_long_as_its_grant(client: Any) -> None:
    token, grants = mint(client), DynamoDBGrants(client, TABLE)
    found = grants.find(token, now_seconds=11)
    assert found is not None
    credential = found.principal.credential
    assert token not in credential
    assert grants.is_live(credential, now_seconds=99)
    assert not grants.is_live(credential, now_seconds=100)
    assert not grants.is_live("", now_seconds=11)
    assert not grants.is_live(credential.removeprefix("grant:"), now_seconds=11)
    client.delete_item(
        TableName=TABLE,
        Key={"pk": {"S": f"GRANT#{token_digest(token)}"}, "sk": {"S": "GRANT"}},
    )
    assert not grants.is_live(credential, now_seconds=11)
