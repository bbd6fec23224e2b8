"""`portcullis status` through the local gateway, its own account and a CloudFormation stack."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

import pytest

from e2e.running_stack import REGION, RunningStack

STACK: Final = "gate-of-status"
# The emulated CloudFormation makes neither alarms nor secrets: they cannot be told here.
NOT_EMULATED: Final = {"alarms", "secrets"}


@pytest.fixture(scope="module")
def named(stack: RunningStack) -> Iterator[str]:
    """What the local gateway's account has no stack for, with outputs that lead to the gateway."""
    outputs = {
        "PolicyBucketName": stack.ready["bucket"],
        "StateTableName": stack.ready["table"],
        "ConsoleUrl": stack.ready["console_url"],
    }
    template = {
        "Resources": {
            "ActivatorDeadLetters": {"Type": "AWS::SQS::Queue"},
            "ApprovalKey": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {}}},
        },
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    client = stack.aws("cloudformation")
    client.create_stack(StackName=STACK, TemplateBody=json.dumps(template))
    yield STACK
    client.delete_stack(StackName=STACK)


def looked(stack: RunningStack, name: str) -> tuple[dict[str, Any], int]:
    """What each check said, and how the command ended."""
    account = {"AWS_ENDPOINT_URL": stack.ready["aws_endpoint_url"], "AWS_DEFAULT_REGION": REGION}
    ran = subprocess.run(
        [sys.executable, "-m", "portcullis_cli", "--stack", name, "status", "--json"],
        env={**os.environ, **account},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.stdout, ran.stderr
    return {one["check"]: one for one in json.loads(ran.stdout)["checks"]}, ran.returncode


def test_a_running_gateway_is_looked_at_and_a_dead_letter_is_noticed(
    stack: RunningStack, named: str
) -> None:
    said, code = looked(stack, named)
    assert {name for name, one in said.items() if one["untold"]} == NOT_EMULATED
    for check in ("gateway", "console", "kill switch", "stack", "dead letters", "keys"):
        assert said[check]["state"] == "ok", said[check]
    assert code == 5

    resources = stack.aws("cloudformation").list_stack_resources(StackName=named)
    (queue,) = [
        one["PhysicalResourceId"]
        for one in resources["StackResourceSummaries"]
        if one["LogicalResourceId"] == "ActivatorDeadLetters"
    ]
    stack.aws("sqs").send_message(QueueUrl=queue, MessageBody="an upload")
    said, _ = looked(stack, named)
    assert said["dead letters"]["state"] == "attention"
    assert said["dead letters"]["do"] == "docs/operate.md#deadlettersalarm"


def test_an_account_that_knows_no_such_stack_is_not_called_well(stack: RunningStack) -> None:
    account = {
        "AWS_ENDPOINT_URL": stack.ready["aws_endpoint_url"],
        "AWS_DEFAULT_REGION": REGION,
        "PORTCULLIS_BUCKET": str(stack.ready["bucket"]),
        "PORTCULLIS_TABLE": str(stack.ready["table"]),
        "PORTCULLIS_CONSOLE_URL": stack.ready["console_url"],
        "PORTCULLIS_STACK": "no-such-stack",
    }
    ran = subprocess.run(
        [sys.executable, "-m", "portcullis_cli", "status"],
        env={**os.environ, **account},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 5, ran.stdout
    assert "there is no such stack in this account and region" in ran.stdout
