"""Counters as they lie in DynamoDB: round trips, clean-up, and items that are not as written.

Run on moto in this process, corrected. TTL deletion by AWS is stood in for by deleting.
"""

import itertools
from decimal import Decimal
from typing import Any

import pytest

from portcullis.adapters.dynamodb_counters import (
    ATTEMPTS,
    DynamoDBCounterStore,
    jittered_pause,
)
from portcullis.adapters.takes import LONGEST_WINDOW_SECONDS
from portcullis.errors import CounterStoreError
from portcullis.gateway.ports import Refused, Reserved
from portcullis.policy import windows
from portcullis.policy.decision import Take
from portcullis.policy.model import Scope
from portcullis.policy.nodes import MAXIMUM_SECONDS
from support.engines import create_state_table, make_client
from support.takes import START_SECONDS, at, make_limit, make_take

SERVER = "amazon-mq"
SLIDING = make_take(make_limit(3, identity="s"))
FIXED = make_take(make_limit(3, identity="f", fixed=True))
ROOMY_SLIDING = make_take(make_limit(9, identity="s"))
ROOMY_FIXED = make_take(make_limit(9, identity="f", fixed=True))
ELSEWHERE = make_take(make_limit(3, identity="e", scope=Scope.SERVER), counter="")


TABLES = itertools.count()


class Table:
    """The state table: its items, and the calls that reach it."""

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name
        self.calls: list[str] = []
        client.meta.events.register("before-call.dynamodb", self._count)

    def _count(self, model: Any, **_: object) -> None:
        self.calls.append(model.name)

    def store(self, **options: Any) -> DynamoDBCounterStore:
        return DynamoDBCounterStore(self.client, self.name, pause=lambda _: None, **options)

    def item(self) -> dict[str, Any]:
        (item,) = self.client.scan(TableName=self.name)["Items"]
        return dict(item)

    def put(self, **attributes: Any) -> None:
        kept = {name: value for name, value in attributes.items() if value is not None}
        self.client.put_item(TableName=self.name, Item=kept)

    def delete(self) -> None:
        key = {name: self.item()[name] for name in ("pk", "sk")}
        self.client.delete_item(TableName=self.name, Key=key)


@pytest.fixture
def table(moto_dynamodb: Any) -> Table:
    client = make_client()  # its own events; `moto_dynamodb` answers it
    return Table(client, create_state_table(moto_dynamodb, f"layout-{next(TABLES)}"))


def reserve(
    store: DynamoDBCounterStore, *takes: Take, name: str = "r1", seconds: float = 0
) -> Reserved | Refused:
    return store.reserve(takes, server=SERVER, reservation_id=name, now=at(seconds))


# ---------------------------------------------------------------- round trips


@pytest.mark.parametrize(
    "takes,cold,warm",
    [
        pytest.param([], [], [], id="no-limits"),
        pytest.param([SLIDING], ["UpdateItem"], ["UpdateItem"], id="one"),
        pytest.param(
            [make_take(make_limit(9, identity=f"s{n}")) for n in range(5)],
            ["UpdateItem"],
            ["UpdateItem"],
            id="five-on-one-item",
        ),
        pytest.param(
            [SLIDING, ELSEWHERE], ["TransactWriteItems"], ["TransactWriteItems"], id="two-items"
        ),
        pytest.param(
            [FIXED, SLIDING], ["GetItem", "UpdateItem"], ["UpdateItem"], id="with-a-fixed-window"
        ),
        pytest.param(
            [FIXED, ELSEWHERE],
            ["GetItem", "TransactWriteItems"],
            ["TransactWriteItems"],
            id="two-items-with-a-fixed-window",
        ),
    ],
)
def test_a_reservation_is_one_round_trip(
    table: Table, takes: list[Take], cold: list[str], warm: list[str]
) -> None:
    store = table.store()
    reserve(store, *takes, name="r1")
    assert table.calls == cold
    table.calls.clear()
    reserve(store, *takes, name="r2")
    assert table.calls == warm


def test_a_second_trip_is_made_only_when_another_environment_wrote(table: Table) -> None:
    first, second = table.store(), table.store()
    reserve(first, SLIDING, name="r1")
    reserve(second, SLIDING, name="r2")
    assert table.calls == ["UpdateItem", "UpdateItem", "UpdateItem"]
    table.calls.clear()
    reserve(second, SLIDING, name="r3")
    assert table.calls == ["UpdateItem"]


def test_fixed_windows_of_two_environments_never_stand_in_each_others_way(table: Table) -> None:
    hot = make_take(make_limit(100, fixed=True))
    stores = [table.store(), table.store()]
    for n, store in enumerate(stores):
        reserve(store, hot, name=f"first {n}")
    table.calls.clear()
    for n in range(10):
        reserve(stores[n % 2], hot, name=f"r{n}")
    assert table.calls == ["UpdateItem"] * 10


