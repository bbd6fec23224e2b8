"""Functions are invoked by their alias, and whatever changes one publishes a version."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from support.deployment import (
    FUNCTIONS,
    RESOURCES,
    ROOT,
    TEMPLATE,
    listed,
    of_type,
    statements,
    unfolded,
)

GLOBALS = TEMPLATE["Globals"]["Function"]
SAM = ROOT / ".tools" / "sam" / "bin" / "python"


def test_every_function_publishes_the_same_alias() -> None:
    assert GLOBALS["AutoPublishAlias"] == "live"
    for one in FUNCTIONS.values():
        assert "AutoPublishAlias" not in one["Properties"]


def test_functions_start_from_a_snapshot_where_a_parameter_says_so() -> None:
    assert GLOBALS["SnapStart"] == {
        "ApplyOn": {"Fn::If": ["UsesSnapStart", "PublishedVersions", "None"]}
    }
    assert TEMPLATE["Parameters"]["SnapStart"]["Default"] == "false"


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_changed_layer_or_parameter_publishes_a_version(name: str) -> None:
    properties = FUNCTIONS[name]["Properties"]
    assert properties["AutoPublishAliasAllProperties"] is True
    assert properties["VersionDescription"] == {"Fn::Sub": "settings ${Settings}"}


@pytest.mark.parametrize("name", of_type("AWS::Serverless::LayerVersion"))
def test_a_layer_s_content_is_part_of_a_version(name: str) -> None:
    assert RESOURCES[name]["Properties"]["PublishLambdaVersion"] is True


def test_the_settings_of_a_version_are_all_parameters() -> None:
    _, values = RESOURCES["Settings"]["Properties"]["Content"]["Fn::Join"]
    named = re.findall(r'"Ref": "(\w+)"', json.dumps(values))
    missing = set(TEMPLATE["Parameters"]) - set(named)
    assert missing == set(), "add the parameter to the list of `Settings` in template.yaml"
    assert {"PolicyBucket", "StateTable"} <= set(named)  # a restore gives them other names


def invoked() -> Iterator[tuple[str, Any]]:
    for name, one in RESOURCES.items():
        if one["Type"] in {"AWS::IAM::Role", "AWS::IAM::Policy"}:
            for statement in statements(name):
                allows = statement["Effect"] == "Allow"
                if allows and "lambda:InvokeFunction" in listed(statement["Action"]):
                    yield from ((name, one) for one in unfolded(statement["Resource"]))
    for name, one in RESOURCES.items():
        substitutions = one.get("Properties", {}).get("DefinitionSubstitutions") or {}
        yield from (
            (name, value) for key, value in substitutions.items() if key.endswith("Function")
        )
    authorizers = RESOURCES["GatewayApi"]["Properties"]["Auth"]["Authorizers"]
    yield from ((name, one["FunctionArn"]) for name, one in authorizers.items())


def test_whatever_invokes_a_function_names_its_alias_and_may_invoke_nothing_else() -> None:
    named = list(invoked())
    assert named
    permitted = {"Ref": "UpstreamFunctionArns"}  # which are not the deployment's own
    own = [one for one in named if "Function" in json.dumps(one[1]) and one[1] != permitted]
    assert [
        one for one in own if not re.search(r"^\w+Function\.Alias$", one[1].get("Ref", ""))
    ] == []
    aliased = {one["Ref"].partition(".")[0] for _, one in own}
    assert aliased <= set(FUNCTIONS)
    assert {"AmazonMqHostFunction", "AuthorizerFunction", "ExecutorFunction"} <= aliased


def test_a_function_s_variables_name_no_function_but_by_its_alias() -> None:
    for one in FUNCTIONS.values():
        text = json.dumps((one["Properties"].get("Environment") or {}).get("Variables") or {})
        named = re.findall(r'(?:\$\{|"Ref": "|"Fn::GetAtt": \[")(\w+Function)\b(\.Alias)?', text)
        assert [name for name, alias in named if not alias] == []


def test_codedeploy_moves_every_alias_and_reaches_no_other_function() -> None:
    move, watch = statements("DeploymentRole")
    assert set(watch["Action"]) == {"cloudwatch:DescribeAlarms"}
    expected: list[Any] = []
    for name in FUNCTIONS:
        expected += [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"${{{name}.Arn}}:live"}]
    assert sorted(map(json.dumps, unfolded(move["Resource"]))) == sorted(map(json.dumps, expected))


def translated(*given: str) -> dict[str, Any]:
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    done = subprocess.run(
        [SAM, ROOT / "tests/support/sam_transform.py", ROOT / "template.yaml", *given],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": path, "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["Resources"]
    return found


def ids(resources: dict[str, Any], kind: str) -> set[str]:
    return {name for name, one in resources.items() if one["Type"] == kind}


@pytest.mark.slow
@pytest.mark.skipif(not SAM.exists(), reason="the SAM CLI is not here (`make setup`)")
def test_sam_makes_of_it_what_an_update_without_downtime_needs() -> None:
    found, other_layer = translated("DeploymentType=Canary10Percent5Minutes"), translated("Layer=2")
    groups = ids(found, "AWS::CodeDeploy::DeploymentGroup")
    assert len(groups) == len(FUNCTIONS)
    for name in groups:
        properties = found[name]["Properties"]
        assert properties["ServiceRoleArn"] == {"Fn::GetAtt": ["DeploymentRole", "Arn"]}
        alarms = [one["Name"]["Ref"] for one in properties["AlarmConfiguration"]["Alarms"]]
        assert alarms == ["GatewayErrorsAlarm", "GatewayFaultsAlarm"]
        assert "DEPLOYMENT_STOP_ON_ALARM" in properties["AutoRollbackConfiguration"]["Events"]
        assert "Canary10Percent5Minutes" in json.dumps(properties["DeploymentConfigName"])
    assert "CodeDeployServiceRole" not in found
    permitted = [found[name] for name in ids(found, "AWS::Lambda::Permission")]
    assert permitted
    for one in permitted:
        assert one["Properties"]["FunctionName"]["Ref"].endswith("FunctionAliaslive")
    versions = ids(found, "AWS::Lambda::Version")
    assert len(versions) == len(FUNCTIONS)
    unchanged = versions & ids(other_layer, "AWS::Lambda::Version")
    assert {one.partition("Version")[0] for one in unchanged} == {
        name for name, one in FUNCTIONS.items() if "Layers" not in one["Properties"]
    }
    for name in versions:
        assert found[name]["Properties"]["Description"] == {"Fn::Sub": "settings ${Settings}"}
