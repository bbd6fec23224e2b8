"""`portcullis sessions` through the local gateway: a session is seen, counted in, and ended."""

import json
import os
import subprocess
import sys
from typing import Any, Final

import httpx2

from e2e.running_stack import REGION, RunningStack

SERVER: Final = "everything"
AGENT: Final = "local-agent"
POLICY: Final = """
version: "1"
default: deny
tools:
  test_simple_text: {action: allow, rate_limit: {max: 7, window: 1h}}
"""
VERSION: Final = "2025-06-18"
HELLO: Final = {
    "protocolVersion": VERSION,
    "capabilities": {},
    "clientInfo": {"name": "a client", "version": "1"},
}


def command(stack: RunningStack, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `portcullis sessions` on the gateway's own account."""
    account = {"AWS_ENDPOINT_URL": stack.ready["aws_endpoint_url"], "AWS_DEFAULT_REGION": REGION}
    places = {
        "PORTCULLIS_BUCKET": str(stack.ready["bucket"]),
        "PORTCULLIS_TABLE": str(stack.ready["table"]),
    }
    return subprocess.run(
        [sys.executable, "-m", "portcullis_cli", "sessions", *words],
        env={**os.environ, **account, **places},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def told(stack: RunningStack, *words: str) -> Any:
    ran = command(stack, *words, "--grant", AGENT, "--server", SERVER, "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


class Client:
    """An agent of a handshake revision, with one session."""

    def __init__(self, stack: RunningStack) -> None:
        endpoint = stack.endpoint(SERVER)
        self._url = endpoint.url
        self._headers = {
            "Accept": "application/json, text/event-stream",
            "Authorization": f"Bearer {endpoint.token}",
            "MCP-Protocol-Version": VERSION,
        }
        greeted = self.post("initialize", HELLO)
        self._headers["Mcp-Session-Id"] = greeted.headers["mcp-session-id"]

    def post(self, method: str, params: dict[str, Any]) -> httpx2.Response:
        """Send one request."""
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return httpx2.post(self._url, json=message, headers=self._headers, timeout=60)

    def call(self) -> httpx2.Response:
        """Call a tool."""
        return self.post("tools/call", {"name": "test_simple_text", "arguments": {}})


def test_an_ended_session_is_answered_like_an_unknown_one(stack: RunningStack) -> None:
    stack.put_in_force(SERVER, POLICY)
    before = {one["id"] for one in told(stack, "list")["sessions"]}
    client = Client(stack)
    answered = client.call()
    assert answered.status_code == 200
    assert "simple text" in answered.text, answered.text
    (session,) = [one for one in told(stack, "list")["sessions"] if one["id"] not in before]
    assert (session["state"], session["kept_by_server"]) == ("open", True)

    (at,) = told(stack, "show", session["id"])["servers"]
    (limit,) = [one for one in at["limits"] if one["slot"] == session["slot"]]
    assert (limit["rule"], int(limit["used"]) >= 1) == ("test_simple_text", True)

    ended = command(stack, "end", session["id"], "--grant", AGENT)
    assert ended.returncode == 0, ended.stderr
    assert client.call().status_code == 404, "a client then opens a new session"
    assert session["id"] not in {one["id"] for one in told(stack, "list")["sessions"]}
    assert Client(stack).call().status_code == 200
