"""A function that goes on from a snapshot uses nothing that was loaded before it.

The runtime's hook library is played here; the handlers, the stores and the policies are real.
"""

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from unittest import mock

import boto3
import pytest

from portcullis.adapters.refreshing import _ALIVE
from threats.gate import BUCKET, Gate, standing_gate

SERVER = "amazon-mq"
TOOLS = [{"name": "list_brokers", "inputSchema": {"type": "object"}}]
ALLOWING = 'version: "1"\ndefault: deny\ntools:\n  list_brokers: {action: allow}\n'
DENYING = 'version: "1"\ndefault: deny\ntools:\n  list_brokers: {action: deny}\n'
HANDLERS = ["lambda_mcp", "lambda_executor", "lambda_console", "lambda_authorizer"]
SETTINGS = dict.fromkeys(
    (
        "PORTCULLIS_JWT_AUDIENCE",
        "PORTCULLIS_JWT_CLAIMS",
        "PORTCULLIS_JWT_GROUPS_CLAIM",
        "PORTCULLIS_JWT_PERSON_CLAIM",
        "PORTCULLIS_JWT_SCOPE_PREFIX",
        "PORTCULLIS_JWT_TAGS_CLAIM",
    ),
    "",
)

Hooks = list[Callable[[], None]]


@pytest.fixture(scope="module")
def hooks() -> Iterator[Hooks]:
    found: Hooks = []
    runtime = ModuleType("snapshot_restore_py")
    setattr(runtime, "register_after_restore", found.append)  # noqa: B010 - no such type
    with mock.patch.dict(sys.modules, {"snapshot_restore_py": runtime}):
        yield found


@pytest.fixture(scope="module")
def gate(hooks: Hooks) -> Iterator[Gate]:
    with standing_gate(TOOLS, {SERVER: ALLOWING}, None, **SETTINGS) as gate:
        assert len(hooks) == 1
        yield gate


def restore(hooks: Hooks) -> None:
    for hook in hooks:
        hook()


@pytest.mark.parametrize("function", HANDLERS)
def test_a_handler_registers_for_restores_and_reaches_nothing_while_it_is_loaded(
    gate: Gate, hooks: Hooks, function: str
) -> None:
    before = len(hooks)
    unreachable = AssertionError("it asked somebody")
    with (
        mock.patch("botocore.httpsession.URLLib3Session.send", side_effect=unreachable),
        mock.patch("botocore.endpoint.Endpoint.make_request", side_effect=unreachable),
        mock.patch("urllib3.connectionpool.HTTPConnectionPool.urlopen", side_effect=unreachable),
    ):
        gate.cold_start(function)
    assert len(hooks) == before + 1


def test_after_a_restore_the_policy_in_force_decides_at_once(gate: Gate, hooks: Hooks) -> None:
    gate.activate(SERVER, ALLOWING)
    restore(hooks)
    assert gate.call(SERVER, "list_brokers").is_success
    gate.activate(SERVER, DENYING)
    assert gate.call(SERVER, "list_brokers").is_success  # it may be used for five minutes
    restore(hooks)
    assert gate.call(SERVER, "list_brokers").is_denial


def test_after_a_restore_nothing_is_held_that_was_loaded_before(gate: Gate, hooks: Hooks) -> None:
    gate.call(SERVER, "list_brokers")
    assert any(value._held is not None for value in _ALIVE)
    restore(hooks)
    assert [value for value in _ALIVE if value._held is not None] == []


def test_after_a_restore_a_policy_that_cannot_be_read_denies(gate: Gate, hooks: Hooks) -> None:
    gate.activate(SERVER, ALLOWING)
    restore(hooks)
    assert gate.call(SERVER, "list_brokers").is_success
    boto3.client("s3", region_name="us-east-1").delete_object(
        Bucket=BUCKET, Key=f"active/policies/{SERVER}.json"
    )
    assert gate.call(SERVER, "list_brokers").is_success
    restore(hooks)
    assert gate.call(SERVER, "list_brokers").is_denial
