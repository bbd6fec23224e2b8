"""An MCP server and the AWS clients of the connection store, in memory."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from botocore.exceptions import ClientError

from mcp_host.exchange import CALLER_SCOPE
from mcp_host.state_store import StoreClients

DENIED = ClientError({"Error": {"Code": "AccessDeniedException"}}, "Any")


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class FakeDynamoDB:
    """The two calls the store makes, on a dict; `failure` is raised instead, once set."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.failure: Exception | None = None

    def get_item(self, *, TableName: str, Key: Any, ConsistentRead: bool) -> dict[str, Any]:  # noqa: N803
        assert TableName == "table"
        assert ConsistentRead is True
        self._fail()
        item = self.items.get(Key["pk"]["S"])
        return {} if item is None else {"Item": item}

    def put_item(self, *, TableName: str, Item: dict[str, Any]) -> None:  # noqa: N803
        assert TableName == "table"
        self._fail()
        self.items[Item["pk"]["S"]] = Item

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


class FakeKms:
    """A key that decrypts under the encryption context it encrypted with, and no other."""

    def __init__(self) -> None:
        self._sealed: dict[bytes, tuple[Mapping[str, str], bytes]] = {}
        self.failure: Exception | None = None
        self.decrypted = 0

    def encrypt(
        self,
        *,
        KeyId: str,  # noqa: N803
        Plaintext: bytes,  # noqa: N803
        EncryptionContext: Mapping[str, str],  # noqa: N803
    ) -> dict[str, bytes]:
        assert KeyId == "key"
        if self.failure is not None:
            raise self.failure
        blob = b"sealed-%d" % len(self._sealed)
        self._sealed[blob] = (EncryptionContext, Plaintext)
        return {"CiphertextBlob": blob}

    def decrypt(
        self,
        *,
        KeyId: str,  # noqa: N803
        CiphertextBlob: bytes,  # noqa: N803
        EncryptionContext: Mapping[str, str],  # noqa: N803
    ) -> dict[str, bytes]:
        assert KeyId == "key"
        if self.failure is not None:
            raise self.failure
        context, plaintext = self._sealed[CiphertextBlob]
        if context != EncryptionContext:
            raise ClientError({"Error": {"Code": "InvalidCiphertextException"}}, "Decrypt")
        self.decrypted += 1
        return {"Plaintext": plaintext}

    def seal(self, scope: str, plaintext: bytes) -> bytes:
        """Encrypt any bytes for a scope."""
        return self.encrypt(KeyId="key", Plaintext=plaintext, EncryptionContext={"scope": scope})[
            "CiphertextBlob"
        ]


class FakeAws:
    """The store's clients, and how often they were made."""

    def __init__(self) -> None:
        self.dynamodb = FakeDynamoDB()
        self.kms = FakeKms()
        self.connected = 0

    def connect(self) -> StoreClients:
        self.connected += 1
        return StoreClients(dynamodb=cast("Any", self.dynamodb), kms=cast("Any", self.kms))


@contextmanager
def calling_as(scope: str | None) -> Iterator[None]:
    """Be the caller of this scope inside the block."""
    token = CALLER_SCOPE.set(scope)
    try:
        yield
    finally:
        CALLER_SCOPE.reset(token)
