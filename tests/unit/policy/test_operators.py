"""Operators: what each says of values of every type, and which operands it refuses."""

from decimal import Decimal

import pytest

from portcullis.policy.compile_error import OperandError
from portcullis.policy.model import Truth
from portcullis.policy.operators import MAX_ELEMENTS, OPERATORS, compile_operator
from portcullis.values import JsonValue

T, F, U = Truth.TRUE, Truth.FALSE, Truth.INDETERMINATE

EVERY_TYPE: list[JsonValue] = [None, True, 1, Decimal("1.5"), "text", [1], {"a": 1}]

ANSWERS: list[tuple[str, JsonValue, JsonValue, Truth]] = [
    ("eq", 10, 10, T),
    ("eq", 10, Decimal("10.0"), T),
    ("eq", Decimal("1E+1"), 10, T),
    ("eq", Decimal("0.1"), Decimal("0.10"), T),
    ("eq", 10, 11, F),
    ("eq", 10, "10", U),
    ("eq", 1, True, U),
    ("eq", True, 1, U),
    ("eq", True, True, T),
    ("eq", True, False, F),
    ("eq", "a", "a", T),
    ("eq", "a", "A", F),
    ("eq", "a", None, U),
    ("eq", "a", ["a"], U),
    ("eq", 1, Decimal("NaN"), U),
    ("eq", [1], [Decimal("NaN")], U),
    ("eq", None, None, T),
    ("eq", None, "a", F),
    ("eq", None, [], F),
    ("eq", [1, "a"], [1, "a"], T),
    ("eq", [1, "a"], [1], F),
    ("eq", [1, "a"], [1, True], U),
    ("eq", [1, "a"], [2, True], F),
    ("eq", [1], {"a": 1}, U),
    ("eq", {"a": 1}, {"a": Decimal("1.0")}, T),
    ("eq", {"a": 1}, {"b": 1}, F),
    ("eq", {"a": 1}, {"a": True}, U),
    ("eq", {"a": {"b": [None]}}, {"a": {"b": [None]}}, T),
    ("neq", 10, 11, T),
    ("neq", 10, Decimal("10.0"), F),
    ("neq", 10, "10", U),
    ("neq", None, None, F),
    ("neq", None, 1, T),
    ("neq", "a", None, U),
    ("in", [1, 2], 2, T),
    ("in", [1, 2], Decimal("2.0"), T),
    ("in", [1, 2], 3, F),
    ("in", [1, 2], True, U),
    ("in", ["a", 5], 7, F),
    ("in", ["a", 5], True, U),
    ("in", [True], 1, U),
    ("in", [True], True, T),
    ("in", ["a", None], None, T),
    ("in", ["a", None], "b", F),
    ("in", ["a"], None, U),
    ("in", [[1, 2], "a"], [1, 2], T),
    ("in", [[1, 2], "a"], [1, 3], F),
    ("in", [[1, 2], "a"], [1, "x"], U),
    ("in", [{"a": 1}], {"a": 1}, T),
    ("in", ["a"], {"a": 1}, U),
    ("not_in", ["a", "b"], "c", T),
    ("not_in", ["a", "b"], "a", F),
    ("not_in", ["a", "b"], 5, U),
    ("lt", 5, 4, T),
    ("lt", 5, 5, F),
    ("lt", 5, Decimal("4.999999999999999999999999999999999"), T),
    ("lt", 5, True, U),
    ("lt", 5, "4", U),
    ("lte", Decimal("0.3"), Decimal("0.30"), T),
    ("lte", 5, 6, F),
    ("lte", 5, None, U),
    ("gt", 5, 6, T),
    ("gt", 5, 5, F),
    ("gt", 5, Decimal("Infinity"), U),
    ("gt", 5, [6], U),
    ("gte", 5, 5, T),
    ("gte", 5, Decimal("4.9"), F),
    ("gte", 5, {}, U),
    ("regex", "a+", "aaa", T),
    ("regex", "a+", "aab", F),
    ("regex", "a+", 5, U),
    ("regex", "a+", "a" * 100_001, U),
    ("regex", "a+", "\ud800", U),
    ("contains", "b", "abc", T),
    ("contains", "b", "ac", F),
    ("contains", "b", ["a", "b"], T),
    ("contains", "b", [5, "b"], T),
    ("contains", "b", ["a"], F),
    ("contains", "b", [], F),
    ("contains", "b", ["a", 5], U),
    ("contains", "b", {"b": 1}, U),
    ("contains", 5, "5", U),
    ("contains", 5, [Decimal(5)], T),
    ("contains", None, ["a"], F),
    ("contains", None, [None], T),
    ("contains", "b", ["b"] * (MAX_ELEMENTS + 1), U),
    ("exists", True, None, T),
    ("exists", False, "x", F),
    ("starts_with", "ab", "abc", T),
    ("starts_with", "ab", "Abc", F),
    ("starts_with", "ab", ["ab"], U),
    ("ends_with", "bc", "abc", T),
    ("ends_with", "bc", "abC", F),
    ("ends_with", "bc", None, U),
    ("matches_glob", "prod-*", "prod-", T),
    ("matches_glob", "prod-*", "prod-a\nb/c", T),
    ("matches_glob", "prod-?", "prod-é", T),
    ("matches_glob", "prod-?", "prod-", F),
    ("matches_glob", "a[1]+.", "a[1]+.", T),
    ("matches_glob", "a[1]", "a1", F),
    ("matches_glob", "prod-*", 5, U),
    ("cidr", "10.0.0.0/8", "10.1.2.3", T),
    ("cidr", "10.0.0.0/8", "10.1.0.0/16", T),
    ("cidr", "10.0.0.0/8", "0.0.0.0/0", F),
    ("cidr", "10.0.0.0/8", "11.0.0.1", F),
    ("cidr", ["10.0.0.0/8", "192.168.0.0/16"], "192.168.4.4", T),
    ("cidr", "10.0.0.0/8", "010.0.0.1", U),
    ("cidr", "10.0.0.0/8", "10.0.0.1/8", U),
    ("cidr", "10.0.0.0/8", "10.0.0.0/255.255.0.0", U),
    ("cidr", "10.0.0.0/8", "10.0.0.0/\uff11\uff16", U),
    ("cidr", "10.0.0.0/8", "::ffff:10.0.0.1", U),
    ("cidr", "10.0.0.0/8", "2001:db8::1", U),
    ("cidr", "10.0.0.0/8", "somewhere", U),
    ("cidr", "10.0.0.0/8", 167772161, U),
    ("cidr", "2001:db8::/32", "2001:db8::1", T),
    ("cidr", "2001:db8::/32", "::/0", F),
    ("cidr", "2001:db8::/32", "2001:db8::1%eth0", U),
    ("cidr", "2001:db8::/32", "10.0.0.1", U),
    ("cidr", "::/0", "::ffff:10.0.0.1", U),
    ("length", 3, "abc", T),
    ("length", 3, "ab", F),
    ("length", 0, [], T),
    ("length", {"min": 1}, {"a": 1}, T),
    ("length", {"min": 1}, {}, F),
    ("length", {"max": 2}, [1, 2, 3], F),
    ("length", {"min": 1, "max": 2}, "a", T),
    ("length", 3, 123, U),
    ("length", 3, None, U),
]

