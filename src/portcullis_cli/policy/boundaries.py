"""Calls at the edges of a policy: around each number that a condition names, and at each limit.

A condition `amount gt 100` is tried with 99, 100 and 101; a limit of ten with the tenth call
and the eleventh. What is decided is for the author to look at: the policy cannot know whether
its author meant `gt` or `gte`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from portcullis.adapters.memory_counters import MemoryCounterStore
from portcullis.gateway.ports import Refused
from portcullis.policy.cases import Case
from portcullis.policy.decision import Deny
from portcullis.policy.evaluate import evaluate
from portcullis.policy.model import (
    AllOf,
    AnyOf,
    Call,
    Comparison,
    Condition,
    Instant,
    Kind,
    Not,
    Policy,
    Principal,
    Rule,
)
from portcullis.values import JsonObject, JsonValue
from portcullis_cli.policy.explaining import word_of

_NUMBERS = ("lt", "lte", "gt", "gte", "eq", "neq")
MOST_CALLS = 10_000  # of one limit; a larger one is left out
_NOON = Instant(micros=1_767_614_400_000_000)  # 2026-01-05T12:00:00Z, as tests that name no time


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One call at an edge. `what` says which; `decided` is a word of a policy, or a limit's end."""

    tool: str
    rule: str
    what: str
    arguments: JsonObject
    decided: str


def edges_of(policy: Policy, cases: Sequence[Case], *, server: str) -> Iterator[Edge]:
    """Every edge of the exact entries of a policy, in their order.

    A tool is called as the first of its tests that is not denied calls it, so that what other
    rules want of a call is there; without one, with no other argument.
    """
    for name, rules in policy.sections[Kind.TOOL].exact.items():
        call = _base(policy, cases, server, name)
        for rule in rules:
            for comparison in _numbers(rule.when):
                yield from _around(policy, call, rule, comparison)
            yield from _at_limits(policy, call, rule)


def _numbers(condition: Condition | None) -> Iterator[Comparison]:
    """The comparisons with a number, of an argument that is no part of a list."""
    match condition:
        case Comparison():
            is_number = isinstance(condition.operand, int | Decimal)
            is_plain = all(isinstance(step, str) for step in condition.path.steps)
            is_number = is_number and type(condition.operand) is not bool
            if is_number and is_plain and _is_of_an_argument(condition):
                yield condition
        case AllOf() | AnyOf():
            for part in condition.parts:
                yield from _numbers(part)
        case Not():
            yield from _numbers(condition.part)
        case None:
            return


def _is_of_an_argument(comparison: Comparison) -> bool:
    return comparison.operator in _NUMBERS and comparison.path.root == "args"


def _around(policy: Policy, call: Call, rule: Rule, comparison: Comparison) -> Iterator[Edge]:
    edge: Any = comparison.operand
    places = -int(edge.as_tuple().exponent) if _is_fraction(edge) else 0
    step = Decimal(1).scaleb(-places) if places else 1
    for value in (edge - step, edge, edge + step):
        arguments = _merged(dict(call.arguments), _with(comparison, value))
        decided = evaluate(policy, replace(call, arguments=arguments), now=_NOON)
        yield Edge(
            tool=call.name,
            rule=rule.label,
            what=f"{comparison.path.text} = {value}",
            arguments=arguments,
            decided=word_of(decided),
        )


def _at_limits(policy: Policy, call: Call, rule: Rule) -> Iterator[Edge]:
    """The last call that a rate limit lets through, and the first that it does not."""
    decided = evaluate(policy, call, now=_NOON)
    if isinstance(decided, Deny):
        return
    for take in decided.obligations:
        countable = take.limit.amount_path is None and take.limit.maximum <= MOST_CALLS
        if take.rule != rule.label or take.shadow or not countable:
            continue
        store, most = MemoryCounterStore(), int(take.limit.maximum)
        for number in range(1, most + 2):
            answer = store.reserve(
                [take], server=call.server, reservation_id=str(number), now=_NOON
            )
            if number >= most:
                refused = isinstance(answer, Refused)
                yield Edge(
                    tool=call.name,
                    rule=rule.label,
                    what=f"call {number} in {take.limit.window_seconds} s",
                    arguments=dict(call.arguments),
                    decided="limit_reached" if refused else word_of(decided),
                )


def _is_fraction(value: Any) -> bool:
    return isinstance(value, Decimal) and value != value.to_integral_value()


def _with(comparison: Comparison, value: JsonValue) -> JsonObject:
    tree: JsonValue = value
    for step in reversed(comparison.path.steps):
        tree = {str(step): tree}
    assert isinstance(tree, dict)  # noqa: S101 - a path below `args` has a step
    return tree


def _merged(base: JsonObject, over: JsonObject) -> JsonObject:
    merged = dict(base)
    for name, value in over.items():
        inside = merged.get(name)
        if isinstance(inside, dict) and isinstance(value, dict):
            merged[name] = _merged(inside, value)
        else:
            merged[name] = value
    return merged


def _base(policy: Policy, cases: Sequence[Case], server: str, name: str) -> Call:
    for case in cases:
        call = replace(case.call, server=server)
        is_of_it = call.kind is Kind.TOOL and call.name == name
        if is_of_it and not isinstance(evaluate(policy, call, now=_NOON), Deny):
            return call
    return Call(
        server=server,
        kind=Kind.TOOL,
        name=name,
        arguments={},
        principal=Principal(issuer="test", subject="test"),
        session="",
    )
