"""Broker logins at rest: sealed, one a scope, gone when their time is over."""

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from mcp_host.state_store import (
    MAXIMUM_LOGIN_BYTES,
    ConnectionStoreError,
    DynamoDBConnectionStore,
    Login,
    LoginTooLargeError,
    SealedLogin,
)
from support.host_fakes import DENIED, Clock, FakeAws

LOGIN = Login(tool="connect", arguments={"username": "alice", "password": "geheim-ß"})
FAILURES = [
    pytest.param(DENIED, id="denied"),
    pytest.param(EndpointConnectionError(endpoint_url="https://x"), id="unreachable"),
    pytest.param(ReadTimeoutError(endpoint_url="https://x"), id="time-out"),
]


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(aws: FakeAws, clock: Clock) -> DynamoDBConnectionStore:
    return DynamoDBConnectionStore(
        aws.connect, table="table", key_id="key", ttl_seconds=600, clock=clock
    )


def sealed_for(aws: FakeAws, scope: str, plaintext: bytes) -> SealedLogin:
    return SealedLogin(version="v", ciphertext=aws.kms.seal(scope, plaintext), expires_at=0)


def test_a_saved_login_is_found_and_unsealed(store: DynamoDBConnectionStore) -> None:
    saved = store.save("alice", LOGIN)

    assert store.find("alice") == saved
    assert store.unseal("alice", saved) == LOGIN


def test_what_is_stored_is_sealed_and_expires(
    store: DynamoDBConnectionStore, aws: FakeAws, clock: Clock
) -> None:
    saved = store.save("alice", LOGIN)

    assert aws.dynamodb.items == {
        "CONNECTION#alice": {
            "pk": {"S": "CONNECTION#alice"},
            "version": {"S": saved.version},
            "login": {"B": saved.ciphertext},
            "ttl": {"N": str(int(clock.now) + 600)},
        }
    }


def test_every_save_has_a_version_of_its_own(store: DynamoDBConnectionStore) -> None:
    assert store.save("alice", LOGIN).version != store.save("alice", LOGIN).version


def test_an_unknown_scope_has_no_login(store: DynamoDBConnectionStore) -> None:
    store.save("alice", LOGIN)
    assert store.find("bob") is None


def test_a_login_is_gone_when_its_time_is_over_whether_or_not_the_item_is(
    store: DynamoDBConnectionStore, aws: FakeAws, clock: Clock
) -> None:
    store.save("alice", LOGIN)
    clock.now += 599
    assert store.find("alice") is not None
    clock.now += 1
    assert store.find("alice") is None
    assert aws.dynamodb.items


def test_another_scopes_login_cannot_be_unsealed(store: DynamoDBConnectionStore) -> None:
    saved = store.save("alice", LOGIN)
    with pytest.raises(ConnectionStoreError, match="cannot be decrypted"):
        store.unseal("bob", saved)


def test_a_login_of_the_largest_size_is_sealed_and_a_larger_one_is_not(
    store: DynamoDBConnectionStore, aws: FakeAws
) -> None:
    spare = MAXIMUM_LOGIN_BYTES - len(Login(tool="t", arguments={"oauth_token": ""}).to_bytes())
    store.save("alice", Login(tool="t", arguments={"oauth_token": "x" * spare}))
    before = dict(aws.dynamodb.items)

    with pytest.raises(LoginTooLargeError):
        store.save("alice", Login(tool="t", arguments={"oauth_token": "x" * (spare + 1)}))
    assert aws.dynamodb.items == before


@pytest.mark.parametrize("failure", FAILURES)
def test_a_table_that_does_not_answer_is_an_error(
    store: DynamoDBConnectionStore, aws: FakeAws, failure: Exception
) -> None:
    aws.dynamodb.failure = failure
    with pytest.raises(ConnectionStoreError, match="cannot be read"):
        store.find("alice")
    with pytest.raises(ConnectionStoreError, match="cannot be stored"):
        store.save("alice", LOGIN)


@pytest.mark.parametrize("failure", FAILURES)
def test_a_key_that_does_not_answer_is_an_error(
    store: DynamoDBConnectionStore, aws: FakeAws, failure: Exception
) -> None:
    saved = store.save("alice", LOGIN)
    aws.kms.failure = failure
    with pytest.raises(ConnectionStoreError, match="cannot be decrypted"):
        store.unseal("alice", saved)
    with pytest.raises(ConnectionStoreError, match="cannot be stored"):
        store.save("alice", LOGIN)
    assert store.find("alice") == saved


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"version": None}, id="no version"),
        pytest.param({"login": {"S": "text"}}, id="login as text"),
        pytest.param({"ttl": {"N": "soon"}}, id="ttl is no number"),
        pytest.param({"ttl": None}, id="no ttl"),
    ],
)
def test_a_malformed_item_is_an_error(
    store: DynamoDBConnectionStore, aws: FakeAws, change: dict[str, Any]
) -> None:
    store.save("alice", LOGIN)
    item = {**aws.dynamodb.items["CONNECTION#alice"], **change}
    aws.dynamodb.items["CONNECTION#alice"] = {k: v for k, v in item.items() if v is not None}

    with pytest.raises(ConnectionStoreError, match="unexpected shape"):
        store.find("alice")


@pytest.mark.parametrize(
    "plaintext", [b"secret", b"[]", b"{}", b'{"tool":"t"}', b'{"tool":"t","arguments":[]}', b"\xff"]
)
def test_a_malformed_login_is_an_error_that_tells_nothing_of_it(
    store: DynamoDBConnectionStore, aws: FakeAws, plaintext: bytes
) -> None:
    with pytest.raises(ConnectionStoreError, match="unexpected shape") as raised:
        store.unseal("alice", sealed_for(aws, "alice", plaintext))
    assert raised.value.__suppress_context__


def test_a_secret_is_in_no_representation(store: DynamoDBConnectionStore) -> None:
    saved = store.save("alice", LOGIN)
    assert "geheim" not in repr(LOGIN)
    assert "sealed" not in repr(saved)


def test_reconnecting_makes_the_clients_anew(store: DynamoDBConnectionStore, aws: FakeAws) -> None:
    assert aws.connected == 1
    store.reconnect()
    assert aws.connected == 2
