"""Calls, principals and contexts for tests of the decision point: defaults that pass."""

from collections.abc import Mapping
from decimal import Decimal

from portcullis.policy.model import (
    Algorithm,
    Call,
    Comparison,
    Instant,
    Kind,
    Limit,
    Principal,
    Scope,
)
from portcullis.policy.operators import compile_operator
from portcullis.policy.paths import Context, compile_path
from portcullis.values import JsonValue

NOON = Instant(micros=1_795_435_200_000_000)  # 2026-11-23T12:00:00Z, a Monday


def make_principal(**changes: object) -> Principal:
    """A principal with one group."""
    values: dict[str, object] = {"issuer": "issuer.example", "subject": "alice", **changes}
    return Principal(**values)  # type: ignore[arg-type]


def make_call(arguments: Mapping[str, JsonValue] | None = None, **changes: object) -> Call:
    """A call of `transfer`."""
    values: dict[str, object] = {
        "server": "test-server",
        "kind": Kind.TOOL,
        "name": "transfer",
        "arguments": {} if arguments is None else arguments,
        "principal": make_principal(),
        "session": "session-1",
        **changes,
    }
    return Call(**values)  # type: ignore[arg-type]


def make_context(arguments: Mapping[str, JsonValue] | None = None, **changes: object) -> Context:
    """What paths look into, at noon."""
    return Context(make_call(arguments, **changes), NOON)


def make_comparison(
    path: str, operator: str, operand: JsonValue, match: str | None = None
) -> Comparison:
    """A compiled comparison."""
    return Comparison(
        path=compile_path(path),
        operator=operator,
        operand=operand,
        test=compile_operator(operator, operand),
        match=match,
    )


def make_limit(**changes: object) -> Limit:
    """Ten a minute for a session."""
    values: dict[str, object] = {
        "identity": "limit-1",
        "maximum": Decimal(10),
        "window_seconds": 60,
        "scope": Scope.SESSION,
        "algorithm": Algorithm.SLIDING_WINDOW,
        **changes,
    }
    return Limit(**values)  # type: ignore[arg-type]
