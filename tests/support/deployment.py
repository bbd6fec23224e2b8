"""The deployment as it is written: the template's resources, and what its roles may do."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from local_stack.template import FUNCTION
from local_stack.template_yaml import load_template

ROOT = Path(__file__).parents[2]
TEMPLATE = load_template(ROOT / "template.yaml")
RESOURCES: Mapping[str, Any] = TEMPLATE["Resources"]
FUNCTIONS = {name: one for name, one in RESOURCES.items() if one["Type"] == FUNCTION}
# Nothing depends on the canary: no alarm sounds for it, and it is not drawn.
UNWATCHED = {"CanaryFunction"}
HOST_ROLES = {"AmazonMqHostRole", "AwsIamHostRole", "CanaryRole"}


def of_type(kind: str) -> list[str]:
    """The logical ids of every resource of a type."""
    return [name for name, one in RESOURCES.items() if one["Type"] == kind]


def roles() -> list[str]:
    """The logical ids of every role."""
    return of_type("AWS::IAM::Role")


def variables(function: str) -> dict[str, Any]:
    """What the template puts into a function's environment."""
    found: dict[str, Any] = RESOURCES[function]["Properties"]["Environment"]["Variables"]
    return found


def statements(resource: str) -> list[dict[str, Any]]:
    """Every statement a resource holds itself: those behind conditions too."""
    properties = RESOURCES[resource]["Properties"]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies") or [properties]]
    return [one for document in documents for one in unfolded(document["Statement"])]


def permissions(role: str) -> list[dict[str, Any]]:
    """The statements of a role and of the policies attached to it."""
    attached = [
        name
        for name in of_type("AWS::IAM::Policy")
        if role in {target(one) for one in RESOURCES[name]["Properties"]["Roles"]}
    ]
    return [one for name in (role, *attached) for one in statements(name)]


def key_statements(key: str) -> dict[str, dict[str, Any]]:
    """The statements of a key's policy by their Sid."""
    policy = RESOURCES[key]["Properties"]["KeyPolicy"]
    return {one["Sid"]: one for one in policy["Statement"]}


def listed(value: object) -> list[Any]:
    """One or several, as a list."""
    return value if isinstance(value, list) else [value]


def target(tree: object) -> str:
    """The logical id an ARN is made of."""
    text = json.dumps(tree)
    text = re.sub(r"\$\{AWS::\w+\}", "", text)
    found = re.search(r'\$\{(\w+)|"(?:Ref|Fn::GetAtt)": \[?"([\w:]+)', text)
    assert found, text
    return found[1] or found[2]


def targets(value: object) -> set[str]:
    """The logical ids that one or several ARNs are made of."""
    return {target(one) for one in listed(value)}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a tool on the repository, far from any AWS account."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "SAM_CLI_TELEMETRY": "0",
            "HOME": "/tmp",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


def unfolded(items: object) -> Iterator[Any]:
    """One or several, those behind a condition too."""
    for item in listed(items):
        if isinstance(item, dict) and set(item) == {"Fn::If"}:
            yield from unfolded(item["Fn::If"][1:])
        elif item != {"Ref": "AWS::NoValue"}:
            yield item
