"""Amounts: the exact number a call takes from a spend limit.

Only reading an amount from a call may live here. An amount is a JSON number above 0 and
below 10^20 with at most 18 decimal places, so it and every sum a counter can hold are
exact in DynamoDB's 38 digits (docs.aws.amazon.com, "Supported data types": Number).
Nothing is rounded and nothing is converted: `"900"` and `true` are no amounts.
"""

from dataclasses import dataclass
from decimal import Decimal

from portcullis.policy.compile_error import shown
from portcullis.policy.json_types import JsonType, json_type
from portcullis.policy.model import Limit
from portcullis.policy.paths import Context, Missing, lookup

MAX_WHOLE_DIGITS = 20
MAX_DECIMAL_PLACES = 18
ONE_CALL = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidAmount:
    """There is no usable amount. `reason` is a sentence for the agent, without the value."""

    reason: str


def amount_of(limit: Limit, context: Context) -> Decimal | InvalidAmount:
    """How many units of a limit the call takes: one, or what the limit's path leads to."""
    if limit.amount_path is None:
        return ONE_CALL
    found = lookup(limit.amount_path, context)
    where = f"The amount {shown(limit.amount_path.text)}"
    if isinstance(found, Missing):
        return InvalidAmount(reason=f"{where} {found.value}.")
    if isinstance(found, bool) or not isinstance(found, (int, Decimal)):
        return InvalidAmount(reason=f"{where} is of type {json_type(found).value}, not a number.")
    if json_type(found) is JsonType.OTHER or found <= 0:
        return InvalidAmount(reason=f"{where} is not above 0.")
    return _bounded(Decimal(found), where)


def _bounded(amount: Decimal, where: str) -> Decimal | InvalidAmount:
    exponent = amount.as_tuple().exponent
    if amount.adjusted() >= MAX_WHOLE_DIGITS:
        return InvalidAmount(reason=f"{where} is not below 10^{MAX_WHOLE_DIGITS}.")
    if isinstance(exponent, int) and exponent >= -MAX_DECIMAL_PLACES:
        return amount
    return InvalidAmount(reason=f"{where} has more than {MAX_DECIMAL_PLACES} decimal places.")
