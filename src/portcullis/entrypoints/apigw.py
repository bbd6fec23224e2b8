"""API Gateway's REST proxy event to a request value, and a reply value back.

Source: API Gateway developer guide, "Input format of a Lambda function for proxy
integration" (payload version 1.0). Base64 bodies, null and folded headers are dealt with
here and nowhere else.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portcullis.entrypoints.caller_seal import MEMBER, Occasion, open_caller
from portcullis.errors import PortcullisError
from portcullis.policy.model import Principal
from portcullis.protocol.http import HttpReply, HttpRequest

Event = Mapping[str, Any]


class BadEventError(PortcullisError):
    """The event is not one that API Gateway sends for an authorised call."""

    status = 400  # of the answer


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


def to_caller(event: Event, keys: Callable[[], Sequence[bytes]], *, now_seconds: int) -> Caller:
    """Read who calls, which only the authorizer can have sealed, and the server the route names.

    Raises:
        BadEventError: the authorizer's seal is missing, or not for this server and this request.
        CredentialError: the key of the seal cannot be read.
    """
    server = (event.get("pathParameters") or {}).get("server")
    context = (event.get("requestContext") or {}).get("authorizer")
    sealed = context.get(MEMBER) if isinstance(context, Mapping) else None
    occasion = Occasion.of(event)
    if not isinstance(server, str) or not isinstance(sealed, str) or occasion is None:
        raise BadEventError("the event was not authorised")
    principal = open_caller(sealed, server, occasion=occasion, keys=keys(), now_seconds=now_seconds)
    if principal is None:
        raise BadEventError("the event was not authorised for this request")
    return Caller(server=server, principal=principal)


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
