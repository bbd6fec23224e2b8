"""The page on signed requests: its snippets are what AWS, clients and policies read."""

import json
import re
import textwrap
from typing import Any

import pytest

from local_stack.authorizer_answer import is_allowed
from portcullis.entrypoints.callers import SIGNED_ROUTE
from portcullis.entrypoints.iam_principal import principal_of
from portcullis.policy.policy_text import parse_policy
from support.deployment import RESOURCES, ROOT

PAGE = (ROOT / "docs" / "identity-iam.md").read_text()
JSON = [
    json.loads(text) for text in re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
]
POLICIES = [tree for tree in JSON if "Statement" in tree]
CLIENTS = [
    server for tree in JSON for server in tree.get("mcpServers", tree.get("servers", {})).values()
]
API = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5"


def test_the_route_is_the_template_s_and_the_gateway_s() -> None:
    event = RESOURCES["GatewayFunction"]["Properties"]["Events"]["SignedMcp"]["Properties"]
    assert event["Path"] == SIGNED_ROUTE
    assert event["Auth"] == {"Authorizer": "AWS_IAM", "InvokeRole": "NONE"}
    stage = RESOURCES["GatewayApi"]["Properties"]["StageName"]
    assert f"/{stage}{SIGNED_ROUTE.replace('{server}', 'amazon-mq')}" in PAGE


def test_a_sample_policy_opens_what_is_said_and_no_other_server() -> None:
    one, by_tag = POLICIES
    for policy, opened in ((one, {"amazon-mq"}), (by_tag, {"amazon-mq", "aws-iam"})):
        servers = ("amazon-mq", "aws-iam", "amazon-mq-2", "other")
        for method in ("POST", "GET", "DELETE"):
            found = {
                server
                for server in servers
                if is_allowed(policy["Statement"], f"{API}/prod/{method}/iam/mcp/{server}")
            }
            assert found == opened
        assert not is_allowed(policy["Statement"], f"{API}/prod/POST/mcp/amazon-mq")
    conditions = [one["Condition"]["StringEquals"] for one in by_tag["Statement"]]
    assert [set(condition) for condition in conditions] == [{"aws:PrincipalTag/team"}] * 2


def shell_words() -> list[str]:
    (command,) = re.findall(r"^claude mcp add (.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(command).replace("\\\n", " ").split()


@pytest.mark.parametrize(
    "words", [*(client["args"] for client in CLIENTS), shell_words()], ids=["cursor", "code", "sh"]
)
def test_a_client_starts_the_proxy_with_what_it_needs(words: list[str]) -> None:
    at = words.index("mcp-proxy-for-aws@latest")
    url, *options = words[at + 1 :]
    assert re.fullmatch(r"https://a1b2c3d4e5\.execute-api\.us-east-1\.amazonaws\.com/.*", url)
    assert url.endswith("/prod/iam/mcp/amazon-mq")
    assert dict(zip(options[::2], options[1::2], strict=True)) == {
        "--service": "execute-api",
        "--region": "us-east-1",
        "--profile": "agent",
    }


def test_every_client_is_told_a_region() -> None:
    assert len(CLIENTS) == 2
    assert all(client["env"] == {"AWS_REGION": "us-east-1"} for client in CLIENTS)
    assert "AWS_REGION=us-east-1" in shell_words()


def claims(arn: str, unique_id: str) -> set[str]:
    identity: dict[str, Any] = {"userArn": arn, "accountId": "123456789012", "caller": unique_id}
    return set(principal_of(identity).claims)


def test_the_claims_are_those_that_callers_have() -> None:
    role = "arn:aws:sts::123456789012:assumed-role"
    section = PAGE.split("## Who the caller is\n", 1)[1]
    rows = [row.split("|") for row in re.findall(r"^\| (?:a|an) .*$", section, re.MULTILINE)]
    told = [set(re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", row[3]))) for row in rows]
    assert told == [
        claims(f"{role}/ci/build", "AROAEXAMPLEEXAMPLE01:build"),
        claims("arn:aws:iam::123456789012:user/ann", "AIDAEXAMPLEEXAMPLE01"),
        claims(f"{role}/AWSReservedSSO_A_0123456789abcdef/ann@x", "AROAEXAMPLEEXAMPLE01:ann@x"),
    ]


def test_the_policy_is_sound() -> None:
    (entry,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    text = 'version: "1"\ndefault: deny\ntools:\n' + textwrap.indent(entry, "  ")
    loaded = parse_policy(text.encode(), known_tools=None)
    assert loaded.warnings == ()


def test_the_answers_are_the_template_s() -> None:
    responses = RESOURCES["GatewayApi"]["Properties"]["GatewayResponses"]
    told = {
        text: int(status)
        for status, text in re.findall(r"^\| (\d+) \| `([^`]+)`", PAGE, re.MULTILINE)
    }
    answers = (
        "MISSING_AUTHENTICATION_TOKEN",
        "INVALID_SIGNATURE",
        "EXPIRED_TOKEN",
        "ACCESS_DENIED",
    )
    for kind in answers:
        body = json.loads(responses[kind]["ResponseTemplates"]["application/json"])
        assert told.pop(body["message"]) == responses[kind]["StatusCode"]
    assert told == {}


def test_the_version_is_the_one_that_is_tested() -> None:
    lock = (ROOT / "locks" / "sigv4.in").read_text()
    (version,) = re.findall(r"mcp-proxy-for-aws==(\S+)", lock)
    assert f"version {version} of the proxy" in PAGE
