"""The seven JSON types and strict equality over them.

Only what compares JSON values without converting them may live here: `True` is not 1,
"10" is not 10, and numbers are equal by value whatever their spelling (10 == 10.0).
"""

from collections.abc import Iterable
from decimal import Decimal
from enum import Enum

from portcullis.policy.model import Truth
from portcullis.values import JsonValue

TRUE, FALSE, INDETERMINATE = Truth.TRUE, Truth.FALSE, Truth.INDETERMINATE


class JsonType(Enum):
    """The types of JSON, and OTHER for what is no JSON value (a non-finite Decimal)."""

    NULL = "null"
    BOOLEAN = "boolean"
    NUMBER = "number"
    STRING = "string"
    LIST = "list"
    OBJECT = "object"
    OTHER = "other"


_TYPES = {
    type(None): JsonType.NULL,
    bool: JsonType.BOOLEAN,
    int: JsonType.NUMBER,
    Decimal: JsonType.NUMBER,
    str: JsonType.STRING,
    list: JsonType.LIST,
    dict: JsonType.OBJECT,
}


def json_type(value: object) -> JsonType:
    """The JSON type of a value; a Decimal that is no finite number has type OTHER."""
    found = _TYPES.get(type(value), JsonType.OTHER)
    if isinstance(value, Decimal) and not value.is_finite():
        return JsonType.OTHER
    return found


def truth(outcome: bool) -> Truth:  # noqa: FBT001 - a conversion
    """The Truth of something definite."""
    return TRUE if outcome else FALSE


def negation(outcome: Truth) -> Truth:
    """Kleene's not: what is indeterminate stays so."""
    if outcome is INDETERMINATE:
        return INDETERMINATE
    return FALSE if outcome is TRUE else TRUE


def every(outcomes: Iterable[Truth]) -> Truth:
    """Kleene's and; TRUE of nothing. Stops at the first FALSE."""
    result = TRUE
    for outcome in outcomes:
        if outcome is FALSE:
            return FALSE
        if outcome is INDETERMINATE:
            result = INDETERMINATE
    return result


def some(outcomes: Iterable[Truth]) -> Truth:
    """Kleene's or; FALSE of nothing. Stops at the first TRUE."""
    result = FALSE
    for outcome in outcomes:
        if outcome is TRUE:
            return TRUE
        if outcome is INDETERMINATE:
            result = INDETERMINATE
    return result


def equality(value: JsonValue, operand: JsonValue) -> Truth:
    """Whether a value equals an operand, INDETERMINATE where their types cannot be compared.

    Comparing with a null operand is definite for every value. Lists and objects are
    compared part by part, so one part of an unexpected type makes the whole
    indeterminate unless another part already differs. Recursion follows the operand.
    """
    if operand is None:
        return truth(value is None)
    kind = json_type(operand)
    if json_type(value) is not kind or kind is JsonType.OTHER:
        return INDETERMINATE
    if isinstance(operand, list) and isinstance(value, list):
        if len(value) != len(operand):
            return FALSE
        return every(equality(*pair) for pair in zip(value, operand, strict=True))
    if isinstance(operand, dict) and isinstance(value, dict):
        if value.keys() != operand.keys():
            return FALSE
        return every(equality(value[key], operand[key]) for key in operand)
    return truth(value == operand)
