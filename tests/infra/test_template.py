"""The template and the code say the same; the roles can do what they need and no more."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from local_stack.provision import _CREATE, NOT_EMULATED
from local_stack.template import FUNCTION
from local_stack.template_yaml import load_template
from mcp_host.settings import read_amazon_mq_settings, read_iam_settings
from portcullis.adapters.dynamodb_grants import TOKEN_PREFIX, token_digest
from portcullis.adapters.s3_activation import incoming_key
from portcullis.adapters.s3_policies import active_key
from portcullis.adapters.s3_snapshots import snapshot_key
from portcullis.entrypoints.settings import ActivatorSettings, AuthorizerSettings, GatewaySettings

ROOT = Path(__file__).parents[2]
TEMPLATE = load_template(ROOT / "template.yaml")
RESOURCES: Mapping[str, Any] = TEMPLATE["Resources"]
FUNCTIONS = {name: one for name, one in RESOURCES.items() if one["Type"] == FUNCTION}
HOSTS = {"AmazonMqHostFunction", "AwsIamHostFunction"}
HOST_ROLES = {"AmazonMqHostRole", "AwsIamHostRole"}


def variables(function: str) -> dict[str, Any]:
    found: dict[str, Any] = RESOURCES[function]["Properties"]["Environment"]["Variables"]
    return found


def unfold(items: object) -> Iterator[Any]:
    """Every entry, those behind conditions too."""
    for item in items if isinstance(items, list) else [items]:
        if isinstance(item, dict) and set(item) == {"Fn::If"}:
            yield from unfold(item["Fn::If"][1:])
        elif item != {"Ref": "AWS::NoValue"}:
            yield item


def statements(resource: str) -> list[dict[str, Any]]:
    properties = RESOURCES[resource]["Properties"]
    policies = properties.get("Policies") or [properties]
    documents = [policy["PolicyDocument"] for policy in policies]
    return [one for document in documents for one in unfold(document["Statement"])]


def listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def target(tree: object) -> str:
    """The logical id an ARN is made of."""
    text = json.dumps(tree)
    found = re.search(r'\$\{(\w+)|"(?:Ref|Fn::GetAtt)": \[?"([\w:]+)', text)
    assert found, text
    return found[1] or found[2]


def test_every_resource_type_is_emulated_or_listed_with_a_reason() -> None:
    types = {one["Type"] for one in RESOURCES.values()}
    assert types == set(_CREATE) | set(NOT_EMULATED) | {FUNCTION}
    assert not set(_CREATE) & set(NOT_EMULATED)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_s_handler_is_in_the_code(name: str) -> None:
    module, _, function = FUNCTIONS[name]["Properties"]["Handler"].rpartition(".")
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    assert re.search(rf"^(def )?{function}\b", Path(spec.origin).read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize(
    ("function", "settings"),
    [
        ("GatewayFunction", GatewaySettings),
        ("AuthorizerFunction", AuthorizerSettings),
        ("ActivatorFunction", ActivatorSettings),
    ],
)
def test_a_function_gets_exactly_the_variables_it_reads(function: str, settings: type) -> None:
    read = {field.metadata["variable"] for field in fields(settings)}
    assert set(variables(function)) == read


class Recorder(dict[str, str]):
    """An environment that remembers what was read from it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.read: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.read.add(key)
        return super().get(key, default)


def test_a_host_gets_exactly_the_variables_it_reads() -> None:
    needed = {"MCP_HOST_STATE_TABLE": "t", "MCP_HOST_KEY_ID": "k", "AWS_REGION": "r"}
    amazon_mq, iam = Recorder(needed), Recorder()
    read_amazon_mq_settings(amazon_mq)
    read_iam_settings(iam)
    assert set(variables("AmazonMqHostFunction")) == amazon_mq.read - {"AWS_REGION"}
    assert set(variables("AwsIamHostFunction")) == iam.read


def test_every_parameter_is_used() -> None:
    text = json.dumps({key: TEMPLATE[key] for key in ("Conditions", "Resources")})
    for parameter in TEMPLATE["Parameters"]:
        assert f'"{parameter}"' in text or f"${{{parameter}}}" in text, parameter


