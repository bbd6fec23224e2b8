"""What any AWS call can fail with."""

from typing import Any

import pytest
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
