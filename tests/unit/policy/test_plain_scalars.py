"""What unquoted words mean, and which of them mean different things to different readers."""

from decimal import Decimal

import pytest

from portcullis.policy.plain_scalars import Surprise, read_plain
from portcullis.values import JsonScalar


@pytest.mark.parametrize(
    "word,value",
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("0", 0),
        ("10", 10),
        ("-7", -7),
        ("0.50", Decimal("0.50")),
        ("-12.5", Decimal("-12.5")),
        ("9007199254740993", 9007199254740993),
        ("9" * 38, int("9" * 38)),
        ("deny", "deny"),
        ("30s", "30s"),
        ("1m", "1m"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("3.13.1", "3.13.1"),
        ("group:platform", "group:platform"),
        ("a yes", "a yes"),
        ("nano", "nano"),
        ("-", "-"),
    ],
)
def test_a_word_all_readers_agree_about_is_read(word: str, value: JsonScalar) -> None:
    read = read_plain(word)
    assert read == value
    assert type(read) is type(value)


AMBIGUOUS = [
    *("yes", "Yes", "NO", "no", "on", "Off", "y", "N", "True", "FALSE", "Null", "NULL", "~", "<<"),
    *("=", "010", "00", "-01", "007.5", "1_000", "1_0.5", "1:30", "190:20:30.5", "1e3"),
    *("1.5E3", "-2e-7", ".5e1", ".inf", "-.INF", ".nan", "NaN"),
    *("inf", "Infinity", "0x1F", "0o17", "0b1", "+1", "+1.5", ".5", "5.", "-0", "-0.0"),
    *("2026-11-23", "2026-1-1", "2026-11-23T10:00:00Z"),
]


@pytest.mark.parametrize("word", AMBIGUOUS)
def test_O05_a_word_readers_disagree_about_is_refused_with_what_to_write(word: str) -> None:
    read = read_plain(word)
    assert isinstance(read, Surprise)
    assert f'"{word}"' in read.suggestion


@pytest.mark.parametrize(
    "word,beginning",
    [
        ("no", "write `true` or `false`"),
        ("~", "write `null`"),
        ("TRUE", "write `true`"),
        ("1e3", "write all digits"),
        ("010", "quote it"),
    ],
)
def test_the_suggestion_says_what_the_word_could_have_meant(word: str, beginning: str) -> None:
    read = read_plain(word)
    assert isinstance(read, Surprise)
    assert read.suggestion.startswith(beginning)


def test_nothing_is_not_null() -> None:
    read = read_plain("")
    assert isinstance(read, Surprise)
    assert read.message == "there is no value"


@pytest.mark.parametrize("word", ["1" * 39, "0." + "1" * 38, "-" + "1" * 39])
def test_a_number_of_39_digits_is_refused(word: str) -> None:
    read = read_plain(word)
    assert isinstance(read, Surprise)
    assert read.message == "a number has more than 38 digits"
