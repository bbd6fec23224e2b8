"""API Gateway's REST proxy event to a request value, and a reply value back.

Source: API Gateway developer guide, "Input format of a Lambda function for proxy
integration" (payload version 1.0). Base64 bodies, null and folded headers are dealt with
here and nowhere else.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portcullis.errors import PortcullisError
from portcullis.policy.model import Principal
from portcullis.protocol.http import HttpReply, HttpRequest

Event = Mapping[str, Any]


class BadEventError(PortcullisError):
    """The event is not one that API Gateway sends for an authorised call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls which server, as the authorizer established it."""

    server: str
    principal: Principal


def to_request(event: Event) -> HttpRequest:
    """Read the HTTP part of the event.

    Raises:
        BadEventError: a part is missing, of another type, or contradicts another part.
    """
    method, path = event.get("httpMethod"), event.get("path")
    if not isinstance(method, str) or not isinstance(path, str):
        raise BadEventError("the event has no method or path")
    return HttpRequest(method=method, path=path, headers=_headers(event), body=_body(event))


def to_caller(event: Event) -> Caller:
    """Read what the authorizer says of the caller, and the server the route names.

    Raises:
        BadEventError: the authorizer's context is missing, malformed, or for other servers.
    """
    server = (event.get("pathParameters") or {}).get("server")
    context = (event.get("requestContext") or {}).get("authorizer")
    if not isinstance(server, str) or not isinstance(context, Mapping):
        raise BadEventError("the event was not authorised")
    try:
        servers = json.loads(context["servers"])
        told = json.loads(context["principal"])
        principal = Principal(
            issuer=_word(told["issuer"]),
            subject=_word(told["subject"]),
            person=_text(told.get("person", "")),
            credential=_text(told.get("credential", "")),
            groups=tuple(_word(group) for group in told.get("groups", ())),
            tags={_word(key): _word(tag) for key, tag in told.get("tags", {}).items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadEventError("the event was not authorised") from error
    if not isinstance(servers, list) or server not in servers:
        raise BadEventError("the event was not authorised for this server")
    return Caller(server=server, principal=principal)


def from_caller(principal: Principal, servers: tuple[str, ...]) -> dict[str, str]:
    """The authorizer context that `to_caller` reads (values are strings at API Gateway)."""
    told = {
        "issuer": principal.issuer,
        "subject": principal.subject,
        "person": principal.person,
        "credential": principal.credential,
        "groups": list(principal.groups),
        "tags": dict(principal.tags),
    }
    return {"principal": json.dumps(told), "servers": json.dumps(list(servers))}


def to_response(reply: HttpReply) -> dict[str, Any]:
    """The proxy response; bodies are UTF-8 text."""
    headers: dict[str, list[str]] = {}
    for name, value in reply.headers:
        headers.setdefault(name, []).append(value)
    return {
        "statusCode": reply.status,
        "multiValueHeaders": headers,
        "body": reply.body.decode("utf-8"),
        "isBase64Encoded": False,
    }


def to_base_url(event: Event) -> str:
    """The URL the API is mounted at, as API Gateway tells it; "" where it does not.

    The domain is the one the request was routed by, so it is this API's own; a client cannot
    make one up. Source: same page, `requestContext.domainName` and `requestContext.path`.
    """
    context = event.get("requestContext") or {}
    domain, full, path = context.get("domainName"), context.get("path"), event.get("path")
    if not (isinstance(domain, str) and isinstance(full, str) and isinstance(path, str)):
        return ""
    return f"https://{domain}{full.removesuffix(path)}" if full.endswith(path) else ""


def _word(value: object) -> str:
    if not _text(value):
        raise TypeError
    return _text(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _headers(event: Event) -> tuple[tuple[str, str], ...]:
    single = event.get("headers") or {}
    multiple = event.get("multiValueHeaders") or {}
    if not isinstance(single, Mapping) or not isinstance(multiple, Mapping):
        raise BadEventError("the event's headers are malformed")
    pairs = [(name, value) for name, values in multiple.items() for value in values or ()]
    named = {(name.lower(), value) for name, value in pairs}
    for name, value in single.items():
        if name not in multiple:
            pairs.append((name, value))
        elif (name.lower(), value) not in named:
            raise BadEventError("the event's headers contradict each other")
    if not all(isinstance(name, str) and isinstance(value, str) for name, value in pairs):
        raise BadEventError("the event's headers are malformed")
    return tuple(pairs)


def _body(event: Event) -> bytes:
    body = event.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise BadEventError("the event's body is malformed")
    if event.get("isBase64Encoded") is not True:
        return body.encode("utf-8", "surrogatepass")
    try:
        decoded = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadEventError("the event's body is not base64") from error
    if base64.b64encode(decoded).decode("ascii") != body:
        raise BadEventError("the event's body is not canonical base64")
    return decoded
