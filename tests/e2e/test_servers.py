"""`portcullis servers` and `--stack` through the local gateway and its own account."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

import httpx2
import pytest

from e2e.running_stack import REGION, RunningStack, until

SERVER: Final = "aws-iam"
STACK: Final = "gate-of-servers"
POLICY: Final = (
    'version: "1"\ndefault: deny\nhide: [list_roles]\ntools:\n  list_users: {action: allow}\n'
)


def command(stack: RunningStack, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `portcullis` on the gateway's own account."""
    account = {"AWS_ENDPOINT_URL": stack.ready["aws_endpoint_url"], "AWS_DEFAULT_REGION": REGION}
    return subprocess.run(
        [sys.executable, "-m", "portcullis_cli", *words],
        env={**os.environ, **account, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module")
def named(stack: RunningStack) -> Iterator[str]:
    """A CloudFormation stack whose outputs lead to the local gateway."""
    outputs = {
        "PolicyBucketName": stack.ready["bucket"],
        "StateTableName": stack.ready["table"],
        "ConsoleUrl": stack.ready["console_url"],
    }
    template = {
        "Resources": {},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    client = stack.aws("cloudformation")
    client.create_stack(StackName=STACK, TemplateBody=json.dumps(template))
    yield STACK
    client.delete_stack(StackName=STACK)


def call(stack: RunningStack) -> None:
    """Make the gateway fetch the server's tools: it does before the first call of an agent."""
    endpoint = stack.endpoint(SERVER)
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": "list_users", "arguments": {}, "_meta": meta}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {endpoint.token}",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "list_users",
    }
    assert httpx2.post(endpoint.url, json=message, headers=headers, timeout=60).is_success


def test_a_server_is_shown_as_the_gateway_has_it(stack: RunningStack, named: str) -> None:
    status = stack.put_in_force(SERVER, POLICY)
    call(stack)
    ran = command(stack, "--stack", named, "servers", "show", SERVER, "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    tree = json.loads(ran.stdout)
    assert tree["policy"]["revision"] == status["revision"]
    assert tree["url"] == stack.endpoint(SERVER).url
    words = {one["tool"]: one["word"] for one in tree["tool_words"]}
    assert tree["tools"]["count"] == len(words)
    assert (words["list_users"], words["list_roles"]) == ("allowed", "hidden")
    assert set(words.values()) == {"allowed", "hidden", "denied"}


def test_a_registration_that_was_rejected_is_listed_with_its_fault(stack: RunningStack) -> None:
    bucket = str(stack.ready["bucket"])
    stack.aws("s3").put_object(
        Bucket=bucket,
        Key="incoming/servers/inward.yaml",
        Body=b'version: "1"\nurl: https://10.0.0.1/mcp\n',
    )

    def listed() -> Any:
        ran = command(stack, "servers", "list", "--json", PORTCULLIS_BUCKET=bucket)
        found = {one["server"]: one for one in json.loads(ran.stdout)["servers"]}
        told = (found.get("inward") or {}).get("registration") or {}
        return found if told.get("state") == "rejected" else None

    found = until(listed, within=20, what="rejected registration")
    assert (found["inward"]["kind"], found[SERVER]["kind"]) == ("none", "own")
    assert "private or special address" in found["inward"]["registration"]["first_fault"]
