"""What a failed AWS call means, told from botocore's errors in one place.

Sources: botocore.exceptions; the error codes of each service's API reference.
"""

from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ProxyConnectionError,
)

AwsError = (BotoCoreError, ClientError)
Client = Any  # boto3 clients are generated at run time; the stubs are a development dependency

_BEFORE_ANY_BYTE = (
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ProxyConnectionError,
)


def error_code(error: BaseException) -> str:
    """The service's error code, or the class name where the service never answered."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


def was_never_sent(error: BaseException) -> bool:
    """Whether no byte of the request can have reached the service."""
    return isinstance(error, _BEFORE_ANY_BYTE)
