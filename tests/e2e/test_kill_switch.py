"""The kill switch by its command, through the local gateway and its own processes."""

import os
import subprocess
import sys
from typing import Any, Final

import httpx2

from e2e.running_stack import REGION, RunningStack, until

SERVER: Final = "aws-iam"
WITHIN: Final = 15.0  # KillSwitchRefreshSeconds of the template, and a slow machine
POLICY: Final = 'version: "1"\ndefault: deny\ntools:\n  create_group: {action: allow}\n'


def command(stack: RunningStack, *words: str) -> str:
    """Run `portcullis kill-switch` on the gateway's own account."""
    account = {"AWS_ENDPOINT_URL": stack.ready["aws_endpoint_url"], "AWS_DEFAULT_REGION": REGION}
    ran = subprocess.run(
        [sys.executable, "-m", "portcullis_cli", "kill-switch", *words],
        env={**os.environ, **account, "PORTCULLIS_BUCKET": str(stack.ready["bucket"])},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return ran.stdout


def create_group(stack: RunningStack, name: str) -> Any:
    """One call of the IAM server, as an agent makes it; what came of it."""
    endpoint = stack.endpoint(SERVER)
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": "create_group",
            "arguments": {"group_name": name, "confirmed": True},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        },
    }
    headers = {
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {endpoint.token}",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "create_group",
    }
    return httpx2.post(endpoint.url, json=message, headers=headers, timeout=60).json()["result"]


def outcome(result: Any) -> str:
    decided = result.get("_meta", {}).get("portcullis/decision", {})
    return str(decided.get("outcome", "allowed"))


def groups(stack: RunningStack) -> set[str]:
    return {one["GroupName"] for one in stack.aws("iam").list_groups()["Groups"]}


def test_on_stops_a_server_within_its_time_and_off_lets_it_go_on(stack: RunningStack) -> None:
    stack.put_in_force(SERVER, POLICY)
    assert outcome(create_group(stack, "before")) == "allowed"
    said = command(stack, "on", "--reason", "a drill", "--server", SERVER)
    assert said.startswith(f"stopped: {SERVER}\n")
    try:
        tried = iter(range(1000))

        def denied() -> str | None:
            result = create_group(stack, f"while-{next(tried)}")
            return result["content"][0]["text"] if outcome(result) == "stopped" else None

        told = until(denied, within=WITHIN, what="a stopped call")
        assert told.endswith("A person has stopped all calls to this server: a drill.")
        held = groups(stack)
        for number in range(5):
            assert outcome(create_group(stack, f"never-{number}")) == "stopped"
        assert groups(stack) == held
    finally:
        assert command(stack, "off") == command(stack, "status")

    def goes_on() -> bool | None:
        return outcome(create_group(stack, "after")) != "stopped" or None

    assert until(goes_on, within=WITHIN, what="a call that goes on")
    assert "after" in groups(stack)
