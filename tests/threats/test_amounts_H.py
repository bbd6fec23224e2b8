"""Threat cases H01-H13: amounts. A spend limit takes exact decimals above 0 and nothing else."""

import json
import threading
from collections.abc import Iterator
from decimal import Decimal

import pytest

from portcullis import strictjson
from portcullis.policy.model import Principal
from threats.gate import Answer, Gate
from threats.gate_limits import (
    assert_denied,
    assert_executed,
    executions,
    fault_lines,
    one_request_at_a_time,
    one_tool,
    raw_call,
    someone,
    ticking_gate,
    when,
)

TOOL = "create_charge"
TOOLS = [
    {"name": TOOL, "inputSchema": {"type": "object"}},
    {
        "name": "charge_by_schema",
        "inputSchema": {
            "type": "object",
            "properties": {"amount": {"type": "number", "default": 5000}},
        },
    },
]
SPEND = {"path": "args.amount", "max": 1000, "window": "1d"}
POLICIES = {
    "f3": one_tool(TOOL, {"action": "allow", "spend_limit": SPEND}),
    "f3-fixed": one_tool(
        TOOL, {"action": "allow", "spend_limit": {**SPEND, "algorithm": "fixed_window"}}
    ),
    "by-schema": one_tool("charge_by_schema", {"action": "allow", "spend_limit": SPEND}),
    "units": one_tool(
        TOOL,
        {
            "action": "allow",
            "spend_limit": SPEND,
            "when": [when("args.currency", "eq", "USD"), when("args.unit", "eq", "cents")],
        },
    ),
}
both_windows = pytest.mark.parametrize("server", ["f3", "f3-fixed"])


@pytest.fixture(scope="module")
def standing() -> Iterator[Gate]:
    with ticking_gate(TOOLS, POLICIES) as (gate, _):
        yield gate


@pytest.fixture
def gate(standing: Gate) -> Gate:
    standing.clear()
    return standing


@pytest.fixture
def caller() -> Principal:
    return someone()


def charge(gate: Gate, amount: str, caller: Principal, server: str = "f3") -> Answer:
    """A charge whose amount is this JSON text."""
    gate.clear()
    return raw_call(gate, server, TOOL, f'{{"amount":{amount}}}', principal=caller)


def assert_spent(gate: Gate, caller: Principal, server: str, spent: str) -> None:
    """Exactly this much of 1000 was taken: the rest fits, and nothing beyond it."""
    rest = Decimal(1000) - Decimal(spent)
    assert_denied(gate, charge(gate, str(rest + Decimal("0.01")), caller, server), TOOL)
    assert_executed(gate, charge(gate, str(rest), caller, server), TOOL)
    assert_denied(gate, charge(gate, "0.01", caller, server), TOOL, "limit_reached")


@both_windows
def test_H01_spending_beyond_the_maximum_is_denied(
    gate: Gate, caller: Principal, server: str
) -> None:
    assert_executed(gate, charge(gate, "900", caller, server), TOOL)
    assert_denied(gate, charge(gate, "200", caller, server), TOOL, "limit_reached")
    assert_spent(gate, caller, server, "900")


@both_windows
@pytest.mark.parametrize(
    "amount",
    [
        pytest.param(text, id=f"{case}-{text}")
        for case, texts in {
            "H02": ("-1000000", "-0.01", "-1e19"),
            "H04": ("1e19", "1e300", "9223372036854775807", "1e20", "123456789012345678901"),
            "H05": ("0", "-0", "0.0", "-0.0", "0e5", "0.000"),
            "H06": (
                *('"900"', "true", "false", "null", "[900]", '{"v":900}', '"9e2"', '""'),
                '"\uff19\uff10\uff10"',
            ),
            "H08": ("0.1234567890123456789", "1.0000000000000000001", "1e-300"),
        }.items()
        for text in texts
    ],
)
def test_what_is_no_amount_is_denied_and_gives_no_credit(
    gate: Gate, caller: Principal, server: str, amount: str
) -> None:
    assert_denied(gate, charge(gate, amount, caller, server), TOOL)
    assert_spent(gate, caller, server, "0")


def test_H06_an_absent_amount_is_denied(gate: Gate, caller: Principal) -> None:
    for arguments in ("{}", '{"Amount":5}', '{"amount ":5}', '{"a":{"amount":5}}'):
        gate.clear()
        answer = raw_call(gate, "f3", TOOL, arguments, principal=caller)
        assert_denied(gate, answer, TOOL, "invalid_amount")


