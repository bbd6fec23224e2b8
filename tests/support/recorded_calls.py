"""Which AWS operations the functions call, noted at the one place all clients go through.

An operation is not an IAM action: what each one needs is said here, with its source where it is
not the same word (Service Authorization Reference; DynamoDB guide, "IAM and transactions").
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

from botocore.client import BaseClient
from botocore.exceptions import ClientError

# (service, operation) to what it needs, where the two have different names.
NEEDS: Mapping[tuple[str, str], str] = {
    ("s3", "HeadObject"): "s3:GetObject",
    ("s3", "ListObjectsV2"): "s3:ListBucket",
    ("lambda", "Invoke"): "lambda:InvokeFunction",
}
PREFIXES = {"stepfunctions": "states"}
# A transaction needs the permissions of what it is made of, and none of its own.
PARTS = {
    "Update": "dynamodb:UpdateItem",
    "Put": "dynamodb:PutItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}


def needed(service: str, operation: str, parameters: Mapping[str, Any]) -> set[str]:
    """The IAM actions that one call needs."""
    if operation == "TransactWriteItems":
        return {PARTS[kind] for one in parameters["TransactItems"] for kind in one}
    if service == "s3" and "VersionId" in parameters:
        return {"s3:GetObjectVersion"}  # of a version by its id, instead of s3:GetObject
    prefix = PREFIXES.get(service, service)
    return {NEEDS.get((service, operation), f"{prefix}:{operation}")}


class Recorder:
    """Notes under the role of the function that runs; what runs under no role is not noted."""

    def __init__(self) -> None:
        self.actions: dict[str, set[str]] = {}
        self._role: str | None = None

    @contextmanager
    def running(self, role: str) -> Iterator[None]:
        """Note what is called meanwhile as calls of a role's function."""
        held, self._role = self._role, role
        try:
            yield
        finally:
            self._role = held

    def by(self, role: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        """A handler whose calls are noted as those of a role."""

        def run(*arguments: Any) -> Any:
            with self.running(role):
                return handler(*arguments)

        return run

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Stand before every client. Nobody is behind Lambda here: an invocation is refused."""
        send = vars(BaseClient)["_make_api_call"]

        def noted(client: BaseClient, operation: str, parameters: Mapping[str, Any]) -> Any:
            service = client.meta.service_model.service_name
            if self._role is not None:
                found = self.actions.setdefault(self._role, set())
                found.update(needed(service, operation, parameters))
            if (service, operation) == ("lambda", "Invoke"):
                raise ClientError({"Error": {"Code": "ServiceException", "Message": "m"}}, "Invoke")
            return send(client, operation, parameters)

        with mock.patch.object(BaseClient, "_make_api_call", noted):
            yield
