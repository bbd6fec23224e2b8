"""Every store, by the engine it runs on, for the contract suites."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from portcullis.adapters.dynamodb_counters import DynamoDBCounterStore
from portcullis.adapters.dynamodb_sessions import DynamoDBSessionStore
from portcullis.adapters.memory_counters import MemoryCounterStore
from portcullis.adapters.memory_sessions import MemorySessionStore
from portcullis.gateway.ports import CounterStore, SessionStore
from support.engines import (
    corrected_moto_endpoint,
    create_state_table,
    make_client,
    ministack_endpoint,
    moto_client,
)

__all__ = ["corrected_moto_endpoint", "ministack_endpoint"]

ENGINES = ("memory", "moto", "ministack")
SESSION_CAP = 3
SESSION_LIFETIME_SECONDS = 3600

# Makes a further store on the same state: another environment of the gateway.
CounterStores = Callable[[], CounterStore]
SessionStores = Callable[[], SessionStore]

_tables = itertools.count()


def no_pause(attempt: int) -> None:
    """Repeat at once: nothing here has rivals to drift apart from."""


@pytest.fixture(params=ENGINES)
def counter_stores(request: pytest.FixtureRequest) -> Iterator[CounterStores]:
    """Makes counter stores that share one state."""
    if request.param == "memory":
        store = MemoryCounterStore()
        yield lambda: store
        return
    with ExitStack() as stack:
        client, table = _client_and_table(request, stack)
        yield lambda: DynamoDBCounterStore(client, table, pause=no_pause)


@pytest.fixture(params=ENGINES)
def session_stores(request: pytest.FixtureRequest) -> Iterator[SessionStores]:
    """Makes session stores that share one state, with `SESSION_CAP` slots."""
    limits = {"cap": SESSION_CAP, "lifetime_seconds": SESSION_LIFETIME_SECONDS}
    if request.param == "memory":
        store = MemorySessionStore(**limits)
        yield lambda: store
        return
    with ExitStack() as stack:
        client, table = _client_and_table(request, stack)
        yield lambda: DynamoDBSessionStore(client, table, **limits, pause=no_pause)


def _client_and_table(request: pytest.FixtureRequest, stack: ExitStack) -> tuple[object, str]:
    table = f"state-{next(_tables)}"
    if request.param == "moto":
        client = stack.enter_context(moto_client())
    else:
        client = make_client(request.getfixturevalue("ministack_endpoint"))
    return client, create_state_table(client, table)
