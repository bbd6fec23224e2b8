"""Threat cases J01-J14: regular expressions, globs, and patterns in tool names."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from threats.condition_cases import Case, allow_if, deny_if
from threats.gate import Gate, Json, standing_gate
from threats.gate_limits import (
    assert_denied,
    assert_executed,
    assert_hidden,
    document,
    fault_lines,
    raw_call,
    someone,
    when,
)

NAMES = ("open", "get_secret", "get_info", "delete_", "delete_broker", "adelete_x", "Delete_y")
TOOLS: list[Json] = [{"name": name, "inputSchema": {"type": "object"}} for name in NAMES]


def text(*values: str, key: str = "s") -> list[str]:
    """Arguments with each of the texts."""
    return [json.dumps({key: value}) for value in values]


def regex(pattern: str) -> Json:
    return when("args.s", "regex", pattern)


CASES = {
    "J01": Case(
        allow_if("open", regex("prod")),
        "open",
        text("preprod-x", "prod-x", "xprod", "prod ", " prod", "PROD"),
        text("prod"),
    ),
    "J01-search": Case(
        deny_if("open", regex(".*prod.*")),
        "open",
        text("preprod-x", "prod", "x\nprod"),
        text("pro"),
    ),
    "J02": Case(
        allow_if("open", regex("^prod-[a-z]+$")),
        "open",
        text("prod-x\n", "prod-x\r\n", "prod-x\u2028", "\nprod-x", "prod-x\0"),
        text("prod-x"),
    ),
    "J03": Case(
        allow_if("open", regex("(?m)^prod-[a-z]$")),
        "open",
        text("x\nprod-a", "prod-a\nx"),
        text("prod-a"),
    ),
    "J04": Case(
        deny_if("open", regex("rm.*-rf")),
        "open",
        text("rm -rf", "rm\n-rf", "rm\r\n\u2028-rf"),
        text("rm"),
    ),
    "J05": Case(
        allow_if("open", regex(r"\d+-\w+")),
        "open",
        text("\uff11-a", "1-\u00e9", "\u0661-a", "1-\uff41"),
        text("1-a", "12-a_9"),
    ),
    "J06": Case(
        deny_if("open", regex("(?i)secret|key")),
        "open",
        text("SECRET", "\u017fecret", "\u212aey", "KEY"),
        text("\u0455ecret"),  # Cyrillic: another letter, not another case
    ),
    "J07": Case(allow_if("open", regex("(a+)+$")), "open", text("a" * 30 + "b"), text("a" * 30)),
    "J09-deny": Case(
        deny_if("open", regex("prod.*")),
        "open",
        [f'{{"s":{value}}}' for value in ("1", '["dev"]', '{"a":"dev"}', "null", "true")] + ["{}"],
        text("dev"),
    ),
    "J09-allow": Case(
        allow_if("open", regex("1|true|null")),
        "open",
        [f'{{"s":{value}}}' for value in ("1", "true", "null", '["1"]')],
        text("1"),
    ),
    "J10-glob": Case(
        allow_if("open", when("args.s", "matches_glob", "get[1]?")),
        "open",
        text("get1x", "get[1]", "get[1]xy"),
        text("get[1]x", "get[1]\n", "get[1]/"),
    ),
    "J10-star": Case(
        deny_if("open", when("args.s", "matches_glob", "a*b")),
        "open",
        text("ab", "a/b", "a\nb"),
        text("a"),
    ),
}
LIMIT = {"max": 2, "window": 60}
ALLOW, DENY = {"action": "allow"}, {"action": "deny"}
NAMED = {
    "globbed": document(default="allow", tools={"delete_*": DENY}),
    "bracket": document(tools={"get_*": ALLOW}),
    "secret-last": document(tools={"get_*": ALLOW, "get_secret": DENY}),
    "secret-first": document(tools={"get_secret": DENY, "get_*": ALLOW}),
    "star-allow": document(tools={"*": ALLOW, "get_secret": DENY}),
    "star-deny": document(tools={"*": DENY, "get_secret": ALLOW}),
    "one-bucket": document(tools={"get_*": {**ALLOW, "rate_limit": {**LIMIT, "per": "principal"}}}),
    "a-tool-each": document(tools={"get_*": {**ALLOW, "rate_limit": {**LIMIT, "per": "tool"}}}),
    "hide-all": document(hide=["*"], tools=dict.fromkeys(NAMES, ALLOW)),
    "hide-some": document(default="allow", hide=["delete_*"]),
}


def _rows(outcome: str) -> list[Any]:
    return [
        pytest.param(case, arguments, id=f"{case}-{number}")
        for case, row in CASES.items()
        for number, arguments in enumerate(getattr(row, outcome), 1)
    ]


@pytest.fixture(scope="module")
def standing() -> Iterator[Gate]:
    policies = {**{case.lower(): row.policy for case, row in CASES.items()}, **NAMED}
    with standing_gate(TOOLS, policies) as gate:
        yield gate


@pytest.fixture
def gate(standing: Gate) -> Gate:
    standing.clear()
    return standing


@pytest.mark.parametrize("case,arguments", _rows("denied"))
def test_is_denied(gate: Gate, case: str, arguments: str) -> None:
    assert_denied(gate, raw_call(gate, case.lower(), "open", arguments), "open")


@pytest.mark.parametrize("case,arguments", _rows("executed"))
def test_is_executed(gate: Gate, case: str, arguments: str) -> None:
    answer = raw_call(gate, case.lower(), "open", arguments)
    assert_executed(gate, answer, "open", json.loads(arguments))


# ---------------------------------------------------------------- J07, J08: cost and faults


def test_J07_a_pattern_of_exponential_cost_is_matched_at_once(gate: Gate) -> None:
    arguments = text("a" * 30 + "b")[0]
    spent = []
    for _ in range(3):
        before = time.process_time()
        raw_call(gate, "j07", "open", arguments)
        spent.append(time.process_time() - before)
    assert min(spent) < 0.05


REFUSED = {
    "J07-look-ahead": "(?=prod).*",
    "J07-look-behind": "(?<!x)prod",
    "J07-back-reference": r"(a)\1",
    "J08-open group": "(prod",
    "J08-open class": "[a-",
    "J08-nothing to repeat": "*",
    "J08-empty": "",
    "J08-everything": ".*",
    "J08-everything anchored": "^.*$",
    "J08-100 KB": "a" * 100_000,
    "J08-10000 repeats": "a{10000}",
    "J08-nested repeats": "((a{100}){100}){100}",
    "J08-memory": "(\\pL{500}|\\pN{500}){2}",
    "J08-half a character": "\ud800",
}


@pytest.mark.parametrize("pattern", [pytest.param(p, id=name) for name, p in REFUSED.items()])
def test_a_pattern_of_no_use_is_refused(gate: Gate, pattern: str) -> None:
    policy = json.dumps(json.loads(deny_if("open", regex(pattern))), indent=1)
    lines = policy.splitlines()
    (line,) = fault_lines(gate.activate("refused", policy))
    assert '"value"' in lines[line - 1]


# ---------------------------------------------------------------- J10 - J12: names


@pytest.mark.parametrize(
    "tool,executed",
    [
        pytest.param("delete_", False, id="J10-empty rest"),
        pytest.param("delete_broker", False, id="J10-rest"),
        pytest.param("adelete_x", True, id="J10-before"),
        pytest.param("Delete_y", True, id="J10-case"),
    ],
)
def test_a_pattern_covers_what_it_spells(gate: Gate, tool: str, executed: bool) -> None:
    answer = gate.call("globbed", tool)
    if executed:
        assert_executed(gate, answer, tool)
    else:
        assert_denied(gate, answer, tool, "denied_by_rule")


@pytest.mark.parametrize("name", [pytest.param(n, id=f"J10-{n}") for n in ("get[1]", "a/b", "a b")])
def test_a_tool_entry_that_can_name_no_tool_is_refused(gate: Gate, name: str) -> None:
    """Brackets are no pattern and no part of a tool's name (2026-07-28 server/tools)."""
    assert fault_lines(gate.activate("refused", document(tools={name: ALLOW})))


