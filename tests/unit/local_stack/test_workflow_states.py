"""What the emulator's workflows take for a timestamp."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from local_stack.emulator.workflow_states import instant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2016-03-14T01:59:00Z", datetime(2016, 3, 14, 1, 59, tzinfo=UTC)),
        ("2016-03-14T01:59:00.25Z", datetime(2016, 3, 14, 1, 59, 0, 250_000, tzinfo=UTC)),
        (
            "2016-03-14T01:59:00-02:00",
            datetime(2016, 3, 14, 1, 59, tzinfo=timezone(timedelta(hours=-2))),
        ),
    ],
)
def test_a_timestamp_is_an_instant(text: str, expected: datetime) -> None:
    assert instant(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        None,
        1458007140,
        "2016-03-14",
        "2016-03-14t01:59:00z",
        "2016-03-14 01:59:00Z",
        "2016-03-14T01:59:00",
        "2016-13-14T01:59:00Z",
        "2016-03-14T01:59:00Z ",
    ],
)
def test_what_the_specification_does_not_allow_is_none(text: object) -> None:
    assert instant(text) is None
