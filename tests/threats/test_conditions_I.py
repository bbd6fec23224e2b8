"""Threat cases I01-I23: conditions on arguments, and arguments an upstream reads otherwise.

The rows stand in `condition_cases`; here is what is done with them, and the cases about
cost, order and change.
"""

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from threats.condition_cases import ALLOW, CASES, SCHEMAS, TOOLS, allow_if, deny_if
from threats.gate import Gate, Json, standing_gate
from threats.gate_limits import (
    assert_denied,
    assert_executed,
    document,
    fault_lines,
    one_tool,
    raw_call,
    when,
)

FIFTY = [when("args.list", "contains", f"x{number}") for number in range(50)]
DEEP = "args.a" + ".a" * 58
ORDERED: list[Json] = [
    {"name": "no", "action": "deny", "when": [when("args.n", "gt", 5)]},
    {"name": "yes", "action": "allow", "when": [when("args.n", "gt", 1)]},
    {"name": "all", "action": "allow"},
]
ORDERS = [list(order) for order in itertools.permutations(ORDERED)]
BASE: Json = {
    "open": {"rules": [{"action": "allow", "when": [when("args.n", "lt", 10)]}]},
    "flags": {"action": "allow"},
    "transfer": {"rules": [{"action": "deny", "when": [when("args.n", "eq", 3)]}, ALLOW]},
}
DENYING = {"action": "deny", "when": [when("args.n", "gt", 2)]}
CHANGED: dict[str, Json] = {
    "base": BASE,
    "denied": {
        tool: {"rules": [*entry.get("rules", [ALLOW]), DENYING]} for tool, entry in BASE.items()
    },
    "denied by a pattern": {**BASE, "*": DENYING},
    "with a tool": {**BASE, "put_policy": {"action": "deny"}, "no_such_*": {"action": "deny"}},
}
FURTHER = {
    "i18": deny_if("open", {"any": FIFTY}),
    "i18-each": deny_if("open", when("args.list[*]", "eq", "x", match="any")),
    "i19": allow_if("open", when(DEEP, "eq", 1)),
    **{f"i22-{n}": one_tool("open", *order) for n, order in enumerate(ORDERS)},
    **{f"i23-{name.replace(' ', '-')}": document(tools=tools) for name, tools in CHANGED.items()},
    "i23-renamed": json.dumps(json.loads(document(tools=BASE))).replace("args.n", "args.renamed"),
}


def _rows(outcome: str) -> list[Any]:
    return [
        pytest.param(case, arguments, id=f"{case}-{number}")
        for case, row in CASES.items()
        for number, arguments in enumerate(getattr(row, outcome), 1)
    ]


@pytest.fixture(scope="module")
def standing() -> Iterator[Gate]:
    policies = {**{case.lower(): row.policy for case, row in CASES.items()}, **FURTHER}
    with standing_gate(TOOLS, policies) as gate:
        yield gate


@pytest.fixture
def gate(standing: Gate) -> Gate:
    standing.clear()
    return standing


@pytest.mark.parametrize("case,arguments", _rows("denied"))
def test_is_denied(gate: Gate, case: str, arguments: str) -> None:
    tool = CASES[case].tool
    assert_denied(gate, raw_call(gate, case.lower(), tool, arguments), tool)


@pytest.mark.parametrize("case,arguments", _rows("executed"))
def test_is_executed_with_what_was_evaluated(gate: Gate, case: str, arguments: str) -> None:
    tool = CASES[case].tool
    answer = raw_call(gate, case.lower(), tool, arguments)
    properties: Json = SCHEMAS[tool].get("properties", {})
    defaults = {name: p["default"] for name, p in properties.items() if "default" in p}
    assert_executed(gate, answer, tool, {**defaults, **json.loads(arguments)})


