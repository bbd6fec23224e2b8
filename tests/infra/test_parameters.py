"""Parameters explain themselves, refuse what cannot be meant, and are asked for in groups."""

import re
import tomllib
from typing import Any

import pytest

from support.deployment import ROOT, TEMPLATE

PARAMETERS: dict[str, Any] = TEMPLATE["Parameters"]
INTERFACE = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]
LISTS = {"UpstreamFunctionArns", "UpstreamSecretArns"}  # CloudFormation matches no list


def test_every_parameter_is_asked_for_in_one_group() -> None:
    listed = [name for group in INTERFACE["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(listed) == sorted(PARAMETERS), "add the parameter to a group in Metadata"
    assert set(INTERFACE["ParameterLabels"]) <= set(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_says_what_it_is_and_has_a_default_that_it_would_take(name: str) -> None:
    one = PARAMETERS[name]
    assert one["Description"].endswith((".", ")"))
    default = str(one["Default"])
    if "AllowedValues" in one:
        assert default in map(str, one["AllowedValues"])
    elif one["Type"] == "Number":
        assert int(one["MinValue"]) <= int(default) <= int(one["MaxValue"])
    elif name not in LISTS:
        assert re.fullmatch(one["AllowedPattern"], default)
        assert one["ConstraintDescription"]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("AllowedHosts", "mcp.example.com,localhost:8080", "https://mcp.example.com"),
        ("AllowedOrigins", "https://a.example,http://127.0.0.1:6274", "https://a.example/"),
        ("ApproverEmail", "ann@example.com", "ann"),
        ("CertificateArn", f"arn:aws:acm:eu-west-1:{1:012}:certificate/0a-1b", "arn:aws:iam::1:x"),
        ("DomainName", "mcp.example.com", "https://mcp.example.com"),
        ("AdotLayerArn", f"arn:aws:lambda:eu-west-1:{1:012}:layer:adot-python:3", "adot-python"),
        ("EncryptionKeyArn", f"arn:aws:kms:eu-west-1:{1:012}:key/0a-1b", "alias/own"),
        ("HostedZoneId", "Z0123456789ABC", "example.com"),
        ("JwtAudience", "https://a.example,api", "a, b"),
        ("JwtGroupsClaim", "cognito:groups", "a b"),
        ("JwtIssuer", "https://issuer.example/realms/x", "https://issuer.example/?x=1"),
        ("OidcClientSecretArn", f"arn:aws:secretsmanager:eu-west-1:{1:012}:secret:a-1", "s3cret"),
        ("PublicUrl", "https://mcp.example.com/prod", "https://mcp.example.com/"),
    ],
)
def test_a_pattern_takes_what_is_meant_and_refuses_what_cannot_be(
    name: str, good: str, bad: str
) -> None:
    pattern = PARAMETERS[name]["AllowedPattern"]
    assert re.fullmatch(pattern, good)
    assert not re.fullmatch(pattern, bad)


def test_a_rule_names_parameters_that_exist_and_says_what_is_wrong() -> None:
    for rule in TEMPLATE["Rules"].values():
        assert set(re.findall(r"'Ref': '(\w+)'", str(rule))) <= set(PARAMETERS)
        assert all(one["AssertDescription"] for one in rule["Assertions"])


@pytest.mark.parametrize("section", ["default", "prod"])
def test_samconfig_deploys_with_parameters_that_exist(section: str) -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))[section]
    deploy = config["deploy"]["parameters"]
    assert deploy["capabilities"] == "CAPABILITY_IAM"
    assert deploy["confirm_changeset"] is True
    for override in deploy.get("parameter_overrides", []):
        name, _, value = override.partition("=")
        allowed = PARAMETERS[name].get("AllowedValues")
        assert allowed is None or value in map(str, allowed)


def test_the_outputs_say_what_to_do_next() -> None:
    outputs = TEMPLATE["Outputs"]
    wanted = {"AmazonMqMcpUrl", "AwsIamMcpUrl", "ConsoleUrl", "PolicyBucketName", "StateTableName"}
    assert wanted <= set(outputs)
    mint, upload, add = (str(outputs[name]["Value"]) for name in sorted(outputs) if "Next" in name)
    assert "scripts/portcullis grants create" in mint
    assert (ROOT / "scripts/portcullis").exists()
    assert "s3 cp policies/amazon-mq.yaml" in upload
    assert (ROOT / "policies/amazon-mq.yaml").exists()
    assert "/mcp/amazon-mq" in add
