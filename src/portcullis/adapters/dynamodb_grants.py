"""Grants: the bearer credentials of agents, kept in DynamoDB by the hash of the token.

A grant is bound to servers, expires, and can be revoked at once: the authorizer reads it
on every request and keeps nothing. The principal of a grant is its *name*, so a rotated
token keeps its holder's counters.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from portcullis.adapters.aws_calls import AwsError, Client, error_code
from portcullis.errors import GrantStoreError
from portcullis.policy.model import Principal

ISSUER = "portcullis:grant"
TOKEN_PREFIX = "pcl_"  # noqa: S105 - a prefix that secret scanners can look for, not a secret
_MAXIMUM_TOKEN_CHARS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A live grant: who it speaks for and which servers it opens."""

    name: str
    servers: tuple[str, ...]
    expires_at: int  # epoch seconds

    @property
    def principal(self) -> Principal:
        """The principal every holder of this grant acts as."""
        return Principal(issuer=ISSUER, subject=self.name)


def token_digest(token: str) -> str:
    """The SHA-256 under which a token is stored; the token itself is stored nowhere."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def create_grant(
    client: Client,
    table: str,
    *,
    name: str,
    servers: Sequence[str],
    now_seconds: int,
    lifetime_seconds: int,
) -> str:
    """Store a new grant and answer its token, which cannot be read again.

    Raises:
        GrantStoreError: the grant was not stored, or it cannot be told.
    """
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    expires = now_seconds + lifetime_seconds
    item = {
        **_key(token),
        "name": {"S": name},
        "servers": {"SS": sorted(servers)},
        "created": {"N": str(now_seconds)},
        "expires": {"N": str(expires)},
        "ttl": {"N": str(expires)},
    }
    try:
        client.put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(pk)")
    except AwsError as error:
        raise GrantStoreError(f"the grant was not stored: {error_code(error)}") from error
    return token


class DynamoDBGrants:
    """Looks grants up by token."""

    def __init__(self, client: Client, table: str) -> None:
        self._client = client
        self._table = table

    def find(self, token: str, *, now_seconds: int) -> Grant | None:
        """Answer the grant of a token; None where it is unknown, expired or revoked.

        Raises:
            GrantStoreError: the store did not answer, or what it holds is no grant.
        """
        if not 0 < len(token) <= _MAXIMUM_TOKEN_CHARS:
            return None
        try:
            answer = self._client.get_item(
                TableName=self._table, Key=_key(token), ConsistentRead=True
            )
        except AwsError as error:
            raise GrantStoreError(f"grants cannot be read: {error_code(error)}") from error
        item = answer.get("Item")
        if item is None or "revoked" in item:
            return None
        grant = _from_item(item)
        return grant if now_seconds < grant.expires_at else None


def _key(token: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": f"GRANT#{token_digest(token)}"}, "sk": {"S": "GRANT"}}


def _from_item(item: dict[str, dict[str, object]]) -> Grant:
    match item:
        case {
            "name": {"S": str() as name},
            "servers": {"SS": list() as servers},
            "expires": {"N": str() as expires},
        } if name and expires.isascii() and expires.isdigit():
            listed = tuple(str(server) for server in servers)
            return Grant(name=name, servers=listed, expires_at=int(expires))
        case _:
            raise GrantStoreError("a stored grant has an unexpected shape")
