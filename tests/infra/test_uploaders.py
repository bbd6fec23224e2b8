"""Who may upload what, and what the gateway may reach of what was registered."""

import json
import re

import pytest

from portcullis.adapters.dynamodb_approvals import INDEX
from portcullis.adapters.kill_switch_object import KEY
from portcullis.adapters.s3_activation import incoming_key, lock_key
from portcullis.adapters.s3_registrations import active_server_key
from portcullis.adapters.server_activation import incoming_server_key, server_status_key
from support.deployment import (
    RESOURCES,
    TEMPLATE,
    listed,
    of_type,
    roles,
    statements,
    target,
    targets,
)

PEOPLE = {
    "PolicyAuthorPolicy": {"incoming/policies/*", "incoming/locks/*"},
    "ServerRegistrarPolicy": {"incoming/servers/*"},
    "BucketReaderPolicy": set[str](),
}


def test_who_writes_policies_brings_no_servers_and_nobody_writes_what_is_in_force() -> None:
    # The first of them only denies; of the others see below.
    others = {
        "HostGuardRecordsPolicy",
        "DecisionReaderPolicy",
        "KillSwitchPolicy",
        "OperatorReaderPolicy",
    }
    assert set(of_type("AWS::IAM::ManagedPolicy")) == set(PEOPLE) | others
    for name, written in PEOPLE.items():
        reach: dict[str, set[str]] = {}
        for one in statements(name):
            assert one["Effect"] == "Allow"
            for action in one["Action"]:
                paths = {
                    json.dumps(path).partition("/")[2][:-2] for path in listed(one["Resource"])
                }
                reach.setdefault(action, set()).update(paths)
        assert reach.pop("s3:PutObject", set()) == written
        assert set(reach) == {
            "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions",
        }  # fmt: skip
        assert reach["s3:ListBucket"] == {""}, "the bucket itself"


def test_who_stops_the_gate_writes_the_switch_and_nothing_else() -> None:
    reach = {
        action: one["Resource"]
        for one in statements("KillSwitchPolicy")
        for action in one["Action"]
    }
    switch = {"Fn::Sub": "${PolicyBucket.Arn}/" + KEY}
    assert reach == {
        "s3:GetObject": switch,
        "s3:PutObject": switch,
        "s3:ListBucket": {"Fn::GetAtt": ["PolicyBucket", "Arn"]},
    }


def test_who_is_on_call_changes_nothing_and_reads_no_request_and_no_secret() -> None:
    held = statements("OperatorReaderPolicy")
    assert {one["Effect"] for one in held} == {"Allow"}
    actions = {action for one in held for action in one["Action"]}
    assert actions == {
        "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions",
        "dynamodb:Query", "cloudformation:DescribeStacks", "cloudformation:ListStackResources",
        "sqs:GetQueueAttributes", "cloudwatch:DescribeAlarms", "secretsmanager:DescribeSecret",
        "kms:DescribeKey",
    }  # fmt: skip
    (query,) = [one for one in held if one["Action"] == ["dynamodb:Query"]]
    assert query["Resource"] == {"Fn::Sub": "${StateTable.Arn}/index/" + INDEX}
    (index,) = RESOURCES["StateTable"]["Properties"]["GlobalSecondaryIndexes"]
    assert (index["IndexName"], index["Projection"]) == (INDEX, {"ProjectionType": "KEYS_ONLY"})
    by_action = {action: one["Resource"] for one in held for action in one["Action"]}
    for kind, action in (
        ("AWS::SecretsManager::Secret", "secretsmanager:DescribeSecret"),
        ("AWS::KMS::Key", "kms:DescribeKey"),
        ("AWS::SQS::Queue", "sqs:GetQueueAttributes"),
    ):
        assert targets(by_action[action]) == set(of_type(kind)), "all that `status` looks at"


def test_who_reads_decisions_reads_the_groups_that_the_command_is_told_and_nothing_else() -> None:
    (one,) = statements("DecisionReaderPolicy")
    assert (one["Effect"], one["Action"]) == ("Allow", ["logs:FilterLogEvents"])
    told = TEMPLATE["Outputs"]["DecisionLogGroups"]["Value"]["Fn::Sub"]
    assert {target(each) for each in one["Resource"]} == set(re.findall(r"\w+", told))


def test_no_role_of_the_stack_stops_anything_or_lets_it_go_on() -> None:
    (lock,) = [
        one for one in statements("PolicyBucketPolicy") if one["Sid"] == "OnlyPeopleStopAndStart"
    ]
    assert lock["Effect"] == "Deny"
    assert KEY.startswith(lock["Resource"]["Fn::Sub"].partition("/")[2].removesuffix("*"))
    assert set(lock["Action"]) == {"s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"}
    kept_off = {
        target(one["Fn::If"][1] if "Fn::If" in one else one)
        for one in lock["Condition"]["ArnEquals"]["aws:PrincipalArn"]
    }
    assert kept_off == set(roles())


