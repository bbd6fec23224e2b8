"""Numbers in arguments: exact for a rule and for the server, or refused."""

from decimal import Decimal
from typing import Any

import pytest

from portcullis.policy.arguments import ArgumentFault, normalise


def one(schema: Any) -> dict[str, Any]:
    """An input schema with one argument, `v`."""
    return {"type": "object", "properties": {"v": schema}}


@pytest.mark.parametrize(
    ("value", "is_kept"),
    [
        (Decimal("0.3"), True),
        (Decimal("1.10"), True),
        (Decimal("1E+5"), True),
        (9007199254740992, True),
        (Decimal("0.30000000000000000001"), False),
        (Decimal("499.99999999999999999999"), False),
        (9007199254740993, False),
        (10**400, False),
    ],
)
def test_I04_a_number_that_a_server_would_round_is_refused(
    value: int | Decimal, is_kept: bool
) -> None:
    found = normalise(one({"type": "number"}), {"v": value})
    if is_kept:
        assert found == {"v": value}
    else:
        message = "must be number, is a number of more digits than every reader keeps"
        assert found == ArgumentFault(path="args.v", message=message)


def test_A11_an_integer_keeps_all_of_its_digits() -> None:
    arguments = {"v": 9007199254740993}
    assert normalise(one({"type": "integer"}), {**arguments}) == arguments
