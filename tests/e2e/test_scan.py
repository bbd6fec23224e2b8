"""`portcullis scan` against a running gateway and against the function behind it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from e2e.running_stack import REGION, RunningStack
from local_stack.provision import CREDENTIALS
from portcullis_cli.catalogue.tables import profiles

pytestmark = pytest.mark.e2e


def scan(*options: str, environment: dict[str, str] | None = None) -> Any:
    ran = subprocess.run(
        [sys.executable, "-m", "portcullis_cli", "scan", *options, "--json"],
        env={**os.environ, "NO_PROXY": "*", **(environment or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout
    return json.loads(ran.stdout)


def test_an_address_shows_what_its_policy_lets_an_agent_see(
    stack: RunningStack, tmp_path: Path
) -> None:
    endpoint = stack.endpoint("amazon-mq")
    token = tmp_path / "token"
    token.write_text(stack.ready["agent_token"])
    found = scan(endpoint.url, "--token-file", str(token))
    names = {one["tool"] for one in found["tools"]}
    assert found["profile"] == "amazon-mq"
    assert names <= set(profiles()["amazon-mq"]["tools"])
    assert "list_brokers" in names


def test_a_function_shows_every_tool(stack: RunningStack) -> None:
    functions = stack.aws("lambda").list_functions()["Functions"]
    (host,) = [one["FunctionName"] for one in functions if "AwsIamHost" in one["FunctionName"]]
    account = {
        **CREDENTIALS,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": stack.ready["aws_endpoint_url"],
    }
    found = scan("--lambda", host, environment=account)
    assert found["profile"] == "aws-iam"
    assert {one["tool"] for one in found["tools"]} == set(profiles()["aws-iam"]["tools"])
