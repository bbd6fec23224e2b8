"""The metadata says what the settings say, to everybody who asks, and nothing of the request."""

import json
from dataclasses import replace
from typing import Any

import pytest

from portcullis.entrypoints.protected_resource import Resource

RESOURCE = Resource(
    base_url="https://gate.example",
    issuer="https://id.example",
    scope_prefix="",
    origins=("https://good.example",),
)


def ask(resource: Resource = RESOURCE, **changes: Any) -> dict[str, Any]:
    event: dict[str, Any] = {"httpMethod": "GET", "headers": None, "pathParameters": None}
    return resource.answer({**event, **changes})


def test_the_api_is_a_resource_and_so_is_every_server() -> None:
    assert json.loads(ask()["body"]) == {
        "resource": "https://gate.example",
        "authorization_servers": ["https://id.example"],
        "bearer_methods_supported": ["header"],
    }
    told = json.loads(ask(pathParameters={"server": "mq"})["body"])
    assert told["resource"] == "https://gate.example/mcp/mq"


def test_the_scope_of_a_server_is_named_where_one_is_asked_for() -> None:
    resource = replace(RESOURCE, scope_prefix="mcp:")
    told = json.loads(ask(resource, pathParameters={"server": "mq"})["body"])
    assert told["scopes_supported"] == ["mcp:mq"]


def test_D17_a_host_header_makes_no_url() -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    assert "evil" not in json.dumps(ask(headers=headers))


@pytest.mark.parametrize("changes", [{"issuer": ""}, {"base_url": ""}])
def test_without_tokens_there_is_no_metadata(changes: dict[str, Any]) -> None:
    assert ask(replace(RESOURCE, **changes))["statusCode"] == 404


@pytest.mark.parametrize("server", ["Mq", "..", "a/b", "", "a" * 65, "a\n", 7])
def test_a_path_that_names_no_server_has_none(server: object) -> None:
    assert ask(pathParameters={"server": server})["statusCode"] == 404


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS", None])
def test_the_metadata_is_only_read(method: str | None) -> None:
    answer = ask(httpMethod=method)
    assert (answer["statusCode"], answer["headers"]["allow"]) == (405, "GET")


def test_D23_browsers_of_allowed_origins_may_read_it_and_no_others() -> None:
    good = ask(headers={"origin": "https://good.example"})
    assert good["headers"]["access-control-allow-origin"] == "https://good.example"
    preflight = ask(httpMethod="OPTIONS", headers={"Origin": "https://good.example"})
    assert (preflight["statusCode"], preflight["body"]) == (204, "")
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {}):
        assert not [name for name in ask(headers=headers)["headers"] if "access-control" in name]
