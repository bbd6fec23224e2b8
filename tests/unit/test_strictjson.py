"""Texts that are exactly one JSON value for every reader, and texts that are not (2.A)."""

import json
import tracemalloc
from decimal import Decimal

import pytest

from portcullis.errors import StrictJsonError
from portcullis.strictjson import MAX_BYTES, canonical, dump, parse
from portcullis.values import JsonValue


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


REFUSED = {
    "A01-duplicate key": b'{"name":"get_info","name":"delete_broker"}',
    "A02-duplicate by escape": b'{"name":1,"n\\u0061me":2}',
    "A07-duplicate at depth": b'{"arguments":{"deep":[{"amount":5,"amount":5000}]}}',
    "A08-NaN": b'{"a":NaN}',
    "A08-Infinity": b"[Infinity]",
    "A08-minus Infinity": b"[-Infinity]",
    "A09-infinite value": b'{"amount":1e400}',
    "A09-infinite negative value": b'{"amount":-1e400}',
    "A09-underflow": b"[1e-400]",
    "A10-5000 digits": b"9" * 5000,
    "A10-65 digits": b"9" * 65,
    "A10-long fraction": b"0." + b"1" * 63,
    "A10-exponent beyond Decimal": b"1e-99999999999999999999999",
    "A12-65 deep": nested(65),
    "A12-200 deep": nested(200),
    "A12-201 deep objects": b'{"a":' * 201 + b"1" + b"}" * 201,
    "A12-1000 deep": nested(1000),
    "A12-100000 deep": nested(100_000),
    "A12-100000 opened only": b"[" * 100_000,
    "A12-brackets that do not pair": b"[]" * 50 + b"[" * 20,
    "A13-BOM": b"\xef\xbb\xbf{}",
    "A14-UTF-16LE": '{"a":1}'.encode("utf-16-le"),
    "A14-UTF-16BE with BOM": b"\xfe\xff" + '{"a":1}'.encode("utf-16-be"),
    "A14-UTF-16": '{"a":1}'.encode("utf-16"),
    "A14-UTF-32": '{"a":1}'.encode("utf-32"),
    "A15-byte ff": b'"\xff"',
    "A15-overlong": b'"\xc0\xae"',
    "A15-CESU surrogate": b'"\xed\xa0\x80"',
    "A16-lone surrogate": b'"delete\\ud800_broker"',
    "A16-lone low surrogate": b'{"\\udc00":1}',
    "A16-surrogates in the wrong order": b'"\\udc00\\ud800"',
    "A18-two messages": b"{}{}",
    "A18-NUL behind": b"{}\x00",
    "A18-lines of messages": b"{}\n{}",
    "A19-comment": b"{}// x",
    "A19-block comment": b"/* */{}",
    "A19-trailing comma": b'{"a":1,}',
    "A19-trailing comma in a list": b"[1,]",
    "A19-single quotes": b"{'a':1}",
    "A19-unquoted key": b"{a:1}",
    "A19-leading plus": b"+1",
    "A19-leading zero": b"01",
    "A19-leading point": b".5",
    "A19-trailing point": b"5.",
    "A19-hex": b"0x10",
    "A19-raw control character": b'"a\nb"',
    "A20-no-break space": b"\xc2\xa0{}",
    "A20-line separator": b"\xe2\x80\xa8{}",
    "A20-vertical tab": b"\x0b{}",
    "A21-empty": b"",
    "A21-whitespace": b" \t\r\n",
    "A21-unterminated": b'{"a":"',
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in REFUSED.items()])
def test_a_text_that_two_readers_could_take_differently_is_refused(text: bytes) -> None:
    with pytest.raises(StrictJsonError):
        parse(text)


ACCEPTED: dict[str, tuple[bytes, JsonValue]] = {
    "literals": (b"[null,true,false]", [None, True, False]),
    "A11-beyond 2^53": (b"9007199254740993", 9007199254740993),
    "64 digits": (b"1" * 64, int("1" * 64)),
    "exact fraction": (b"0.10", Decimal("0.10")),
    "exponent": (b"1e5", Decimal(100000)),
    "smallest double": (b"5e-324", Decimal("5e-324")),
    "largest double": (b"1.7976931348623157e308", Decimal("1.7976931348623157e308")),
    "zero with any exponent": (b"[0e-999999999999999999999,-0.0E+5]", [Decimal(0), Decimal(0)]),
    "minus zero": (b"-0", 0),
    "A17-NUL in a string": (b'"a\\u0000b"', "a\0b"),
    "surrogate pair": (b'"\\ud83d\\ude00"', "\U0001f600"),
    "escaped backslash before u": (b'"\\\\ud800"', "\\ud800"),
    "raw U+2028": ('"\u2028"'.encode(), "\u2028"),
    "whitespace": (b" \t\r\n[ 1 , 2 ]\n", [1, 2]),
    "A12-64 deep": (nested(64), json.loads(nested(64))),
    "A12-64 deep beside others": (
        b"[" + nested(63) + b",[]]",
        [json.loads(nested(63)), []],
    ),
    "brackets in strings": (
        json.dumps(["[{" * 100, '\\"[' * 50]).encode(),
        ["[{" * 100, '\\"[' * 50],
    ),
    "many shallow brackets": (b"[" + b"[]," * 100 + b"{}]", [*[[]] * 100, {}]),
}


