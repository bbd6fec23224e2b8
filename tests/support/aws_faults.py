"""What any AWS call can fail with."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError


def fault(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "Op")


FAULTS = [
    pytest.param(error, id=name)
    for name, error in {
        "throttled": fault("SlowDown"),
        "server error": fault("InternalError"),
        "forbidden": fault("AccessDenied"),
        "read time-out": ReadTimeoutError(endpoint_url="x"),
        "connect time-out": ConnectTimeoutError(endpoint_url="x"),
    }.items()
]


class Failing:
    """A client whose n-th call of an operation fails; faults no emulator gives on demand."""

    def __init__(self, client: Any, operation: str, error: Exception, nth: int = 0) -> None:
        self._client, self._operation, self._error, self._left = client, operation, error, nth

    def __getattr__(self, name: str) -> Any:
        if name != self._operation:
            return getattr(self._client, name)
        if self._left:
            self._left -= 1
            return getattr(self._client, name)

        def fail(**_arguments: Any) -> Any:
            raise self._error

        return fail


@contextmanager
def calls_that_fail(
    service: str, operation: str, error: Exception, **having: str
) -> Iterator[list[Mapping[str, Any]]]:
    """Make an operation fail in every client, where parameters begin as told; notes the calls."""
    send = vars(BaseClient)["_make_api_call"]
    failed: list[Mapping[str, Any]] = []

    def failing(client: BaseClient, name: str, parameters: Mapping[str, Any]) -> Any:
        named = (client.meta.service_model.service_name, name) == (service, operation)
        if named and all(str(parameters[key]).startswith(text) for key, text in having.items()):
            failed.append(parameters)
            raise error
        return send(client, name, parameters)

    with mock.patch.object(BaseClient, "_make_api_call", failing):
        yield failed
