"""Takes, limits and instants for tests: defaults that pass, override by keyword."""

from decimal import Decimal

from portcullis.policy.decision import Take
from portcullis.policy.model import Algorithm, Instant, Limit, Path, Scope

START_SECONDS = 1_800_000_000  # starts a minute and an hour; in the future, so never expired
AMOUNT_PATH = Path(text="args.amount", root="args", steps=("amount",))


def at(seconds: float = 0) -> Instant:
    """The instant `seconds` after the start of the tests' time."""
    return Instant(micros=START_SECONDS * 1_000_000 + round(seconds * 1_000_000))


def make_limit(
    maximum: str | int = 3,
    *,
    window_seconds: int = 60,
    scope: Scope = Scope.SESSION,
    identity: str = "describe_broker/1/rate",
    fixed: bool = False,
    spend: bool = False,
) -> Limit:
    """A limit of 3 a minute and session, sliding, of calls."""
    return Limit(
        identity=identity,
        maximum=Decimal(maximum),
        window_seconds=window_seconds,
        scope=scope,
        algorithm=Algorithm.FIXED_WINDOW if fixed else Algorithm.SLIDING_WINDOW,
        amount_path=AMOUNT_PATH if spend else None,
    )


def make_take(
    limit: Limit | None = None,
    *,
    amount: str | int = 1,
    counter: str = "alice|session-1",
    shadow: bool = False,
) -> Take:
    """One unit of `make_limit()`."""
    return Take(
        counter=counter,
        limit=make_limit() if limit is None else limit,
        amount=Decimal(amount),
        rule="describe_broker/1",
        shadow=shadow,
    )