@pytest.mark.parametrize(
    "text, value", [pytest.param(text, value, id=name) for name, (text, value) in ACCEPTED.items()]
)
def test_a_strict_text_is_read_exactly(text: bytes, value: JsonValue) -> None:
    read = parse(text)
    assert read == value
    assert type(read) is type(value)


def test_A22_the_size_limit_is_the_last_size_read() -> None:
    assert parse(b"1" * 10, max_bytes=10) == 1111111111
    with pytest.raises(StrictJsonError, match="over the size limit"):
        parse(b"1" * 11, max_bytes=10)
    with pytest.raises(StrictJsonError, match="over the size limit"):
        parse(b" " * (MAX_BYTES + 1))


def test_A22_large_keys_and_many_keys_are_read() -> None:
    assert parse(b'{"' + b"k" * 1_000_000 + b'":1}') == {"k" * 1_000_000: 1}


def test_A23_an_object_of_100000_numbered_keys_is_read() -> None:
    value: JsonValue = {str(number): number for number in range(100_000)}
    assert parse(dump(value)) == value


def test_A12_deep_nesting_is_refused_in_bounded_memory() -> None:
    text = b"[" * 1_000_000
    tracemalloc.start()
    with pytest.raises(StrictJsonError):
        parse(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * len(text)


def test_a_lower_depth_limit_is_kept() -> None:
    assert parse(b"[[1]]", max_depth=2) == [[1]]
    with pytest.raises(StrictJsonError):
        parse(b"[[[1]]]", max_depth=2)


def test_messages_never_quote_the_text() -> None:
    for text in REFUSED.values():
        with pytest.raises(StrictJsonError) as caught:
            parse(text)
        assert not any(word in str(caught.value) for word in ("delete", "broker", "amount", "999"))


WRITTEN: list[tuple[JsonValue, bytes]] = [
    ({}, b"{}"),
    ([], b"[]"),
    ({"b": 1, "a": [None, True, False]}, b'{"b":1,"a":[null,true,false]}'),
    ('\u00e9\u2028"\\\n', '"\u00e9\u2028\\"\\\\\\n"'.encode()),
    (Decimal("1.50"), b"1.50"),
    (
        [Decimal("1.0"), {"x": {}, "y": [], "z": Decimal("-2E-7")}],
        b'[1.0,{"x":{},"y":[],"z":-2E-7}]',
    ),
    ({"a": Decimal(1), "b": [True, None, "t", 12]}, b'{"a":1,"b":[true,null,"t",12]}'),
    (12345678901234567890123, b"12345678901234567890123"),
]


@pytest.mark.parametrize("value, text", WRITTEN)
def test_a_value_is_written_compactly_and_exactly(value: JsonValue, text: bytes) -> None:
    assert dump(value) == text


UNWRITABLE = [
    pytest.param("\ud800", id="half a surrogate pair"),
    pytest.param([Decimal(1), "\ud800"], id="half a surrogate pair beside a decimal"),
    pytest.param(Decimal("NaN"), id="NaN"),
    pytest.param([Decimal("Infinity")], id="Infinity"),
    pytest.param(Decimal("1E+500"), id="out of every reader's range"),
    pytest.param({"a": {1, 2}}, id="not a JSON value"),
]


@pytest.mark.parametrize("value", UNWRITABLE)
def test_a_value_without_a_json_form_is_refused(value: JsonValue) -> None:
    with pytest.raises(StrictJsonError):
        dump(value)
    with pytest.raises(StrictJsonError):
        canonical(value)


EQUAL_NUMBERS: list[tuple[JsonValue, bytes]] = [
    (1, b"1"),
    (Decimal("1.0"), b"1"),
    (Decimal("1e0"), b"1"),
    (Decimal("10e-1"), b"1"),
    (Decimal("1.50"), b"15E-1"),
    (Decimal("-0.0"), b"0"),
    (0, b"0"),
    (Decimal("12e3"), b"12000"),
    (12000, b"12000"),
    (-7, b"-7"),
    (Decimal("-7.00"), b"-7"),
    (Decimal("0.00010"), b"1E-4"),
]


@pytest.mark.parametrize("value, text", EQUAL_NUMBERS)
def test_equal_numbers_have_one_canonical_form(value: JsonValue, text: bytes) -> None:
    assert canonical(value) == text


def test_the_canonical_form_sorts_keys_by_code_point() -> None:
    value: JsonValue = {"\U0001f600": 1, "\uffff": 2, "b": {"z": 1, "a": [True, "x", None]}, "B": 0}
    text = '{"B":0,"b":{"a":[true,"x",null],"z":1},"\uffff":2,"\U0001f600":1}'
    assert canonical(value) == text.encode()


def test_the_canonical_form_keeps_true_and_one_apart() -> None:
    assert canonical(True) != canonical(1)
    assert canonical("1") != canonical(1)