def test_a_refusal_writes_nothing_and_is_confirmed_by_one_read(table: Table) -> None:
    store = table.store()
    for n in range(3):
        reserve(store, SLIDING, name=f"r{n}")
    before = table.item()
    table.calls.clear()
    assert isinstance(reserve(store, SLIDING, name="r4"), Refused)
    assert table.calls == ["GetItem"]
    assert table.item() == before


def test_a_cache_of_one_item_still_answers(table: Table) -> None:
    store = table.store(cached_items=1)
    for counter in ("alice", "bob", "alice", "bob", "alice"):
        take = make_take(make_limit(9), counter=counter)
        assert isinstance(reserve(store, take, name=f"r{len(table.calls)}"), Reserved)


# ---------------------------------------------------------------- what is stored


def test_an_item_holds_what_the_layout_says(table: Table) -> None:
    reserve(table.store(), SLIDING, FIXED)
    tick = at().micros
    assert table.item() == {
        "pk": {
            "S": "COUNTER#amazon-mq#session#"
            "6367bf408125f0a11c8aecaa05a55537d3d4c2e923ab6f86845ba5baac1734e9"
        },
        "sk": {"S": "COUNTER"},
        "s_s": {"S": f"1 3c {tick:x} {tick:x}"},
        f"f_{START_SECONDS // 60}_60_f": {"N": "1"},
        "v": {"N": str(tick)},
        "w": {"S": "r1"},
        "ttl": {"N": str(START_SECONDS + LONGEST_WINDOW_SECONDS + 86_400)},
    }


def test_G13_the_ttl_is_a_number_of_seconds_after_every_window_a_policy_may_hold(
    table: Table,
) -> None:
    reserve(table.store(), make_take(make_limit(1, window_seconds=1)))
    assert int(table.item()["ttl"]["N"]) > START_SECONDS + MAXIMUM_SECONDS
    assert LONGEST_WINDOW_SECONDS >= MAXIMUM_SECONDS


@pytest.mark.parametrize("take", [SLIDING, FIXED], ids=["sliding", "fixed"])
@pytest.mark.parametrize("ttl", ["1", str(START_SECONDS - 1)])
def test_G12_a_ttl_in_the_past_frees_nothing(table: Table, take: Take, ttl: str) -> None:
    for n in range(3):
        reserve(table.store(), take, name=f"r{n}")
    table.put(**{**table.item(), "ttl": {"N": ttl}})
    assert isinstance(reserve(table.store(), take, name="r4"), Refused)


@pytest.mark.parametrize("take", [SLIDING, FIXED], ids=["sliding", "fixed"])
def test_G12_an_item_left_from_old_windows_counts_for_nothing(table: Table, take: Take) -> None:
    for n in range(3):
        reserve(table.store(), take, name=f"r{n}")
    later = reserve(table.store(), take, name="r4", seconds=86_400)
    assert isinstance(later, Reserved)
    assert later.remaining[0].remaining == 2


@pytest.mark.parametrize(
    "takes", [[SLIDING], [FIXED], [SLIDING, FIXED, ELSEWHERE]], ids=["sliding", "fixed", "all"]
)
def test_G14_an_item_deleted_meanwhile_starts_anew(table: Table, takes: list[Take]) -> None:
    store = table.store()
    for n in range(3):
        reserve(store, *takes, name=f"r{n}")
    for item in table.client.scan(TableName=table.name)["Items"]:
        table.client.delete_item(TableName=table.name, Key={k: item[k] for k in ("pk", "sk")})
    assert isinstance(reserve(store, *takes, name="r4"), Reserved)


def test_a_deleted_and_remade_item_is_not_taken_for_the_one_remembered(table: Table) -> None:
    first, second = table.store(), table.store()
    reserve(first, SLIDING, name="r1")
    table.delete()
    for n in range(3):
        reserve(second, SLIDING, name=f"new{n}", seconds=1)
    assert isinstance(reserve(first, SLIDING, name="r5", seconds=2), Refused)


def test_old_windows_are_dropped_however_sparse_the_use(table: Table) -> None:
    takes = [FIXED, SLIDING, make_take(make_limit(3, identity="was in the policy once"))]
    reserve(table.store(), *takes, name="first")
    for n in range(1, 20):  # every call in a new environment, hours apart
        reserve(table.store(), SLIDING, FIXED, name=f"r{n}", seconds=n * 7200)
    windows = [name for name in table.item() if name[:2] in {"s_", "f_"}]
    assert sorted(windows) == [f"f_{(START_SECONDS + 19 * 7200) // 60}_60_f", "s_s"]


def test_P16_the_window_before_is_kept_for_clocks_that_are_behind(table: Table) -> None:
    store = table.store()
    for n in range(3):
        reserve(store, FIXED, name=f"r{n}", seconds=59)
    reserve(store, FIXED, name="next", seconds=61)
    assert isinstance(reserve(table.store(), FIXED, name="behind", seconds=59.5), Refused)