def test_the_servers_are_one_list_of_maps_with_the_extra_ones_last() -> None:
    text = variables("GatewayFunction")["PORTCULLIS_SERVERS"]["Fn::Sub"]
    servers = json.loads(
        re.sub(r"\$\{(\w+)\}", lambda m: '{"x":1}' if m[1][0] == "E" else m[1], text)
    )
    assert servers == [
        {
            "amazon-mq": {"lambda": "AmazonMqHostFunction"},
            "aws-iam": {"lambda": "AwsIamHostFunction"},
        },
        {"x": 1},
    ]


@pytest.mark.parametrize(
    ("table", "keys"),
    [("StateTable", {"pk": "HASH", "sk": "RANGE"}), ("HostStateTable", {"pk": "HASH"})],
)
def test_a_table_has_the_keys_and_the_ttl_that_the_code_writes(
    table: str, keys: Mapping[str, str]
) -> None:
    properties = RESOURCES[table]["Properties"]
    assert {key["AttributeName"]: key["KeyType"] for key in properties["KeySchema"]} == keys
    assert {
        one["AttributeName"]: one["AttributeType"] for one in properties["AttributeDefinitions"]
    } == dict.fromkeys(keys, "S")
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"]["SSEEnabled"] is True


def test_the_rule_and_the_roles_name_the_keys_the_code_uses() -> None:
    rule = RESOURCES["ActivatorFunction"]["Properties"]["Events"]["PolicyUploaded"]["Properties"]
    (key,) = rule["Pattern"]["detail"]["object"]["key"]
    assert incoming_key("x").startswith(key["prefix"])
    text = json.dumps(statements("GatewayRole"))
    for used in (active_key("x"), snapshot_key("x")):
        assert f"{used.split('/', maxsplit=1)[0]}/*" in text


