"""The registration of a server: what is read, and every fault with its place."""

from dataclasses import replace
from typing import Any

import pytest

from portcullis.policy.faults import PolicyFaults
from portcullis.protocol.versions import Era
from portcullis.registration import words
from portcullis.registration.document import parse_registration
from portcullis.registration.model import Permits, SecretCredential, SigV4Credential
from portcullis.registration.registration_text import MAXIMUM_BYTES, parse_registration_text

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:mcp:live"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mcp-AbCdEf"
PERMITS = Permits(
    functions=frozenset({FUNCTION}),
    secrets=frozenset({SECRET}),
    signs=True,
    longest_seconds=25,
    reserved=frozenset({"amazon-mq"}),
)
URL = "https://mcp.example.com/mcp"
AGENTCORE = "https://bedrock-agentcore.eu-west-1.amazonaws.com/runtimes/r/invocations?qualifier=P"


def read(text: str, *, server: str = "mine", permits: Permits = PERMITS) -> Any:
    return parse_registration_text(text, server=server, permits=permits)


def told(text: str, *, server: str = "mine", permits: Permits = PERMITS) -> list[str]:
    with pytest.raises(PolicyFaults) as caught:
        read(text, server=server, permits=permits)
    return [str(fault) for fault in caught.value.faults]


def written(*lines: str) -> str:
    return "".join(f"{line}\n" for line in ('version: "1"', *lines))


def test_a_url_without_anything_else_is_a_server() -> None:
    found = read(written(f"url: {URL}"))
    assert (found.endpoint.url, found.function, found.credential) == (URL, None, None)
    assert (found.timeout_seconds, found.eras, found.is_removed) == (None, frozenset(Era), False)


def test_a_function_is_named_by_the_very_arn_that_is_permitted() -> None:
    found = read(
        written(f"lambda: {FUNCTION}", "timeout: 20s", "era: modern", "description: Ours.")
    )
    assert (found.function, found.timeout_seconds) == (FUNCTION, 20)
    assert found.eras == {Era.MODERN}
    assert found.document["description"] == "Ours."


@pytest.mark.parametrize(
    ("block", "credential"),
    [
        (f"{{secret: {SECRET}}}", SecretCredential(secret=SECRET, header="authorization")),
        (
            f"{{secret: {SECRET}, header: X-Api-Key}}",
            SecretCredential(secret=SECRET, header="x-api-key"),
        ),
        (
            f"{{secret: {SECRET}, scheme: Bearer}}",
            SecretCredential(secret=SECRET, header="authorization", scheme="Bearer"),
        ),
        (
            "{sigv4: {service: execute-api, region: eu-west-1}}",
            SigV4Credential(service="execute-api", region="eu-west-1"),
        ),
    ],
)
def test_a_server_at_a_url_knows_the_gateway_by_a_secret_or_a_signature(
    block: str, credential: object
) -> None:
    assert read(written(f"url: {URL}", f"credential: {block}")).credential == credential


HOSTS = [
    ("lambda", "https://abc123.lambda-url.eu-west-1.on.aws/"),
    ("bedrock-agentcore", AGENTCORE),
    ("bedrock-agentcore", "https://gw-1.gateway.bedrock-agentcore.eu-west-1.amazonaws.com/mcp"),
    ("aws-mcp", "https://aws-mcp.eu-west-1.api.aws/mcp"),
    ("execute-api", "https://abc.execute-api.eu-west-1.amazonaws.com/prod/mcp"),
    ("execute-api", "https://mcp.example.com/mcp"),
]


@pytest.mark.parametrize(("service", "url"), HOSTS)
def test_a_signature_is_for_hosts_of_its_service(service: str, url: str) -> None:
    credential = f"credential: {{sigv4: {{service: {service}, region: eu-west-1}}}}"
    assert read(written(f"url: {url}", credential)).endpoint.url == url
    assert {one for one, _ in HOSTS} == set(words.SERVICES)


