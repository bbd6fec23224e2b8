"""Hosted servers are denied everything that belongs to the gate, whatever they are allowed.

A resource of a new type must be denied to them, or it is listed here why it need not be.
"""

import json
import re

from support.deployment import (
    FUNCTIONS,
    HOST_ROLES,
    RESOURCES,
    listed,
    of_type,
    permissions,
    statements,
    target,
)

LOGICAL = re.compile(r'\$\{(\w+)(?!:)|"(?:Ref|Fn::GetAtt)": \[?"(\w+)(?!:)')
GUARDS = ("HostGuardPolicy", "HostGuardRecordsPolicy")

# Types whose resources are named in a guard, one by one, with everything that can be done to them.
NAMED = {
    "AWS::DynamoDB::Table": "dynamodb:*",
    "AWS::IAM::ManagedPolicy": "iam:*",
    "AWS::IAM::Role": "iam:*",
    "AWS::KMS::Key": "kms:*",
    "AWS::KinesisFirehose::DeliveryStream": "firehose:*",
    "AWS::Logs::LogGroup": "logs:*",
    "AWS::S3::Bucket": "s3:*",
    "AWS::SNS::Topic": "sns:*",
    "AWS::SQS::Queue": "sqs:*",
    "AWS::SecretsManager::Secret": "secretsmanager:*",
    "AWS::Serverless::Function": "lambda:*",
    "AWS::Serverless::StateMachine": "states:*",
}
# Types whose resources a guard denies by a pattern, under this Sid.
BY_PATTERN = {
    "AWS::CloudWatch::Alarm": "Alarms",
    "AWS::CloudWatch::Dashboard": "Alarms",
    "AWS::CloudWatch::InsightRule": "Alarms",
    "AWS::Serverless::Api": "Apis",
    "AWS::ApiGateway::Account": "Apis",
    "AWS::ApiGateway::BasePathMapping": "Apis",
    "AWS::ApiGateway::DomainName": "Apis",
}
# Types that need no guard of their own.
PART_OF = "it is part of a resource that is denied"
NEEDLESS = {
    "AWS::AppConfig::Application": "nothing reads it: it numbers the versions of functions",
    "AWS::AppConfig::ConfigurationProfile": "the same",
    "AWS::AppConfig::HostedConfigurationVersion": "the same",
    "AWS::IAM::Policy": PART_OF,
    "AWS::Logs::LogStream": PART_OF,
    "AWS::Logs::QueryDefinition": "a saved question, which nothing depends on",
    "AWS::Logs::SubscriptionFilter": PART_OF,
    "AWS::Route53::RecordSet": "the zone is none of the stack's, and no host may write to zones",
    "AWS::S3::BucketPolicy": PART_OF,
    "AWS::SNS::Subscription": "its ARN begins with its topic's, but only its topic is known",
    "AWS::SNS::TopicPolicy": PART_OF,
    "AWS::SQS::QueuePolicy": PART_OF,
    "AWS::Serverless::LayerVersion": "a version cannot be changed, and functions name theirs",
}
THE_HOSTS_OWN = {
    "AmazonMqHostLogGroup": "the host writes to it",
    "AwsIamHostLogGroup": "the host writes to it",
    "CanaryLogGroup": "the canary writes to it",
    "HostStateKey": "the host seals its connections by it; changing it is denied",
    "HostStateTable": "the host keeps its connections in it",
}
GIVEN = {  # by a parameter, made by somebody else
    "EncryptionKeyArn": "kms:*",
    "OidcClientSecretArn": "secretsmanager:*",
    "PolicySigningKeyArn": "kms:*",
    "UpstreamSecretArns": "secretsmanager:*",
}


def logical_ids(resource: object) -> set[str]:
    """What an ARN is made of, pseudo parameters left out."""
    found = LOGICAL.findall(json.dumps(resource))
    return {a or b for a, b in found} - {"AWS"}


def denied() -> dict[str, set[str]]:
    """What the guards deny: actions by the logical id they are denied on, and by the Sid."""
    found: dict[str, set[str]] = {}
    for one in [one for guard in GUARDS for one in statements(guard)]:
        for resource in listed(one["Resource"]):
            for name in {f"by {one['Sid']}", *logical_ids(resource)}:
                found.setdefault(name, set()).update(listed(one["Action"]))
    return found


