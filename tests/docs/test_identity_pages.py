"""The pages on who calls: names, snippets and answers are the template's and the code's."""

import json
import re
from textwrap import dedent
from typing import Any

import pytest

from portcullis.entrypoints.protected_resource import Resource
from portcullis.policy.cases import failures, run_cases
from portcullis.policy.policy_text import parse_policy
from support.deployment import RESOURCES, ROOT, TEMPLATE

CHOICE, JWT = ((ROOT / "docs" / f"{name}.md").read_text() for name in ("identity", "identity-jwt"))
GATE, ISSUER = "https://gate.example.com", "https://keycloak.example.com/realms/acme"
(METADATA,) = re.findall(r"^```json\n(.*?)^```", JWT, re.M | re.S)


def blocks(language: str) -> list[str]:
    return [
        dedent(text) for text in re.findall(rf"^ *```{language}\n(.*?)^ *```", JWT, re.M | re.S)
    ]


def test_every_parameter_of_tokens_is_explained_and_no_other_is_named() -> None:
    known = {name for name in TEMPLATE["Parameters"] if name.startswith("Jwt")}
    assert set(re.findall(r"\b(Jwt[A-Z]\w+)", JWT)) == known
    assert set(re.findall(r"\b(Jwt[A-Z]\w+)", CHOICE)) <= known
    (command,) = [text for text in blocks("sh") if "sam deploy" in text]
    given = dict(re.findall(r"(\w+)=(\S+)", command))
    for name, value in given.items():
        parameter = TEMPLATE["Parameters"][name]
        assert re.fullmatch(parameter.get("AllowedPattern", ".*"), value), name
        assert value in parameter.get("AllowedValues", [value])


def test_the_ways_are_those_that_the_parameter_takes() -> None:
    (row,) = re.findall(r"^\| `Identity` contains (.*)$", CHOICE, re.M)
    taken = {
        way
        for ways in TEMPLATE["Parameters"]["Identity"]["AllowedValues"]
        for way in ways.split(",")
    }
    assert set(re.findall(r"`(\w+)`", row)) == taken
    assert TEMPLATE["Parameters"]["Identity"]["Default"] == "grants"


def told(server: str | None) -> Any:
    resource = Resource(base_url=GATE, issuer=ISSUER, scope_prefix="mcp:", origins=())
    parameters = None if server is None else {"server": server}
    return json.loads(resource.answer({"httpMethod": "GET", "pathParameters": parameters})["body"])


def test_the_metadata_is_what_is_answered() -> None:
    assert told("amazon-mq") == json.loads(METADATA)
    for path, name in re.findall(r"^\| `(/\.well-known\S+)` \| `(\S+)` \|", JWT, re.M):
        assert told("amazon-mq" if "/mcp/" in path else None)["resource"] == name


def test_the_well_known_places_are_routes_of_the_api() -> None:
    events = RESOURCES["MetadataFunction"]["Properties"]["Events"].values()
    routes = {event["Properties"]["Path"].replace("{server}", "amazon-mq") for event in events}
    assert set(re.findall(r"^\| `(/\.well-known\S+)`", JWT, re.M)) == routes


def test_the_challenge_is_the_template_s() -> None:
    responses = RESOURCES["GatewayApi"]["Properties"]["GatewayResponses"]

    def challenge(kind: str) -> str:
        header = responses[kind]["ResponseParameters"]["Headers"]["WWW-Authenticate"]
        text: str = header["Fn::If"][1]["Fn::Sub"][0]
        return text.strip("'").replace("${Url}", GATE)

    assert f"WWW-Authenticate: {challenge('UNAUTHORIZED')}\n" in JWT
    assert challenge("ACCESS_DENIED").startswith('Bearer error="insufficient_scope"')


@pytest.mark.parametrize("text", blocks("yaml"))
def test_the_policies_are_sound_and_pass_their_tests(text: str) -> None:
    if not text.startswith("version"):
        text = 'version: "1"\ndefault: deny\ntools:\n' + "".join(
            f"  {line}\n" for line in text.splitlines()
        )
    loaded = parse_policy(text.encode(), known_tools=None)
    assert loaded.warnings == ()
    assert failures(run_cases(loaded.policy, loaded.cases, None, server="amazon-mq")) == []


def test_what_the_pages_link_to_exists() -> None:
    for page in (CHOICE, JWT):
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page):
            assert (ROOT / "docs" / link).exists(), link


def test_the_domain_s_output_is_the_template_s() -> None:
    named = {"DomainName", "CertificateArn", "HostedZoneId", "DefaultEndpoint", "PublicUrl"}
    assert named <= set(TEMPLATE["Parameters"])
    assert all(f"`{name}" in JWT for name in named)
    assert "DomainTarget" in TEMPLATE["Outputs"]
