"""Where a scope's broker login is kept between environments: DynamoDB, sealed with KMS.

One item a scope: `pk = CONNECTION#<scope>`, the sealed login, its version, and `ttl`. The
login is encrypted directly under the KMS key with the scope as encryption context, so a
record read under another scope's name cannot be decrypted. Expiry is decided here, by the
clock; the table's TTL only cleans up.

Sources: DynamoDB GetItem, PutItem; KMS Encrypt (at most 4096 bytes), Decrypt.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

MAXIMUM_LOGIN_BYTES: Final = 4096
_AWS_ERRORS: Final = (BotoCoreError, ClientError)


class ConnectionStoreError(Exception):
    """The store did not answer, or what it holds cannot be used."""


class LoginTooLargeError(Exception):
    """The login is larger than KMS encrypts directly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A successful login: the tool that made it and its arguments, the secret included."""

    tool: str
    arguments: Mapping[str, str] = field(repr=False)

    def to_bytes(self) -> bytes:
        """Serialise the login for encryption.

        Raises:
            LoginTooLargeError: it is larger than the store can seal.
        """
        value = {"tool": self.tool, "arguments": dict(self.arguments)}
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
        if len(text) > MAXIMUM_LOGIN_BYTES:
            raise LoginTooLargeError
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedLogin:
    """A stored login, still encrypted."""

    version: str  # changes with every login, so a holder in memory can be told out of date
    ciphertext: bytes = field(repr=False)
    expires_at: int  # epoch seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreClients:
    """The AWS clients of the store; both with short time-outs."""

    dynamodb: "DynamoDBClient"
    kms: "KMSClient"


class DynamoDBConnectionStore:
    """Keeps one sealed login a scope. Not being able to tell is always an error."""

    def __init__(
        self,
        connect: Callable[[], StoreClients],
        *,
        table: str,
        key_id: str,
        ttl_seconds: int,
        clock: Callable[[], float],
    ) -> None:
        self._connect = connect
        self._clients = connect()
        self._table = table
        self._key_id = key_id
        self._ttl_seconds = ttl_seconds
        self._clock = clock

    def reconnect(self) -> None:
        """Make the clients anew, after the credentials changed."""
        self._clients = self._connect()

    def find(self, scope: str) -> SealedLogin | None:
        """Answer the scope's stored login; None where there is none or it has expired.

        Raises:
            ConnectionStoreError: the store did not answer, or the item is malformed.
        """
        try:
            answer = self._clients.dynamodb.get_item(
                TableName=self._table, Key=_key(scope), ConsistentRead=True
            )
        except _AWS_ERRORS as error:
            raise ConnectionStoreError("the stored connection cannot be read") from error
        item = answer.get("Item")
        if item is None:
            return None
        sealed = _from_item(item)
        return sealed if self._clock() < sealed.expires_at else None

    def unseal(self, scope: str, sealed: SealedLogin) -> Login:
        """Decrypt a login that was stored under this very scope.

        Raises:
            ConnectionStoreError: KMS did not answer or refused, or the login is malformed.
        """
        try:
            answer = self._clients.kms.decrypt(
                KeyId=self._key_id,
                CiphertextBlob=sealed.ciphertext,
                EncryptionContext={"scope": scope},
            )
        except _AWS_ERRORS as error:
            raise ConnectionStoreError("the stored connection cannot be decrypted") from error
        return _parse_login(answer["Plaintext"])

    def save(self, scope: str, login: Login) -> SealedLogin:
        """Store a login in place of the scope's earlier one.

        Raises:
            ConnectionStoreError: it was not stored, or it cannot be told.
            LoginTooLargeError: it is larger than the store can seal.
        """
        plaintext = login.to_bytes()
        try:
            answer = self._clients.kms.encrypt(
                KeyId=self._key_id, Plaintext=plaintext, EncryptionContext={"scope": scope}
            )
            sealed = SealedLogin(
                version=secrets.token_hex(16),
                ciphertext=answer["CiphertextBlob"],
                expires_at=int(self._clock()) + self._ttl_seconds,
            )
            self._clients.dynamodb.put_item(TableName=self._table, Item=_to_item(scope, sealed))
        except _AWS_ERRORS as error:
            raise ConnectionStoreError("the connection cannot be stored") from error
        return sealed


def _key(scope: str) -> dict[str, Any]:
    return {"pk": {"S": f"CONNECTION#{scope}"}}


def _to_item(scope: str, sealed: SealedLogin) -> dict[str, Any]:
    return {
        **_key(scope),
        "version": {"S": sealed.version},
        "login": {"B": sealed.ciphertext},
        "ttl": {"N": str(sealed.expires_at)},
    }


def _from_item(item: Mapping[str, Any]) -> SealedLogin:
    try:
        return SealedLogin(
            version=str(item["version"]["S"]),
            ciphertext=bytes(item["login"]["B"]),
            expires_at=int(item["ttl"]["N"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConnectionStoreError("the stored connection has an unexpected shape") from error


def _parse_login(plaintext: bytes) -> Login:
    try:
        value = json.loads(plaintext)
        arguments = {str(name): str(text) for name, text in value["arguments"].items()}
        return Login(tool=str(value["tool"]), arguments=arguments)
    except (AttributeError, KeyError, TypeError, ValueError):
        # Not chained: a decoding error carries the text it could not decode.
        raise ConnectionStoreError("the stored connection has an unexpected shape") from None