@pytest.mark.parametrize(
    "server,tool,executed",
    [
        pytest.param("secret-last", "get_secret", False, id="J11-exact deny last"),
        pytest.param("secret-first", "get_secret", False, id="J11-exact deny first"),
        pytest.param("secret-first", "get_info", True, id="J11-pattern allows"),
        pytest.param("star-allow", "get_secret", False, id="J11-star allow, exact deny"),
        pytest.param("star-allow", "open", True, id="J11-star allow"),
        pytest.param("star-deny", "get_secret", False, id="J11-star deny, exact allow"),
    ],
)
def test_deny_wins_between_pattern_and_exact_entry(
    gate: Gate, server: str, tool: str, executed: bool
) -> None:
    answer = gate.call(server, tool)
    if executed:
        assert_executed(gate, answer, tool)
    else:
        assert_denied(gate, answer, tool, "denied_by_rule")


@pytest.mark.parametrize(
    "server,allowed",
    [
        pytest.param("one-bucket", [True, True, False, False], id="J12-one bucket"),
        pytest.param("a-tool-each", [True, True, True, True], id="J12-one a tool"),
    ],
)
def test_a_limit_of_a_pattern_is_shared_as_its_scope_says(
    gate: Gate, server: str, allowed: list[bool]
) -> None:
    caller = someone()
    tools = ("get_info", "get_secret", "get_info", "get_secret")
    answers = [gate.call(server, tool, principal=caller) for tool in tools]
    assert [answer.is_success for answer in answers] == allowed
    third = [gate.call(server, tool, principal=caller) for tool in tools[:2]]
    assert not any(answer.is_success for answer in third)


