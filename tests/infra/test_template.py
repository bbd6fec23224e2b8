"""The template and the code say the same; the roles can do what they need and no more."""

import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from local_stack.provision import _CREATE, NOT_EMULATED
from local_stack.template import FUNCTION, STATE_MACHINE
from mcp_host.settings import (
    read_amazon_mq_settings,
    read_canary_settings,
    read_iam_settings,
)
from portcullis.entrypoints.settings import (
    ActivatorSettings,
    AuthorizerSettings,
    ConsoleSettings,
    ExecutorSettings,
    GatewaySettings,
    MetadataSettings,
    MonitorSettings,
)
from support.deployment import (
    FUNCTIONS,
    RESOURCES,
    ROOT,
    TEMPLATE,
    run,
    target,
    variables,
)


def test_every_resource_type_is_emulated_or_listed_with_a_reason() -> None:
    types = {one["Type"] for one in RESOURCES.values()}
    assert types == set(_CREATE) | set(NOT_EMULATED) | {FUNCTION, STATE_MACHINE}
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
        ("ExecutorFunction", ExecutorSettings),
        ("ConsoleFunction", ConsoleSettings),
        ("MonitorFunction", MonitorSettings),
        ("MetadataFunction", MetadataSettings),
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
    amazon_mq, iam, canary = Recorder(needed), Recorder(), Recorder(needed)
    read_amazon_mq_settings(amazon_mq)
    read_iam_settings(iam)
    read_canary_settings(canary)
    assert set(variables("AmazonMqHostFunction")) == amazon_mq.read - {"AWS_REGION"}
    assert set(variables("AwsIamHostFunction")) == iam.read
    assert set(variables("CanaryFunction")) == canary.read


def test_every_parameter_is_used() -> None:
    text = json.dumps({key: TEMPLATE[key] for key in ("Conditions", "Resources")})
    for parameter in TEMPLATE["Parameters"]:
        assert f'"{parameter}"' in text or f"${{{parameter}}}" in text, parameter


def test_a_variable_means_the_same_to_every_function_that_reads_it() -> None:
    seen: dict[str, Any] = {}
    for function in FUNCTIONS:
        for name, value in variables(function).items():
            assert seen.setdefault(name, value) == value, name


def test_the_deployment_s_own_servers_are_named_with_their_functions() -> None:
    condition, *texts = variables("GatewayFunction")["PORTCULLIS_SERVERS"]["Fn::If"]
    with_canary, without = [
        json.loads(re.sub(r"\$\{([\w.]+)\}", r"\1", text["Fn::Sub"])) for text in texts
    ]
    assert condition == "HasCanary"
    assert without == {
        "amazon-mq": "AmazonMqHostFunction.Alias",
        "aws-iam": "AwsIamHostFunction.Alias",
    }
    assert with_canary == {**without, "canary": "CanaryFunction.Alias"}


@pytest.mark.parametrize(
    ("table", "keys", "indexed"),
    [
        ("StateTable", {"pk": "HASH", "sk": "RANGE"}, {"listing": "S", "asked": "N"}),
        ("HostStateTable", {"pk": "HASH"}, {}),
    ],
)
def test_a_table_has_the_keys_and_the_ttl_that_the_code_writes(
    table: str, keys: Mapping[str, str], indexed: Mapping[str, str]
) -> None:
    properties = RESOURCES[table]["Properties"]
    assert {key["AttributeName"]: key["KeyType"] for key in properties["KeySchema"]} == keys
    assert {
        one["AttributeName"]: one["AttributeType"] for one in properties["AttributeDefinitions"]
    } == {**dict.fromkeys(keys, "S"), **indexed}
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"]["SSEEnabled"] is True


def test_every_function_has_a_role_of_its_own_and_a_log_group_of_its_own() -> None:
    for key, path in (("Role", "Role"), ("LogGroup", "LoggingConfig")):
        used = []
        for one in FUNCTIONS.values():
            found = one["Properties"][path]
            used.append(target(found if key == "Role" else found["LogGroup"]))
        assert len(set(used)) == len(FUNCTIONS)


def test_what_must_outlive_the_stack_is_retained() -> None:
    retained = {name for name, one in RESOURCES.items() if one.get("DeletionPolicy") == "Retain"}
    assert {"PolicyBucket", "StateTable", "ApprovalKey"} <= retained
    assert RESOURCES["StateTable"]["Properties"]["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True
    }


def test_the_template_has_no_aliases_which_cloudformation_refuses() -> None:
    text = (ROOT / "template.yaml").read_text("utf-8")
    assert not re.search(r"[:\-] [&*]\w", text)


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


@pytest.mark.parametrize("function", ["GatewayFunction", "ExecutorFunction"])
def test_E13_who_sends_a_call_outlives_every_wait_of_it(function: str) -> None:
    """Killed while it waits, it would record nothing of a call that may have been executed."""
    upstream = int(TEMPLATE["Parameters"]["UpstreamTimeoutSeconds"]["MaxValue"])
    reading_the_tool_list = 4 * upstream  # as the newest revision, handshake in two, list
    stores = 15
    timeout = int(RESOURCES[function]["Properties"]["Timeout"])
    assert timeout > reading_the_tool_list + upstream + stores
    responses = RESOURCES["GatewayApi"]["Properties"]["GatewayResponses"]
    told = json.loads(responses["INTEGRATION_TIMEOUT"]["ResponseTemplates"]["application/json"])
    assert "may have been executed" in told["message"]


def test_an_authorizer_that_fails_is_answered_alike_by_either_of_its_names() -> None:
    responses = RESOURCES["GatewayApi"]["Properties"]["GatewayResponses"]
    assert responses["AUTHORIZER_FAILURE"]["StatusCode"] == 503
    assert responses["AUTHORIZER_CONFIGURATION_ERROR"] == responses["AUTHORIZER_FAILURE"]
