"""What an agent reads when a limit refuses: one sentence it can act on."""

from decimal import Decimal

import pytest

from portcullis.gateway.ports import Refused
from portcullis.gateway.wording import refused_reason
from portcullis.policy.decision import Take
from portcullis.policy.model import Algorithm, Limit, Scope
from portcullis.policy.paths import compile_path


def refused(maximum: str, *, amount_path: str | None = None, wait: int | None = 7) -> Refused:
    limit = Limit(
        identity="l",
        maximum=Decimal(maximum),
        window_seconds=7200,
        scope=Scope.PRINCIPAL,
        algorithm=Algorithm.SLIDING_WINDOW,
        amount_path=None if amount_path is None else compile_path(amount_path),
    )
    take = Take(counter="c", limit=limit, amount=Decimal(1), rule="r")
    return Refused(take=take, remaining=Decimal(0), retry_after_seconds=wait)


@pytest.mark.parametrize(
    ("maximum", "amount_path", "told"),
    [
        ("1", None, "at most 1 call in any 2 hours for this caller"),
        ("2", None, "at most 2 calls in any 2 hours for this caller"),
        ("1", "args.amount", "at most 1 unit in any 2 hours for this caller"),
        ("10.50", "args.amount", "at most 10.5 units in any 2 hours for this caller"),
    ],
)
def test_a_limit_is_told_in_its_own_units(maximum: str, amount_path: str | None, told: str) -> None:
    text = refused_reason(refused(maximum, amount_path=amount_path))
    assert text == f"The limit is reached: {told}. Try again in 7 s."


def test_an_amount_no_wait_helps_is_told_apart() -> None:
    text = refused_reason(refused("10", amount_path="args.amount", wait=None))
    assert text.startswith("The amount is above the limit: at most 10 units")
    assert "Try again" not in text
