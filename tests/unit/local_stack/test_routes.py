"""Which route of an API a request takes, and what stands in place of its variables."""

from typing import Any

import pytest

from local_stack.apigateway_event import match_route, proxy_event
from local_stack.http_server import Request
from local_stack.template import Api, Authorizer, Route


def make_route(path: str, *, method: str = "ANY") -> Route:
    return Route(path=path, method=method, function=f"{method} {path}", timeout_seconds=1)


API = Api(
    stage="prod",
    routes=(
        make_route("/approvals/{proxy+}"),
        make_route("/approvals"),
        make_route("/{any}/fixed"),
        make_route("/approvals/api/{id}"),
        make_route("/approvals/api/{id}", method="GET"),
        make_route("/read-only", method="GET"),
        make_route("/{any+}"),
    ),
    authorizer=Authorizer(function="A", identity_headers=()),
    responses={},
)


def make_request(target: str, method: str = "POST") -> Request:
    return Request(method=method, target=target, headers=(), body=b"", peer="127.0.0.1")


@pytest.mark.parametrize(
    ("target", "function", "parameters"),
    [
        ("/approvals", "ANY /approvals", {}),
        ("/approvals?a=1", "ANY /approvals", {}),
        ("/approvals/", "ANY /approvals", {}),
        ("/approvals/x", "ANY /approvals/{proxy+}", {"proxy": "x"}),
        ("/approvals/x/", "ANY /approvals/{proxy+}", {"proxy": "x"}),
        ("/approvals/x/y/z", "ANY /approvals/{proxy+}", {"proxy": "x/y/z"}),
        ("/approvals/x%2Fy", "ANY /approvals/{proxy+}", {"proxy": "x/y"}),
        ("/approvals/api/7", "ANY /approvals/api/{id}", {"id": "7"}),
        ("/approvals/api/7/8", "ANY /approvals/{proxy+}", {"proxy": "api/7/8"}),
        ("/approvals/fixed", "ANY /approvals/{proxy+}", {"proxy": "fixed"}),
        ("/other/fixed", "ANY /{any}/fixed", {"any": "other"}),
        ("/approvalsx", "ANY /{any+}", {"any": "approvalsx"}),
    ],
)
def test_the_most_specific_resource_answers(
    target: str, function: str, parameters: dict[str, str]
) -> None:
    matched = match_route(API, make_request(target))
    assert matched is not None
    assert (matched.route.function, matched.parameters) == (function, parameters)


def test_a_method_that_is_named_comes_before_any() -> None:
    matched = match_route(API, make_request("/approvals/api/7", "GET"))
    assert matched is not None
    assert matched.route.function == "GET /approvals/api/{id}"


def test_a_resource_without_the_method_is_no_route_though_a_wider_one_has_it() -> None:
    assert match_route(API, make_request("/read-only", "GET")) is not None
    assert match_route(API, make_request("/read-only", "POST")) is None


@pytest.mark.parametrize("target", ["/", "//"])
def test_a_greedy_variable_stands_for_something(target: str) -> None:
    assert match_route(API, make_request(target)) is None


def test_a_slash_at_the_end_stays_in_the_path_of_the_event() -> None:
    matched = match_route(API, make_request("/approvals/"))
    assert matched is not None
    event: dict[str, Any] = proxy_event(API, matched, request_id="r", authorizer=None)
    assert (event["path"], event["resource"]) == ("/approvals/", "/approvals")
