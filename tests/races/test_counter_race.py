"""Processes that race for one limit: exactly as many calls pass as it allows (G02, H11).

Run on ministack, the strongest engine there is without AWS, and on moto's server with the
corrections of the local stack. That stock moto fails the same race shows that the race can
tell. What is not shown: partitions that are throttled or split under load, global tables (whose
regions do not share a condition), and AWS's own clocks; on AWS conditional writes to one item
are serialised (Developer Guide, "Optimistic locking with version number").
"""

import itertools
from collections.abc import Iterator

import pytest

from portcullis.adapters.dynamodb_counters import DynamoDBCounterStore
from portcullis.gateway.ports import Refused, Reserved
from portcullis.policy.window_text import decode
from support.engines import (
    corrected_moto_endpoint,
    create_state_table,
    make_client,
    ministack_endpoint,
    moto_server,
)
from support.racers import Race, Racers, takes_of
from support.takes import at

__all__ = ["corrected_moto_endpoint", "ministack_endpoint"]

RACERS = 4
REPETITIONS = 5
KINDS = ("sliding", "fixed", "two-items")
TABLES = itertools.count()


@pytest.fixture(params=["ministack", "corrected_moto"])
def endpoint(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_endpoint"))


@pytest.fixture(scope="module")
def racers() -> Iterator[Racers]:
    started = Racers(RACERS)
    yield started
    started.end()


@pytest.fixture(scope="module")
def stock_moto_endpoint() -> Iterator[str]:
    with moto_server(corrected=False) as endpoint:
        yield endpoint


def make_race(
    endpoint: str, kind: str, *, maximum: int, calls: int, amount: int = 1, repetition: int = 0
) -> Race:
    table = f"race-{kind}-{repetition}-{next(TABLES)}"
    create_state_table(make_client(endpoint), table)
    return Race(
        endpoint=endpoint, table=table, kind=kind, maximum=maximum, calls=calls, amount=amount
    )


def stored_units(race: Race) -> set[int]:
    """The units each counter of the race holds."""
    units: set[int] = set()
    for item in make_client(race.endpoint).scan(TableName=race.table)["Items"]:
        for name, value in item.items():
            if name.startswith("s_"):
                units.add(int(sum(amount for _, amount in decode(value["S"]).entries)))
            elif name.startswith("f_"):
                units.add(int(value["N"]))
    return units


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("repetition", range(REPETITIONS))
def test_g02_exactly_as_many_pass_as_the_limit_allows(
    racers: Racers, endpoint: str, kind: str, repetition: int
) -> None:
    race = make_race(endpoint, kind, maximum=12, calls=12, repetition=repetition)
    assert racers.run(race) == 12
    assert stored_units(race) == {12}


@pytest.mark.parametrize("kind", KINDS)
def test_g02_with_one_unit_left_exactly_one_more_passes(
    racers: Racers, endpoint: str, kind: str
) -> None:
    race = make_race(endpoint, kind, maximum=3, calls=10)
    store = DynamoDBCounterStore(make_client(endpoint), race.table)
    for n in range(2):
        answer = store.reserve(takes_of(race), server="mq", reservation_id=f"before{n}", now=at())
        assert isinstance(answer, Reserved)
    assert racers.run(race) == 1
    last = store.reserve(takes_of(race), server="mq", reservation_id="after", now=at())
    assert isinstance(last, Refused)


@pytest.mark.parametrize("kind", KINDS)
def test_h11_of_many_400s_against_1000_exactly_two_pass(
    racers: Racers, endpoint: str, kind: str
) -> None:
    race = make_race(endpoint, kind, maximum=1000, calls=10, amount=400)
    assert racers.run(race) == 2


def test_an_engine_that_is_not_atomic_is_found_out(
    racers: Racers, stock_moto_endpoint: str
) -> None:
    for repetition, kind in itertools.product(range(8), ("fixed", "sliding")):
        race = make_race(stock_moto_endpoint, kind, maximum=50, calls=25, repetition=repetition)
        passed = racers.run(race)
        if passed > race.maximum or stored_units(race) != {passed}:
            return
    pytest.fail("stock moto passed every race: it can no longer show that a race would be lost")