REFUSED: list[tuple[str, JsonValue, str, str | None]] = [
    ("eq", Decimal("NaN"), "`eq` takes a JSON value", None),
    ("in", "a", "`in` and `not_in` take a list with at least one value", "write [a, b]"),
    ("not_in", [], "`in` and `not_in` take a list with at least one value", "write [a, b]"),
    ("lt", "5", "`lt` takes a number", "write it without quotes"),
    ("lte", True, "`lte` takes a number", None),
    ("gt", None, "`gt` takes a number", None),
    ("regex", "", "`regex` takes a text that is not empty", "put it in quotes"),
    ("regex", 5, "`regex` takes a text that is not empty", "put it in quotes"),
    ("regex", ".*", "this pattern matches every text", "use `exists`, or leave it out"),
    ("regex", "a" * 1001, "`regex`: a pattern is longer than 1000 characters", None),
    ("regex", "\ud800", "`regex`: a pattern holds half a surrogate pair", None),
    ("contains", "", "every text contains the empty text", "use `exists` or `length`"),
    ("exists", "true", "`exists` takes true or false", "write it without quotes"),
    ("exists", 1, "`exists` takes true or false", None),
    ("starts_with", "", "`starts_with` takes a text that is not empty", "put it in quotes"),
    ("matches_glob", "", "`matches_glob` takes a text that is not empty", "put it in quotes"),
    ("matches_glob", "a" * 1001, "`matches_glob`: a pattern is longer than 1000 characters", None),
    ("cidr", [], "`cidr` takes at least one network", "write 10.0.0.0/8"),
    ("cidr", [5], "`cidr` takes a text that is not empty", "put it in quotes"),
    ("cidr", "here", "`here` is no network", "write 10.0.0.0/8"),
    (
        "cidr",
        "10.1.0.0/8",
        "`10.1.0.0/8` is no network in its plain spelling",
        "write 10.0.0.0/8",
    ),
    ("length", {}, "`length` takes `min` and `max`", "write {min: 1, max: 10}"),
    ("length", {"least": 1}, "`length` takes `min` and `max`", "write {min: 1, max: 10}"),
    ("length", "3", "`length` takes whole numbers from 0", "write it without quotes"),
    ("length", True, "`length` takes whole numbers from 0", None),
    ("length", {"min": -1}, "`length` takes whole numbers from 0", None),
    ("length", {"max": Decimal("1.5")}, "`length` takes whole numbers from 0", None),
    ("length", {"min": 3, "max": 2}, "`length` has a `min` above its `max`", "swap them"),
]

