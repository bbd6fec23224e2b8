"""Threat cases G01, G02 and G07-G11: limits, whose counter it is, and windows."""

import json
import threading
from collections.abc import Iterator

import pytest

from portcullis.policy.model import Principal
from threats.fixtures import F2, TOOLS
from threats.gate import LEGACY, MODERN, Answer, Gate, call_message, headers_for
from threats.gate_limits import (
    Ticker,
    assert_denied,
    assert_executed,
    document,
    executions,
    fault_lines,
    one_request_at_a_time,
    one_tool,
    someone,
    ticking_gate,
)

TOOL, MAX = "describe_broker", 3
DAY = one_tool(TOOL, {"action": "allow", "rate_limit": {"max": MAX, "window": "1d"}})
LIMIT = {"max": MAX, "window": 60}
SCOPE_NAMES = ("session", "principal", "tool", "server")

POLICIES = {
    "f2": F2,
    "day": DAY,
    "other-day": DAY,
    "two-rules": one_tool(
        TOOL,
        {
            "name": "first",
            "action": "allow",
            "rate_limit": {"max": 2, "window": 60},
            "when": [{"path": "args.a", "op": "eq", "value": 1}],
        },
        {
            "name": "second",
            "action": "allow",
            "rate_limit": {"max": 2, "window": 60},
            "when": [{"path": "args.a", "op": "eq", "value": 2}],
        },
    ),
    "wildcard": document(
        tools={
            TOOL: {"action": "allow", "rate_limit": LIMIT},
            "get_*": {"action": "allow", "rate_limit": LIMIT},
        }
    ),
    "scopes": document(
        tools={name: {"action": "allow", "rate_limit": LIMIT} for name in SCOPE_NAMES}
    ),
}


@pytest.fixture(scope="module")
def standing() -> Iterator[tuple[Gate, Ticker]]:
    tools = [*TOOLS, *({"name": n, "inputSchema": {"type": "object"}} for n in SCOPE_NAMES)]
    with ticking_gate(tools, POLICIES) as (gate, ticker):
        yield gate, ticker


@pytest.fixture
def gate(standing: tuple[Gate, Ticker]) -> Gate:
    standing[0].clear()
    return standing[0]


@pytest.fixture
def ticker(standing: tuple[Gate, Ticker]) -> Ticker:
    return standing[1]


@pytest.fixture
def caller() -> Principal:
    return someone()


def call(gate: Gate, caller: Principal, *, server: str = "f2", era: str = MODERN) -> Answer:
    return gate.call(server, TOOL, principal=caller, era=era)


def use_up(gate: Gate, caller: Principal, *, server: str = "f2") -> None:
    for _ in range(MAX):
        assert call(gate, caller, server=server).is_success
    gate.clear()


# ---------------------------------------------------------------- G01, G02


@pytest.mark.parametrize("era", [pytest.param(MODERN, id="G01"), pytest.param(LEGACY, id="G01-2")])
def test_the_fourth_of_three_is_denied_and_takes_nothing(
    gate: Gate, ticker: Ticker, caller: Principal, era: str
) -> None:
    for _ in range(MAX):
        gate.clear()
        assert_executed(gate, call(gate, caller, era=era), TOOL)
    ticker.advance(20)
    gate.clear()
    denial = call(gate, caller, era=era)
    assert_denied(gate, denial, TOOL, "limit_reached")
    assert denial.decision["retry_after"] == 40
    # The three have left the window (no two takes share a microsecond); a denial that took
    # something would still be in it.
    ticker.advance(40.001)
    for _ in range(MAX):
        gate.clear()
        assert_executed(gate, call(gate, caller, era=era), TOOL)
    gate.clear()
    assert_denied(gate, call(gate, caller, era=era), TOOL, "limit_reached")


