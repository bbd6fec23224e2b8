"""Threat cases G19-G27: what takes no quota, the store, edited policies, whose quota is told.

An answer of the store that is lost after the write is put in at the one method that meets it.
"""

import itertools
import json
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ReadTimeoutError

from portcullis.policy.model import Principal
from threats.fixtures import TOOLS
from threats.gate import LEGACY, MODERN, Gate, Json, call_message, headers_for
from threats.gate_limits import (
    MAX,
    TOOL,
    Ticker,
    assert_denied,
    assert_executed,
    call_counted,
    document,
    executions,
    fault_lines,
    one_tool,
    raw_call,
    someone,
    state_table,
    ticking_gate,
    use_up,
    when,
)
from threats.recorder import reply

SLIDING = {"max": MAX, "window": 60}
FIXED = {**SLIDING, "algorithm": "fixed_window"}
SPEND = {"path": "args.amount", "max": 100, "window": 60}
ASKING = {"approvers": ["alice"], "timeout": "15m"}


def limited(*limits: Json, **more: Any) -> str:
    return one_tool(TOOL, {"action": "allow", "rate_limit": list(limits), **more})


POLICIES = {
    "sliding": limited(SLIDING),
    "fixed": limited(FIXED),
    "principal": limited({**SLIDING, "per": "principal"}),
    "edited": limited({**SLIDING, "max": 10}),
    "renamed": limited(SLIDING, name="one name"),
    "shared-tool": limited({**SLIDING, "per": "tool"}),
    "shared-server": one_tool(TOOL, {"action": "allow", "spend_limit": {**SPEND, "per": "server"}}),
    "spend": one_tool(TOOL, {"action": "allow", "spend_limit": SPEND}),
    "spend-fixed": one_tool(
        TOOL, {"action": "allow", "spend_limit": {**SPEND, "algorithm": "fixed_window"}}
    ),
    "asking": document(
        tools={
            TOOL: {"action": "require_approval", "approval": ASKING, "rate_limit": SLIDING},
            "get_info": {"action": "allow"},
            "*": {"rate_limit": {**SLIDING, "per": "principal"}},
        }
    ),
    "ruled": one_tool(
        TOOL,
        {"action": "allow", "rate_limit": SLIDING},
        {"action": "deny", "when": [when("args.bad", "eq", True)]},
    ),
}


@pytest.fixture(scope="module")
def standing() -> Iterator[tuple[Gate, Ticker]]:
    with ticking_gate(TOOLS, POLICIES) as (gate, ticker):
        yield gate, ticker


@pytest.fixture
def gate(standing: tuple[Gate, Ticker]) -> Gate:
    standing[0].clear()
    return standing[0]


@pytest.fixture
def caller() -> Principal:
    return someone()


# ---------------------------------------------------------------- G19, G26: what takes nothing


def test_G19_calls_nobody_approved_starve_nobody(gate: Gate, caller: Principal) -> None:
    """A call that waits for a person takes from no limit: limits are taken when it is made."""
    for number in range(10):
        answer = call_counted(gate, "asking", caller, {"n": number})
        assert answer.decision["outcome"] in {"approval_required", "approval_limit"}
        assert gate.recorder.executed(TOOL) == []
        gate.clear()
    for _ in range(MAX):
        assert gate.call("asking", "get_info", principal=caller).is_success
    assert gate.call("asking", "get_info", principal=caller).is_denial


def test_G26_calls_that_another_rule_denies_take_nothing(gate: Gate, caller: Principal) -> None:
    for bad in (True, "true", [True]):
        assert_denied(gate, call_counted(gate, "ruled", caller, {"bad": bad}), TOOL)
        gate.clear()
    for _ in range(MAX):
        assert call_counted(gate, "ruled", caller, {"bad": False}).is_success
    gate.clear()
    denial = call_counted(gate, "ruled", caller, {"bad": False})
    assert_denied(gate, denial, TOOL, "limit_reached")


