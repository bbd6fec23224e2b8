"""Every store, by the engine it runs on, for the contract suites."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from portcullis.adapters.dynamodb_counters import DynamoDBCounterStore
from portcullis.adapters.dynamodb_sessions import DynamoDBSessionStore
from portcullis.adapters.memory_counters import MemoryCounterStore
from portcullis.adapters.memory_sessions import MemorySessionStore
from portcullis.gateway.ports import CounterStore, SessionStore
from support.approval_engines import ApprovalEngine, DynamoDBApprovals, MemoryApprovals
from support.engines import (
    corrected_moto_endpoint,
    create_state_table,
    make_client,
    ministack_endpoint,
    moto_client,
)
from support.faulty_approvals import approvals, faulty_dynamodb

__all__ = ["approvals", "corrected_moto_endpoint", "faulty_dynamodb", "ministack_endpoint"]

ENGINES = ("memory", "moto", "ministack")
SESSION_CAP = 3
SESSION_LIFETIME_SECONDS = 3600

# Makes a further store on the same state: another environment of the gateway.
CounterStores = Callable[[], CounterStore]
SessionStores = Callable[[], SessionStore]

_tables = itertools.count()


def no_pause(attempt: int) -> None:
    """Repeat at once: nothing here has rivals to drift apart from."""


@pytest.fixture(scope="module")
def moto_dynamodb() -> Iterator[object]:
    """One client on moto for a module's tests; each test has a table of its own."""
    with moto_client() as client:
        yield client


@pytest.fixture(params=ENGINES)
def counter_stores(request: pytest.FixtureRequest) -> Iterator[CounterStores]:
    """Makes counter stores that share one state."""
    if request.param == "memory":
        store = MemoryCounterStore()
        yield lambda: store
        return
    client, table = _client_and_table(request)
    yield lambda: DynamoDBCounterStore(client, table, pause=no_pause)


@pytest.fixture(params=ENGINES)
def session_stores(request: pytest.FixtureRequest) -> Iterator[SessionStores]:
    """Makes session stores that share one state, with `SESSION_CAP` slots."""
    cap, lifetime = SESSION_CAP, SESSION_LIFETIME_SECONDS
    if request.param == "memory":
        store = MemorySessionStore(cap=cap, lifetime_seconds=lifetime)
        yield lambda: store
        return
    client, table = _client_and_table(request)
    yield lambda: DynamoDBSessionStore(
        client, table, cap=cap, lifetime_seconds=lifetime, pause=no_pause
    )


@pytest.fixture(params=ENGINES)
def approval_stores(request: pytest.FixtureRequest) -> ApprovalEngine:
    """Makes approval stores that share one state, and writes what the workflow writes."""
    if request.param == "memory":
        return MemoryApprovals()
    return DynamoDBApprovals(*_client_and_table(request))


def _client_and_table(request: pytest.FixtureRequest) -> tuple[object, str]:
    if request.param == "moto":
        client = request.getfixturevalue("moto_dynamodb")
    else:
        client = make_client(request.getfixturevalue("ministack_endpoint"))
    return client, create_state_table(client, f"state-{next(_tables)}")
