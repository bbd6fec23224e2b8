"""Policies as an author uploads them, and what an agent then may do, over real HTTP.

Counters outlive a policy and a session, so every test that uses one has a window of its own.
"""

import json
import time
from typing import Any, Final

import httpx2
import pytest

from e2e.agents import Call, Endpoint, PythonAgent, Result
from e2e.running_stack import REFRESH_SECONDS, REGION, RunningStack

AGENT: Final = PythonAgent("python sdk, auto", "2026-07-28", "auto")
LEGACY_AGENT: Final = PythonAgent("python sdk, legacy", "2025-11-25", "legacy")
DECISION: Final = "portcullis/decision"
MODERN: Final = "2026-07-28"
USER: Final = "limited-user"


def policy(tools: str, *, default: str = "deny", more: str = "") -> str:
    """A policy document around the lines of its `tools:` block."""
    return f'version: "1"\ndefault: {default}\n{more}tools:\n{tools}'


def brokers(name: str = "list_brokers", **arguments: Any) -> Call:
    """A call of an Amazon MQ tool."""
    return Call(name, {"region": REGION, **arguments})


def call(stack: RunningStack, server: str, *calls: Call) -> list[Result]:
    """Make calls as the second agent, whose counters no other module uses."""
    return list(AGENT.run(stack.endpoint(server, second_agent=True), calls).results)


def decision(result: Result) -> dict[str, Any]:
    """What a refusal says to machines."""
    assert result.is_error
    told: dict[str, Any] = result.meta[DECISION]
    return told


def put_user_policy(number: int) -> Call:
    """Write the inline policy `inline-<number>` of the test's user."""
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "mq:ListBrokers", "Resource": "*"}],
    }
    return Call(
        "put_user_policy",
        {
            "user_name": USER,
            "policy_name": f"inline-{number}",
            "policy_document": json.dumps(document),
            "confirmed": True,
        },
    )


def test_ten_calls_a_minute_go_through_and_the_eleventh_learns_how_long_to_wait(
    stack: RunningStack,
) -> None:
    iam = stack.aws("iam")
    iam.create_user(UserName=USER)
    rule = "  put_user_policy: {action: allow, rate_limit: {max: 10, window: 60}}\n"
    stack.put_in_force("aws-iam", policy(rule))
    started = time.monotonic()

    *allowed, refused = call(stack, "aws-iam", *(put_user_policy(n) for n in range(11)))

    took = time.monotonic() - started
    assert [result.text for result in allowed if result.is_error] == []
    told = decision(refused)
    assert told["outcome"] == "limit_reached"
    assert 60 - took - 1 <= told["retry_after"] <= 60
    assert f"Try again in {told['retry_after']} s" in refused.text
    stored = iam.list_user_policies(UserName=USER)["PolicyNames"]
    assert sorted(stored) == sorted(f"inline-{n}" for n in range(10))


def test_a_new_handshake_session_shares_no_more_than_the_session_cap(
    stack: RunningStack,
) -> None:
    rule = "  list_brokers: {rate_limit: {max: 2, window: 3601}}\n"
    stack.put_in_force("amazon-mq", policy(rule))
    endpoint = stack.endpoint("amazon-mq", second_agent=True)
    sessions = [LEGACY_AGENT.run(endpoint, [brokers()] * 3).results for _ in range(7)]
    assert [result.is_error for result in sessions[0]] == [False, False, True]
    allowed = [result for results in sessions for result in results if not result.is_error]
    assert len(allowed) <= 2 * 5


