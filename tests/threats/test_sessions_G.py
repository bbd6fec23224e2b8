"""Threat cases G03-G06: sessions, and what a caller may try to win quota with them.

The gate has three slots of session counters (PORTCULLIS_SESSION_CAP). A session beyond them
is not refused, as the catalogue proposes for G06: it shares the counters of the slot least
recently used (docs/decisions, a session is a label). The guarantee is the same and is what
G03 and G06 assert: at most max x cap executions, whatever is sent.
"""

import json
import urllib.parse
from collections.abc import Callable, Iterator

import pytest

from portcullis.policy.model import Principal
from threats.fixtures import TOOLS
from threats.gate import ACCEPT, LEGACY, MODERN, Answer, Gate, call_message, headers_for
from threats.gate_limits import (
    Ticker,
    executions,
    one_tool,
    someone,
    ticking_gate,
)

TOOL, MAX, CAP = "describe_broker", 3, 3
DAY = one_tool(TOOL, {"action": "allow", "rate_limit": {"max": MAX, "window": "1d"}})
POLICIES = {"day": DAY, "other-day": DAY}


@pytest.fixture(scope="module")
def standing() -> Iterator[tuple[Gate, Ticker]]:
    with ticking_gate(TOOLS, POLICIES) as (gate, ticker):
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


def call(gate: Gate, caller: Principal, token: str | None = None) -> Answer:
    era = LEGACY if token else MODERN
    return gate.call("day", TOOL, principal=caller, token=token, era=era)


def use_up(gate: Gate, caller: Principal, token: str) -> None:
    for _ in range(MAX):
        assert call(gate, caller, token).is_success
    gate.clear()


def test_G03_a_session_for_every_call_wins_no_quota_beyond_the_cap(
    gate: Gate, caller: Principal
) -> None:
    for _ in range(14):
        token = gate.open_session("day", principal=caller)
        call(gate, caller, token)
        headers = {**ACCEPT, "Mcp-Session-Id": token, "MCP-Protocol-Version": LEGACY}
        gate.send("day", "", method="DELETE", headers=headers, principal=caller)
    assert 0 < executions(gate, TOOL) <= MAX * CAP


def test_G03_labels_of_a_callers_own_make_no_session(gate: Gate, caller: Principal) -> None:
    for number in range(10):
        message = call_message(TOOL)
        message["params"]["_meta"] |= {
            "sessionId": f"s{number}",
            "mcp-session-id": f"s{number}",
            "com.example/session": number,
        }
        headers = {**headers_for(message), "X-Session-Id": f"s{number}"}
        gate.send("day", json.dumps(message), headers=headers, principal=caller)
        gate.send(
            "day",
            json.dumps(message),
            headers={**headers, "Mcp-Session-Id": f"s{number}"},
            principal=caller,
        )
    assert executions(gate, TOOL) == MAX


def test_G03_sessions_and_no_session_together_stay_below_the_cap(
    gate: Gate, caller: Principal
) -> None:
    for _ in range(4):
        token = gate.open_session("day", principal=caller)
        for _ in range(MAX):
            call(gate, caller, token)
        call(gate, caller)
    assert 0 < executions(gate, TOOL) <= MAX * CAP


def test_G04_a_victims_session_is_not_found_and_its_counters_stay(
    gate: Gate, caller: Principal
) -> None:
    victim = someone()
    token = gate.open_session("day", principal=victim)
    gate.clear()
    for _ in range(MAX + 1):
        answer = call(gate, caller, token)
        assert answer.status == 404
        assert answer.is_rejection
    assert gate.recorder.executed(TOOL) == []
    use_up(gate, victim, token)


def _altered(token: str) -> str:
    middle = len(token) // 2
    return token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]


INVENTED: dict[str, Callable[[Gate, Principal], str]] = {
    "chosen": lambda _gate, _caller: "fixation-123",
    "sequential": lambda _gate, _caller: "00000000000000000000000000000001",
    "a slot's name": lambda _gate, _caller: "slot-1",
    "altered": lambda gate, caller: _altered(gate.open_session("day", principal=caller)),
    "of another server": lambda gate, caller: gate.open_session("other-day", principal=caller),
}


@pytest.mark.parametrize("invent", [pytest.param(f, id=f"G04-{n}") for n, f in INVENTED.items()])
def test_an_invented_session_id_is_never_adopted(
    gate: Gate, caller: Principal, invent: Callable[[Gate, Principal], str]
) -> None:
    token = invent(gate, caller)
    gate.clear()
    for _ in range(2):
        answer = call(gate, caller, token)
        assert answer.status == 404
        assert answer.is_rejection
    assert gate.recorder.executed(TOOL) == []


SPELLINGS: dict[str, Callable[[str], str | list[str]]] = {
    "letter case": str.swapcase,
    "upper case": str.upper,
    "trailing space": lambda token: token + " ",
    "leading space": lambda token: " " + token,
    "trailing tab": lambda token: token + "\t",
    "url-encoded": lambda token: urllib.parse.quote(token, safe="").replace(".", "%2E"),
    "padded": lambda token: token + "=",
    "100 KB": lambda token: token * (100_000 // len(token)),
    "empty": lambda _token: "",
    "twice": lambda token: [token, token],
    "twice, one empty": lambda token: [token, ""],
    "joined by a comma": lambda token: f"{token},{token}",
}


@pytest.mark.parametrize("spell", [pytest.param(f, id=f"G05-{n}") for n, f in SPELLINGS.items()])
def test_no_spelling_of_a_session_id_has_a_fresh_counter(
    gate: Gate, caller: Principal, spell: Callable[[str], str | list[str]]
) -> None:
    token = gate.open_session("day", principal=caller)
    use_up(gate, caller, token)
    message = call_message(TOOL, era=LEGACY)
    headers = {**headers_for(message, era=LEGACY), "Mcp-Session-Id": spell(token)}
    answer = gate.send("day", json.dumps(message), headers=headers, principal=caller)
    assert answer.is_rejection or answer.is_denial, answer
    assert gate.recorder.executed(TOOL) == []


def test_G06_a_session_beyond_the_cap_shares_and_disturbs_nobody(
    gate: Gate, ticker: Ticker, caller: Principal
) -> None:
    tokens = []
    for _ in range(CAP):
        tokens.append(gate.open_session("day", principal=caller))
        ticker.advance(1)
    assert call(gate, caller, tokens[0]).is_success
    further = [gate.open_session("day", principal=caller) for _ in range(3)]
    for _ in range(MAX):
        for token in (*further, *tokens):
            answer = call(gate, caller, token)
            assert answer.is_success or answer.decision["outcome"] == "limit_reached"
    assert executions(gate, TOOL) == MAX * CAP  # the sessions before still had their own


def test_G06_sessions_after_idle_expiry_find_their_slots_used(
    gate: Gate, ticker: Ticker, caller: Principal
) -> None:
    tokens = [gate.open_session("day", principal=caller) for _ in range(CAP)]
    for token in tokens:
        use_up(gate, caller, token)
    ticker.advance(601)  # all of them have expired
    assert call(gate, caller, tokens[0]).status == 404
    for _ in range(CAP + 1):
        fresh = gate.open_session("day", principal=caller)
        answer = call(gate, caller, fresh)
        assert answer.decision["outcome"] == "limit_reached"
    assert gate.recorder.executed(TOOL) == []