# ---------------------------------------------------------------- J13, J14: the file


HIDES: tuple[object, ...] = (
    *("delete_broker", [""], [[]], [None], [1], {"delete_broker": True}, None, ["a b"], "*"),
)


@pytest.mark.parametrize("hide", [pytest.param(h, id=f"J13-{json.dumps(h)}") for h in HIDES])
def test_a_malformed_hide_list_is_refused(gate: Gate, hide: object) -> None:
    policy = json.dumps({"version": "1", "default": "deny", "hide": hide}, indent=1)
    lines = fault_lines(gate.activate("refused", policy))
    assert all(4 <= line < len(policy.splitlines()) for line in lines)


@pytest.mark.parametrize(
    "server,hidden",
    [
        pytest.param("hide-all", NAMES, id="J13-star"),
        pytest.param("hide-some", ("delete_", "delete_broker"), id="J13-pattern"),
    ],
)
def test_hidden_by_a_pattern_is_neither_listed_nor_callable(
    gate: Gate, server: str, hidden: tuple[str, ...]
) -> None:
    listed = gate.ask(server, "tools/list")
    names = [tool["name"] for tool in listed.json["result"]["tools"]]
    assert names == [name for name in NAMES if name not in hidden]
    assert_hidden(tuple(f'"{name}"' for name in hidden), listed)
    for name in hidden:
        assert gate.call(server, name).is_unknown_tool
        assert gate.recorder.executed(name) == []


@pytest.mark.parametrize("key", [pytest.param(k, id=f"J14-{k}") for k in ("*", "*_broker", "* ")])
def test_an_unquoted_star_is_a_fault_with_help(gate: Gate, key: str) -> None:
    policy = f"""\
version: "1"
default: deny
tools:
  open: {{action: allow}}
  {key}: {{action: deny}}
"""
    ((line, fault),) = fault_lines(gate.activate("refused", policy)).items()
    assert line == 5
    assert "quot" in fault
