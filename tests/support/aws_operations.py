"""Every AWS operation that the code can call, found by reading it, without running it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from botocore import xform_name
from botocore.session import Session

SRC = Path(__file__).parents[2] / "src"
SERVICES = (
    "cloudwatch", "dynamodb", "events", "iam", "kms", "lambda", "logs", "mq", "s3",
    "secretsmanager", "sns", "sqs", "stepfunctions", "sts",
)  # fmt: skip

Call: TypeAlias = tuple[str, str]  # a module below src, the method of a client
_CLIENTS = ("client", "_client", "_sns", "_events", "s3", "dynamodb", "kms", "sqs")


def method_names() -> frozenset[str]:
    """The methods of the clients that the code makes."""
    session = Session()
    return frozenset(
        xform_name(operation)
        for service in SERVICES
        for operation in session.get_service_model(service).operation_names
    )


def calls_in(*folders: str) -> set[Call]:
    """Methods of clients, also those that are named by a text and looked up by `getattr`.

    A name like `get_object` is one whoever it is asked of; `query` is one of a client's only.
    """
    known = method_names()
    return {
        (path.relative_to(SRC).as_posix(), name)
        for folder in folders
        for path in sorted((SRC / folder).rglob("*.py"))
        for name in _named(ast.parse(path.read_text("utf-8")))
        if name in known
    }


def _named(tree: ast.AST) -> Iterator[str]:
    looked_up = any(isinstance(node, ast.Name) and node.id == "getattr" for node in ast.walk(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ("_" in node.attr or _is_client(node.value)):
            yield node.attr
        elif looked_up and isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _is_client(node: ast.expr) -> bool:
    """Whether an expression is a client, by its name: `x.client`, `client()`, `clients.s3`."""
    if isinstance(node, ast.Call):
        return _is_client(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr in _CLIENTS
    return isinstance(node, ast.Name) and node.id in _CLIENTS