def test_a_denied_call_says_why_and_is_not_executed(stack: RunningStack) -> None:
    mq = stack.aws("mq")
    made = mq.create_broker(
        BrokerName="kept",
        EngineType="RABBITMQ",
        DeploymentMode="SINGLE_INSTANCE",
        EngineVersion="3.13",
        HostInstanceType="mq.m5.large",
        PubliclyAccessible=False,
        AutoMinorVersionUpgrade=True,
        Users=[{"Username": "operator", "Password": "not-a-real-password"}],
    )
    reason = "Brokers are deleted by the platform team."
    rule = f"  delete_broker: {{action: deny, reason: {reason}}}\n"
    stack.put_in_force("amazon-mq", policy(rule, default="allow"))

    (refused,) = call(stack, "amazon-mq", brokers("delete_broker", BrokerId=made["BrokerId"]))

    assert reason in refused.text
    told = decision(refused)
    assert (told["outcome"], told["rule"]) == ("denied_by_rule", "delete_broker")
    assert told["reason"] == reason
    names = {one["BrokerName"] for one in mq.list_brokers()["BrokerSummaries"]}
    assert "kept" in names


def modern_answer(endpoint: Endpoint, tool: str) -> tuple[int, dict[str, str], str]:
    """The raw reply to one 2026-07-28 `tools/call` without arguments."""
    body = {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "tools/call",
        "params": {
            "name": tool,
            "arguments": {},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        },
    }
    headers = {
        **endpoint.headers,
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": MODERN,
        "Mcp-Method": "tools/call",
        "Mcp-Name": tool,
    }
    reply = httpx2.post(endpoint.url, json=body, headers=headers, timeout=30)
    varying = {"date", "content-length", "x-amzn-requestid", "x-amzn-trace-id", "x-amz-apigw-id"}
    kept = {name: value for name, value in reply.headers.items() if name.lower() not in varying}
    return reply.status_code, kept, reply.text


def test_a_hidden_tool_is_not_listed_and_answers_like_one_that_does_not_exist(
    stack: RunningStack,
) -> None:
    hidden, unknown = "rabbitmq_broker_get_broker_definition", "rabbitmq_broker_get_broker_imagined"
    rules = policy("  list_brokers: {action: allow}\n", default="allow", more=f"hide: [{hidden}]\n")
    stack.put_in_force("amazon-mq", rules)
    endpoint = stack.endpoint("amazon-mq", second_agent=True)

    tools = AGENT.run(endpoint, []).tools
    status, headers, body = modern_answer(endpoint, hidden)
    same = modern_answer(endpoint, unknown)

    assert hidden not in tools
    assert "list_brokers" in tools
    assert (status, headers, body.replace(hidden, unknown)) == same
    (told,) = json.loads(body)["result"]["content"]
    assert told["text"] == f"Unknown tool: {hidden}"
    asked = LEGACY_AGENT.run(endpoint, [Call(hidden), Call(unknown)]).results
    assert [(one.text.split(": ")[0], one.is_error, one.meta) for one in asked] == [
        ("Unknown tool", True, {})
    ] * 2


def test_an_upload_is_in_force_after_the_refresh_interval_without_a_restart(
    stack: RunningStack,
) -> None:
    stack.put_in_force("amazon-mq", policy("  list_brokers: {action: allow}\n"))
    (allowed,) = call(stack, "amazon-mq", brokers())
    assert not allowed.is_error

    status = stack.uploaded("amazon-mq", policy("  list_brokers: {action: deny}\n"))
    assert (status["state"], status["faults"]) == ("active", [])
    time.sleep(REFRESH_SECONDS)

    (refused,) = call(stack, "amazon-mq", brokers())
    assert decision(refused)["revision"] == status["revision"]


BROKEN: Final = """\
version: "1"
default: dny
tools:
  list_brokers: {acton: allow}
  delete_broker:
    action: deny
    when:
      - {path: args.BrokerId, op: eqq, value: x}
"""


def test_a_broken_upload_lists_every_fault_and_leaves_the_last_good_policy_in_force(
    stack: RunningStack,
) -> None:
    good = stack.put_in_force("amazon-mq", policy("  list_brokers: {action: allow}\n"))

    status = stack.uploaded("amazon-mq", BROKEN)
    time.sleep(REFRESH_SECONDS)

    assert status["state"] == "rejected"
    assert [fault["line"] for fault in status["faults"]] == [2, 4, 8]
    suggestions = " ".join(str(fault["suggestion"]) for fault in status["faults"])
    assert [word for word in ("deny", "action", "eq") if word not in suggestions] == []
    assert status["in_force"]["revision"] == good["revision"]
    allowed, refused = call(
        stack, "amazon-mq", brokers(), brokers("delete_broker", BrokerId="b-none")
    )
    assert not allowed.is_error
    assert decision(refused)["revision"] == good["revision"]


