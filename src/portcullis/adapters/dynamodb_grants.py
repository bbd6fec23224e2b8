"""Grants: the bearer credentials of agents and approvers, kept by the hash of the token.

A grant has a role, expires, and can be revoked at once: whoever checks one reads it on every
request and keeps nothing. The principal of a grant is its *name*, so a rotated token keeps
its holder's counters. `person` names the human being behind it: an approver whose person
stands behind the request is no second pair of eyes.
"""

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from portcullis.adapters.aws_calls import AwsError, Client, error_code
from portcullis.approvals.identity import GRANT_ISSUER
from portcullis.errors import GrantStoreError
from portcullis.policy.model import Principal

ISSUER = GRANT_ISSUER
TOKEN_PREFIX = "pcl_"  # noqa: S105 - a prefix that secret scanners can look for, not a secret
CREDENTIAL_PREFIX = "grant:"
GRANT_PREFIX = "GRANT#"
_MAXIMUM_TOKEN_CHARS = 128


class Role(Enum):
    """What a grant is for; none includes another."""

    AGENT = "agent"  # calls the servers it names
    APPROVER = "approver"  # decides requests, where a policy names it
    ADMIN = "admin"  # sees every request; decides those where a policy names it


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A live grant: who it speaks for, and what it opens."""

    name: str
    servers: tuple[str, ...]
    expires_at: int  # epoch seconds
    role: Role = Role.AGENT
    person: str = ""
    groups: tuple[str, ...] = ()
    digest: str = ""  # of the token

    @property
    def principal(self) -> Principal:
        """The principal every holder of this grant acts as."""
        return Principal(
            issuer=ISSUER,
            subject=self.name,
            person=self.person,
            credential=CREDENTIAL_PREFIX + self.digest,
            groups=self.groups,
        )


def token_digest(token: str) -> str:
    """The SHA-256 under which a token is stored; the token itself is stored nowhere."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def create_grant(  # noqa: PLR0913 - what a grant says, each part by its name
    client: Client,
    table: str,
    *,
    name: str,
    servers: Sequence[str] = (),
    now_seconds: int,
    lifetime_seconds: int,
    role: str = Role.AGENT.value,
    person: str = "",
    groups: Sequence[str] = (),
) -> str:
    """Store a new grant and answer its token, which cannot be read again.

    Raises:
        ValueError: `role` is none, or an agent's grant names no server.
        GrantStoreError: the grant was not stored, or it cannot be told.
    """
    if Role(role) is Role.AGENT and not servers:
        raise ValueError("an agent's grant names the servers it opens")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    expires = now_seconds + lifetime_seconds
    item: dict[str, Any] = {
        **_key(token_digest(token)),
        "name": {"S": name},
        "role": {"S": role},
        "created": {"N": str(now_seconds)},
        "expires": {"N": str(expires)},
        "ttl": {"N": str(expires)},
    }
    if person:
        item["person"] = {"S": person}
    for attribute, words in (("servers", servers), ("groups", groups)):
        if words:  # DynamoDB has no empty sets
            item[attribute] = {"SS": sorted(set(words))}
    try:
        client.put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(pk)")
    except AwsError as error:
        raise GrantStoreError(f"the grant was not stored: {error_code(error)}") from error
    return token


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptGrant:
    """A grant as the table keeps it, live or not; times in epoch seconds."""

    grant: Grant
    created_at: int
    revoked_at: int | None

    def is_live(self, *, now_seconds: int) -> bool:
        """Whether its token opens anything."""
        return self.revoked_at is None and now_seconds < self.grant.expires_at


def kept_grants(client: Client, table: str) -> Iterator[KeptGrant]:
    """Answer every grant that the table keeps, page by page, in no order.

    Raises:
        GrantStoreError: the table did not answer, or what it holds is no grant.
    """
    asked: dict[str, Any] = {
        "TableName": table,
        "FilterExpression": "begins_with(pk, :grant)",
        "ExpressionAttributeValues": {":grant": {"S": GRANT_PREFIX}},
        "ConsistentRead": True,
    }
    while True:
        try:
            page = client.scan(**asked)
        except AwsError as error:
            raise GrantStoreError(f"grants cannot be read: {error_code(error)}") from error
        yield from map(_kept, page["Items"])
        if "LastEvaluatedKey" not in page:
            return
        asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def revoke_grant(client: Client, table: str, digest: str, *, now_seconds: int) -> bool:
    """Revoke a grant for good; False where the table has none with this digest.

    It is kept, as revoked, until it would have expired.

    Raises:
        GrantStoreError: it cannot be told whether the grant was revoked.
    """
    try:
        client.update_item(
            TableName=table,
            Key=_key(digest),
            UpdateExpression="SET revoked = if_not_exists(revoked, :now)",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":now": {"N": str(now_seconds)}},
        )
    except AwsError as error:
        if error_code(error) == "ConditionalCheckFailedException":
            return False
        raise GrantStoreError(f"the grant was not revoked: {error_code(error)}") from error
    return True


class DynamoDBGrants:
    """Looks grants up, by token or by the digest of one."""

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
        return self.find_by_digest(token_digest(token), now_seconds=now_seconds)

    def find_by_digest(self, digest: str, *, now_seconds: int) -> Grant | None:
        """Answer the grant of the token with this digest, as `find` does."""
        try:
            answer = self._client.get_item(
                TableName=self._table, Key=_key(digest), ConsistentRead=True
            )
        except AwsError as error:
            raise GrantStoreError(f"grants cannot be read: {error_code(error)}") from error
        item = answer.get("Item")
        if item is None or "revoked" in item:
            return None
        grant = _from_item(item, digest)
        return grant if now_seconds < grant.expires_at else None

    def is_live(self, credential: str, *, now_seconds: int) -> bool:
        """Whether a principal's credential is a grant that still stands (port `Credentials`)."""
        digest = credential.removeprefix(CREDENTIAL_PREFIX)
        if digest == credential:
            return False
        return self.find_by_digest(digest, now_seconds=now_seconds) is not None


def _key(digest: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": f"{GRANT_PREFIX}{digest}"}, "sk": {"S": "GRANT"}}


def _kept(item: Mapping[str, Mapping[str, object]]) -> KeptGrant:
    grant = _from_item(item, str(item["pk"]["S"]).removeprefix(GRANT_PREFIX))
    try:
        return KeptGrant(
            grant=grant,
            created_at=_whole(item["created"]),
            revoked_at=_whole(item["revoked"]) if "revoked" in item else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise GrantStoreError("a stored grant has an unexpected shape") from error


def _from_item(item: Mapping[str, Mapping[str, object]], digest: str) -> Grant:
    try:
        return Grant(
            name=_text(item["name"], "S"),
            servers=_words(item, "servers"),
            expires_at=_whole(item["expires"]),
            # Grants were agents' before they had roles.
            role=Role(_text(item["role"], "S")) if "role" in item else Role.AGENT,
            person=_text(item["person"], "S") if "person" in item else "",
            groups=_words(item, "groups"),
            digest=digest,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise GrantStoreError("a stored grant has an unexpected shape") from error


def _text(attribute: Mapping[str, object], kind: str) -> str:
    text = attribute[kind]
    if not isinstance(text, str) or not text:
        raise TypeError
    return text


def _whole(attribute: Mapping[str, object]) -> int:
    digits = _text(attribute, "N")
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError
    return int(digits)


def _words(item: Mapping[str, Mapping[str, object]], name: str) -> tuple[str, ...]:
    words = item[name]["SS"] if name in item else []
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise TypeError
    return tuple(words)
