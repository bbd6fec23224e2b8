"""The audit trail, encryption and retention: what the parameters promise is in the template."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from support.deployment import HOST_ROLES, RESOURCES, TEMPLATE, of_type, roles, statements, target

LOG_GROUPS = of_type("AWS::Logs::LogGroup")
OWN_KEY = {"Ref": "EncryptionKeyArn"}


def properties(resource: str) -> Any:
    return RESOURCES[resource]["Properties"]


def by_sid(policy: str) -> dict[str, Any]:
    return {one["Sid"]: one for one in properties(policy)["PolicyDocument"]["Statement"]}


# ---------------------------------------------------------------- audit trail


def test_the_audit_trail_is_locked_and_versioned_and_outlives_the_stack() -> None:
    bucket = RESOURCES["AuditBucket"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert bucket["Properties"]["ObjectLockEnabled"] is True
    lock = bucket["Properties"]["ObjectLockConfiguration"]
    assert lock["ObjectLockEnabled"] == "Enabled"
    assert lock["Rule"]["DefaultRetention"] == {
        "Mode": {"Ref": "AuditMode"},
        "Days": {"Ref": "AuditRetentionDays"},
    }
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert TEMPLATE["Parameters"]["AuditMode"]["AllowedValues"] == ["GOVERNANCE", "COMPLIANCE"]


def test_nobody_deletes_from_the_audit_trail_and_only_its_delivery_writes() -> None:
    found = by_sid("AuditBucketPolicy")
    assert {one["Effect"] for one in found.values()} == {"Deny"}
    assert "Condition" not in found["NobodyDeletes"]
    assert set(found["NobodyDeletes"]["Action"]) == {
        "s3:BypassGovernanceRetention",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:PutObjectRetention",
    }
    writer = found["OnlyTheDeliveryWrites"]["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]
    assert target(writer) == "AuditDeliveryRole"
    assert found["OnlyTls"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert {role for role in roles() if "AuditBucket" in json.dumps(statements(role))} == {
        "AuditDeliveryRole"
    }


def test_every_function_that_records_decisions_is_audited() -> None:
    filters = [properties(name) for name in of_type("AWS::Logs::SubscriptionFilter")]
    assert {target(one["LogGroupName"]) for one in filters} == {
        "ConsoleLogGroup",
        "ExecutorLogGroup",
        "GatewayLogGroup",
    }
    for one in filters:
        assert one["FilterPattern"] == '{ $.message = "decision" }'
        assert target(one["DestinationArn"]) == "AuditStream"
        assert target(one["RoleArn"]) == "AuditSubscriptionRole"


def test_an_option_that_is_off_makes_nothing() -> None:
    for name, one in RESOURCES.items():
        if "Audit" in name:
            assert one["Condition"] == "Audits", name
    assert TEMPLATE["Parameters"]["AuditTrail"]["Default"] == "false"


# ---------------------------------------------------------------- encryption


def keyed() -> Iterator[tuple[str, Any]]:
    """Every property that can name the account's own key, by its resource."""
    for name, one in RESOURCES.items():
        text = json.dumps(one.get("Properties", {}))
        if '"EncryptionKeyArn"' in text:
            yield name, one


def test_the_own_key_encrypts_everything_that_keeps_what_callers_said() -> None:
    encrypted = {name for name, one in keyed() if not one["Type"].startswith("AWS::IAM::")}
    kinds = (
        "AWS::S3::Bucket",
        "AWS::Logs::LogGroup",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
        "AWS::SecretsManager::Secret",
        "AWS::KinesisFirehose::DeliveryStream",
    )
    expected = {name for kind in kinds for name in of_type(kind)} | {"StateTable"}
    assert expected <= encrypted
    # What the Amazon MQ host keeps is sealed under HostStateKey already.
    assert "HostStateTable" not in encrypted


def test_the_own_key_is_used_through_services_alone_and_never_by_a_host() -> None:
    policy = properties("EncryptionKeyPolicy")
    (one,) = policy["PolicyDocument"]["Statement"]
    assert one["Resource"] == OWN_KEY
    via = one["Condition"]["StringEquals"]["kms:ViaService"]
    assert [name["Fn::Sub"].partition(".")[0] for name in via] == [
        "dynamodb",
        "s3",
        "secretsmanager",
        "sns",
        "sqs",
    ]
    assert not HOST_ROLES & {target(role) for role in policy["Roles"]}


@pytest.mark.parametrize("group", LOG_GROUPS)
def test_logs_are_kept_as_long_as_said_and_outlive_the_stack(group: str) -> None:
    assert properties(group)["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert RESOURCES[group]["DeletionPolicy"] == "Retain"


# ---------------------------------------------------------------- traces and access log


def test_traces_cost_a_permission_only_where_they_are_wanted() -> None:
    assert RESOURCES["TracePolicy"]["Condition"] == "Traces"
    (one,) = properties("TracePolicy")["PolicyDocument"]["Statement"]
    assert all(action.startswith("xray:") for action in one["Action"])
    others = [name for name in roles() if "xray:" in json.dumps(statements(name))]
    assert others == []
    assert TEMPLATE["Globals"]["Function"]["Tracing"] == {"Ref": "Tracing"}
    assert TEMPLATE["Parameters"]["Tracing"]["Default"] == "PassThrough"


def test_Q03_the_access_log_holds_nothing_that_a_caller_writes() -> None:
    condition, setting, otherwise = properties("GatewayApi")["AccessLogSetting"]["Fn::If"]
    assert (condition, otherwise) == ("LogsAccess", {"Ref": "AWS::NoValue"})
    line = json.loads(setting["Format"])
    assert {value.removeprefix("$context.") for value in line.values()} == {
        "authorize.status",
        "error.responseType",
        "httpMethod",
        "identity.sourceIp",
        "integration.latency",
        "integration.status",
        "requestId",
        "requestTime",
        "resourcePath",
        "responseLatency",
        "responseLength",
        "status",
    }
    assert target(setting["DestinationArn"]) == "AccessLogGroup"
