"""Which AWS operations a handler calls while it runs, and which IAM actions they need.

Sources: the service authorization reference of each service; DynamoDB developer guide, "IAM
policy for transactions"; S3 API reference, "Permissions" of each operation.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

from botocore.client import BaseClient

_PREFIXES = {"stepfunctions": "states"}
_NAMES = {
    ("lambda", "Invoke"): "InvokeFunction",
    ("s3", "HeadObject"): "GetObject",
    ("s3", "ListObjectsV2"): "ListBucket",
}
_IN_TRANSACTION = {"Update": "UpdateItem", "Put": "PutItem", "Delete": "DeleteItem"}


class Recorder:
    """Notes the IAM actions that each function's calls need."""

    def __init__(self) -> None:
        self.needed: dict[str, set[str]] = {}
        self._running: list[str] = []

    def of(self, function: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        """The handler, whose calls are noted under the function's name."""
        self.needed.setdefault(function, set())

        def run(event: Any, context: Any = None) -> Any:
            self._running.append(function)
            try:
                return handler(event, context)
            finally:
                self._running.pop()

        return run

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note until the block ends."""
        send = vars(BaseClient)["_make_api_call"]

        def note(client: BaseClient, name: str, parameters: Mapping[str, Any]) -> Any:
            if self._running:
                service = client.meta.service_model.service_name
                self.needed[self._running[-1]] |= actions(service, name, parameters)
            return send(client, name, parameters)

        with mock.patch.object(BaseClient, "_make_api_call", note):
            yield


def actions(service: str, operation: str, parameters: Mapping[str, Any]) -> set[str]:
    """The IAM actions that one call needs."""
    prefix = _PREFIXES.get(service, service)
    if operation == "TransactWriteItems":  # it has no action of its own: its parts have
        parts = {part for item in parameters["TransactItems"] for part in item}
        return {f"{prefix}:{_IN_TRANSACTION[part]}" for part in parts}
    name = _NAMES.get((service, operation), operation)
    if service == "s3" and "VersionId" in parameters:
        name += "Version"
    return {f"{prefix}:{name}"}