@pytest.mark.parametrize("caller", [pytest.param(someone(), id=f"G02-{n}") for n in range(3)])
def test_of_many_callers_one_gets_the_last_place(gate: Gate, caller: Principal) -> None:
    """Four environments, three threads each. tests/races has it with processes, many times."""
    for _ in range(MAX - 1):
        call(gate, caller)
    gate.clear()
    environments = [gate, *(_environment(gate) for _ in range(3))]
    barrier, answers = threading.Barrier(12), list[Answer]()

    def rush(environment: Gate) -> None:
        barrier.wait(timeout=20)
        answers.append(call(environment, caller))

    with one_request_at_a_time():
        threads = [threading.Thread(target=rush, args=(e,)) for e in environments * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
    assert executions(gate, TOOL) == 1
    assert [answer.is_success for answer in answers].count(True) == 1
    assert [answer.is_denial for answer in answers].count(True) == 11


def _environment(gate: Gate) -> Gate:
    """A further environment in front of the same account, recorder and log."""
    other = object.__new__(Gate)
    other.__dict__.update({**gate.__dict__, "handler": gate.cold_start()})
    return other


# ---------------------------------------------------------------- G07 - G09: whose counter


def test_G07_rotating_everything_but_the_credential_changes_nothing(
    gate: Gate, caller: Principal
) -> None:
    for number in range(6):
        message = call_message(TOOL, {"note": f"n{number}"})
        message["id"] = f"id-{number}"
        message["params"]["_meta"] |= {
            "io.modelcontextprotocol/clientInfo": {"name": f"c{number}", "version": "1"},
            "progressToken": number,
            "com.example/tenant": str(number),
        }
        headers = {
            **headers_for(message),
            "User-Agent": f"agent/{number}",
            "Authorization": f"Bearer token-{number}",
            "X-Forwarded-For": f"192.0.2.{number}",
            "X-Client-Id": str(number),
        }
        # The same person after a token refresh, in another group, from another address.
        principal = Principal(
            issuer=caller.issuer,
            subject=caller.subject,
            groups=(f"g{number}",),
            tags={"jti": str(number)},
        )
        gate.send("f2", json.dumps(message), headers=headers, principal=principal)
    assert executions(gate, TOOL) == MAX


def test_G08_two_principals_behind_one_client_count_apart(gate: Gate) -> None:
    for caller in (someone(), someone()):
        for _ in range(MAX):
            assert call(gate, caller).is_success
        assert call(gate, caller).is_denial
    assert executions(gate, TOOL) == 2 * MAX


def test_G08_parts_of_a_principal_cannot_be_moved_between_its_fields(gate: Gate) -> None:
    for issuer, subject in (("a", "b|c"), ("a|b", "c"), ("a|", "b|c"), ("3:a|b", "c")):
        twin = Principal(issuer=issuer, subject=subject)
        use_up(gate, twin)


def test_G09_one_tool_of_two_servers_has_two_counters(gate: Gate, caller: Principal) -> None:
    for server in ("day", "other-day"):
        use_up(gate, caller, server=server)
        assert_denied(gate, call(gate, caller, server=server), TOOL)
        gate.clear()


def test_G09_two_rules_of_one_tool_count_apart_in_any_order(
    gate: Gate, ticker: Ticker, caller: Principal
) -> None:
    def allowed(a: int) -> bool:
        return gate.call("two-rules", TOOL, {"a": a}, principal=caller).is_success

    assert [allowed(1), allowed(1), allowed(1)] == [True, True, False]
    assert allowed(2)
    policy = json.loads(POLICIES["two-rules"])
    policy["tools"][TOOL]["rules"].reverse()
    assert gate.activate("two-rules", json.dumps(policy))["state"] == "active"
    ticker.advance(1)
    for cold in (False, True):
        front = _environment(gate) if cold else gate
        counted = [front.call("two-rules", TOOL, {"a": 1}, principal=caller).is_success]
        assert counted == [False]
    fresh = _environment(gate)
    seconds = [fresh.call("two-rules", TOOL, {"a": 2}, principal=caller) for _ in range(2)]
    assert [answer.is_success for answer in seconds] == [True, False]


def test_G09_a_rule_and_a_pattern_count_apart(gate: Gate, caller: Principal) -> None:
    use_up(gate, caller, server="wildcard")
    assert_denied(gate, call(gate, caller, server="wildcard"), TOOL)
    gate.clear()
    answer = gate.call("wildcard", "get_info", principal=caller)
    assert_executed(gate, answer, "get_info")


def test_G09_tools_named_like_scopes_count_apart(gate: Gate, caller: Principal) -> None:
    for name in SCOPE_NAMES:
        answers = [gate.call("scopes", name, principal=caller) for _ in range(MAX + 1)]
        assert [answer.is_success for answer in answers] == [True] * MAX + [False]


# ---------------------------------------------------------------- G10, G11: windows


def test_G10_a_burst_across_a_minute_passes_three(
    gate: Gate, ticker: Ticker, caller: Principal
) -> None:
    ticker.advance(59.9 - ticker.micros / 1e6 % 60)
    for _ in range(MAX):
        assert call(gate, caller).is_success
    ticker.advance(0.2)
    for _ in range(MAX):
        assert call(gate, caller).is_denial
    assert executions(gate, TOOL) == MAX


def test_G10_in_any_minute_at_most_three(gate: Gate, ticker: Ticker, caller: Principal) -> None:
    executed: list[float] = []
    for step in (0, 25, 10, 20, 10, 5, 20, 10, 15, 5, 30, 10):
        ticker.advance(step)
        if call(gate, caller).is_success:
            executed.append(ticker.micros / 1e6)
    busiest = max(sum(t <= other < t + 60 for other in executed) for t in executed)
    assert busiest == MAX


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(text, id=f"G11-{text or 'empty'}")
        for text in (
            *("0", "-1", "1.5", "'60'", "1e9", "60.0", "true", "null", "0x3C", "1:00", ".inf"),
            *("60 s", "1w", "''", "[60]", "2678401", "99999999999999999999"),
        )
    ],
)
def test_a_window_that_cannot_be_counted_in_is_refused(gate: Gate, window: str) -> None:
    policy = f"""\
version: "1"
default: deny
tools:
  {TOOL}:
    action: allow
    rate_limit:
      max: 3
      window: {window}
"""
    faults = fault_lines(gate.activate("refused", policy))
    assert list(faults) == [8]


def test_G11_no_time_of_the_client_moves_a_window(gate: Gate, caller: Principal) -> None:
    use_up(gate, caller)
    message = call_message(TOOL, {"time": {"epoch": 0}, "now": "1970-01-01T00:00:00Z"})
    message["params"]["_meta"] |= {"timestamp": 0, "now": 4_000_000_000}
    headers = {**headers_for(message), "Date": "Tue, 01 Jan 2095 00:00:00 GMT", "X-Time": "0"}
    context = {"requestTimeEpoch": 4_000_000_000_000, "requestTime": "01/Jan/2095:00:00:00 +0000"}
    event = json.loads(json.dumps(context))
    answer = gate.send(
        "f2",
        json.dumps(message),
        headers=headers,
        principal=caller,
        changed={"stageVariables": event},
    )
    assert_denied(gate, answer, TOOL, "limit_reached")
