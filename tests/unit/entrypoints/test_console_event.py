"""API Gateway's events as requests of the console, wherever the API is mounted."""

import json
from pathlib import Path
from typing import Any

import pytest

from portcullis.entrypoints.apigw import BadEventError
from portcullis.entrypoints.console_event import to_console_request
from support.console_fakes import make_event

PAGE = Path(__file__).parents[3] / "events" / "approvals-page.json"
ID = "0123456789abcdef" * 2


def event(target: str, **changes: Any) -> dict[str, Any]:
    return {**make_event("GET", target, headers={}, body=None), **changes}


def test_the_sample_event_is_read() -> None:
    request = to_console_request(json.loads(PAGE.read_text()), public_url="")
    assert request.http.path == "/approvals"
    assert request.base_url == "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod"
    assert request.cookie("__Host-portcullis") == "EXAMPLE"
    assert request.query == ()


@pytest.mark.parametrize(
    "path, public_url, own, base",
    [
        (f"/approvals/{ID}", "", f"/approvals/{ID}", "/prod"),
        (f"/approvals/{ID}", "https://g.example/prod", f"/approvals/{ID}", "/prod"),
        (f"/base/approvals/{ID}", "https://g.example/base", f"/approvals/{ID}", "/base"),
        ("/base/approvals", "https://g.example/base", "/approvals", "/base"),
        ("/approvals", "https://g.example", "/approvals", ""),
        ("/approvals/approvals", "https://g.example/approvals", "/approvals", "/approvals"),
        ("/approvals/x", "https://g.example/approvals", "/approvals/x", "/approvals"),
        ("/base/other", "https://g.example/base", "/base/other", "/base"),
    ],
)
def test_a_path_is_told_from_what_it_is_mounted_under(
    path: str, public_url: str, own: str, base: str
) -> None:
    request = to_console_request(event(path), public_url=public_url)
    assert (request.http.path, request.base_path) == (own, base)


def test_every_value_of_the_query_is_kept() -> None:
    request = to_console_request(event("/approvals/login?to=a&to=b&x="), public_url="")
    assert request.query == (("to", "a"), ("to", "b"), ("x", ""))


@pytest.mark.parametrize(
    "changes",
    [
        {"requestContext": None},
        {"requestContext": {}},
        {"requestContext": {"domainName": "x", "path": "/other"}},
        {"multiValueQueryStringParameters": "a=b"},
        {"multiValueQueryStringParameters": {"a": [1]}},
        {"httpMethod": None},
        {"body": 7},
        {"body": "not base64!", "isBase64Encoded": True},
    ],
)
def test_an_event_that_is_none_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadEventError):
        to_console_request(event("/approvals", **changes), public_url="")
