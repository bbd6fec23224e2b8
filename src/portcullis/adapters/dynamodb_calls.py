"""The DynamoDB calls our stores make, and what their failures mean, in one place.

A failed condition is the only failure that says "the state moved" (`Moved`); a conflict with
another transaction says "try again" (`Moved` without items). Throttling, time-outs, refused
requests, replies that cannot be read: nobody knows, so the store's error is raised.

Source: Amazon DynamoDB API Reference, UpdateItem, TransactWriteItems, GetItem, BatchGetItem and
Query, "Errors"; BatchGetItem, "UnprocessedKeys".
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from botocore.exceptions import ClientError

from portcullis.adapters.aws_calls import Client, error_code
from portcullis.errors import UnavailableError

AttributeValue: TypeAlias = Mapping[str, Any]
Item: TypeAlias = Mapping[str, AttributeValue]  # low-level: {"v": {"N": "1"}}
Parameters: TypeAlias = Mapping[str, Any]

_CONDITION_FAILED = "ConditionalCheckFailed"
_CONFLICT = "TransactionConflict"
_HARMLESS_REASONS = frozenset({"None", _CONDITION_FAILED, _CONFLICT})
_BATCH_KEYS = 100  # one BatchGetItem takes no more
_BATCH_ROUNDS = 8  # how often it is asked for what it left out, the first time included


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Nothing was written. `items` holds, by index, the state that failed its condition.

    An empty item is one that does not exist; None: this write was not at fault.
    """

    items: tuple[Item | None, ...]


class DynamoDBTable:
    """One table, called through a client that is given; every failure is a `failure`."""

    def __init__(self, client: Client, table: str, failure: type[UnavailableError]) -> None:
        self._client = client
        self._table = table
        self._failure = failure

    def read(self, key: Item) -> Item:
        """Answer an item as it is now (strongly consistent); empty where there is none."""
        answer = self._call(
            self._client.get_item,
            {"TableName": self._table, "Key": key, "ConsistentRead": True},
        )
        if isinstance(answer, ClientError):
            raise self._failed(answer)
        return self._item(answer.get("Item", {}))

    def read_all(self, keys: Sequence[Item], *, pause: Callable[[int], None]) -> list[Item]:
        """Answer items as `read` does, in the order of their keys, no two of which are equal.

        DynamoDB may leave some out of an answer; `pause` is called, with the number of the
        round, before it is asked for them again.
        """
        found: dict[str, Item] = {}
        for start in range(0, len(keys), _BATCH_KEYS):
            found |= self._read_batch(keys[start : start + _BATCH_KEYS], pause)
        return [found.get(_identity(key, key), {}) for key in keys]

    def query(self, parameters: Parameters) -> list[Item]:
        """Answer the items of a query, its first page: `parameters` say how many (`Limit`)."""
        answer = self._call(self._client.query, {**parameters, "TableName": self._table})
        if isinstance(answer, ClientError):
            raise self._failed(answer)
        return self._items(answer.get("Items"))

    def update(self, parameters: Parameters, *, returns: str = "NONE") -> Item | Moved:
        """Write one item; answers its attributes as `returns` (ReturnValues) asks for them."""
        answer = self._call(
            self._client.update_item,
            {
                **parameters,
                "TableName": self._table,
                "ReturnValues": returns,
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            },
        )
        if not isinstance(answer, ClientError):
            return self._item(answer.get("Attributes", {}))
        match error_code(answer):
            case "ConditionalCheckFailedException":
                return Moved(items=(self._item(answer.response.get("Item", {})),))
            case "TransactionConflictException":
                return Moved(items=(None,))
            case _:
                raise self._failed(answer)

    def transact(self, updates: Sequence[Parameters], *, token: str) -> Moved | None:
        """Write several items or none; `token` makes a repetition of the call harmless."""
        answer = self._call(
            self._client.transact_write_items,
            {
                "TransactItems": [{"Update": self._in_transaction(one)} for one in updates],
                "ClientRequestToken": token,
            },
        )
        if not isinstance(answer, ClientError):
            return None
        if error_code(answer) != "TransactionCanceledException":
            raise self._failed(answer)
        return self._cancelled(answer, len(updates))

    def _read_batch(self, keys: Sequence[Item], pause: Callable[[int], None]) -> dict[str, Item]:
        left, found = list(keys), dict[str, Item]()
        for attempt in range(_BATCH_ROUNDS):
            answer = self._call(
                self._client.batch_get_item,
                {"RequestItems": {self._table: {"Keys": left, "ConsistentRead": True}}},
            )
            if isinstance(answer, ClientError):
                raise self._failed(answer)
            for item in self._items(self._of_table(answer, "Responses", [])):
                found[_identity(item, keys[0])] = item
            rest = self._of_table(answer, "UnprocessedKeys", {"Keys": []})
            left = self._items(rest.get("Keys") if isinstance(rest, Mapping) else None)
            if not left:
                return found
            pause(attempt)
        raise self._failure("the state table kept leaving items out")

    def _of_table(self, answer: Mapping[str, Any], name: str, default: object) -> object:
        """What a batch's answer says of our table under `name`."""
        tables = answer.get(name)
        if isinstance(tables, Mapping):
            return tables.get(self._table, default)
        raise self._failed(TypeError())

    def _in_transaction(self, parameters: Parameters) -> Parameters:
        return {
            **parameters,
            "TableName": self._table,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _cancelled(self, error: ClientError, count: int) -> Moved:
        reasons = error.response.get("CancellationReasons")
        if not isinstance(reasons, list) or len(reasons) != count:
            raise self._failed(error)
        codes = [reason.get("Code") for reason in reasons]
        if not _HARMLESS_REASONS.issuperset(codes) or set(codes) == {"None"}:
            raise self._failed(error)
        return Moved(
            items=tuple(
                self._item(reason.get("Item", {})) if code == _CONDITION_FAILED else None
                for code, reason in zip(codes, reasons, strict=True)
            )
        )

    def _call(
        self, operation: Callable[..., Any], parameters: Parameters
    ) -> Mapping[str, Any] | ClientError:
        """Call once. A service's answer, good or bad, is returned; anything else is a failure."""
        try:
            answer: Mapping[str, Any] = operation(**parameters)
        except ClientError as error:
            return error
        except Exception as error:  # botocore lets parsers' and sockets' own errors through
            raise self._failed(error) from error
        return answer

    def _item(self, item: object) -> Item:
        if isinstance(item, Mapping) and all(isinstance(v, Mapping) for v in item.values()):
            return item
        raise self._failed(TypeError())

    def _items(self, items: object) -> list[Item]:
        if isinstance(items, list):
            return [self._item(item) for item in items]
        raise self._failed(TypeError())

    def _failed(self, error: Exception) -> UnavailableError:
        failure = self._failure(f"the state table did not answer: {error_code(error)}")
        failure.__cause__ = error
        return failure


def _identity(item: Item, attributes: Iterable[str]) -> str:
    """What tells items of one table apart, given the names of its key's attributes."""
    return repr([item.get(name) for name in sorted(attributes)])
