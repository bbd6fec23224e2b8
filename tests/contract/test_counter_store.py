"""What every counter store does, on memory and on two emulators of DynamoDB.

What no emulator here can show: throttled partitions, replication between regions, TTL
deletion by AWS itself.
"""

from decimal import Decimal

import pytest

from portcullis.errors import CounterStoreError
from portcullis.gateway.ports import Refused, Remaining, Reserved, Taken
from portcullis.policy.decision import Take
from portcullis.policy.model import Limit, Scope
from support.counter_calls import (
    SERVER,
    SLIDING_AND_FIXED,
    CounterStores,
    left,
    passes,
    reserve,
    waits,
)
from support.takes import at, make_limit, make_take


def test_no_takes_are_reserved_at_once(counter_stores: CounterStores) -> None:
    assert reserve(counter_stores(), name="r1") == Reserved(reservation_id="r1", server=SERVER)


def test_a_reservation_says_what_was_taken_and_what_is_left(
    counter_stores: CounterStores,
) -> None:
    take = make_take(make_limit(3))
    assert reserve(counter_stores(), take, name="r1") == Reserved(
        reservation_id="r1",
        server=SERVER,
        taken=(Taken(take=take, tick=at().micros),),
        remaining=(
            Remaining(
                limit=take.limit.identity, rule=take.rule, maximum=Decimal(3), remaining=Decimal(2)
            ),
        ),
    )


@SLIDING_AND_FIXED
def test_G01_the_fourth_of_three_is_refused_and_takes_nothing(
    counter_stores: CounterStores, fixed: bool
) -> None:
    store, take = counter_stores(), make_take(make_limit(3, fixed=fixed))
    assert [left(passes(store, take, name=f"r{n}", seconds=n)) for n in range(3)] == [[2], [1], [0]]
    for n in range(3, 6):
        assert waits(store, take, name=f"r{n}", seconds=30) == Refused(
            take=take, remaining=Decimal(0), retry_after_seconds=30
        )
    assert left(passes(store, take, name="r6", seconds=60)) == [2 if fixed else 0]


@SLIDING_AND_FIXED
def test_G26_a_check_answers_what_a_reservation_would_and_takes_nothing(
    counter_stores: CounterStores, fixed: bool
) -> None:
    store, take = counter_stores(), make_take(make_limit(2, fixed=fixed))
    other = make_take(make_limit(5, identity="other"), counter="bob")
    for _ in range(3):
        assert store.check([take, other], server=SERVER, now=at()) is None
    assert store.check([], server=SERVER, now=at()) is None
    assert left(passes(store, take, name="r1")) == [1]
    passes(store, take, name="r2")
    expected = waits(store, take, name="r3", seconds=30)
    assert counter_stores().check([take, other], server=SERVER, now=at(30)) == expected


@SLIDING_AND_FIXED
def test_another_environment_sees_what_was_taken(
    counter_stores: CounterStores, fixed: bool
) -> None:
    first, second = counter_stores(), counter_stores()
    take = make_take(make_limit(3, fixed=fixed))
    assert left(passes(first, take, name="r1")) == [2]
    assert left(passes(second, take, name="r2")) == [1]
    assert left(passes(first, take, name="r3")) == [0]
    waits(second, take, name="r4")
    waits(first, take, name="r5")


@SLIDING_AND_FIXED
def test_a_refusal_told_from_memory_is_checked_before_it_is_given(
    counter_stores: CounterStores, fixed: bool
) -> None:
    first, second = counter_stores(), counter_stores()
    take = make_take(make_limit(1, fixed=fixed))
    reserved = passes(first, take, name="r1")
    second.release(reserved, now=at(1))
    passes(first, take, name="r2", seconds=2)


def test_a_refusal_takes_nothing_from_the_other_counters(counter_stores: CounterStores) -> None:
    store = counter_stores()
    full = make_take(make_limit(1))
    beside = make_take(make_limit(5, identity="other"))
    elsewhere = make_take(make_limit(5, scope=Scope.SERVER), counter="")
    passes(store, full, name="r1")
    assert waits(store, elsewhere, beside, full, name="r2").take == full
    assert left(passes(store, beside, elsewhere, name="r3")) == [4, 4]


