"""Faults of AWS calls, injected by botocore's own events before or after their effect.

`before`: the call fails and nothing happened. `after`: it happened, and the answer is lost or
unreadable. A fault stays until `clear()`, or for as many calls as `times` says.
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

URL = "https://dynamodb.invalid"
CODES = (
    "AccessDeniedException",
    "IdempotentParameterMismatchException",
    "InternalServerError",
    "ItemCollectionSizeLimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ResourceNotFoundException",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionInProgressException",
    "UnrecognizedClientException",
    "ValidationException",
)
EXCEPTIONS: dict[str, Exception] = {
    "connect-time-out": ConnectTimeoutError(endpoint_url=URL),
    "read-time-out": ReadTimeoutError(endpoint_url=URL),
    "no-connection": EndpointConnectionError(endpoint_url=URL),
    "connection-closed": ConnectionClosedError(endpoint_url=URL),
    "no-credentials": NoCredentialsError(),
    "unreadable": ResponseParserError("not JSON"),
    "socket": OSError("broken"),
    "memory": MemoryError(),
}


def client_error(code: str, operation: str, **more: Any) -> ClientError:
    """The error botocore raises for an error code of the service."""
    response: Any = {"Error": {"Code": code, "Message": "injected"}, **more}
    return ClientError(response, operation)


def errors_of(operation: str) -> dict[str, Exception]:
    """Every fault that is an exception, by name."""
    return {**{code: client_error(code, operation) for code in CODES}, **EXCEPTIONS}


class Faults:
    """Makes the calls of one client fail, and notes which operations were called."""

    def __init__(self, client: Any) -> None:
        self.called: list[str] = []
        self._before: dict[str, Callable[[], None]] = {}
        self._after: dict[str, Callable[[dict[str, Any]], None]] = {}
        service = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register(f"before-call.{service}", self._on_call)
        client.meta.events.register(f"after-call.{service}", self._on_answer)

    def before(self, operation: str, error: Exception, *, times: int = 10**6) -> None:
        """Fail the next calls of an operation before they have an effect."""
        self._before[operation] = _raiser(error, times)

    def after(self, operation: str, error: Exception, *, times: int = 10**6) -> None:
        """Lose the answers to the next calls of an operation, which took effect."""
        lose = _raiser(error, times)
        self._after[operation] = lambda _: lose()

    def garble(self, operation: str, answer: dict[str, Any]) -> None:
        """Answer the calls of an operation, which take effect, with something else."""

        def replace(parsed: dict[str, Any]) -> None:
            parsed.clear()
            parsed.update(answer)

        self._after[operation] = replace

    def clear(self) -> None:
        """Let calls through again."""
        self._before.clear()
        self._after.clear()

    def _on_call(self, model: Any, **_: object) -> None:
        self.called.append(model.name)
        self._before.get(model.name, _nothing)()

    def _on_answer(self, model: Any, parsed: dict[str, Any], **_: object) -> None:
        fault = self._after.get(model.name)
        if fault is not None:
            fault(parsed)


def lose_one_answer(client: Any, operation: str, act: Callable[[Any], object]) -> None:
    """Act on the first request of an operation in place of the client, and time out.

    The SDK's own repetition, where the client has one, is let through.
    """
    lost: list[str] = []

    def send(request: Any, **_: object) -> None:
        name = request.headers["X-Amz-Target"].decode().split(".")[1]
        if name == operation and not lost:
            lost.append(name)
            act(request)
            raise ReadTimeoutError(endpoint_url=URL)

    client.meta.events.register_first("before-send.dynamodb", send)


def sent_by(other: Any, operation: str) -> Callable[[Any], object]:
    """Sends a request by another client: it takes effect, whatever becomes of the answer."""
    event = f"before-send.dynamodb.{operation}"
    return lambda request: other.meta.events.emit(event, request=request)


def _nothing() -> None:
    pass


def _raiser(error: Exception, times: int) -> Callable[[], None]:
    left = [times]

    def fail() -> None:
        if left[0] > 0:
            left[0] -= 1
            raise error

    return fail
