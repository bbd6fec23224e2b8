"""Attributes of DynamoDB items, read strictly: what is not as we write it is an error.

What may live here: reading and writing of low-level attribute values (`{"N": "1"}`). An
attribute somebody else changed must never be read as "nothing used yet".

Source: Amazon DynamoDB Developer Guide, "Supported data types".
"""

import re
from collections.abc import Sequence
from decimal import Decimal

from portcullis.adapters.dynamodb_calls import Item

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:E[+-]?[0-9]{1,3})?")
_PLAIN_EXPONENT = 38  # DynamoDB's digits
_WHOLE = re.compile(r"[0-9]{1,18}")


def text_in(item: Item, name: str) -> str:
    """The string attribute `name`.

    Raises:
        ValueError: there is none, or it is not a string.
    """
    text = item.get(name, {}).get("S")
    if not isinstance(text, str):
        raise ValueError("a stored text is not text")  # noqa: TRY004 - data, not an argument
    return text


def number_in(item: Item, name: str) -> Decimal:
    """The number attribute `name`, 0 where there is none.

    Raises:
        ValueError: it is not a number of 0 or more.
    """
    if name not in item:
        return Decimal(0)
    number = item[name].get("N")
    if not isinstance(number, str) or not _NUMBER.fullmatch(number):
        raise ValueError("a stored amount is not a number of 0 or more")
    return Decimal(number)


def whole_in(item: Item, name: str) -> int:
    """The whole number attribute `name`.

    Raises:
        ValueError: there is none, or it is not a whole number of 0 or more.
    """
    number = item.get(name, {}).get("N")
    if not isinstance(number, str) or not _WHOLE.fullmatch(number):
        raise ValueError("a stored version or time is not a whole number")
    return int(number)


def string_set_in(item: Item, name: str) -> Sequence[str]:
    """The string set attribute `name`, empty where there is none.

    Raises:
        ValueError: it is not a string set.
    """
    if name not in item:
        return ()
    members = item[name].get("SS")
    if not isinstance(members, list):
        raise ValueError("a stored set is not a set")  # noqa: TRY004 - data, not an argument
    return members


def written(number: Decimal) -> str:
    """A number as DynamoDB and every emulator of it take it: digits, without an exponent.

    One that would need more digits than any amount of a call has keeps its exponent.
    """
    if not number:
        return "0"
    return format(number, "f") if abs(number.adjusted()) <= _PLAIN_EXPONENT else str(number)
