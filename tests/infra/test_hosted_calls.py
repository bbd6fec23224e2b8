"""What the hosts' roles allow is what the servers in them can ask AWS for.

Of the IAM server its code is read; of the Amazon MQ server each tool is one operation.
"""

import ast
import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from botocore import xform_name
from botocore.session import Session

from mcp_host.receipts import DynamoDBReceipts
from support.canary_table import CanaryTable
from support.deployment import ROOT, listed, permissions

# Allowed and not called by the servers' code.
OTHERWISE = {
    "dynamodb:GetItem": "the host itself keeps broker logins",
    "dynamodb:PutItem": "the host itself keeps broker logins",
    "logs:CreateLogStream": "the Lambda service writes the function's log",
    "logs:PutLogEvents": "the Lambda service writes the function's log",
    "mq:CreateTags": "to create with tags takes this action too",
    "xray:GetSamplingRules": "the Lambda service traces, where it is switched on",
    "xray:GetSamplingTargets": "the Lambda service traces, where it is switched on",
    "xray:PutTelemetryRecords": "the Lambda service traces, where it is switched on",
    "xray:PutTraceSegments": "the Lambda service traces, where it is switched on",
}


def operations(service: str) -> dict[str, str]:
    """The methods of a service's clients, and the operations they are."""
    names = Session().get_service_model(service).operation_names
    return {xform_name(name): name for name in names}


def sources(package: str) -> Iterator[ast.Module]:
    found = importlib.util.find_spec(f"awslabs.{package}")
    assert found is not None
    assert found.submodule_search_locations is not None
    for folder in found.submodule_search_locations:
        for path in sorted(Path(folder).rglob("*.py")):
            yield ast.parse(path.read_text("utf-8"))


def iam_calls() -> set[str]:
    known = operations("iam")
    return {
        f"iam:{known[node.attr]}"
        for tree in sources("iam_mcp_server")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in known
        if isinstance(node.value, ast.Name) and node.value.id in {"iam", "client", "iam_client"}
    }


def mq_calls() -> set[str]:
    known = operations("mq")
    tools = json.loads((ROOT / "tests" / "data" / "amazon-mq-tools.json").read_text("utf-8"))
    named = {tool["name"] for tool in (tools if isinstance(tools, list) else tools["tools"])}
    return {f"mq:{known[name]}" for name in named & known.keys()}


def allowed(role: str) -> set[str]:
    """What a host may do itself; what Amazon MQ does on its behalf has a condition on that."""
    return {
        action
        for one in permissions(role)
        if one["Effect"] == "Allow" and "aws:CalledViaLast" not in json.dumps(one)
        for action in listed(one["Action"])
    }


def canary_calls() -> set[str]:
    """By the port of its receipts, on what stands in for the table."""
    client, called = CanaryTable(), set[str]()
    client.heard = lambda name: called.add(f"dynamodb:{operations('dynamodb')[name]}")
    receipts = DynamoDBReceipts(cast("Any", client), table="table", clock=lambda: 0.0)
    receipts.add("r", frozenset({"n"}), frozenset())
    receipts.read("r")
    return called


CALLS: dict[str, Callable[[], set[str]]] = {
    "AmazonMqHostRole": mq_calls,
    "AwsIamHostRole": iam_calls,
    "CanaryRole": canary_calls,
}


@pytest.mark.parametrize(("role", "calls"), CALLS.items())
def test_a_host_may_do_what_its_server_asks_for_and_nothing_else(
    role: str, calls: Callable[[], set[str]]
) -> None:
    called = calls()
    assert called - allowed(role) == set()
    assert allowed(role) - called - OTHERWISE.keys() == set()
