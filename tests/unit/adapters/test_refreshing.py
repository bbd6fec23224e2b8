"""A refreshing value: when it is loaded, and what a failing load leaves in force."""

from collections.abc import Callable

import pytest

from portcullis.adapters.refreshing import Refreshing, forget_everything
from portcullis.errors import PolicyUnavailableError, UnavailableError
from portcullis.policy.model import Instant

SECOND = 1_000_000


class Source:
    """Counts its loads and fails on demand."""

    def __init__(self) -> None:
        self.loads = 0
        self.failing = False

    def load(self, last: int | None) -> int:
        if self.failing:
            raise PolicyUnavailableError("down")
        self.loads += 1
        return self.loads if last is None else last + 1


def at(seconds: float) -> Instant:
    return Instant(micros=int(seconds * SECOND))


def make(source: Source, *, queue: list[Callable[[], None]] | None = None) -> Refreshing[int]:
    spawn = (lambda work: work()) if queue is None else queue.append
    return Refreshing(source.load, refresh_seconds=30, max_age_seconds=300, spawn=spawn)


def test_the_first_read_loads_and_a_young_value_is_only_used() -> None:
    source = Source()
    held = make(source)
    assert [held.get(at(0)), held.get(at(14))] == [1, 1]
    assert source.loads == 1


def test_its_age_is_that_of_the_last_load_that_succeeded() -> None:
    source = Source()
    held = make(source)
    assert held.age_seconds(at(7)) == 0, "nothing was loaded yet"
    held.get(at(10))
    assert held.age_seconds(at(14.9)) == 4
    source.failing = True
    held.get(at(100))
    assert held.age_seconds(at(100)) == 90
    source.failing = False
    held.get(at(102))
    assert held.age_seconds(at(102)) == 0


def test_a_middle_aged_value_is_used_while_the_next_one_loads_behind() -> None:
    source, queue = Source(), list[Callable[[], None]]()
    held = make(source, queue=queue)
    held.get(at(0))
    assert held.get(at(16)) == 1
    assert held.get(at(17)) == 1
    assert len(queue) == 1, "one background load at a time"
    queue.pop()()
    assert held.get(at(17)) == 2


def test_an_old_value_is_never_used_before_a_load_was_tried() -> None:
    source = Source()
    held = make(source)
    held.get(at(0))
    assert held.get(at(30)) == 2


def test_a_failing_load_leaves_the_last_known_good_until_the_maximum_age() -> None:
    source = Source()
    held = make(source)
    held.get(at(0))
    source.failing = True
    assert held.get(at(300)) == 1
    with pytest.raises(PolicyUnavailableError, match="too old"):
        held.get(at(301.5))


def test_nothing_ever_loaded_raises_what_the_load_said() -> None:
    source = Source()
    source.failing = True
    with pytest.raises(PolicyUnavailableError, match="down"):
        make(source).get(at(0))


def test_a_failing_load_is_tried_at_most_once_a_second_and_heals() -> None:
    source = Source()
    source.failing = True
    held = make(source)
    with pytest.raises(UnavailableError):
        held.get(at(0))
    source.failing = False
    with pytest.raises(UnavailableError):
        held.get(at(0.5))
    assert held.get(at(1.0)) == 1


def test_a_background_load_that_fails_or_cannot_start_changes_nothing() -> None:
    source = Source()
    held = make(source)
    held.get(at(0))
    source.failing = True
    assert held.get(at(16)) == 1
    assert held.get(at(16.5)) == 1, "within the pause no second load is begun"

    def no_threads(_work: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    source.failing = False
    starved = Refreshing(source.load, refresh_seconds=30, max_age_seconds=60, spawn=no_threads)
    first = starved.get(at(0))
    assert starved.get(at(20)) == first
    assert starved.get(at(31)) == first + 1


def test_a_thread_that_waited_for_another_load_uses_its_value() -> None:
    source = Source()
    held = make(source)
    held.get(at(0))
    inner: list[int] = []

    def load_twice(last: int | None) -> int:
        if not inner:
            inner.append(0)
        return source.load(last)

    held._load = load_twice
    assert held.get(at(40)) == 2
    assert held._load_and_wait(at(40)) == 2
    assert source.loads == 2


def test_what_is_forgotten_is_loaded_again_and_is_no_last_known_good_value() -> None:
    source = ["old"]

    def load(_last: str | None) -> str:
        if not source:
            raise UnavailableError("down")
        return source[0]

    value = Refreshing(load, refresh_seconds=300, max_age_seconds=3600)
    assert value.get(Instant(micros=0)) == "old"
    source[0] = "new"
    forget_everything()
    assert value.get(Instant(micros=1)) == "new"
    source.clear()
    forget_everything()
    with pytest.raises(UnavailableError):
        value.get(Instant(micros=2))
