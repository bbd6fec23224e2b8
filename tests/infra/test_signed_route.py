"""The route of signed requests: who invokes the function, and what proves that the API did."""

import json
import re
from typing import Any

from portcullis.entrypoints.callers import BEARER_ROUTE, PROOF, SIGNED_ROUTE
from portcullis.entrypoints.variables import IDENTITIES
from support.deployment import FUNCTIONS, RESOURCES, TEMPLATE, permissions, targets, variables

API = RESOURCES["GatewayApi"]["Properties"]


def routes(function: str) -> dict[str, Any]:
    """The paths of a function and how each is authorised."""
    events = FUNCTIONS[function]["Properties"].get("Events") or {}
    found = [one["Properties"] for one in events.values() if one["Type"] == "Api"]
    return {one["Path"]: one.get("Auth") for one in found}


def test_the_gateway_serves_its_two_routes_and_no_other() -> None:
    assert routes("GatewayFunction") == {
        BEARER_ROUTE: None,
        SIGNED_ROUTE: {"Authorizer": "AWS_IAM", "InvokeRole": "NONE"},
    }


def test_no_route_invokes_a_function_with_its_caller_s_credentials() -> None:
    """SAM's default for AWS_IAM: callers would have to be allowed to invoke it themselves."""
    for function in FUNCTIONS:
        for auth in routes(function).values():
            assert (auth or {}).get("Authorizer") != "AWS_IAM" or auth["InvokeRole"] == "NONE"


def test_the_stage_shows_the_secret_that_the_gateway_reads() -> None:
    reference = API["Variables"][PROOF]["Fn::Sub"]
    assert reference == "{{resolve:secretsmanager:${StageProofSecret}:SecretString}}"
    assert variables("GatewayFunction")["PORTCULLIS_STAGE_PROOF_SECRET"] == {
        "Ref": "StageProofSecret"
    }
    made = RESOURCES["StageProofSecret"]["Properties"]["GenerateSecretString"]
    assert made == {"PasswordLength": 64, "ExcludePunctuation": True}  # fits a stage variable
    readers = {
        name
        for name, one in RESOURCES.items()
        if one["Type"] == "AWS::IAM::Role"
        for statement in permissions(name)
        if statement["Effect"] == "Allow"
        and "secretsmanager:GetSecretValue" in statement["Action"]
        and "StageProofSecret" in targets(statement["Resource"])
    }
    assert readers == {"GatewayRole"}


def test_no_role_of_the_stack_may_read_the_stage() -> None:
    for name, one in RESOURCES.items():
        if one["Type"] == "AWS::IAM::Role":
            allowed = [found for found in permissions(name) if found["Effect"] == "Allow"]
            assert "apigateway:" not in json.dumps(allowed)


def test_what_a_bad_signature_is_told_repeats_nothing_of_the_request() -> None:
    for kind in ("INVALID_SIGNATURE", "EXPIRED_TOKEN", "MISSING_AUTHENTICATION_TOKEN"):
        (template,) = API["GatewayResponses"][kind]["ResponseTemplates"].values()
        assert "$" not in template


def test_every_set_of_ways_can_be_chosen_once() -> None:
    allowed = TEMPLATE["Parameters"]["Identity"]["AllowedValues"]
    sets = {frozenset(re.split(",", value)) for value in allowed}
    assert len(sets) == len(allowed) == 2 ** len(IDENTITIES) - 1
    assert set().union(*sets) == set(IDENTITIES)
