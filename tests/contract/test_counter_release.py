"""What every counter store does with shadow takes, releases and repetitions."""

from portcullis.gateway.ports import Reserved, Taken
from portcullis.policy.model import Scope
from support.counter_calls import SERVER, SLIDING_AND_FIXED, CounterStores, left, passes, waits
from support.takes import at, make_limit, make_take

# ---------------------------------------------------------------- shadow


@SLIDING_AND_FIXED
def test_a_shadow_take_is_counted_and_its_refusal_refuses_nothing(
    counter_stores: CounterStores, fixed: bool
) -> None:
    store = counter_stores()
    shadow = make_take(make_limit(1, identity="shadow", fixed=fixed), shadow=True)
    real = make_take(make_limit(5))
    first = passes(store, shadow, real, name="r1")
    assert (first.shadow_refused, len(first.taken), left(first)) == ((), 2, [4])
    for environment in (store, counter_stores()):
        again = passes(environment, shadow, real, name=f"r{environment}")
        assert (again.shadow_refused, [one.take for one in again.taken]) == ((shadow,), [real])


def test_a_shadow_take_alone_is_never_refused(counter_stores: CounterStores) -> None:
    store, shadow = counter_stores(), make_take(make_limit(1), shadow=True)
    passes(store, shadow, name="r1")
    again = passes(store, shadow, name="r2")
    assert (again.taken, again.shadow_refused) == ((), (shadow,))


# ---------------------------------------------------------------- release, repetition


@SLIDING_AND_FIXED
def test_what_is_given_back_can_be_taken_again(counter_stores: CounterStores, fixed: bool) -> None:
    store, take = counter_stores(), make_take(make_limit(2, fixed=fixed))
    first = passes(store, take, name="r1")
    passes(store, take, name="r2")
    store.release(first, now=at(1))
    assert left(passes(store, take, name="r3", seconds=2)) == [0]
    waits(store, take, name="r4", seconds=3)


@SLIDING_AND_FIXED
def test_g18_giving_back_twice_is_giving_back_once(
    counter_stores: CounterStores, fixed: bool
) -> None:
    store, take = counter_stores(), make_take(make_limit(2, fixed=fixed))
    first = passes(store, take, name="r1")
    passes(store, take, name="r2")
    for environment in (store, store, counter_stores()):
        environment.release(first, now=at(1))
    assert left(passes(store, take, name="r3", seconds=1)) == [0]
    waits(store, take, name="r4", seconds=1)


def test_g18_giving_back_what_was_never_taken_changes_nothing(
    counter_stores: CounterStores,
) -> None:
    store, take = counter_stores(), make_take(make_limit(1))
    passes(store, take, name="r1")
    invented = Taken(take=take, tick=at(5).micros)
    other = Taken(take=make_take(make_limit(1, identity="another")), tick=at().micros)
    fixed = Taken(take=make_take(make_limit(1, identity="f", fixed=True)), tick=at().micros)
    store.release(
        Reserved(reservation_id="r9", server=SERVER, taken=(invented, other, fixed)), now=at(6)
    )
    waits(store, take, name="r2", seconds=7)
    passes(store, fixed.take, name="r3", seconds=7)
    waits(store, fixed.take, name="r4", seconds=7)


@SLIDING_AND_FIXED
def test_g17_giving_back_in_a_later_window_leaves_that_window_alone(
    counter_stores: CounterStores, fixed: bool
) -> None:
    store, take = counter_stores(), make_take(make_limit(2, fixed=fixed))
    first = passes(store, take, name="r1")
    passes(store, take, name="r2", seconds=61)
    passes(store, take, name="r3", seconds=61)
    store.release(first, now=at(62))
    waits(store, take, name="r4", seconds=63)


def test_giving_back_reaches_every_counter(counter_stores: CounterStores) -> None:
    store = counter_stores()
    takes = [
        make_take(make_limit(1, scope=scope, fixed=fixed, identity=f"{scope}{fixed}"))
        for scope in (Scope.SESSION, Scope.PRINCIPAL)
        for fixed in (False, True)
    ]
    store.release(passes(store, *takes, name="r1"), now=at(1))
    assert left(passes(store, *takes, name="r2", seconds=2)) == [0] * 4


@SLIDING_AND_FIXED
def test_g20_one_reservation_asked_for_twice_is_taken_once(
    counter_stores: CounterStores, fixed: bool
) -> None:
    take = make_take(make_limit(2, fixed=fixed))
    for store in (counter_stores(), counter_stores()):
        assert left(passes(store, take, name="the same")) == [1]
    passes(counter_stores(), take, name="another")
    waits(counter_stores(), take, name="a third")
