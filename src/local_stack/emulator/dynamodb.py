"""DynamoDB in the emulator: writes are atomic, and a transaction's token is honoured.

moto's DynamoDB checks a condition and applies the update without excluding other requests, so
concurrent conditional writes are lost or go through twice; it also ignores
`ClientRequestToken`. DynamoDB serialises writes to an item and answers a repeated token with
the first answer, for ten minutes, and with IdempotentParameterMismatchException where the
rest of the request differs.

Source: Amazon DynamoDB API Reference, TransactWriteItems, "ClientRequestToken".
"""

import hashlib
import json
import time
from collections.abc import Callable
from threading import RLock
from typing import Any

from moto.dynamodb.exceptions import ERROR_TYPE_PREFIX, DynamodbException
from moto.dynamodb.responses import DynamoHandler

TOKEN_LIFETIME_SECONDS = 600.0

_Handled = Callable[[DynamoHandler], Any]


class IdempotentParameterMismatchError(DynamodbException):
    """A token was used again for another request."""

    error_type = ERROR_TYPE_PREFIX + "IdempotentParameterMismatchException"

    def __init__(self) -> None:
        super().__init__(
            self.error_type,
            "The provided client token was used with other parameters before.",
        )


def install() -> None:
    """Correct moto's DynamoDB from here on; a second call changes nothing."""
    if getattr(DynamoHandler, "is_corrected", False):
        return
    call_action = one_at_a_time(DynamoHandler.call_action)
    transact = once_per_token(DynamoHandler.transact_write_items)
    setattr(DynamoHandler, "call_action", call_action)  # noqa: B010 - moto's classes
    setattr(DynamoHandler, "transact_write_items", transact)  # noqa: B010 - are untyped
    setattr(DynamoHandler, "is_corrected", True)  # noqa: B010


def one_at_a_time(handle: _Handled) -> _Handled:
    """Run `handle` for one request at a time."""
    lock = RLock()

    def locked(request: DynamoHandler) -> Any:
        with lock:
            return handle(request)

    return locked


def once_per_token(handle: _Handled, clock: Callable[[], float] = time.monotonic) -> _Handled:
    """Run `handle` once for each ClientRequestToken; a repetition gets the first answer."""
    answers: dict[tuple[str, str, str], tuple[float, str, Any]] = {}

    def idempotent(request: DynamoHandler) -> Any:
        token = request.body.get("ClientRequestToken")
        if not token:
            return handle(request)
        # Tables come and go with `mock_aws`: a token is that of one set of tables.
        backend = f"{request.region}/{id(request.dynamodb_backend)}"
        name = (request.current_account, backend, token)
        # moto has decoded binary attributes: they are bytes here.
        content = json.dumps(request.body.get("TransactItems"), sort_keys=True, default=repr)
        digest = hashlib.sha256(content.encode()).hexdigest()
        at, first_digest, answer = answers.get(name, (0.0, "", None))
        if answer is not None and clock() - at < TOKEN_LIFETIME_SECONDS:
            if digest != first_digest:
                raise IdempotentParameterMismatchError
            return answer
        answer = handle(request)
        answers[name] = (clock(), digest, answer)
        return answer

    return idempotent