def test_I12_what_is_omitted_and_has_no_declared_default_is_denied(gate: Gate) -> None:
    assert_denied(gate, raw_call(gate, "i03-no-schema", "open", "{}"), "open", "indeterminate")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"ignore_case": True}, id="I16-key"),
        pytest.param({"op": "ieq"}, id="I16-operator"),
        pytest.param({"flags": "i"}, id="I16-flags"),
    ],
)
def test_there_is_no_option_to_ignore_case(gate: Gate, change: Json) -> None:
    """Where letter case must not matter a pattern says so; the rows of I16 pin its folding."""
    condition = {**when("args.key", "eq", "kms"), **change}
    assert fault_lines(gate.activate("refused", deny_if("open", condition)))


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=f"I08-{path}")
        for path in (
            *("args.l[-1]", 'args[""]', "args.a..b", "args.", "args.a b", "args[a]", "args.a]"),
            *("arguments.a", "a", "", "args.l[01]", "args.l[1e1]", 'args["a]', "args['a']"),
        )
    ],
)
def test_a_path_that_could_be_read_in_two_ways_is_refused(gate: Gate, path: str) -> None:
    assert fault_lines(gate.activate("refused", deny_if("open", when(path, "eq", 1))))


# ---------------------------------------------------------------- I18, I19: cost

# CPU seconds, far above what reading takes (a quarter of one, two under coverage) and far below
# what work that grows with the square of the list would take (minutes).
FAR_TOO_MUCH = 20.0


@pytest.mark.parametrize(
    "server", [pytest.param("i18", id="I18-contains"), pytest.param("i18-each", id="I18-each")]
)
def test_a_huge_list_is_refused_in_bounded_time(gate: Gate, server: str) -> None:
    arguments = '{"list":[' + ",".join(['"y"'] * 100_000) + "]}"
    before = time.process_time()
    answer = raw_call(gate, server, "open", arguments)
    spent = time.process_time() - before
    assert_denied(gate, answer, "open", "indeterminate")
    assert spent < FAR_TOO_MUCH


def test_I18_a_list_within_bounds_is_looked_through(gate: Gate) -> None:
    arguments = '{"list":[' + ",".join(['"y"'] * 9_999 + ['"x49"']) + "]}"
    before = time.process_time()
    assert_denied(gate, raw_call(gate, "i18", "open", arguments), "open", "denied_by_rule")
    assert time.process_time() - before < FAR_TOO_MUCH


@pytest.mark.parametrize(
    "leaf,executed", [pytest.param("1", True, id="I19-1"), pytest.param("2", False, id="I19-2")]
)
def test_a_long_path_reaches_as_deep_as_arguments_go(gate: Gate, leaf: str, executed: bool) -> None:
    arguments = '{"a":' * 59 + leaf + "}" * 59
    answer = raw_call(gate, "i19", "open", arguments)
    if executed:
        assert_executed(gate, answer, "open", json.loads(arguments))
    else:
        assert_denied(gate, answer, "open")


def test_I19_a_path_of_100_segments_is_refused(gate: Gate) -> None:
    policy = allow_if("open", when("args" + ".a" * 100, "eq", 1))
    (fault,) = fault_lines(gate.activate("refused", policy)).values()
    assert "64 steps" in fault


# ---------------------------------------------------------------- I22, I23: laws


@pytest.mark.parametrize("order", [pytest.param(n, id=f"I22-{n}") for n in range(len(ORDERS))])
def test_deny_wins_in_every_order(gate: Gate, order: int) -> None:
    assert_denied(gate, gate.call(f"i22-{order}", "open", {"n": 6}), "open", "denied_by_rule")
    gate.clear()
    assert_executed(gate, gate.call(f"i22-{order}", "open", {"n": 5}), "open")


CALLS = [(tool, n) for tool in BASE for n in (1, 2, 3, 9, 10, "3", None)]


def _decided(gate: Gate, policy: str, key: str = "n") -> list[tuple[str, bool]]:
    answers = [gate.call(f"i23-{policy}", tool, {key: n}) for tool, n in CALLS]
    return [(call[0], answer.is_success) for call, answer in zip(CALLS, answers, strict=True)]


@pytest.mark.parametrize(
    "policy", [pytest.param(p, id=f"I23-{p}") for p in ("denied", "denied-by-a-pattern")]
)
def test_a_further_deny_rule_never_opens(gate: Gate, policy: str) -> None:
    before, after = _decided(gate, "base"), _decided(gate, policy)
    assert any(allowed for _, allowed in after)
    assert all(was or not now for (_, was), (_, now) in zip(before, after, strict=True))


def test_I23_an_entry_for_another_tool_changes_nothing(gate: Gate) -> None:
    assert _decided(gate, "with-a-tool") == _decided(gate, "base")


def test_I23_renaming_a_key_in_rules_and_calls_changes_nothing(gate: Gate) -> None:
    assert _decided(gate, "renamed", "renamed") == _decided(gate, "base")