def test_the_gateway_cannot_reach_grants_and_the_authorizer_nothing_else() -> None:
    patterns = {
        role: one["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        for role in ("GatewayRole", "AuthorizerRole")
        for one in statements(role)
        if target(one["Resource"]) == "StateTable"
    }
    assert patterns == {"GatewayRole": ["COUNTER#*", "SESSION#*"], "AuthorizerRole": ["GRANT#*"]}
    assert token_digest(TOKEN_PREFIX)


def roles() -> list[str]:
    return [name for name, one in RESOURCES.items() if one["Type"] == "AWS::IAM::Role"]


def test_every_function_has_a_role_of_its_own_and_a_log_group_of_its_own() -> None:
    for key, path in (("Role", "Role"), ("LogGroup", "LoggingConfig")):
        used = []
        for one in FUNCTIONS.values():
            found = one["Properties"][path]
            used.append(target(found if key == "Role" else found["LogGroup"]))
        assert len(set(used)) == len(FUNCTIONS)


def source_line(text: str, sid: str) -> str:
    """The lines of one statement in the file."""
    start = text.index(f"Sid: {sid}\n")
    return text[start : text.find("- Sid:", start + 1)]


@pytest.mark.parametrize("role", roles())
def test_an_allowed_action_is_named_and_a_wildcard_resource_is_explained(role: str) -> None:
    text = (ROOT / "template.yaml").read_text("utf-8")
    text = text[text.index(f"\n  {role}:") :]
    for one in statements(role):
        assert one["Effect"] == "Allow"
        assert not [action for action in listed(one["Action"]) if "*" in action]
        if "*" in listed(one["Resource"]):
            assert re.search(r'Resource: "\*"  # \w+', source_line(text, one["Sid"])), one["Sid"]


def test_a_hosted_server_is_denied_everything_that_belongs_to_the_gate() -> None:
    guard = RESOURCES["HostGuardPolicy"]["Properties"]
    assert {target(role) for role in guard["Roles"]} == HOST_ROLES
    denied: dict[str, set[str]] = {}
    for one in statements("HostGuardPolicy"):
        assert one["Effect"] == "Deny"
        assert "Condition" not in one
        for resource in listed(one["Resource"]):
            denied.setdefault(target(resource), set()).update(listed(one["Action"]))
    own = {
        "PolicyBucket": "s3:*",
        "StateTable": "dynamodb:*",
        "SessionKeySecret": "secretsmanager:*",
    }
    own |= dict.fromkeys(FUNCTIONS, "lambda:*")
    own |= dict.fromkeys(roles(), "iam:*")
    own |= {"UpstreamSecretArns": "secretsmanager:*"}
    assert {
        name: action for name, action in own.items() if action not in denied.get(name, set())
    } == {}
    assert "HostStateKey" in denied


def test_only_the_amazon_mq_host_can_use_its_key() -> None:
    administer, use = RESOURCES["HostStateKey"]["Properties"]["KeyPolicy"]["Statement"]
    assert target(use["Principal"]) == "AmazonMqHostRole"
    assert not {"kms:Decrypt", "kms:Encrypt", "kms:CreateGrant"} & set(administer["Action"])
    assert not any("kms:" in json.dumps(statements(role)) for role in roles())


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
    writers = [
        role
        for role in roles()
        for one in statements(role)
        if "s3:PutObject" in listed(one["Action"]) and "active/*" in json.dumps(one["Resource"])
    ]
    assert writers == ["ActivatorRole"]


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


def test_what_must_outlive_the_stack_is_retained() -> None:
    retained = {name for name, one in RESOURCES.items() if one.get("DeletionPolicy") == "Retain"}
    assert {"PolicyBucket", "StateTable"} <= retained
    assert RESOURCES["StateTable"]["Properties"]["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True
    }


def test_every_layer_has_a_folder_with_its_requirements() -> None:
    for one in RESOURCES.values():
        if one["Type"] == "AWS::Serverless::LayerVersion":
            folder = ROOT / one["Properties"]["ContentUri"]
            assert (folder / "requirements.in").is_file()
            assert (folder / "requirements.txt").is_file()


def test_the_template_has_no_aliases_which_cloudformation_refuses() -> None:
    text = (ROOT / "template.yaml").read_text("utf-8")
    assert not re.search(r"[:\-] [&*]\w", text)


def run(*command: str) -> subprocess.CompletedProcess[str]:
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


@pytest.mark.slow
def test_cfn_lint_finds_nothing() -> None:
    outcome = run(str(Path(sys.executable).parent / "cfn-lint"), "template.yaml")
    assert outcome.returncode == 0, outcome.stdout


SAM = ROOT / ".tools" / "sam" / "bin" / "sam"


@pytest.mark.slow
@pytest.mark.skipif(not SAM.exists() and shutil.which("sam") is None, reason="sam is not here")
def test_sam_accepts_the_template() -> None:
    sam = str(SAM) if SAM.exists() else "sam"
    outcome = run(sam, "validate", "--lint", "--template", "template.yaml")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_E13_the_gateway_outlives_every_wait_of_a_call() -> None:
    """Killed while it waits, it would record nothing of a call that may have been executed."""
    upstream = int(TEMPLATE["Parameters"]["UpstreamTimeoutSeconds"]["MaxValue"])
    reading_the_tool_list = 4 * upstream  # as the newest revision, handshake in two, list
    stores = 15
    timeout = int(RESOURCES["GatewayFunction"]["Properties"]["Timeout"])
    assert timeout > reading_the_tool_list + upstream + stores
    responses = RESOURCES["GatewayApi"]["Properties"]["GatewayResponses"]
    told = json.loads(responses["INTEGRATION_TIMEOUT"]["ResponseTemplates"]["application/json"])
    assert "may have been executed" in told["message"]


def test_an_authorizer_that_fails_is_answered_alike_by_either_of_its_names() -> None:
    responses = RESOURCES["GatewayApi"]["Properties"]["GatewayResponses"]
    assert responses["AUTHORIZER_FAILURE"]["StatusCode"] == 503
    assert responses["AUTHORIZER_CONFIGURATION_ERROR"] == responses["AUTHORIZER_FAILURE"]