def test_of_several_refusals_the_longest_wait_is_told(counter_stores: CounterStores) -> None:
    store = counter_stores()
    minute = make_take(make_limit(1, identity="minute"))
    hour = make_take(make_limit(1, identity="hour", window_seconds=3600, scope=Scope.SERVER))
    passes(store, minute, hour, name="r1")
    refused = waits(store, minute, hour, name="r2", seconds=10)
    assert (refused.take, refused.retry_after_seconds) == (hour, 3590)
    never = make_take(make_limit(1, identity="minute"), amount=2)
    refused = waits(store, never, hour, name="r3", seconds=10)
    assert (refused.take, refused.retry_after_seconds) == (never, None)


def test_a_wait_of_less_than_a_second_is_told_as_one(counter_stores: CounterStores) -> None:
    store, take = counter_stores(), make_take(make_limit(1))
    passes(store, take, name="r1")
    assert waits(store, take, name="r2", seconds=59.9).retry_after_seconds == 1


def test_sliding_and_fixed_limits_of_all_scopes_are_taken_together(
    counter_stores: CounterStores,
) -> None:
    store = counter_stores()
    takes = [
        make_take(
            make_limit(3, scope=scope, fixed=fixed, identity=f"{scope.value}/{fixed}"),
            counter=scope.value,
        )
        for scope in Scope
        for fixed in (False, True)
    ]
    assert left(passes(store, *takes, name="r1")) == [2] * 8
    assert left(passes(store, *takes, name="r2")) == [1] * 8
    assert left(passes(counter_stores(), *takes, name="r3")) == [0] * 8
    waits(store, *takes, name="r4")


def limit_of(name: str) -> Limit:
    return make_limit(1, identity=name)


@pytest.mark.parametrize(
    "one,other",
    [
        pytest.param(
            make_take(counter="alice|s"), make_take(counter="bob|s"), id="G08-two-principals"
        ),
        pytest.param(
            make_take(limit_of("tool/1/rate")), make_take(limit_of("tool/2/rate")), id="G09-rules"
        ),
        pytest.param(make_take(limit_of("a_b")), make_take(limit_of("a")), id="G09-prefix"),
        pytest.param(
            make_take(make_limit(1, scope=Scope.TOOL), counter="session"),
            make_take(make_limit(1, scope=Scope.SESSION), counter="session"),
            id="G09-a-tool-named-like-a-scope",
        ),
        pytest.param(
            make_take(counter="a#b"), make_take(counter="a"), id="a-separator-in-a-counter"
        ),
        pytest.param(
            make_take(counter="k" * 5000 + "1"),
            make_take(counter="k" * 5000 + "2"),
            id="G22-longer-than-a-key",
        ),
        pytest.param(make_take(counter=""), make_take(counter=" "), id="G22-empty"),
    ],
)
def test_separate_counters_do_not_share(
    counter_stores: CounterStores, one: Take, other: Take
) -> None:
    store = counter_stores()
    for take in (one, other):
        for n in range(int(take.limit.maximum)):
            passes(
                store, take, name=f"{take.counter[-9:]}{take.limit.identity}{take.limit.scope}{n}"
            )
    waits(store, one, name="one more")
    waits(store, other, name="another more")


def test_G09_the_same_tool_of_two_servers_has_two_counters(
    counter_stores: CounterStores,
) -> None:
    store, take = counter_stores(), make_take(make_limit(1))
    assert isinstance(reserve(store, take, name="r1", server="amazon-mq"), Reserved)
    assert isinstance(reserve(store, take, name="r2", server="aws-iam"), Reserved)
    assert isinstance(reserve(store, take, name="r3", server="aws-iam"), Refused)


def test_G10_a_burst_over_a_minute_boundary_passes_three_of_six(
    counter_stores: CounterStores,
) -> None:
    store, take = counter_stores(), make_take(make_limit(3))
    answers = [reserve(store, take, name=f"before{n}", seconds=59.9) for n in range(3)]
    answers += [reserve(store, take, name=f"after{n}", seconds=60.1) for n in range(3)]
    assert [type(answer) for answer in answers] == [Reserved] * 3 + [Refused] * 3


@SLIDING_AND_FIXED
def test_G23_a_changed_maximum_applies_to_the_same_state(
    counter_stores: CounterStores, fixed: bool
) -> None:
    store = counter_stores()
    for n in range(5):
        passes(store, make_take(make_limit(10, fixed=fixed)), name=f"r{n}")
    assert waits(store, make_take(make_limit(3, fixed=fixed)), name="r5").remaining == 0
    assert left(passes(store, make_take(make_limit(6, fixed=fixed)), name="r6")) == [0]


