"""What any AWS call can fail with."""

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