def test_G26_a_denial_by_a_limit_asks_nobody(gate: Gate, caller: Principal) -> None:
    for _ in range(MAX):
        gate.call("asking", "get_info", principal=caller)
    before = len(requests_for_approval())
    answer = gate.call("asking", "get_info", principal=caller)
    assert answer.decision["outcome"] == "limit_reached"
    assert answer.decision["approval"] is None
    assert len(requests_for_approval()) == before


def requests_for_approval() -> list[Json]:
    items: list[Json] = state_table().scan()["Items"]
    return [item for item in items if item["pk"].startswith("APPROVAL#")]


# ---------------------------------------------------------------- G20 - G23: the store, the policy


@pytest.mark.parametrize("server", ["sliding", "fixed"])
@pytest.mark.parametrize("lost", [pytest.param(1, id="G20-once"), pytest.param(2, id="G20-twice")])
def test_a_write_whose_answer_was_lost_never_counts_too_little(
    gate: Gate, caller: Principal, server: str, lost: int
) -> None:
    send, left = vars(BaseClient)["_make_api_call"], itertools.count(lost, -1)

    def losing(client: BaseClient, operation: str, parameters: Json) -> Any:
        answer = send(client, operation, parameters)
        if operation == "UpdateItem" and next(left) > 0:
            raise ReadTimeoutError(endpoint_url="https://dynamodb.example")
        return answer

    with mock.patch.object(BaseClient, "_make_api_call", losing):
        for _ in range(2 * MAX):
            call_counted(gate, server, caller)
    # Each lost answer denied its own call, and counted it at most once too much.
    assert MAX - lost <= executions(gate, TOOL) <= MAX
    gate.clear()
    assert_denied(gate, call_counted(gate, server, caller), TOOL, "limit_reached")


@pytest.mark.parametrize("server", ["spend", "spend-fixed"])
@pytest.mark.parametrize(
    "amount", [pytest.param(text, id=f"G21-{text}") for text in ("150", "-1000", "100.01", "0")]
)
def test_a_first_call_above_the_limit_and_a_negative_one_give_nothing(
    gate: Gate, caller: Principal, server: str, amount: str
) -> None:
    answer = raw_call(gate, server, TOOL, f'{{"amount":{amount}}}', principal=caller)
    assert_denied(gate, answer, TOOL, "limit_reached", "invalid_amount")
    gate.clear()
    assert_executed(gate, call_counted(gate, server, caller, {"amount": 100}), TOOL)
    gate.clear()
    assert_denied(gate, call_counted(gate, server, caller, {"amount": 1}), TOOL)


@pytest.mark.parametrize(
    "maximum",
    [
        pytest.param(str(number), id=f"G22-{name}")
        for name, number in {
            "beyond the whole numbers": 10**15 + 1,
            "39 digits": 10**38,
            "1000 digits": 10**999,
            "zero": 0,
            "fraction": "1.5",
        }.items()
    ],
)
def test_a_maximum_the_store_cannot_keep_is_refused(gate: Gate, maximum: str) -> None:
    policy = f"""\
version: "1"
default: deny
tools:
  {TOOL}:
    action: allow
    rate_limit:
      max: {maximum}
      window: 60
"""
    assert list(fault_lines(gate.activate("refused", policy))) == [7]


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param("x" * 3000, id="G22-longer than a key"),
        pytest.param("é" * 1500, id="G22-longer in bytes"),
        pytest.param("#", id="G22-separator"),
        pytest.param(" ", id="G22-blank"),
        pytest.param("\u0000", id="G22-NUL"),
    ],
)
def test_any_subject_has_a_counter_of_its_own(gate: Gate, subject: str) -> None:
    use_up(gate, "principal", Principal(issuer="portcullis:grant", subject=subject))
    use_up(gate, "principal", Principal(issuer="portcullis:grant", subject=subject + "x"))


def test_G22_an_empty_subject_is_no_principal(gate: Gate) -> None:
    answer = call_counted(gate, "principal", Principal(issuer="portcullis:grant", subject=""))
    assert answer.is_rejection
    assert gate.recorder.executed(TOOL) == []


def _edit(gate: Gate, server: str, policy: str) -> None:
    assert gate.activate(server, policy)["state"] == "active"
    gate.handler = gate.cold_start()


