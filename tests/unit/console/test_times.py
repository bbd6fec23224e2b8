"""Instants in words."""

import pytest

from portcullis.console.times import iso, relative, spoken


def test_an_instant_is_written_for_programs_and_for_people() -> None:
    assert iso(1_800_000_000) == "2027-01-15T08:00:00Z"
    assert spoken(1_800_000_000) == "15 Jan 2027, 08:00:00 UTC"
    assert spoken(0) == "1 Jan 1970, 00:00:00 UTC"


@pytest.mark.parametrize(
    "seconds, words",
    [
        (0, "now"),
        (1, "in 1 second"),
        (59, "in 59 seconds"),
        (60, "in 1 minute"),
        (119, "in 1 minute"),
        (3_599, "in 59 minutes"),
        (7_300, "in 2 hours"),
        (90_000, "in 1 day"),
        (-1, "1 second ago"),
        (-180, "3 minutes ago"),
    ],
)
def test_how_far_away_it_is_is_never_overstated(seconds: int, words: str) -> None:
    assert relative(1000 + seconds, now=1000) == words
