"""What API Gateway makes of a function's answer, and what it answers itself. Pure.

Sources: API Gateway developer guide, "Output format of a Lambda function for proxy
integration", "Gateway response types", "Important notes" (remapped headers), "Content type
conversions" (a base64 body is decoded for declared binary media types only).
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any

from local_stack.http_server import Response
from local_stack.template import Api, GatewayResponse

_TEMPLATE = '{"message":$context.error.messageString}'

# Response type: its own status, the default it falls back to, and its message.
_TYPES: Mapping[str, tuple[int, str, str | None]] = {
    "ACCESS_DENIED": (403, "DEFAULT_4XX", "User is not authorized to access this resource"),
    "API_CONFIGURATION_ERROR": (500, "DEFAULT_5XX", "Internal server error"),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, "DEFAULT_5XX", None),
    "AUTHORIZER_FAILURE": (500, "DEFAULT_5XX", None),
    "BAD_REQUEST_BODY": (400, "DEFAULT_4XX", "Invalid request body"),
    "EXPIRED_TOKEN": (403, "DEFAULT_4XX", "The security token included in the request is expired"),
    "INTEGRATION_FAILURE": (504, "DEFAULT_5XX", "Internal server error"),
    "INTEGRATION_TIMEOUT": (504, "DEFAULT_5XX", "Endpoint request timed out"),
    "INVALID_SIGNATURE": (403, "DEFAULT_4XX", "The request signature does not match"),
    "MISSING_AUTHENTICATION_TOKEN": (403, "DEFAULT_4XX", "Missing Authentication Token"),
    "REQUEST_TOO_LARGE": (413, "DEFAULT_4XX", "Request Too Long"),
    "UNAUTHORIZED": (401, "DEFAULT_4XX", "Unauthorized"),
}
_REMAPPED = frozenset(
    {
        "authorization",
        "connection",
        "content-md5",
        "date",
        "max-forwards",
        "server",
        "user-agent",
        "www-authenticate",
    }
)
_OWN = frozenset({"content-length", "transfer-encoding"})


class MalformedAnswerError(Exception):
    """The function's answer is not a proxy response (API Gateway's 502)."""


def gateway_response(
    api: Api, kind: str, *, request_id: str, status: int | None = None
) -> Response:
    """What API Gateway answers by itself, as the template shapes it."""
    own_status, fallback, message = _TYPES[kind]
    shaped = api.responses.get(kind, GatewayResponse())
    default = api.responses.get(fallback, GatewayResponse())
    template = shaped.template or default.template or _TEMPLATE
    body = (
        template.replace("$context.error.messageString", json.dumps(message))
        .replace("$context.error.message", str(message))
        .replace("$context.requestId", request_id)
    )
    headers = {**default.headers, **shaped.headers}
    return Response(
        status=status or shaped.status or default.status or own_status,
        headers=(
            ("Content-Type", "application/json"),
            ("x-amzn-RequestId", request_id),
            ("x-amzn-ErrorType", _error_type(kind)),
            *headers.items(),
        ),
        body=body.encode(),
    )


def _error_type(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.split("_")) + "Exception"


def function_response(api: Api, payload: bytes, *, request_id: str) -> Response:
    """The HTTP response of a proxy integration's answer.

    Raises:
        MalformedAnswerError: it is not one.
    """
    try:
        tree = json.loads(payload)
        status, body = tree["statusCode"], tree.get("body")
        headers = tuple(_headers(tree))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedAnswerError from error
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise MalformedAnswerError
    if not (body is None or isinstance(body, str)):
        raise MalformedAnswerError
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers = (("Content-Type", "application/json"), *headers)
    return Response(
        status=status,
        headers=(*headers, ("x-amzn-RequestId", request_id)),
        body=_body(api, body or "", is_base64=tree.get("isBase64Encoded") is True),
    )


def _headers(tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Both maps are sent; a pair that is in both is sent once."""
    multiple = tree.get("multiValueHeaders") or {}
    single = tree.get("headers") or {}
    pairs = [(name, value) for name, values in multiple.items() for value in values]
    pairs += [pair for pair in single.items() if pair not in pairs]
    for name, value in pairs:
        text = json.dumps(value) if isinstance(value, bool | int | float) else value
        if not isinstance(text, str) or "\r" in text or "\n" in text:
            raise TypeError
        if name.lower() in _REMAPPED:
            yield f"x-amzn-Remapped-{name}", text
        elif name.lower() not in _OWN:
            yield name, text


def _body(api: Api, body: str, *, is_base64: bool) -> bytes:
    if not is_base64 or not api.binary_media_types:
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise MalformedAnswerError from error