def test_G23_a_lowered_maximum_holds_at_once_and_a_raised_one_adds_the_rest(
    gate: Gate, caller: Principal
) -> None:
    for _ in range(5):
        assert call_counted(gate, "edited", caller).is_success
    _edit(gate, "edited", limited(SLIDING))
    gate.clear()
    assert_denied(gate, call_counted(gate, "edited", caller), TOOL, "limit_reached")
    _edit(gate, "edited", limited({**SLIDING, "max": 7}))
    outcomes = [call_counted(gate, "edited", caller).is_success for _ in range(3)]
    assert outcomes == [True, True, False]


def test_G23_renaming_a_rule_is_its_authors_reset_and_no_agents(
    gate: Gate, caller: Principal
) -> None:
    """A counter belongs to its rule's name (docs: policy reference); agents name no rules."""
    use_up(gate, "renamed", caller)
    reason = limited(SLIDING, name="one name", reason="Said differently.")
    _edit(gate, "renamed", reason)
    assert_denied(gate, call_counted(gate, "renamed", caller), TOOL, "limit_reached")
    _edit(gate, "renamed", limited(SLIDING, name="another name"))
    use_up(gate, "renamed", caller)


# ---------------------------------------------------------------- G25, G27


def test_G25_a_call_that_asks_for_a_task_runs_as_a_call_and_counts_once(
    gate: Gate, caller: Principal
) -> None:
    """Tasks are not offered: nothing of them is forwarded, and there is nothing to poll."""
    message = call_message(TOOL, era=LEGACY)
    message["params"]["task"] = {"ttl": 60_000}
    headers = headers_for(message, era=LEGACY)
    for _ in range(MAX):
        gate.send("sliding", json.dumps(message), headers=headers, principal=caller)
        for method in ("tasks/get", "tasks/result", "tasks/cancel"):
            polled = gate.ask("sliding", method, {"taskId": "t"}, era=LEGACY, principal=caller)
            assert polled.json["error"]["code"] == -32601
    assert [sorted(params) for params in gate.recorder.calls()] == [["arguments", "name"]] * MAX
    gate.clear()
    answer = gate.send("sliding", json.dumps(message), headers=headers, principal=caller)
    assert_denied(gate, answer, TOOL, "limit_reached")


def test_G25_a_task_an_upstream_makes_of_a_call_is_counted_and_not_passed_on(
    gate: Gate, caller: Principal
) -> None:
    task = {"resultType": "task", "task": {"taskId": "t", "status": "working"}}
    gate.recorder.scripts["tools/call"] = lambda message: reply(message, task)
    for _ in range(MAX):
        assert call_counted(gate, "sliding", caller).decision["outcome"] == "upstream_unavailable"
    gate.clear()
    assert_denied(gate, call_counted(gate, "sliding", caller), TOOL, "limit_reached")


@pytest.mark.parametrize("era", [MODERN, LEGACY])
def test_G27_an_allowed_reply_says_nothing_about_quota(
    gate: Gate, caller: Principal, era: str
) -> None:
    for server in ("shared-tool", "principal"):
        answer = gate.call(server, TOOL, principal=caller, era=era)
        assert answer.is_success
        names = " ".join(answer.headers).lower()
        assert not any(word in names for word in ("limit", "remaining", "quota", "retry"))
        assert "remaining" not in answer.body.decode()


def test_G27_remaining_quota_is_the_callers_own(gate: Gate) -> None:
    busy, idle = someone(), someone()
    use_up(gate, "principal", busy)
    assert call_counted(gate, "principal", busy).decision["remaining"] == 0
    assert call_counted(gate, "principal", idle).is_success


def test_G27_a_shared_limit_does_not_tell_what_others_used(gate: Gate) -> None:
    busy, curious = someone(), someone()
    assert call_counted(gate, "shared-server", busy, {"amount": 63}).is_success
    denial = call_counted(gate, "shared-server", curious, {"amount": 90})
    assert denial.decision["outcome"] == "limit_reached"
    assert denial.decision["remaining"] is None
    assert "37" not in json.dumps({**denial.decision, "id": "", "revision": ""})
