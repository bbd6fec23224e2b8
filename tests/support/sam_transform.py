"""What CloudFormation gets of a template: SAM's own translation. Run by the SAM CLI's Python.

Usage: python sam_transform.py TEMPLATE NAME=VALUE...; the result is written to stdout as JSON.
`Layer=VALUE` stands for another content of every layer.
"""

import json
import sys
from pathlib import Path
from typing import Any

from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

from local_stack.template_yaml import load_template

UPLOADED = {
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}


def translated(path: Path, given: dict[str, str]) -> Any:
    """Answer the template as `sam deploy` would have it translated after an upload."""
    tree = json.loads(json.dumps(load_template(path)))
    layer = given.pop("Layer", "one")
    tree["Globals"]["Function"]["CodeUri"] = "s3://bucket/code"
    for resource in tree["Resources"].values():
        if resource["Type"] in UPLOADED:
            resource["Properties"][UPLOADED[resource["Type"]]] = f"s3://bucket/{layer}"
    values = {name: str(one.get("Default")) for name, one in tree["Parameters"].items()}
    return transform(tree, {**values, **given}, ManagedPolicyLoader(None))


if __name__ == "__main__":
    pairs = (argument.split("=", 1) for argument in sys.argv[2:])
    json.dump(translated(Path(sys.argv[1]), dict(pairs)), sys.stdout)
