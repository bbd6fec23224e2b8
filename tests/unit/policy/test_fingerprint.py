"""The fingerprint: equal for equal calls and for no others."""

from decimal import Decimal
from types import MappingProxyType

import pytest

from policy_values import make_call, make_principal
from portcullis.policy.fingerprint import digest
from portcullis.policy.model import Kind
from portcullis.values import JsonValue

CALL = make_call({"amount": 900, "to": "bob"})


@pytest.mark.parametrize(
    "arguments",
    [
        {"to": "bob", "amount": 900},
        {"amount": Decimal("900.0"), "to": "bob"},
        {"amount": Decimal("9E+2"), "to": "bob"},
    ],
)
def test_order_and_spelling_do_not_matter(arguments: dict[str, JsonValue]) -> None:
    assert digest(make_call(arguments)) == digest(CALL)


def test_who_calls_and_the_session_do_not_matter() -> None:
    arguments = MappingProxyType(CALL.arguments)
    other = make_call(arguments, principal=make_principal(subject="bob"), session="other")
    assert digest(other) == digest(CALL)


@pytest.mark.parametrize(
    "changes",
    [{"server": "other"}, {"kind": Kind.PROMPT}, {"name": "transfer2"}],
)
def test_what_is_called_matters(changes: dict[str, object]) -> None:
    assert digest(make_call(CALL.arguments, **changes)) != digest(CALL)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"amount": 901, "to": "bob"},
        {"amount": "900", "to": "bob"},
        {"amount": True, "to": "bob"},
        {"amount": 900, "to": "bob", "extra": None},
    ],
)
def test_every_argument_matters(arguments: dict[str, JsonValue]) -> None:
    assert digest(make_call(arguments)) != digest(CALL)


def test_a_digest_is_64_hex_digits() -> None:
    assert len(digest(CALL)) == 64
    assert int(digest(CALL), 16)
