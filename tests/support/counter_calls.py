"""Short words for asking a counter store, for the suites that every store passes."""

from collections.abc import Callable

import pytest

from portcullis.gateway.ports import CounterStore, Refused, Reserved
from portcullis.policy.decision import Take
from support.takes import at

CounterStores = Callable[[], CounterStore]  # each call: another environment, the same state

SERVER = "amazon-mq"
SLIDING_AND_FIXED = pytest.mark.parametrize("fixed", [False, True], ids=["sliding", "fixed"])


def reserve(
    store: CounterStore, *takes: Take, name: str, seconds: float = 0, server: str = SERVER
) -> Reserved | Refused:
    return store.reserve(takes, server=server, reservation_id=name, now=at(seconds))


def passes(store: CounterStore, *takes: Take, name: str, seconds: float = 0) -> Reserved:
    answer = reserve(store, *takes, name=name, seconds=seconds)
    assert isinstance(answer, Reserved)
    return answer


def waits(store: CounterStore, *takes: Take, name: str, seconds: float = 0) -> Refused:
    answer = reserve(store, *takes, name=name, seconds=seconds)
    assert isinstance(answer, Refused)
    return answer


def left(reserved: Reserved) -> list[int]:
    return [int(one.remaining) for one in reserved.remaining]
