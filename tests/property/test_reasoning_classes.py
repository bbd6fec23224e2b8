"""A call that a policy lets through is found by reasoning, or it is said that nobody can tell.

One row for each way in which a class of values was once forgotten.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pytest

from portcullis.policy.evaluate import evaluate
from portcullis.policy.model import Call, Instant, Kind, Principal
from portcullis.policy.policy_text import parse_policy
from portcullis_cli.reasoning.slots import NOON, Question
from portcullis_cli.reasoning.solve import ALLOW, Reasoner, word

pytestmark = pytest.mark.property

NOBODY: Final = "nobody can tell"
FOUND: Final = "found"


def p(operator: str, value: str, path: str = "args.p") -> str:
    return f"{{path: '{path}', op: {operator}, value: {value}}}"


def no(condition: str) -> str:
    return f"{{not: {condition}}}"


def group(name: str) -> str:
    return p("contains", name, "principal.groups")


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> Instant:
    moment = datetime(year, month, day, hour, minute, tzinfo=UTC)
    return Instant(micros=int(moment.timestamp()) * 1_000_000)


def groups(*names: str) -> Principal:
    return Principal(issuer="portcullis", subject="somebody", groups=names)


SEVEN = [no(p("contains", name)) for name in "abcdef"]
SEVEN_GROUPS = [no(group(name)) for name in "abcdef"]
TEAM = {"type": "object", "required": ["x", "y"], "properties": {"x": {"type": "string"}}}
OF_FOUR = '"10.0.0.0", "10.0.0.3", "10.0.0.1", "10.0.0.0/30"'
ALICE = Principal(issuer="portcullis", subject="Alice")
ABOVE, BELOW = "1" + "0" * 30, "1" + "0" * 29 + "1"
BETWEEN = Decimal(f"{ABOVE}.5")
ROWS: list[Any] = [
    # lists
    ([p("length", "{min: 1}"), no(p("contains", "5"))], [6], None, FOUND),
    ([p("length", "{min: 5}"), p("contains", "5")], [5, 1, 1, 1, 1], None, FOUND),
    ([p("neq", "[1, 2, 3]"), p("length", "3")], [1, 2, 4], None, NOBODY),
    ([p("eq", "b", "args.p[0]"), p("contains", "a")], ["b", "a"], None, NOBODY),
    ([p("exists", "true", "args.p[0]"), p("length", "{min: 2000}")], [1] * 2000, None, FOUND),
    ([p("eq", "a", "args.p[0]"), p("length", "3")], ["a", 1, 1], None, FOUND),
    ([*SEVEN, p("contains", "g")], ["g"], None, FOUND),
    # objects
    ([p("eq", "1", "args.p.x"), p("length", "{min: 3}")], {"x": 1, "y": 1, "z": 1}, None, FOUND),
    # numbers
    ([p("gt", ABOVE), p("lt", BELOW)], BETWEEN, None, FOUND),
    ([p("gt", "1"), p("lt", "4")], 2, {"type": "integer"}, FOUND),
    ([p("gt", "0.1"), p("lt", "0.30000000000000004")], Decimal("0.2"), {"type": "number"}, FOUND),
    # texts
    ([p("regex", "'x{,5}'")], "x{,5}", None, NOBODY),
    ([p("regex", "'[[:alpha:]]+'")], "z", None, NOBODY),
    ([p("starts_with", r"'\u0041bc'")], r"\u0041bcd", None, FOUND),
    ([p("regex", "'[a-z\U000f0000]+'"), p("length", "1")], "\U000f0000", None, NOBODY),
    # addresses
    ([no(p("cidr", "[0.0.0.0/1, 128.0.0.0/1]"))], "0.0.0.0/0", None, FOUND),
    (
        [p("cidr", "10.0.0.0/30"), p("not_in", f"[{OF_FOUR}]")],
        "10.0.0.2",
        None,
        FOUND,
    ),
    # what the tool's schema takes
    ([p("eq", "a", "args.p[0].x")], [{"x": "a", "y": 1}], {"type": "array", "items": TEAM}, FOUND),
    ([p("eq", "a", "args.p.q.x")], {"q": {"x": "a", "y": 1}}, {"properties": {"q": TEAM}}, FOUND),
    ([p("length", "{min: 2}")], [1, 2], {"type": "array", "items": {"type": "integer"}}, FOUND),
    ([p("contains", "5")], [5], {"type": "array", "items": {"type": "integer"}}, FOUND),
    ([p("neq", "a", "args.p[0]")], ["b"], {"items": {"enum": ["a", "b"]}}, FOUND),
    ([p("neq", "a", "args.p.k")], {"k": "b"}, {"properties": {"k": {"enum": ["a", "b"]}}}, FOUND),
    ([p("neq", "a")], "b", {"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]}, FOUND),
    (
        [p("gt", "1", "args.p.k"), p("lt", "4", "args.p.k")],
        {"k": 2},
        {"properties": {"k": {"type": "integer"}}},
        FOUND,
    ),
]  # fmt: skip
CALLERS: list[Any] = [
    ([*SEVEN_GROUPS, group("g")], groups("g")),
    ([p("length", "{min: 3}", "principal.groups"), group("g")], groups("a", "b", "g")),
    ([p("regex", "'(?i)alice'", "principal.subject")], ALICE),
]  # fmt: skip
MOMENTS: list[Any] = [
    ([p("eq", "mon", "time.weekday"), p("not_in", '["2026-01-05"]', "time.date")], at(2026, 1, 12)),
    ([p("gte", "1893456000", "time.epoch"), p("eq", "12", "time.hour")], at(2030, 1, 1, 12)),
    ([p("gte", "1893456000.5", "time.epoch")], at(2030, 1, 2)),
    ([p("gt", "10.5", "time.minute"), p("lt", "11.5", "time.minute")], at(2026, 1, 5, 0, 11)),
    ([p("lt", "100000000000000", "time.epoch")], NOON),
    ([p("neq", '"9999-12-31"', "time.date")], NOON),
    ([p("neq", '"0001-01-01"', "time.date")], NOON),
]


def what_is_said(
    conditions: list[str], call: Call, now: Instant, schema: dict[str, Any] | None = None
) -> str:
    """What reasoning says of a call that is let through."""
    when = ", ".join(conditions)
    text = f'version: "1"\ndefault: deny\ntools:\n  t: {{action: allow, when: [{when}]}}\n'
    policy = parse_policy(text).policy
    assert word(evaluate(policy, call, now=now)) == ALLOW
    definition: dict[str, Any] | None = (
        None if schema is None else {"inputSchema": {"type": "object", "properties": {"p": schema}}}
    )
    question = Question(server="s", tool="t", definition=definition)
    answer = Reasoner([policy], question).decided(0, ALLOW)
    if answer.example is not None:
        return FOUND
    return "never" if answer.is_certain else NOBODY


def call_of(arguments: dict[str, Any], principal: Principal | None = None) -> Call:
    return Call(
        server="s", kind=Kind.TOOL, name="t", arguments=arguments,
        principal=principal or groups(), session="session",
    )  # fmt: skip


@pytest.mark.parametrize("conditions,value,schema,said", ROWS)
def test_an_argument_that_is_let_through_is_not_forgotten(
    conditions: list[str], value: Any, schema: dict[str, Any] | None, said: str
) -> None:
    assert what_is_said(conditions, call_of({"p": value}), NOON, schema) == said


@pytest.mark.parametrize("conditions,principal", CALLERS)
def test_a_caller_who_is_let_through_is_not_forgotten(
    conditions: list[str], principal: Principal
) -> None:
    assert what_is_said(conditions, call_of({}, principal), NOON) in (FOUND, NOBODY)


@pytest.mark.parametrize("conditions,now", MOMENTS)
def test_a_moment_at_which_it_is_let_through_is_found(conditions: list[str], now: Instant) -> None:
    assert what_is_said(conditions, call_of({}), now) == FOUND