@pytest.mark.parametrize(
    ("service", "url"),
    [
        ("lambda", "https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/f/invocations"),
        ("lambda", "https://abc123.lambda-url.us-east-1.on.aws/"),
        ("lambda", "https://abc123.lambda-url.eu-west-1.on.aws.evil.example/"),
        ("bedrock-agentcore", "https://bedrock-agentcore-control.eu-west-1.amazonaws.com/"),
        ("bedrock-agentcore", "https://evilbedrock-agentcore.eu-west-1.amazonaws.com/"),
        ("aws-mcp", "https://mcp.example.com/"),
    ],
)
def test_M11_no_signature_goes_to_another_host(service: str, url: str) -> None:
    (fault,) = told(
        written(f"url: {url}", f"credential: {{sigv4: {{service: {service}, region: eu-west-1}}}}")
    )
    assert f"the host is none of the service `{service}`" in fault


def test_a_removed_server_has_nothing_but_the_word() -> None:
    found = read(written("state: removed", "description: It moved."))
    assert found.is_removed
    assert found.document == {"version": "1", "state": "removed", "description": "It moved."}
    faults = told(written("state: removed", f"url: {URL}", "era: auto"))
    assert [fault.partition(": ")[2] for fault in faults] == [
        "url: a server that is removed has nothing else (remove the line)",
        "era: a server that is removed has nothing else (remove the line)",
    ]


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([], "a server has either `lambda` or `url` (write one of the two)"),
        ([f"url: {URL}", f"lambda: {FUNCTION}"], "a server has either `lambda` or `url`"),
        (["uri: x", f"url: {URL}"], "the key `uri` is unknown (did you mean `url`)"),
        ([f"url: {URL}", f"url: {URL}"], "`url` is already there on line 2"),
        ([f"url: &a {URL}"], "the anchor `&a` is not allowed"),
        (["url: 5"], "the number `5` stands where a text must be"),
        (["url: http://mcp.example.com/"], "the url does not use https"),
        (["url: https://u:p@mcp.example.com/"], "the url needs a host, and no user info"),
        (["url: https://169.254.169.254/"], "the url names a private or special address"),
        (["url: http://127.0.0.1:9/"], "the url does not use https"),
        (["lambda: []"], "a list stands where a text must be"),
        (["lambda: my-function"], "`my-function` is not the ARN of a function"),
        (
            ["lambda: arn:aws:lambda:eu-west-1:123456789012:function:mcp"],
            "this function (add the very ARN to the parameter UpstreamFunctionArns)",
        ),
        ([f"url: {URL}", "timeout: 26s"], "the deployment waits for 25 seconds at most"),
        ([f"url: {URL}", "timeout: 0"], "the duration must be from 1 second"),
        ([f"url: {URL}", "timeout: soon"], "`soon` is not a duration"),
        ([f"url: {URL}", "era: 2026-07-28"], "2026-07-28"),
        ([f"url: {URL}", "era: both"], "did you mean `auto`"),
        ([f"url: {URL}", "state: deleted"], "did you mean `removed`"),
        ([f"url: {URL}", "description: ''"], "the text must not be empty"),
        ([f"url: {URL}", "credential: {}"], "`secret` is missing"),
        ([f"url: {URL}", "credential: []"], "a list stands where a block like"),
        (
            [f"url: {URL}", f"credential: {{secret: {SECRET}x}}"],
            "does not permit this secret (add the very ARN to the parameter UpstreamSecretArns)",
        ),
        ([f"url: {URL}", "credential: {secret: 5}"], "the number `5` stands where a text must be"),
        (
            [f"url: {URL}", f"credential: {{secret: {SECRET}, header: 5}}"],
            "the number `5` stands where a text must be",
        ),
        (
            [f"url: {URL}", f"credential: {{secret: {SECRET}, header: Mcp-Session-Id}}"],
            "the header `Mcp-Session-Id` cannot carry a credential",
        ),
        (
            [f"url: {URL}", f"credential: {{secret: {SECRET}, scheme: 'Bearer a'}}"],
            "a scheme is one word (write `Bearer`)",
        ),
        (
            [f"url: {URL}", "credential: {sigv4: 5}"],
            "the number `5` stands where a block like",
        ),
        (
            [f"url: {URL}", "credential: {sigv4: {service: execute-api}}"],
            "`region` is missing",
        ),
        (
            [f"url: {URL}", "credential: {sigv4: {service: s3, region: eu-west-1}}"],
            "`s3` is not one of execute-api, lambda, bedrock-agentcore, aws-mcp",
        ),
        (
            [f"url: {URL}", "credential: {sigv4: {service: execute-api, region: Ireland}}"],
            "`Ireland` is not a region",
        ),
        (
            [
                f"url: {URL}",
                f"credential: {{secret: {SECRET}, sigv4: {{}}}}",
            ],
            "a call that is signed carries no secret (keep one of the two)",
        ),
        (
            [f"lambda: {FUNCTION}", f"credential: {{secret: {SECRET}}}"],
            "a function is called with the gateway's own role (remove the block)",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_told_with_its_line(lines: list[str], fault: str) -> None:
    faults = told(written(*lines))
    assert any(fault in one for one in faults), faults
    assert all(one.startswith("line ") for one in faults)


@pytest.mark.parametrize("server", ["amazon-mq", "portcullis", "unknown"])
def test_a_name_that_is_taken_is_refused(server: str) -> None:
    (fault,) = told(written(f"url: {URL}"), server=server)
    assert f"the name `{server}` is taken" in fault


def test_every_fault_is_told_at_once_in_the_order_of_the_text() -> None:
    faults = told(
        "version: 1\nurl: http://a.example/\ntimeout: soon\nera: old\ncredential: {secrt: x}\n"
    )
    assert [fault.partition(",")[0] for fault in faults] == [f"line {n}" for n in range(1, 6)]


def test_without_a_policy_for_it_no_call_is_signed() -> None:
    text = written(f"url: {URL}", "credential: {sigv4: {service: execute-api, region: eu-west-1}}")
    (fault,) = told(text, permits=replace(PERMITS, signs=False))
    assert "the deployment signs no calls (set the parameter UpstreamAccessPolicyArn)" in fault


def test_a_signature_is_never_sent_in_the_clear() -> None:
    text = written(
        "url: http://127.0.0.1:9/", "credential: {sigv4: {service: execute-api, region: eu-west-1}}"
    )
    (fault,) = told(text, permits=replace(PERMITS, allow_loopback=True))
    assert "a signature is sent by https only" in fault


@pytest.mark.parametrize(
    "credential",
    ["hunter2-canary", "{secret: hunter2-canary}", "'Bearer hunter2-canary'"],
)
def test_P08_a_credential_that_was_written_into_the_file_is_never_repeated(
    credential: str,
) -> None:
    faults = told(written(f"url: {URL}", f"credential: {credential}"))
    assert faults
    assert "hunter2-canary" not in str(faults)


@pytest.mark.parametrize(
    "text",
    [
        written(f"url: {URL}"),
        written(f"lambda: {FUNCTION}", "era: legacy", "timeout: 5"),
        written("state: removed"),
        written(f"url: {URL}", f"credential: {{secret: {SECRET}, scheme: Bearer}}"),
        written(f"url: {AGENTCORE}", "credential: {sigv4: {service: bedrock-agentcore, "
                "region: eu-west-1}}"),
    ],
)  # fmt: skip
def test_the_canonical_document_is_the_same_registration(text: str) -> None:
    first = read(text)
    assert parse_registration(first.document, server="mine", permits=PERMITS) == first


def test_what_an_approval_is_bound_to_is_where_calls_go_and_how() -> None:
    plain = read(written(f"url: {URL}"))
    same = read(written(f"url: {URL}", "timeout: 3s", "description: Ours."))
    assert plain.binding == same.binding
    for other in (f"url: {URL}/x", f"url: {URL}\nera: modern",
                  f"url: {URL}\ncredential: {{secret: {SECRET}}}"):  # fmt: skip
        assert read(written(other)).binding != plain.binding


@pytest.mark.parametrize("text", ["", "[]\n", "a", " " * (MAXIMUM_BYTES + 1), "\x00", "5\n"])
def test_what_is_no_mapping_is_no_registration(text: str) -> None:
    assert told(text)