def test_every_type_of_the_template_is_denied_or_need_not_be() -> None:
    types = {one["Type"] for one in RESOURCES.values()}
    known = {*NAMED, *BY_PATTERN, *NEEDLESS}
    assert types == known
    assert len(known) == len(NAMED) + len(BY_PATTERN) + len(NEEDLESS)


def test_O22_a_hosted_server_is_denied_everything_that_belongs_to_the_gate() -> None:
    for guard in GUARDS:
        assert {target(role) for role in RESOURCES[guard]["Properties"]["Roles"]} == HOST_ROLES
        for one in statements(guard):
            assert one["Effect"] == "Deny"
            assert ("Condition" in one) is (one["Sid"] == "Rights"), one["Sid"]
    own = {
        name: action
        for kind, action in NAMED.items()
        for name in of_type(kind)
        if name not in THE_HOSTS_OWN
    } | GIVEN
    found = denied()
    assert {name: action for name, action in own.items() if action not in found.get(name, ())} == {}
    assert {"kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"} <= found["HostStateKey"]
    assert found.keys() >= {f"by {sid}" for sid in BY_PATTERN.values()}
    assert found["by ReservedRoles"] == {"iam:*"}
    assert "iam:AttachUserPolicy" in found["by Rights"]
    text = json.dumps(statements("HostGuardPolicy"))
    for part in ("execution:${ApprovalStateMachine.Name}:*", "${StateTable.Arn}/*"):
        assert part in text  # executions, the index


def test_what_a_host_may_reach_of_its_own_is_still_there() -> None:
    assert RESOURCES.keys() >= THE_HOSTS_OWN.keys()
    assert not {"HostStateTable", "AmazonMqHostLogGroup"} & denied().keys()


def test_the_objects_of_every_bucket_are_denied_like_the_bucket() -> None:
    text = json.dumps([one for guard in GUARDS for one in statements(guard)])
    for bucket in of_type("AWS::S3::Bucket"):
        assert f"${{{bucket}.Arn}}/*" in text
    for function in FUNCTIONS:
        assert f"${{{function}.Arn}}*" in text  # its versions and aliases too


def test_a_hosted_server_turns_no_rule_of_the_gate_off() -> None:
    (uploads,) = [one for one in statements("HostGuardRecordsPolicy") if one["Sid"] == "Uploads"]
    assert {"Fn::Sub": (
        "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/${AWS::StackName}-*"
    )} in uploads["Resource"]  # fmt: skip
    rules = [
        event
        for one in FUNCTIONS.values()
        for event in one["Properties"].get("Events", {}).values()
        if event["Type"] in {"EventBridgeRule", "Schedule"}
    ]
    assert rules
    assert not [one for one in rules if "RuleName" in one["Properties"]]


def test_a_hosted_server_silences_no_alarm() -> None:
    """Resources without a name are named by CloudFormation, after the stack."""
    (alarms,) = [one for one in statements("HostGuardRecordsPolicy") if one["Sid"] == "Alarms"]
    assert alarms["Action"] == "cloudwatch:*"
    kinds = [
        re.split(r"[:/](?=\$\{AWS::StackName\}-\*$)", one["Fn::Sub"])[0]
        for one in alarms["Resource"]
    ]
    assert [kind.rpartition(":")[2] for kind in kinds] == ["alarm", "dashboard", "insight-rule"]
    for name in of_type("AWS::CloudWatch::Alarm"):
        assert "AlarmName" not in RESOURCES[name]["Properties"]


def test_a_host_s_policies_fit_into_its_role() -> None:
    """A role's inline policies hold 10,240 characters together, a managed one 6,144."""
    for role in HOST_ROLES:
        assert deployed_length(permissions(role)) < 10_240
    assert deployed_length(statements("HostGuardRecordsPolicy")) < 6_144


def deployed_length(found: object) -> int:
    longest = "x" * 90  # an ARN of this stack in place of every reference
    text = json.dumps(found, separators=(",", ":"))
    text = re.sub(r'\{"Fn::(?:GetAtt|Sub)":(?:\[[^]]*\]|"[^"]*")\}', f'"{longest}"', text)
    text = re.sub(r'\{"Ref":"[^"]*"\}', f'"{longest}"', text)
    return len(text)
