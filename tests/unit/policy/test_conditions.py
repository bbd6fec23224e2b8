"""Conditions: Kleene's tables, elements, and what a trace says."""

import itertools

import pytest

from policy_values import make_comparison, make_context
from portcullis.policy.conditions import Traced, first_unknown, holds, trace
from portcullis.policy.json_types import every, negation, some
from portcullis.policy.model import AllOf, AnyOf, Comparison, Condition, Not, Truth
from portcullis.values import JsonValue

T, F, U = Truth.TRUE, Truth.FALSE, Truth.INDETERMINATE

TRUE_ONE = make_comparison("args.t", "eq", 1)
FALSE_ONE = make_comparison("args.t", "eq", 2)
UNKNOWN_ONE = make_comparison("args.missing", "eq", 1)
OF_TRUTH = {T: TRUE_ONE, F: FALSE_ONE, U: UNKNOWN_ONE}
ARGUMENTS: dict[str, JsonValue] = {"t": 1}

ORDER = [F, U, T]  # Kleene's and is the least of both, or the greatest


@pytest.mark.parametrize("left, right", list(itertools.product(ORDER, ORDER)))
def test_and_is_the_least_and_or_the_greatest(left: Truth, right: Truth) -> None:
    context = make_context(ARGUMENTS)
    parts = (OF_TRUTH[left], OF_TRUTH[right])
    least, greatest = sorted([left, right], key=ORDER.index)
    assert holds(AllOf(parts=parts), context) is least
    assert holds(AnyOf(parts=parts), context) is greatest
    assert trace(AllOf(parts=parts), context).truth is least
    assert trace(AnyOf(parts=parts), context).truth is greatest


@pytest.mark.parametrize("truth, expected", [(T, F), (F, T), (U, U)])
def test_not_keeps_what_is_unknown(truth: Truth, expected: Truth) -> None:
    condition = Not(part=OF_TRUTH[truth])
    assert holds(condition, make_context(ARGUMENTS)) is expected
    assert trace(condition, make_context(ARGUMENTS)).truth is expected


def test_of_nothing_every_part_holds_and_none() -> None:
    assert every([]) is T
    assert some([]) is F
    assert negation(U) is U


ELEMENTS: list[tuple[str, str, JsonValue, JsonValue, Truth, Truth]] = [
    # path, operator, operand, args.v, with match any, with match all
    ("args.v[*]", "eq", 1, [1, 1], T, T),
    ("args.v[*]", "eq", 1, [1, 2], T, F),
    ("args.v[*]", "eq", 1, [2, 2], F, F),
    ("args.v[*]", "eq", 1, [], F, U),
    ("args.v[*]", "eq", 1, None, U, U),
    ("args.v[*]", "eq", 1, "1", U, U),
    ("args.v[*]", "eq", 1, ["1"], U, U),
    ("args.v[*]", "eq", 1, ["1", 1], T, U),
    ("args.v[*]", "eq", 1, ["1", 2], U, F),
    ("args.v[*].w", "eq", 1, [{"w": 1}, {}], T, U),
    ("args.v[*].w", "exists", True, [{"w": 1}, {}], T, F),
    ("args.v[*].w", "exists", False, [{"w": 1}, {}], T, F),
    ("args.v[*].w", "exists", True, [{"w": 1}, "text"], T, U),
    ("args.v[*].w", "exists", False, ["text"], U, U),
    ("args.v[*].w", "exists", True, [], F, U),
    ("args.v[*].w", "exists", False, None, F, U),
    ("args.v[*][*]", "eq", 1, [[1], []], T, U),
    ("args.v[*][*]", "neq", 1, [[2], []], T, U),
    ("args.v[*][*]", "exists", True, [[2], None], T, U),
]


@pytest.mark.parametrize("path, operator, operand, value, some_of, all_of", ELEMENTS)
def test_elements_are_judged_one_by_one_and_never_vacuously(
    path: str,
    operator: str,
    operand: JsonValue,
    value: JsonValue,
    some_of: Truth,
    all_of: Truth,
) -> None:
    context = make_context({"v": value})
    assert holds(make_comparison(path, operator, operand, "any"), context) is some_of
    assert holds(make_comparison(path, operator, operand, "all"), context) is all_of


def test_each_element_without_a_match_cannot_be_told() -> None:
    condition = make_comparison("args.v[*]", "eq", 1)
    assert holds(condition, make_context({"v": [1]})) is U


def test_a_path_without_elements_may_still_say_match() -> None:
    condition = make_comparison("args.v", "eq", 1, "all")
    assert holds(condition, make_context({"v": 1})) is T


WHY: list[tuple[Comparison, dict[str, JsonValue], str]] = [
    (make_comparison("args.a", "eq", 1), {}, "`args.a` is missing"),
    (
        make_comparison("args.a.b", "eq", 1),
        {"a": "secret"},
        "`args.a.b` leads through a value of another shape",
    ),
    (
        make_comparison("args.a", "gt", 1),
        {"a": "secret"},
        "`args.a` is of type string, which `gt` cannot judge",
    ),
    (
        make_comparison("args.a[*]", "gt", 1, "any"),
        {"a": [0, None]},
        "`args.a[*]` is of type null, which `gt` cannot judge",
    ),
    (
        make_comparison("args.a[*]", "gt", 1, "all"),
        {},
        "`args.a[*]` is missing a list to look through",
    ),
    (
        make_comparison("args.a[*]", "gt", 1, "all"),
        {"a": []},
        "`args.a[*]` looks through an empty list",
    ),
    (
        make_comparison("args.a[*]", "gt", 1, "all"),
        {"a": [2] * 10_001},
        "`args.a[*]` reaches more than 10000 values",
    ),
]


@pytest.mark.parametrize("condition, arguments, why", WHY)
def test_a_trace_says_why_without_the_value(
    condition: Comparison, arguments: dict[str, JsonValue], why: str
) -> None:
    traced = trace(condition, make_context(arguments))
    assert (traced.truth, traced.why) == (U, why)
    assert "secret" not in repr(traced)


def test_a_trace_keeps_every_part_of_the_condition() -> None:
    condition: Condition = AllOf(
        parts=(
            FALSE_ONE,
            AnyOf(parts=(TRUE_ONE, UNKNOWN_ONE)),
            Not(part=make_comparison("args.l[*]", "exists", True, "any")),
        )
    )
    unknown = Traced(text="`args.missing` eq", truth=U, why="`args.missing` is missing")
    true = Traced(text="`args.t` eq", truth=T)
    exists = Traced(text="`args.l[*]` exists (any)", truth=F)
    assert trace(condition, make_context(ARGUMENTS)) == Traced(
        text="all of",
        truth=F,
        parts=(
            Traced(text="`args.t` eq", truth=F),
            Traced(text="any of", truth=T, parts=(true, unknown)),
            Traced(text="not", truth=T, parts=(exists,)),
        ),
    )


def test_the_first_unknown_is_one_that_made_the_whole_unknown() -> None:
    decided = AnyOf(parts=(make_comparison("args.other", "eq", 1), TRUE_ONE))
    condition = AllOf(parts=(decided, Not(part=UNKNOWN_ONE)))
    traced = trace(condition, make_context(ARGUMENTS))
    assert first_unknown(traced) == "`args.missing` is missing"
