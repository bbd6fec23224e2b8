"""Amounts: exact numbers or a reason, never a converted or rounded one."""

from decimal import Decimal

import pytest

from policy_values import make_context, make_limit
from portcullis.policy.amounts import InvalidAmount, amount_of
from portcullis.policy.paths import compile_path
from portcullis.values import JsonValue

SPEND = make_limit(amount_path=compile_path("args.amount"))


def test_a_call_counts_one_where_no_amount_is_named() -> None:
    assert amount_of(make_limit(), make_context({"amount": 900})) == Decimal(1)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(900, id="H01"),
        pytest.param(Decimal("900.00"), id="H07"),
        pytest.param(Decimal("9E+2"), id="H07-exponent"),
        pytest.param(10**20 - 1, id="H04-largest"),
        pytest.param(Decimal("99999999999999999999.999999999999999999"), id="38-digits"),
        pytest.param(Decimal("1E-18"), id="smallest"),
    ],
)
def test_a_number_is_taken_exactly(value: JsonValue) -> None:
    assert amount_of(SPEND, make_context({"amount": value})) == value


@pytest.mark.parametrize(
    "arguments, reason",
    [
        pytest.param({}, "is missing", id="H06-absent"),
        pytest.param({"amount": True}, "is of type boolean, not a number", id="H06-true"),
        pytest.param({"amount": "900"}, "is of type string, not a number", id="H06-text"),
        pytest.param({"amount": None}, "is of type null, not a number", id="H06-null"),
        pytest.param({"amount": 0}, "is not above 0", id="H05-zero"),
        pytest.param({"amount": Decimal("-0.0")}, "is not above 0", id="H05-minus-zero"),
        pytest.param({"amount": -1}, "is not above 0", id="H02"),
        pytest.param({"amount": Decimal("Infinity")}, "is not above 0", id="infinite"),
        pytest.param({"amount": Decimal("NaN")}, "is not above 0", id="no-number"),
        pytest.param({"amount": 10**20}, "is not below 10^20", id="H04-too-large"),
        pytest.param({"amount": Decimal("1E+300")}, "is not below 10^20", id="H04-1e300"),
        pytest.param({"amount": Decimal("1E-19")}, "has more than 18 decimal places", id="H08"),
    ],
)
def test_anything_else_is_a_reason_without_the_value(
    arguments: dict[str, JsonValue], reason: str
) -> None:
    invalid = InvalidAmount(reason=f"The amount `args.amount` {reason}.")
    assert amount_of(SPEND, make_context(arguments)) == invalid
