"""The command line against the real console, in memory, or against answers made up by a test."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import httpx2
import pytest
from moto import mock_aws

from portcullis.activation.release import Upload
from portcullis.adapters.active_object import envelope
from portcullis.adapters.kill_switch_object import KEY
from portcullis.adapters.s3_activation import PolicyActivation, incoming_key
from portcullis.adapters.s3_policies import active_key
from portcullis.policy.policy_text import parse_policy
from portcullis.strictjson import dump
from support.command_line import NOW, Terminal
from support.console_fakes import ConsoleWorld
from support.engines import create_state_table


@pytest.fixture
def world() -> ConsoleWorld:
    return ConsoleWorld(public_url="https://gate.example")


@pytest.fixture
def terminal(world: ConsoleWorld) -> Terminal:
    """A script that talks to the console of `world`."""

    def served(request: httpx2.Request) -> httpx2.Response:
        assert request.url.host == "gate.example"
        headers: dict[str, str | list[str]] = dict(request.headers)
        answer = world.send(
            request.method, request.url.path, headers=headers, body=request.read().decode() or None
        )
        sent = [(name, value) for name, values in answer.headers.items() for value in values]
        return httpx2.Response(answer.status, headers=sent, content=iter([answer.body.encode()]))

    return Terminal(transport=httpx2.MockTransport(served))


@pytest.fixture
def answering() -> Callable[..., Terminal]:
    """Make a script whose console gives one answer, whatever it is asked."""

    def make(status: int, content: bytes | str | dict[str, Any], **headers: str) -> Terminal:
        text = json.dumps(content) if isinstance(content, dict) else content
        body = text.encode() if isinstance(text, str) else text

        def served(_: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(status, headers=headers, content=iter([body]))

        return Terminal(transport=httpx2.MockTransport(served))

    return make


@pytest.fixture
def table() -> Iterator[str]:
    """An empty state table."""
    with mock_aws():
        yield create_state_table(boto3.client("dynamodb"))


def _active(server: str) -> bytes:
    """An active object that denies everything."""
    upload = Upload(server=server, version="1", uploaded_at=NOW - 60, body=b"")
    policy = parse_policy('version: "1"\ndefault: deny\n').policy
    return dump(envelope(upload, policy, {}, now_seconds=NOW - 60)[0])


@pytest.fixture
def bucket() -> Iterator[str]:
    """A deployment's bucket: two servers have a policy in force, one of them is stopped.

    That of `amazon-mq` has an earlier one behind it; that of `aws-iam` was never uploaded.
    """
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="policies")
        client.put_bucket_versioning(
            Bucket="policies", VersioningConfiguration={"Status": "Enabled"}
        )
        client.put_object(Bucket="policies", Key=active_key("aws-iam"), Body=_active("aws-iam"))
        for default in ("allow", "deny"):
            text = f'version: "1"\ndefault: {default}\n'.encode()
            client.put_object(Bucket="policies", Key=incoming_key("amazon-mq"), Body=text)
            PolicyActivation(client, "policies").activate("amazon-mq", now_seconds=NOW - 60)
        client.put_object(Bucket="policies", Key=KEY, Body=b'{"servers": ["amazon-mq"]}')
        yield "policies"