# ---------------------------------------------------------------- amounts


@SLIDING_AND_FIXED
def test_H01_spending_beyond_the_maximum_is_refused(
    counter_stores: CounterStores, fixed: bool
) -> None:
    store, limit = counter_stores(), make_limit(1000, fixed=fixed, spend=True)
    passes(store, make_take(limit, amount=900), name="r1")
    assert waits(store, make_take(limit, amount=200), name="r2").remaining == 100
    assert left(passes(store, make_take(limit, amount=100), name="r3")) == [0]


@SLIDING_AND_FIXED
def test_G21_H04_a_first_amount_above_the_maximum_never_passes(
    counter_stores: CounterStores, fixed: bool
) -> None:
    store, limit = counter_stores(), make_limit(100, fixed=fixed, spend=True)
    for n, amount in enumerate(("150", "1e19", "9223372036854775807")):
        refused = waits(store, make_take(limit, amount=amount), name=f"r{n}")
        assert refused.remaining == 100
        assert refused.retry_after_seconds is None
    passes(store, make_take(limit, amount=100), name="all")


@SLIDING_AND_FIXED
def test_H03_cents_add_up_exactly(counter_stores: CounterStores, fixed: bool) -> None:
    store, limit = counter_stores(), make_limit("0.30", fixed=fixed, spend=True)
    for n in range(3):
        passes(store, make_take(limit, amount="0.1"), name=f"r{n}")
    waits(store, make_take(limit, amount="1e-20"), name="r4")


@SLIDING_AND_FIXED
@pytest.mark.parametrize(
    "amount",
    [
        pytest.param("0", id="H05-zero"),
        pytest.param("-0.0", id="H05-minus-zero"),
        pytest.param("-1000000", id="H02-G21-negative"),
        pytest.param("NaN", id="not-a-number"),
        pytest.param("sNaN", id="signalling"),
        pytest.param("Infinity", id="infinite"),
        pytest.param("1e-400", id="H08-too-small"),
        pytest.param("1e300", id="H04-too-large"),
        pytest.param("1" * 40, id="H08-40-digits"),
    ],
)
def test_an_amount_no_counter_can_keep_is_an_error_and_no_credit(
    counter_stores: CounterStores, fixed: bool, amount: str
) -> None:
    store, limit = counter_stores(), make_limit(1000, fixed=fixed, spend=True)
    with pytest.raises(CounterStoreError):
        reserve(store, make_take(limit, amount=amount), name="r1")
    passes(store, make_take(limit, amount=1000), name="r2")
    waits(store, make_take(limit, amount=1), name="r3")


@pytest.mark.parametrize(
    "limit",
    [
        pytest.param(make_limit("NaN"), id="not-a-number"),
        pytest.param(make_limit(-1), id="negative"),
        pytest.param(make_limit("1" * 40), id="G22-40-digits"),
        pytest.param(make_limit(window_seconds=0), id="G11-no-window"),
        pytest.param(make_limit(window_seconds=-1), id="G11-negative-window"),
        pytest.param(make_limit(window_seconds=10**9), id="G11-endless-window"),
        pytest.param(make_limit(identity=""), id="no-identity"),
        pytest.param(make_limit(identity="x" * 300), id="endless-identity"),
    ],
)
def test_an_unusable_limit_is_an_error(counter_stores: CounterStores, limit: Limit) -> None:
    with pytest.raises(CounterStoreError):
        reserve(counter_stores(), make_take(limit), name="r1")


@pytest.mark.parametrize("server", ["", "a#b", "s" * 300])
def test_a_server_that_cannot_name_a_counter_is_an_error(
    counter_stores: CounterStores, server: str
) -> None:
    with pytest.raises(CounterStoreError):
        reserve(counter_stores(), make_take(), name="r1", server=server)


def test_two_takes_on_one_counter_are_an_error(counter_stores: CounterStores) -> None:
    with pytest.raises(CounterStoreError):
        reserve(counter_stores(), make_take(), make_take(amount=2), name="r1")


@SLIDING_AND_FIXED
def test_G22_a_maximum_above_2_to_the_53_is_exact(
    counter_stores: CounterStores, fixed: bool
) -> None:
    store, limit = counter_stores(), make_limit(2**53 + 1, fixed=fixed, spend=True)
    passes(store, make_take(limit, amount=2**53), name="r1")
    passes(store, make_take(limit, amount=1), name="r2")
    waits(store, make_take(limit, amount=1), name="r3")