@pytest.mark.parametrize("role", ["GatewayRole", "ExecutorRole"])
def test_that_nobody_stopped_anything_is_told_and_not_guessed(role: str) -> None:
    """S3 answers a missing key with 404 only to who may list the bucket."""
    by_sid = {one["Sid"]: one for one in statements(role)}
    assert by_sid["ReadKillSwitch"]["Resource"] == {"Fn::Sub": "${PolicyBucket.Arn}/" + KEY}
    assert "Condition" not in by_sid["TellMissingFromForbidden"]


@pytest.mark.parametrize(
    ("policy", "key", "keeps_out"),
    [
        ("PolicyAuthorPolicy", incoming_key("x"), incoming_server_key("x")),
        ("PolicyAuthorPolicy", lock_key("x"), incoming_server_key("x")),
        ("ServerRegistrarPolicy", incoming_server_key("x"), incoming_key("x")),
    ],
)
def test_a_right_to_upload_reaches_its_own_uploads_alone(
    policy: str, key: str, keeps_out: str
) -> None:
    (upload,) = [one for one in statements(policy) if "s3:PutObject" in one["Action"]]
    folders = [
        one["Fn::Sub"].removeprefix("${PolicyBucket.Arn}/").removesuffix("*")
        for one in listed(upload["Resource"])
    ]
    assert any(map(key.startswith, folders))
    assert not any(map(keeps_out.startswith, folders))


def test_a_registrar_sees_what_became_of_a_registration() -> None:
    text = json.dumps(statements("ServerRegistrarPolicy"))
    for key in (active_server_key("x"), server_status_key("x")):
        assert f"{key.rpartition('/')[0]}/*" in text


def test_a_hosted_server_gives_nobody_a_right_to_upload() -> None:
    (rights,) = [one for one in statements("HostGuardPolicy") if one["Sid"] == "Rights"]
    assert set(rights["Action"]) == {
        "iam:AttachGroupPolicy", "iam:AttachRolePolicy", "iam:AttachUserPolicy",
    }  # fmt: skip
    assert targets(rights["Condition"]["ArnEquals"]["iam:PolicyARN"]) == {
        *PEOPLE,
        "DecisionReaderPolicy",
        "KillSwitchPolicy",
        "OperatorReaderPolicy",
    }


@pytest.mark.parametrize("role", ["GatewayRole", "ExecutorRole"])
def test_who_calls_servers_reaches_those_that_the_deployment_permits(role: str) -> None:
    by_sid = {one["Sid"]: one for one in statements(role)}
    called = by_sid["CallRegisteredFunctions"]
    assert (called["Action"], called["Resource"]) == (
        ["lambda:InvokeFunction"],
        {"Ref": "UpstreamFunctionArns"},
    )
    assert by_sid["ReadUpstreamSecrets"]["Resource"] == {"Ref": "UpstreamSecretArns"}
    attached = RESOURCES[role]["Properties"]["ManagedPolicyArns"]
    assert attached == {
        "Fn::If": [
            "HasUpstreamAccessPolicy",
            [{"Ref": "UpstreamAccessPolicyArn"}],
            {"Ref": "AWS::NoValue"},
        ]
    }


def test_no_other_role_calls_servers_with_rights_the_operator_attached() -> None:
    with_more = {role for role in roles() if "ManagedPolicyArns" in RESOURCES[role]["Properties"]}
    assert with_more == {"GatewayRole", "ExecutorRole"}


HOSTS = ("AmazonMqHostFunction", "AwsIamHostFunction", "CanaryFunction")


@pytest.mark.parametrize("host", HOSTS)
def test_M12_a_hosted_server_is_reached_through_the_gate_alone(host: str) -> None:
    """No URL, no event, and nobody but the gateway and the executor may invoke it."""
    assert not {"Events", "FunctionUrlConfig"} & set(RESOURCES[host]["Properties"])
    opened = [
        name
        for kind in ("AWS::Lambda::Permission", "AWS::Lambda::Url")
        for name in of_type(kind)
        if host in json.dumps(RESOURCES[name])
    ]
    assert opened == []
    callers = {
        name
        for name in [*roles(), *of_type("AWS::IAM::Policy"), *of_type("AWS::IAM::ManagedPolicy")]
        for one in statements(name)
        if one["Effect"] == "Allow"
        and "lambda:InvokeFunction" in listed(one["Action"])
        and host in json.dumps(one["Resource"])
    }
    assert callers == {"GatewayRole", "ExecutorRole"}
