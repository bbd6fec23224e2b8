"""`portcullis decisions` tells what happened: real calls, a real approval, real log groups."""

import json
import os
import signal
import subprocess
import sys
import threading
from typing import Any

import httpx2
import pytest

from e2e.running_stack import REGION, RunningStack, until
from portcullis_cli.log_groups import GROUPS_VARIABLE
from support.approval_clients import Approver

SERVER = "aws-iam"
POLICY = """\
version: "1"
default: deny
tools:
  list_users: {action: allow}
  delete_user: {action: deny, reason: People do that.}
  list_groups:
    action: require_approval
    approval: {approvers: [group:platform], timeout: 10m}
"""
GROUPS = ",".join(f"portcullis-{name}LogGroup" for name in ("Gateway", "Executor", "Console"))

Json = dict[str, Any]


@pytest.fixture(scope="module")
def approved(stack: RunningStack) -> str:
    """Three calls were made: allowed, denied, and approved by a person; answers the approval."""
    stack.put_in_force(SERVER, POLICY)
    assert not call(stack, "list_users", ctx={"content": []}).get("isError")
    assert decision(call(stack, "delete_user", user_name="a"))["outcome"] == "denied_by_rule"
    approval = str(decision(call(stack, "list_groups"))["approval"]["id"])
    Approver(stack.ready["console_url"], stack.ready["approver_token"]).approve(approval)
    result = call(stack, "list_groups")
    while decision(result).get("outcome") in {"approval_running", "approval_required"}:
        result = call(stack, "list_groups")
    return approval


def call(stack: RunningStack, tool: str, **arguments: Any) -> Json:
    endpoint = stack.endpoint(SERVER)
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {endpoint.token}",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": tool,
    }
    answer = httpx2.post(endpoint.url, json=message, headers=headers, timeout=60)
    result: Json = answer.json()["result"]
    return result


def decision(result: Json) -> Json:
    told: Json = result.get("_meta", {}).get("portcullis/decision", {})
    return told


def environment(stack: RunningStack) -> dict[str, str]:
    account = {"AWS_ENDPOINT_URL": stack.ready["aws_endpoint_url"], "AWS_DEFAULT_REGION": REGION}
    return {**os.environ, **account, GROUPS_VARIABLE: GROUPS}


def program(*words: str) -> list[str]:
    return [sys.executable, "-m", "portcullis_cli", "decisions", *words]


def queried(stack: RunningStack, *words: str) -> list[Json]:
    ran = subprocess.run(
        program("query", "--server", SERVER, "--json", *words),
        env=environment(stack),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return [one["decision"] for one in json.loads(ran.stdout)["decisions"]]


def test_query_and_show_tell_what_was_allowed_denied_and_approved(
    stack: RunningStack, approved: str
) -> None:
    def story() -> list[str] | None:
        found = [one["outcome"] for one in queried(stack, "--approval", approved)]
        return found if "approval_delivered" in found else None

    outcomes = until(story, within=20, what="whole story")
    assert outcomes[0] == "approval_required"
    assert {"approval_given", "allowed"} <= set(outcomes)
    (denied,) = queried(stack, "--tool", "delete_*", "--denied", "--principal", "local-agent")
    assert denied["outcome"] == "denied_by_rule"
    assert queried(stack, "--tool", "list_users", "--outcome", "allowed")
    asked = queried(stack, "--approval", approved)[0]["decision_id"]
    ran = subprocess.run(
        program("show", asked), env=environment(stack), capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    for told in (f"approval {approved}", "local-approver", "portcullis-ExecutorLogGroup"):
        assert told in ran.stdout


def test_tail_tells_a_call_while_it_runs_and_ends_with_ctrl_c(
    stack: RunningStack, approved: str
) -> None:
    assert approved
    call(stack, "delete_user", user_name="a")
    with subprocess.Popen(
        program("tail", "--tool", "delete_user", "--since", "1m", "--jsonl"),
        env=environment(stack),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as tail:
        assert tail.stdout is not None
        patience = threading.Timer(60, tail.kill)
        patience.start()
        try:
            tail.stdout.readline()  # it follows
            told = decision(call(stack, "delete_user", user_name="b"))["id"]
            lines = (json.loads(line)["decision"]["decision_id"] for line in tail.stdout)
            assert told in lines
            tail.send_signal(signal.SIGINT)
            assert tail.wait(20) == 130
        finally:
            patience.cancel()
            tail.kill()