def test_the_marks_of_releases_go_with_their_window(table: Table) -> None:
    store = table.store()
    reserved = reserve(store, FIXED)
    assert isinstance(reserved, Reserved)
    store.release(reserved, now=at(1))
    assert table.item()[f"x_{START_SECONDS // 60}_60_f"] == {"SS": ["r1"]}
    reserve(store, FIXED, name="later", seconds=300)
    assert not [name for name in table.item() if name.startswith("x_")]


def test_a_busy_window_of_small_amounts_stays_small(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "CELLS", 8)  # a small grid is reached with few calls
    store = table.store()
    limit = make_limit(10**6, window_seconds=3600, spend=True)
    for n in range(40):
        reserve(store, make_take(limit, amount="0.0000001"), name=f"r{n}", seconds=n * 80)
    entries = table.item()["s_describe_broker/1/rate"]["S"].split()[3:]
    assert len(entries) <= 9


# ---------------------------------------------------------------- items that are not as written

FIXED_NAME = f"f_{START_SECONDS // 60}_60_f"
BROKEN = [
    pytest.param(ROOMY_SLIDING, {"s_s": {"N": "1"}}, id="window-a-number"),
    pytest.param(ROOMY_SLIDING, {"s_s": {"S": ""}}, id="window-empty"),
    pytest.param(ROOMY_SLIDING, {"s_s": {"S": "NaN"}}, id="window-not-one"),
    pytest.param(ROOMY_SLIDING, {"s_s": {"S": "1 3c 5 5*-3"}}, id="window-negative"),
    pytest.param(ROOMY_SLIDING, {"s_s": {"L": []}}, id="window-a-list"),
    pytest.param(ROOMY_SLIDING, {"s_old": {"S": "junk"}}, id="another-window-not-one"),
    pytest.param(ROOMY_SLIDING, {"v": {"S": "5"}}, id="version-text"),
    pytest.param(ROOMY_SLIDING, {"v": {"N": "-5"}}, id="version-negative"),
    pytest.param(ROOMY_SLIDING, {"v": {"N": "1.5"}}, id="version-broken"),
    pytest.param(ROOMY_FIXED, {FIXED_NAME: {"S": "1"}}, id="amount-text"),
    pytest.param(ROOMY_FIXED, {FIXED_NAME: {"N": "-1"}}, id="amount-negative"),
    pytest.param(ROOMY_FIXED, {FIXED_NAME: {"NULL": True}}, id="amount-null"),
    pytest.param(ROOMY_FIXED, {FIXED_NAME: {"SS": ["1"]}}, id="amount-a-set"),
]


@pytest.mark.parametrize("take,attributes", BROKEN)
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_P13_an_item_not_as_written_denies(
    table: Table, take: Take, attributes: dict[str, Any], warm: bool
) -> None:
    store, other = table.store(), table.store()
    reserve(other, take, name="r0")
    if warm:
        reserve(store, take, name="r1")
        reserve(other, take, name="r2")  # so that `store` must read what is there
    broken = {**table.item(), **attributes}
    table.put(**broken)
    for n in range(3):
        with pytest.raises(CounterStoreError):
            reserve(store, take, name=f"after{n}")
    assert table.item() == broken


@pytest.mark.parametrize(
    "attributes",
    [{"x": {"S": "r1"}}, {"f": {"S": "1"}}],
    ids=["marks-not-a-set", "amount-not-a-number"],
)
def test_P13_an_item_not_as_written_is_not_released(
    table: Table, attributes: dict[str, Any]
) -> None:
    store = table.store()
    reserved = reserve(store, FIXED)
    assert isinstance(reserved, Reserved)
    names = {f"{kind}{FIXED_NAME[1:]}": value for kind, value in attributes.items()}
    table.put(**{**table.item(), **names})
    with pytest.raises(CounterStoreError):
        store.release(reserved, now=at(1))


def test_one_broken_item_does_not_keep_the_others_from_being_given_back(table: Table) -> None:
    store = table.store()
    reserved = reserve(store, SLIDING, ELSEWHERE)
    assert isinstance(reserved, Reserved)
    (broken,) = [
        item
        for item in table.client.scan(TableName=table.name)["Items"]
        if "#session#" in item["pk"]["S"]
    ]
    table.put(**{**broken, "s_s": {"S": "junk"}})
    with pytest.raises(CounterStoreError):
        store.release(reserved, now=at(1))
    again = reserve(store, ELSEWHERE, name="r2", seconds=1)
    assert isinstance(again, Reserved)
    assert again.remaining[0].remaining == Decimal(2)


def test_more_releases_than_a_window_remembers_stay_taken(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portcullis.adapters.counter_items.MAXIMUM_RELEASES", 1)
    store = table.store()
    for name in ("r1", "r2"):
        reserved = reserve(store, FIXED, name=name)
        assert isinstance(reserved, Reserved)
        store.release(reserved, now=at(1))
    assert table.item()[FIXED_NAME] == {"N": "1"}


def test_a_pause_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    for attempt in range(ATTEMPTS):
        jittered_pause(attempt)
    assert len(pauses) == ATTEMPTS
    assert max(pauses) <= 0.05
