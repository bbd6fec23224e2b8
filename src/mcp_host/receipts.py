"""What reached the canary, kept where each of its environments sees it: one item a run.

`pk = CANARY#<run>`, a number `call.<nonce>` for every nonce that arrived, the names of the
headers that came with them, and `ttl`. The canary does nothing else, so that what is not
written here did not happen; one atomic update a request (DynamoDB UpdateItem, ADD).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LIFETIME_SECONDS: Final = 24 * 3600
MARK: Final = re.compile(r"canary-([0-9a-f]{32})-([a-z0-9]{1,32})")
"""How a request says which run it belongs to, and which of its probes it is."""

_PREFIX: Final = "CANARY#"
_CALL: Final = "call."


class ReceiptsUnavailableError(Exception):
    """The receipts cannot be read or written, or it cannot be told whether they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """What arrived of one run: how often each nonce, and under which header names."""

    calls: Mapping[str, int]
    headers: tuple[str, ...]  # in lower case, sorted


class ReceiptStore(Protocol):
    """Keeps the receipts of runs."""

    def add(self, run: str, nonces: frozenset[str], headers: frozenset[str]) -> None:
        """Count each nonce once more.

        Raises:
            ReceiptsUnavailableError: it was not written, or it cannot be told.
        """

    def read(self, run: str) -> Receipts:
        """Answer everything that was written of a run before.

        Raises:
            ReceiptsUnavailableError: they cannot be read.
        """


class DynamoDBReceipts(ReceiptStore):
    """Receipts in a table whose partition key is `pk`."""

    def __init__(self, client: "DynamoDBClient", *, table: str, clock: Callable[[], float]) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def add(self, run: str, nonces: frozenset[str], headers: frozenset[str]) -> None:
        """See `ReceiptStore.add`."""
        names = {f"#n{at}": f"{_CALL}{nonce}" for at, nonce in enumerate(sorted(nonces))}
        added = ", ".join(f"{name} :one" for name in names)
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(run),
                UpdateExpression=f"ADD {added}, #headers :headers SET #ttl = :ttl",
                ExpressionAttributeNames={**names, "#headers": "headers", "#ttl": "ttl"},
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    ":headers": {"SS": sorted(headers) or ["-"]},
                    ":ttl": {"N": str(int(self._clock()) + LIFETIME_SECONDS)},
                },
            )
        except (BotoCoreError, ClientError) as error:
            raise ReceiptsUnavailableError("the receipt was not written") from error

    def read(self, run: str) -> Receipts:
        """See `ReceiptStore.read`."""
        try:
            answer = self._client.get_item(
                TableName=self._table, Key=_key(run), ConsistentRead=True
            )
            return _receipts(answer.get("Item") or {})
        except (BotoCoreError, ClientError, KeyError, TypeError, ValueError) as error:
            raise ReceiptsUnavailableError("the receipts cannot be read") from error


def _key(run: str) -> dict[str, Any]:
    return {"pk": {"S": f"{_PREFIX}{run}"}}


def _receipts(item: Mapping[str, Any]) -> Receipts:
    return Receipts(
        calls={
            name.removeprefix(_CALL): int(value["N"])
            for name, value in item.items()
            if name.startswith(_CALL)
        },
        headers=tuple(sorted(item["headers"]["SS"])) if "headers" in item else (),
    )
