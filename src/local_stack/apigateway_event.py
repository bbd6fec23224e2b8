"""An HTTP request as the event API Gateway makes of it (REST proxy, payload version 1.0). Pure.

The front is reached as a custom domain without a base path is: the stage is no part of a path.

Sources: API Gateway developer guide, "Input format of a Lambda function for proxy
integration", "Input to a Lambda authorizer of REQUEST type", "Important notes" (headers),
"Set up a proxy integration with a proxy resource" (greedy paths, the most specific resource).
A slash at the end finds the same resource and stays in the event's path
(aws-powertools/powertools-lambda-python, issue 1552).
"""

import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local_stack.http_server import Request
from local_stack.intrinsics import ACCOUNT_ID, REGION
from local_stack.template import Api, Route

API_ID = "local"

# Ends at the front, as at API Gateway.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """A request on a route, with what the path holds in place of the variables."""

    request: Request
    route: Route
    path: str
    parameters: Mapping[str, str]
    query: tuple[tuple[str, str], ...]


def match_route(api: Api, request: Request) -> Matched | None:
    """Find the route of a request; None where there is none.

    The most specific resource is found first; it then has the method or the request has no
    route, whatever other resources have.
    """
    raw_path, _, raw_query = request.target.partition("?")
    path = raw_path.removesuffix("/") or "/"
    resources = {route.path for route in api.routes if _parameters(route.path, path) is not None}
    if not resources:
        return None
    resource = min(resources, key=_generality)
    methods = {route.method: route for route in api.routes if route.path == resource}
    route = methods.get(request.method) or methods.get("ANY")
    if route is None:
        return None
    return Matched(
        request=request,
        route=route,
        path=urllib.parse.unquote(raw_path),
        parameters=_parameters(resource, path) or {},
        query=tuple(urllib.parse.parse_qsl(raw_query, keep_blank_values=True)),
    )


def _generality(resource: str) -> tuple[int, ...]:
    """A fixed part comes before a variable, and a variable before a greedy one."""
    return tuple(
        2 if part.endswith("+}") else int(part.startswith("{")) for part in resource.split("/")
    )


def _parameters(resource: str, path: str) -> dict[str, str] | None:
    """What stands in place of a resource's variables; None where the path is not its."""
    names, values = resource.split("/"), path.split("/")
    if names[-1].endswith("+}") and len(values) > len(names):
        values[len(names) - 1 :] = ["/".join(values[len(names) - 1 :])]
    if len(names) != len(values):
        return None
    found: dict[str, str] = {}
    for name, value in zip(names, values, strict=True):
        if name.startswith("{") and name.endswith("}") and value:
            found[name[1:-1].removesuffix("+")] = urllib.parse.unquote(value)
        elif name != value:
            return None
    return found


def method_arn(api: Api, matched: Matched) -> str:
    """The resource that an authorizer's policy must allow."""
    path = matched.request.target.partition("?")[0].lstrip("/")
    method = matched.request.method
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT_ID}:{API_ID}/{api.stage}/{method}/{path}"


def proxy_event(
    api: Api,
    matched: Matched,
    *,
    request_id: str,
    authorizer: Mapping[str, Any] | None,
    signer: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The event a proxy integration gets. Bodies are text: no media type is declared binary.

    `signer` are the members of the identity that a signature fills.
    """
    body = matched.request.body.decode("utf-8", "replace")
    shared = _shared(api, matched, request_id=request_id, authorizer=authorizer)
    shared["requestContext"]["identity"] |= signer or {}
    return {
        **shared,
        "body": body or None,
        "isBase64Encoded": False,
    }


def authorizer_event(api: Api, matched: Matched, *, request_id: str) -> dict[str, Any]:
    """The event a REQUEST authorizer gets: the request without its body."""
    return {
        "type": "REQUEST",
        "methodArn": method_arn(api, matched),
        **_shared(api, matched, request_id=request_id, authorizer=None),
    }


def _shared(
    api: Api, matched: Matched, *, request_id: str, authorizer: Mapping[str, Any] | None
) -> dict[str, Any]:
    request = matched.request
    headers = (*_passed(request.headers), ("X-Forwarded-For", request.peer))
    context = _context(api, matched, request_id=request_id)
    if authorizer is not None:
        context["authorizer"] = dict(authorizer)
    return {
        "resource": matched.route.path,
        "path": matched.path,
        "httpMethod": request.method,
        "headers": _last(headers),
        "multiValueHeaders": _all(headers),
        "queryStringParameters": _last(matched.query) or None,
        "multiValueQueryStringParameters": _all(matched.query) or None,
        "pathParameters": dict(matched.parameters) or None,
        "stageVariables": dict(api.stage_variables) or None,
        "requestContext": context,
    }


def _context(api: Api, matched: Matched, *, request_id: str) -> dict[str, Any]:
    request = matched.request
    headers = {name.lower(): value for name, value in request.headers}
    return {
        "accountId": ACCOUNT_ID,
        "apiId": API_ID,
        "domainName": headers.get("host", "localhost"),
        "httpMethod": request.method,
        "identity": {"sourceIp": request.peer, "userAgent": headers.get("user-agent")},
        "path": matched.path,
        "protocol": "HTTP/1.1",
        "requestId": request_id,
        "resourcePath": matched.route.path,
        "stage": api.stage,
    }


def _passed(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Names of one header that differ in case become the first one's spelling."""
    spelling: dict[str, str] = {}
    return tuple(
        (spelling.setdefault(name.lower(), name), value)
        for name, value in headers
        if name.lower() not in _HOP_BY_HOP
    )


def _last(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    return dict(pairs)


def _all(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found
