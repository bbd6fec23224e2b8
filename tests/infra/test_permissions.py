"""What the roles, the keys and the bucket allow: what the code needs, and no more."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from portcullis.adapters import approval_items as items
from portcullis.adapters.dynamodb_approvals import INDEX
from portcullis.adapters.dynamodb_grants import TOKEN_PREFIX, token_digest
from portcullis.adapters.dynamodb_grants import _key as grant_key
from portcullis.adapters.kms_recorder import PURPOSE
from portcullis.adapters.kms_vault import _context
from portcullis.adapters.s3_activation import incoming_key, lock_key
from portcullis.adapters.s3_policies import active_key
from portcullis.adapters.s3_registrations import active_server_key
from portcullis.adapters.s3_snapshots import snapshot_key
from portcullis.adapters.server_activation import incoming_server_key
from portcullis.entrypoints.account import ACTIVATOR_TIMEOUT_SECONDS
from portcullis.gateway.approval_ports import ARGUMENTS, RESULT
from support.deployment import (
    FUNCTIONS,
    RESOURCES,
    ROOT,
    TEMPLATE,
    key_statements,
    listed,
    of_type,
    permissions,
    roles,
    statements,
    target,
    targets,
    variables,
)

STATE_TABLE = {"Fn::GetAtt": ["StateTable", "Arn"]}


def test_the_rule_and_the_roles_name_the_keys_the_code_uses() -> None:
    rule = RESOURCES["ActivatorFunction"]["Properties"]["Events"]["Uploaded"]["Properties"]
    prefixes = [key["prefix"] for key in rule["Pattern"]["detail"]["object"]["key"]]
    keys = [incoming_key(""), lock_key(""), incoming_server_key("")]
    assert [key[: len(one)] for key, one in zip(keys, prefixes, strict=True)] == prefixes
    text = json.dumps(statements("GatewayRole"))
    for used in (active_key("x"), active_server_key("x"), snapshot_key("x")):
        assert f"{used.split('/', maxsplit=1)[0]}/*" in text


def test_a_role_reaches_only_the_items_it_is_there_for() -> None:
    """Nobody but who mints it writes a grant; only the gateway and the executor count."""
    reached: dict[str, set[tuple[str, str]]] = {}
    for role in roles():
        for one in permissions(role):
            if one["Effect"] == "Allow" and one["Resource"] == STATE_TABLE:
                condition = one["Condition"]
                assert condition["Null"] == {"dynamodb:LeadingKeys": "false"}
                reached.setdefault(role, set()).update(
                    (pattern, action.removeprefix("dynamodb:"))
                    for pattern in condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
                    for action in one["Action"]
                )
    changed = {
        role: {pattern for pattern, action in found if action == "UpdateItem"}
        for role, found in reached.items()
    }
    actions = {action for found in reached.values() for _, action in found}
    assert actions == {"BatchGetItem", "GetItem", "UpdateItem"}
    assert changed == {
        "ActivatorRole": {"APPROVAL#*", "ASK#*", "ASKER#*"},
        "ApprovalStateMachineRole": {"APPROVAL#*"},
        "AuthorizerRole": set(),
        "ConsoleRole": {"APPROVAL#*"},
        "ExecutorRole": {"APPROVAL#*", "COUNTER#*"},
        "GatewayRole": {"APPROVAL#*", "ASK#*", "ASKER#*", "COUNTER#*", "SESSION#*"},
    }
    assert {role for role, found in reached.items() if ("GRANT#*", "GetItem") in found} == {
        "AuthorizerRole",
        "ConsoleRole",
        "ExecutorRole",
    }


@pytest.mark.parametrize(
    ("key", "pattern"),
    [
        (grant_key(token_digest(TOKEN_PREFIX)), "GRANT#"),
        (items.record_key("x"), "APPROVAL#"),
        (items.arguments_key("x"), "APPROVAL#"),
        (items.result_key("x", 0), "APPROVAL#"),
        (items.pointer_key("x"), "ASK#"),
        (items.open_key("x"), "ASKER#"),
    ],
)
def test_a_pattern_is_what_the_code_s_keys_begin_with(
    key: dict[str, dict[str, str]], pattern: str
) -> None:
    assert key["pk"]["S"].startswith(pattern)


def source_line(text: str, sid: str) -> str:
    """The lines of one statement in the file."""
    start = text.index(f"Sid: {sid}\n")
    return text[start : text.find("- Sid:", start + 1)]


OPERATIONS = {
    "batch_get_item": "BatchGetItem",
    "get_item": "GetItem",
    "query": "Query",
    "transact_write_items": "UpdateItem",  # of updates and nothing else
    "update_item": "UpdateItem",
}


def test_the_tables_are_asked_for_nothing_that_no_role_allows() -> None:
    text = (ROOT / "src/portcullis/adapters/dynamodb_calls.py").read_text("utf-8")
    used = {OPERATIONS[name] for name in re.findall(r"_client\.(\w+)", text)}
    assert {"dynamodb:" + name for name in used} == {
        action
        for role in ("ConsoleRole", "GatewayRole")
        for one in permissions(role)
        for action in one["Action"]
        if action.startswith("dynamodb:")
    }
    (query,) = [one for one in permissions("ConsoleRole") if "dynamodb:Query" in one["Action"]]
    assert query["Resource"] == {"Fn::Sub": "${StateTable.Arn}/index/" + INDEX}


GUARDS = ("HostGuardPolicy", "HostGuardRecordsPolicy")


def granting() -> list[str]:
    """Every role, and every policy that grants a role something."""
    denying = set(GUARDS)
    policies = [*of_type("AWS::IAM::Policy"), *of_type("AWS::IAM::ManagedPolicy")]
    return [*roles(), *(name for name in policies if name not in denying)]


@pytest.mark.parametrize("role", granting())
def test_an_allowed_action_is_named_and_a_wildcard_resource_is_explained(role: str) -> None:
    text = (ROOT / "template.yaml").read_text("utf-8")
    text = text[text.index(f"\n  {role}:") :]
    for one in statements(role):
        assert one["Effect"] == "Allow"
        assert not [action for action in listed(one["Action"]) if "*" in action]
        if "*" in listed(one["Resource"]):
            assert re.search(r'Resource: "\*"  # \w+', source_line(text, one["Sid"])), one["Sid"]


USES = {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant"}


def test_a_key_is_used_by_whom_its_policy_names_and_by_nobody_else() -> None:
    used = {
        (key, role, action, purpose_of(one))
        for key in of_type("AWS::KMS::Key")
        for sid, one in key_statements(key).items()
        if sid not in ("Administer", "OpenRecordings") and key != "OperatorKey"
        for role in targets(one["Principal"]["AWS"])
        for action in one["Action"]
    }
    assert used == {
        ("HostStateKey", "AmazonMqHostRole", "kms:Decrypt", None),
        ("HostStateKey", "AmazonMqHostRole", "kms:Encrypt", None),
        ("ApprovalKey", "ActivatorRole", "kms:GenerateDataKey", ARGUMENTS),
        ("ApprovalKey", "GatewayRole", "kms:GenerateDataKey", ARGUMENTS),
        ("ApprovalKey", "GatewayRole", "kms:Decrypt", RESULT),
        ("ApprovalKey", "ExecutorRole", "kms:Decrypt", ARGUMENTS),
        ("ApprovalKey", "ExecutorRole", "kms:GenerateDataKey", RESULT),
        ("ApprovalKey", "ConsoleRole", "kms:Decrypt", ARGUMENTS),
        ("RecordingKey", "GatewayRole", "kms:GenerateDataKey", PURPOSE),
    }
    for key in of_type("AWS::KMS::Key"):
        assert RESOURCES[key]["Properties"]["EnableKeyRotation"] is True
        assert not USES & set(key_statements(key)["Administer"]["Action"])
    # The signing key is none of ours: whoever runs the gate owns it, and its policy.
    without = [name for name in granting() if name != "EncryptionKeyPolicy"]
    granted = [one for role in without for one in statements(role) if "kms:" in str(one)]
    verify, look = sorted(granted, key=lambda one: str(one["Sid"]), reverse=True)
    assert (look["Sid"], look["Action"]) == ("SeeThatKeysAreThere", ["kms:DescribeKey"])
    assert verify["Action"] == ["kms:Verify"]
    assert verify["Resource"] == {"Ref": "PolicySigningKeyArn"}
    assert verify["Condition"] == {
        "StringEquals": {"kms:SigningAlgorithm": {"Ref": "PolicySigningAlgorithm"}}
    }
    assert verify in statements("ActivatorRole")


def purpose_of(statement: Mapping[str, Any]) -> str | None:
    """The one purpose a statement is narrowed to, under the name that the vault gives it."""
    condition = statement.get("Condition")
    if condition is None:
        return None
    (names,) = condition.values()
    ((name, purpose),) = names.items()
    (written,) = [key for key, value in _context("x", purpose).items() if value == purpose]
    assert name == f"kms:EncryptionContext:{written}"
    return str(purpose)


def test_recordings_are_opened_by_whom_the_account_lets_and_by_no_function() -> None:
    """The key's policy hands the right on to the account's own; no role of the stack has it."""
    opening = key_statements("RecordingKey")["OpenRecordings"]
    assert opening["Action"] == ["kms:Decrypt"]
    assert purpose_of(opening) == PURPOSE
    assert opening["Principal"] == {
        "AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    }


def test_only_the_activator_s_role_writes_what_is_in_force() -> None:
    by_sid = {
        one["Sid"]: one
        for one in RESOURCES["PolicyBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    }
    lock = by_sid["OnlyTheActivatorActivates"]
    assert lock["Effect"] == "Deny"
    assert target(lock["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]) == "ActivatorRole"
    assert [one["Fn::Sub"].partition("/")[2] for one in lock["Resource"]] == [
        "active/*",
        "status/*",
    ]
    assert by_sid["OnlyTls"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    snapshots = by_sid["OnlyTheGatewayKeepsSnapshots"]["Condition"]["ArnNotEquals"]
    assert writers("active/*") == {"ActivatorRole"}
    assert writers("snapshots/*") == targets(snapshots["aws:PrincipalArn"])


def writers(folder: str) -> set[str]:
    return {
        role
        for role in roles()
        for one in statements(role)
        if "s3:PutObject" in listed(one["Action"]) and folder in json.dumps(one["Resource"])
    }


def test_the_iam_server_can_write_only_where_it_is_not_read_only() -> None:
    conditional = [
        one
        for one in RESOURCES["AwsIamHostRole"]["Properties"]["Policies"][0]["PolicyDocument"][
            "Statement"
        ]
        if "Fn::If" in one
    ]
    assert [one["Fn::If"][0] for one in conditional] == ["IamWrites"]
    always = [one for one in statements("AwsIamHostRole") if one["Sid"] != "WriteIam"]
    verbs = {
        action.split(":")[1]
        for one in always
        for action in listed(one["Action"])
        if "iam:" in action
    }
    assert all(verb.startswith(("Get", "List", "Simulate")) for verb in verbs)


def test_only_the_executor_invokes_the_activator_and_only_where_policies_are_approved() -> None:
    """The function's name is given, because the two cannot refer to one another."""
    invoking = {
        name
        for name in granting()
        for one in statements(name)
        if "lambda:InvokeFunction" in listed(one["Action"])
        and "ActivatorFunction" in targets(one["Resource"])
    }
    assert invoking == {"ExecutorActivatesPolicy"}
    policy = RESOURCES["ExecutorActivatesPolicy"]
    assert policy["Condition"] == "ApprovesPolicies"
    assert targets(policy["Properties"]["Roles"]) == {"ExecutorRole"}
    name, values = FUNCTIONS["ActivatorFunction"]["Properties"]["FunctionName"]["Fn::Sub"]
    alias = TEMPLATE["Globals"]["Function"]["AutoPublishAlias"]
    asked = variables("ExecutorFunction")["PORTCULLIS_ACTIVATOR"]["Fn::Sub"]
    assert asked == [f"{name}:{alias}", values]


def test_the_executor_waits_longer_for_the_activator_than_it_runs() -> None:
    activator = FUNCTIONS["ActivatorFunction"]["Properties"]
    timeout = activator.get("Timeout", TEMPLATE["Globals"]["Function"]["Timeout"])
    assert int(timeout) < ACTIVATOR_TIMEOUT_SECONDS
    assert FUNCTIONS["ExecutorFunction"]["Properties"]["Timeout"] > ACTIVATOR_TIMEOUT_SECONDS


def test_the_end_of_a_request_is_told_to_the_activator_where_policies_are_approved() -> None:
    events = FUNCTIONS["ActivatorFunction"]["Properties"]["Events"]
    ended = events["ApprovalEnded"]["Properties"]
    assert ended["State"] == {"Fn::If": ["ApprovesPolicies", "ENABLED", "DISABLED"]}
    machine = (ROOT / "src/statemachines/approval.asl.json").read_text("utf-8")
    told = json.loads(machine)["States"]["TellEnd"]["Parameters"]["Entries"][0]
    assert ended["Pattern"]["source"] == [told["Source"]]
    assert ended["Pattern"]["detail-type"] == [told["DetailType"]]
