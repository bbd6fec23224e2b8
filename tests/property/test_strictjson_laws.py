"""Laws of strict JSON: what is read, written and read again is one value, for every reader."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pydantic_core
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portcullis.errors import StrictJsonError
from portcullis.strictjson import canonical, dump, parse
from portcullis.values import JsonValue

pytestmark = pytest.mark.property

CHARACTERS = st.characters(codec="utf-8")
NUMBERS: st.SearchStrategy[JsonValue] = st.one_of(
    st.integers(-(10**40), 10**40),
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30
    ).filter(
        lambda number: len(str(number)) <= 64 and (number == 0 or abs(number.adjusted()) < 300)
    ),
)
SCALARS: st.SearchStrategy[JsonValue] = st.one_of(
    st.none(), st.booleans(), NUMBERS, st.text(CHARACTERS)
)
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(CHARACTERS), inner, max_size=4)
    ),
    max_leaves=20,
)


def first_key_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        members.setdefault(key, value)
    return members


def as_floats(value: Any) -> Any:
    """What a reader that knows only doubles makes of a value."""
    if isinstance(value, dict):
        return {key: as_floats(member) for key, member in value.items()}
    if isinstance(value, list):
        return [as_floats(element) for element in value]
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return float(value)
    return value


READERS: dict[str, Callable[[bytes], Any]] = {
    "last key wins": json.loads,
    "first key wins": lambda text: json.loads(text, object_pairs_hook=first_key_wins),
    "pydantic": pydantic_core.from_json,
    "exact numbers": lambda text: json.loads(text, parse_float=Decimal),
}


@given(VALUES)
@example([Decimal("0.1"), Decimal("1E+300"), Decimal("-0.0"), 2**64, "\u2028\0\U0001f600"])
def test_A24_what_is_written_is_read_as_the_same_value_by_every_reader(value: JsonValue) -> None:
    text = dump(value)
    text.decode("utf-8")
    assert parse(text) == value
    assert READERS["exact numbers"](text) == value
    for read in READERS.values():
        assert as_floats(read(text)) == as_floats(value)


@given(VALUES)
def test_A24_writing_what_was_read_writes_the_same_value(value: JsonValue) -> None:
    text = json.dumps(as_floats(value)).encode()
    try:
        read = parse(text)
    except StrictJsonError:
        return
    assert parse(dump(read)) == read
    assert dump(parse(dump(read))) == dump(read)


@given(st.binary(max_size=200))
@example(b'{"a":1,"a":2}')
@example(b"[1e400]")
@example(b"[" * 100)
def test_reading_any_bytes_answers_or_refuses_and_nothing_else(data: bytes) -> None:
    try:
        value = parse(data)
    except StrictJsonError:
        return
    assert as_floats(json.loads(data)) == as_floats(value)


JSON_TOKENS = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"a"',
        '"b"',
        '"\\u0061"',
        '"\\ud800"',
        "1",
        "-1.5e3",
        "1e999",
        "NaN",
        "true",
        "null",
        " ",
        "\n",
        "\u00a0",
        '"',
        "\\",
        "0",
        "01",
        "Infinity",
    ]
)


@given(st.lists(JSON_TOKENS, max_size=20).map("".join))
def test_what_is_accepted_is_one_value_for_all_readers(text: str) -> None:
    data = text.encode()
    try:
        value = parse(data)
    except StrictJsonError:
        return
    for read in READERS.values():
        assert as_floats(read(data)) == as_floats(value)


@given(VALUES, st.randoms(use_true_random=False))
def test_the_canonical_form_ignores_the_order_of_keys(value: JsonValue, random: Any) -> None:
    def shuffled(node: JsonValue) -> JsonValue:
        if isinstance(node, dict):
            members = list(node.items())
            random.shuffle(members)
            return {key: shuffled(member) for key, member in members}
        return [shuffled(element) for element in node] if isinstance(node, list) else node

    assert canonical(shuffled(value)) == canonical(value)


@given(VALUES)
def test_the_canonical_form_is_json_of_the_same_value(value: JsonValue) -> None:
    assert parse_any(canonical(value)) == value


@given(VALUES, VALUES)
def test_different_values_have_different_canonical_forms(one: JsonValue, other: JsonValue) -> None:
    if canonical(one) == canonical(other):
        assert tagged(one) == tagged(other)


def parse_any(text: bytes) -> Any:
    return json.loads(text, parse_float=Decimal)


def tagged(value: Any) -> Any:
    """A value in which `True` and `1` differ, as they do in JSON but not in Python."""
    if isinstance(value, dict):
        return {key: tagged(member) for key, member in value.items()}
    if isinstance(value, list):
        return [tagged(element) for element in value]
    return (isinstance(value, bool), value)


@given(st.integers(0, 80))
def test_A12_depth_is_counted_exactly(depth: int) -> None:
    text = b'{"a":[' * (depth // 2) + b"[" * (depth % 2) + b"]" * (depth % 2) + b"]}" * (depth // 2)
    text = text.replace(b"[]", b'[{"b":"[[{{"}]') if depth else b"1"
    deep = depth + (1 if depth else 0)
    siblings = b"[" + b",".join([b"[]"] * 70) + b"," + text + b"]"
    for wrapped, total in ((text, deep), (siblings, deep + 1)):
        if total <= 64 or not depth:
            assert parse(wrapped) is not None
        else:
            with pytest.raises(StrictJsonError):
                parse(wrapped)
