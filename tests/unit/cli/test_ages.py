"""Times as people read them: rounded down where they tell how long ago, exact where they limit."""

import pytest

from portcullis_cli.ages import ago, exactly, instant_of, long


@pytest.mark.parametrize(
    "seconds,text",
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7199, "1 h"), (86399, "23 h"), (200000, "2 d")],
)
def test_a_length_is_told_in_the_largest_unit_that_it_fills(seconds: int, text: str) -> None:
    assert long(seconds) == text
    assert ago(1000, 1000 + seconds) == f"{text} ago"


@pytest.mark.parametrize(
    "seconds,text",
    [(0, "0 s"), (90, "90 s"), (60, "1 min"), (5400, "90 min"), (86400, "1 d"), (90000, "25 h")],
)
def test_a_window_is_told_without_rounding(seconds: int, text: str) -> None:
    assert exactly(seconds) == text


def test_an_instant_that_is_still_to_come_is_now() -> None:
    assert ago(2000, 1000) == "0 s ago"


@pytest.mark.parametrize("text", ["yesterday", "2027-01-15T08:00:00", None])
def test_what_names_no_instant_is_none(text: object) -> None:
    assert instant_of(text) is None


def test_an_instant_is_read_in_any_zone() -> None:
    assert instant_of("2027-01-15T08:00:00Z") == instant_of("2027-01-15T09:00:00+01:00")
