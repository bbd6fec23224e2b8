"""Grants and approvals by their commands: who may call, and who lets a call run."""

import json
from typing import Any, Final

import httpx2
import pytest

from e2e.command_line import done, run
from e2e.running_stack import RunningStack, until

SERVER: Final = "aws-iam"
MODERN: Final = "2026-07-28"
WITHIN: Final = 30.0
POLICY: Final = """version: "1"
default: deny
tools:
  list_users: {action: allow}
  create_group:
    action: require_approval
    approval: {approvers: [group:platform], timeout: 10m, show: [args.group_name]}
"""


@pytest.fixture(scope="module", autouse=True)
def in_force(stack: RunningStack) -> None:
    stack.put_in_force(SERVER, POLICY)


def call(stack: RunningStack, tool: str, arguments: Any, token: str) -> httpx2.Response:
    """One call of the 2026-07-28 revision."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    return httpx2.post(
        stack.endpoint(SERVER).url,
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
        headers={
            "Accept": "application/json, text/event-stream",
            "Authorization": f"Bearer {token}",
            "MCP-Protocol-Version": MODERN,
            "Mcp-Method": "tools/call",
            "Mcp-Name": tool,
        },
        timeout=60,
    )


def asked(stack: RunningStack, group: str) -> str:
    """Ask for a group to be made; the id of the request that came of it."""
    arguments = {"group_name": group, "confirmed": True}
    result = call(stack, "create_group", arguments, stack.ready["agent_token"]).json()["result"]
    return str(result["_meta"]["portcullis/decision"]["approval"]["id"])


def test_a_grant_opens_its_server_until_it_is_revoked(stack: RunningStack) -> None:
    words = ("grants", "create", "night-agent", "--server", SERVER, "--person", "ann@example.com")
    made = json.loads(done(stack, *words, "--json"))
    assert call(stack, "list_users", {}, made["token"]).status_code == 200
    listed = done(stack, "grants", "list")
    assert made["id"] in listed
    assert made["token"] not in listed

    said = done(stack, "grants", "revoke", made["id"])
    assert said == f"revoked {made['id']} of night-agent\n"
    assert call(stack, "list_users", {}, made["token"]).status_code in {401, 403}
    assert made["id"] not in done(stack, "grants", "list")
    assert run(stack, "grants", "revoke", made["id"]).returncode == 3


def test_a_call_runs_once_it_is_approved_and_not_before(stack: RunningStack) -> None:
    request = asked(stack, "approved-by-command")
    assert request in done(stack, "approvals", "list")
    assert "approved-by-command" in done(stack, "approvals", "show", request)
    assert not made(stack, "approved-by-command")
    done(stack, "approvals", "approve", request, "--yes", "--comment", "as agreed")
    until(lambda: made(stack, "approved-by-command") or None, within=WITHIN, what="a group")


def test_a_call_that_is_denied_never_runs_and_the_agent_reads_why(stack: RunningStack) -> None:
    request = asked(stack, "denied-by-command")
    done(stack, "approvals", "deny", request, "--comment", "not in May")
    assert request not in done(stack, "approvals", "list")
    again = call(
        stack, "create_group", {"group_name": "denied-by-command", "confirmed": True},
        stack.ready["agent_token"],
    )  # fmt: skip
    assert "not in May" in again.json()["result"]["content"][0]["text"]
    assert not made(stack, "denied-by-command")
    ran = run(stack, "approvals", "approve", request, "--yes")
    assert ran.returncode == 1


def made(stack: RunningStack, group: str) -> bool:
    """Whether the account has the group."""
    groups = stack.aws("iam").list_groups()["Groups"]
    return group in {one["GroupName"] for one in groups}