@pytest.mark.parametrize(
    "amount",
    [
        *(
            pytest.param(text, id=f"H08-{text[:12]}")
            for text in ("1e-400", "1" * 65, "0." + "1" * 64)
        ),
        *(
            pytest.param(text, id=f"H04-{text}")
            for text in ("1e400", "NaN", "Infinity", "-Infinity")
        ),
        *(
            pytest.param(text, id=f"H06-{text}")
            for text in ("0900", "+900", "9_00", "0x384", "9.", ".9")
        ),
    ],
)
def test_a_number_readers_differ_about_is_rejected(
    gate: Gate, caller: Principal, amount: str
) -> None:
    answer = charge(gate, amount, caller)
    assert answer.is_rejection
    assert gate.recorder.received == []
    assert_spent(gate, caller, "f3", "0")


@both_windows
def test_H03_cents_are_not_truncated(gate: Gate, caller: Principal, server: str) -> None:
    assert_executed(gate, charge(gate, "990.2", caller, server), TOOL)
    outcomes = [charge(gate, "0.99", caller, server).is_success for _ in range(11)]
    assert outcomes == [True] * 9 + [False] * 2  # 990.2 + 9 x 0.99 = 999.11
    assert_spent(gate, caller, server, "999.11")


@both_windows
@pytest.mark.parametrize(
    "amount", [pytest.param(t, id=f"H07-{t}") for t in ("900.0", "9e2", "900.00", "9.00E+2")]
)
def test_an_amount_counts_by_its_value(
    gate: Gate, caller: Principal, server: str, amount: str
) -> None:
    assert_executed(gate, charge(gate, amount, caller, server), TOOL)
    sent = strictjson.parse(gate.recorder.received[0].body)
    assert sent["params"]["arguments"] == {"amount": 900}  # type: ignore[call-overload,index]
    assert_spent(gate, caller, server, "900")


def test_H09_amounts_are_never_binary_floats(gate: Gate, caller: Principal) -> None:
    for _ in range(3):
        assert_executed(gate, charge(gate, "0.1", caller), TOOL)
    assert_executed(gate, charge(gate, "0.000000000000000001", caller), TOOL)
    assert_spent(gate, caller, "f3", "0.300000000000000001")


@pytest.mark.parametrize(
    "arguments,allowed",
    [
        pytest.param({"amount": 999, "currency": "USD", "unit": "cents"}, True, id="H10-named"),
        pytest.param({"amount": 999, "currency": "JPY", "unit": "cents"}, False, id="H10-yen"),
        pytest.param({"amount": 9, "currency": "USD", "unit": "dollars"}, False, id="H10-dollars"),
        pytest.param({"amount": 9, "currency": "usd", "unit": "cents"}, False, id="H10-spelling"),
        pytest.param({"amount": 9}, False, id="H10-unsaid"),
    ],
)
def test_a_limit_whose_rule_names_the_unit_takes_no_other(
    gate: Gate, caller: Principal, arguments: dict[str, object], allowed: bool
) -> None:
    answer = gate.call("units", TOOL, arguments, principal=caller)
    if allowed:
        assert_executed(gate, answer, TOOL, arguments)
    else:
        assert_denied(gate, answer, TOOL)


def test_H11_of_many_charges_at_once_two_fit(gate: Gate, caller: Principal) -> None:
    """Twelve threads. tests/races has it with processes, many times."""
    barrier = threading.Barrier(12)

    def rush() -> None:
        barrier.wait(timeout=20)
        gate.call("f3", TOOL, {"amount": 400}, principal=caller)

    with one_request_at_a_time():
        threads = [threading.Thread(target=rush) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
    assert executions(gate, TOOL) == 2


def test_H12_an_omitted_amount_counts_as_the_upstreams_default(
    gate: Gate, caller: Principal
) -> None:
    answer = gate.call("by-schema", "charge_by_schema", {}, principal=caller)
    assert_denied(gate, answer, "charge_by_schema", "limit_reached")
    gate.clear()
    answer = gate.call("by-schema", "charge_by_schema", {"amount": 5}, principal=caller)
    assert_executed(gate, answer, "charge_by_schema", {"amount": 5})


@pytest.mark.parametrize(
    "maximum",
    [
        pytest.param(text, id=f"H13-{text}")
        for text in ("NaN", ".nan", ".inf", "Infinity", "-1", "0", "'1000'", "true", "1e400", "~")
    ],
)
def test_a_maximum_that_is_no_amount_is_refused(gate: Gate, maximum: str) -> None:
    policy = f"""\
version: "1"
default: deny
tools:
  {TOOL}:
    action: allow
    spend_limit:
      path: args.amount
      max: {maximum}
      window: 1d
"""
    assert list(fault_lines(gate.activate("refused", policy))) == [8]


def test_H13_there_is_no_increment_to_set(gate: Gate) -> None:
    for increment in (-1, 0, 1.5):
        limit = {"max": 3, "window": 60, "increment": increment}
        policy = one_tool(TOOL, {"action": "allow", "rate_limit": limit})
        faults = fault_lines(gate.activate("refused", json.dumps(json.loads(policy), indent=1)))
        assert any("increment" in fault for fault in faults.values())
