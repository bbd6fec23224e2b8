"""Calls that a running gateway recorded, decided again under a policy that would change them.

Its own gateway, which records; what an agent sent is read from the emulated CloudWatch Logs.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.stack import local_stack
from e2e.running_stack import REGION, RunningStack, until
from support.http_calls import post
from threats.recorder import Recorder, serving

pytestmark = pytest.mark.e2e

SERVER = "recorded"
CANARY = "canary-4711-hunter2"
TOOLS: list[dict[str, Any]] = [
    {"name": "resize", "inputSchema": {"type": "object", "properties": {"size": {"default": 1}}}},
]
BEFORE = """\
version: "1"
default: deny
redact: [args.note]
tools:
  resize:
    rules:
      - {name: too large, action: deny, when: {path: args.size, op: gt, value: 10}}
      - {name: ok, action: allow}
"""
AFTER = BEFORE.replace("value: 10", "value: 100")
HANGS = BEFORE.replace("path: args.size, op: gt, value: 10", "path: args.note, op: eq, value: x")


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    parameters = json.dumps({"RecordCalls": "true"})
    with serving(Recorder(TOOLS)) as port:
        upstreams = {SERVER: f"http://127.0.0.1:{port}/mcp"}
        with local_stack(upstreams, PARAMETERS=parameters) as ready:
            yield RunningStack(ready)


def call(stack: RunningStack, arguments: dict[str, Any]) -> Any:
    endpoint = stack.endpoint(SERVER)
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": "resize", "arguments": arguments, "_meta": meta}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {
        **endpoint.headers,
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "resize",
    }
    _, _, body = post(endpoint.url, json.dumps(message).encode(), headers)
    return json.loads(body)


def lines(stack: RunningStack) -> tuple[str, list[str]]:
    """The gateway's log group, and every line in it once the calls' have arrived."""
    logs = stack.aws("logs")
    groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
    (group,) = [name for name in groups if "gateway" in name.lower() and "api" not in name.lower()]

    def arrived() -> list[str] | None:
        events = logs.filter_log_events(logGroupName=group)["events"]
        found = [str(event["message"]) for event in events]
        return found if sum('"recorded"' in one for one in found) >= 3 else None

    return group, until(arrived, within=20, what="three recorded calls")


def replay(stack: RunningStack, *words: str) -> subprocess.CompletedProcess[str]:
    account = {
        "AWS_ENDPOINT_URL": stack.ready["aws_endpoint_url"],
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    return subprocess.run(
        [sys.executable, "-m", "portcullis_cli", "policy", *words],
        env={**os.environ, **account},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_recorded_calls_are_decided_again_and_no_argument_is_in_the_log_in_clear(
    stack: RunningStack, tmp_path: Path
) -> None:
    stack.put_in_force(SERVER, BEFORE)
    assert "result" in call(stack, {"password": CANARY, "note": CANARY})
    call(stack, {"size": 50})
    call(stack, {"size": 500})
    group, written = lines(stack)
    assert not [line for line in written if CANARY in line or '"size"' in line]
    old, new = tmp_path / "old.yaml", tmp_path / f"{SERVER}.yaml"
    old.write_text(BEFORE)
    new.write_text(AFTER)
    ran = replay(stack, "replay", str(new), "--log-group", group, "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    tree = json.loads(ran.stdout)
    (change,) = tree["changes"]
    assert (tree["calls"], change["before"], change["after"], change["calls"]) == (
        3, "deny", "allow", 1,
    )  # fmt: skip
    assert CANARY not in ran.stdout
    kept = tmp_path / "lines.jsonl"  # sealed, as they are in the log
    kept.write_text("\n".join(written))
    compared = replay(
        stack, "diff", str(old), str(new), "--server", SERVER, "--log", str(kept), "--fail-on-wider"
    )
    assert compared.returncode == 1, compared.stdout + compared.stderr
    assert "1 decided differently" in compared.stdout
    new.write_text(HANGS)
    told = json.loads(replay(stack, "replay", str(new), "--log", str(kept), "--json").stdout)
    assert told["cannot_tell"] == {"what was redacted decides": 1}
