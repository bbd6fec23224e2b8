"""The other product's own rules, as they were measured."""

from typing import Any

import pytest

from portcullis_cli.conversion.source import SourceTest
from portcullis_cli.conversion.theirs import Verdict, is_true, rendered

MEASURED = [
    ("eq", 5, "5", True),
    ("eq", "true", True, True),
    ("eq", "<nil>", None, True),
    ("eq", 9007199254740992, 9007199254740993, True),
    ("eq", ["1 2"], ["1", "2"], True),
    ("eq", {"a": 1, "b": None}, "map[a:1 b:<nil>]", True),
    ("neq", "eve", "Eve", True),
    ("in", [1, "x"], "1", True),
    ("not_in", [1, "x"], "1", False),
    ("lt", 5, "4", False),
    ("gte", 5, 5.0, True),
    ("regex", "prod", "a-prod-b", True),
    ("regex", "a.b", "a\nb", False),
    ("regex", "5", 5, False),
    ("contains", 5, ["5"], True),
    ("contains", 5, "556", False),
    ("exists", True, None, False),
    ("exists", False, None, True),
]


@pytest.mark.parametrize(("op", "operand", "value", "outcome"), MEASURED, ids=range(len(MEASURED)))
def test_their_operators_are_as_measured(op: str, operand: Any, value: Any, outcome: bool) -> None:
    test = SourceTest(keys=("a", "b"), op=op, value=operand, place=())

    assert is_true(test, {"a": {"b": value}}) is outcome
    assert is_true(test, {"a": {}}) is (op == "exists" and operand is False)
    assert is_true(test, {"a": [value]}) is (op == "exists" and operand is False)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e20, "100000000000000000000"), (1e21, "1e+21"), (2.5e21, "2.5e+21"), (0.0001, "0.0001"),
     (0.00001, "1e-05"), (5.0, "5"), (-0.5, "-0.5"), (True, "true"), (None, "<nil>"),
     ({"b": 1, "a": [1, "x"]}, "map[a:[1 x] b:1]")],
)  # fmt: skip
def test_values_are_rendered_as_go_renders_them(value: Any, text: str) -> None:
    assert rendered(value) == text


def test_the_verdicts_are_in_the_order_of_their_strictness() -> None:
    assert Verdict.ALLOW < Verdict.APPROVAL < Verdict.DENY