def test_a_call_that_needs_an_approval_waits_for_a_person(stack: RunningStack) -> None:
    rule = (
        "  reboot_broker:\n    action: require_approval\n"
        "    approval: {approvers: [group:platform], timeout: 1h}\n"
    )
    stack.put_in_force("amazon-mq", policy(rule))
    (waiting,) = call(stack, "amazon-mq", brokers("reboot_broker", BrokerId="b-none"))
    told = decision(waiting)
    assert told["outcome"] == "approval_required"
    assert told["approval"]["url"].startswith(stack.ready["console_url"])


PRIVATE_ONLY: Final = """\
  create_broker:
    rules:
      - name: private only
        action: deny
        when:
          - {path: args.publicly_accessible, op: neq, value: false}
        reason: Set publicly_accessible to false.
      - action: allow
"""


@pytest.mark.parametrize(
    "given,allowed",
    [({}, False), ({"publicly_accessible": True}, False), ({"publicly_accessible": False}, True)],
    ids=["left out", "public", "private"],
)
def test_a_condition_sees_the_argument_the_server_would_see(
    stack: RunningStack, given: dict[str, bool], *, allowed: bool
) -> None:
    stack.put_in_force("amazon-mq", policy(PRIVATE_ONLY))
    name = f"conditional-{len(given)}-{allowed}"
    creation = brokers(
        "create_broker",
        broker_name=name,
        engine_type="RABBITMQ",
        deployment_mode="SINGLE_INSTANCE",
        username="operator",
        password="not-a-real-password",
        **given,
    )
    (result,) = call(stack, "amazon-mq", creation)
    names = {one["BrokerName"] for one in stack.aws("mq").list_brokers()["BrokerSummaries"]}
    assert (name in names) is allowed
    assert result.is_error is not allowed
    if not allowed:
        assert decision(result)["rule"] == "create_broker/private only"
        assert "Set publicly_accessible to false." in result.text


def test_a_pattern_covers_the_tools_it_matches_and_no_other(stack: RunningStack) -> None:
    stack.put_in_force("amazon-mq", policy('  "list_*": {action: allow}\n'))
    listed, configured, described = call(
        stack,
        "amazon-mq",
        brokers(),
        brokers("list_configurations"),
        brokers("describe_broker", BrokerId="b-none"),
    )
    assert not listed.is_error
    assert DECISION not in configured.meta
    assert decision(described)["outcome"] == "denied_by_default"


def test_a_spend_limit_counts_the_default_of_an_amount_left_out(stack: RunningStack) -> None:
    rule = "  list_brokers: {spend_limit: {path: args.MaxResults, max: 30, window: 607}}\n"
    stack.put_in_force("amazon-mq", policy(rule))
    *allowed, refused = call(
        stack, "amazon-mq", brokers(MaxResults=10), brokers(), brokers(MaxResults=10), brokers()
    )
    assert [result.text for result in allowed if result.is_error] == []
    assert decision(refused)["outcome"] == "limit_reached"


def test_a_rule_in_shadow_mode_blocks_nothing(stack: RunningStack) -> None:
    rules = (
        "  list_brokers:\n    rules:\n      - action: allow\n"
        "      - {name: planned, action: deny, mode: shadow}\n"
        "      - {name: planned limit, mode: shadow, rate_limit: {max: 1, window: 613}}\n"
    )
    stack.put_in_force("amazon-mq", policy(rules))
    results = call(stack, "amazon-mq", brokers(), brokers(), brokers())
    assert [result.text for result in results if result.is_error] == []
