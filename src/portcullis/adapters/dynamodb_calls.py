"""The three DynamoDB calls our stores make, and what their failures mean, in one place.

A failed condition is the only failure that says "the state moved" (`Moved`); a conflict with
another transaction says "try again" (`Moved` without items). Throttling, time-outs, refused
requests, replies that cannot be read: nobody knows, so the store's error is raised.

Source: Amazon DynamoDB API Reference, UpdateItem, TransactWriteItems and GetItem, "Errors".
"""

from collections.abc import Callable, Mapping, Sequence
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

    def _failed(self, error: Exception) -> UnavailableError:
        failure = self._failure(f"the state table did not answer: {error_code(error)}")
        failure.__cause__ = error
        return failure