# Where every value has an answer, so that there is no INDETERMINATE case.
NEVER_UNKNOWN = {"exists"}


@pytest.mark.parametrize("op, operand, value, expected", ANSWERS)
def test_an_operator_answers(
    op: str, operand: JsonValue, value: JsonValue, expected: Truth
) -> None:
    assert compile_operator(op, operand)(value) is expected


def test_every_operator_has_a_case_for_each_truth() -> None:
    for op in OPERATORS:
        truths = {expected for name, _, _, expected in ANSWERS if name == op}
        assert truths == ({T, F} if op in NEVER_UNKNOWN else {T, F, U}), op
    assert {name for name, *_ in ANSWERS} == set(OPERATORS)


@pytest.mark.parametrize("op, operand", {op: operand for op, operand, *_ in ANSWERS}.items())
def test_an_operator_never_raises_whatever_the_type(op: str, operand: JsonValue) -> None:
    test = compile_operator(op, operand)
    assert {test(value) for value in EVERY_TYPE} <= set(Truth)


@pytest.mark.parametrize("op, operand, message, suggestion", REFUSED)
def test_an_operand_of_no_use_is_refused_with_a_suggestion(
    op: str, operand: JsonValue, message: str, suggestion: str | None
) -> None:
    with pytest.raises(OperandError) as refused:
        compile_operator(op, operand)
    assert (refused.value.message, refused.value.suggestion) == (message, suggestion)
    assert str(refused.value) == message


def test_an_unknown_operator_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(OperandError) as refused:
        compile_operator("equals_", 1)
    assert refused.value.message == "operator `equals_` is unknown"
    with pytest.raises(OperandError) as near:
        compile_operator("similar", 1)
    assert near.value.suggestion == f"one of {', '.join(OPERATORS)}"
    with pytest.raises(OperandError) as close:
        compile_operator("start_with", 1)
    assert close.value.suggestion == "did you mean `starts_with`"


@pytest.mark.parametrize(
    "pattern, hint",
    [
        pytest.param("(?=a)a", "RE2 has no look-ahead: use a second condition", id="J07-ahead"),
        pytest.param(
            "(?!a)b", "RE2 has no look-ahead: use a second condition under `not`", id="J07-not"
        ),
        pytest.param("(?<=a)b", "RE2 has no look-behind: use a second condition", id="J07-behind"),
        pytest.param(
            r"(a)\1",
            "RE2 has no back-references, and other escapes than those listed at "
            "github.com/google/re2/wiki/Syntax",
            id="J07-reference",
        ),
        pytest.param("a{10000}", "a repetition counts to 1000 at most", id="J08-repeat"),
        pytest.param("(((a{30}){30}){30})", None, id="J08-nested-repeat"),
        pytest.param("(", None, id="J08-invalid"),
    ],
)
def test_a_pattern_re2_does_not_take_is_refused_when_compiled(
    pattern: str, hint: str | None
) -> None:
    with pytest.raises(OperandError, match="`regex`: the pattern is not RE2: ") as refused:
        compile_operator("regex", pattern)
    if hint:
        assert refused.value.suggestion == hint


def test_every_operator_says_what_it_does_and_takes() -> None:
    for operator in OPERATORS.values():
        assert operator.summary
        assert operator.operand
        assert not operator.summary.endswith(".")
