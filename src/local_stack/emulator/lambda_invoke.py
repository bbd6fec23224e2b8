"""Lambda in the emulator: an invocation reaches the real runtime processes.

moto runs a function in a container or answers with an echo, and calls every error "Handled".
Lambda runs the function, passes its answer through unchanged, tells a failure by
X-Amz-Function-Error, queues an `Event` invocation, and answers 429 when no environment is
free. Here the request goes on to the endpoint of `local_stack.functions`, which does that.

Source: Lambda API reference, Invoke.
"""

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core.exceptions import JsonRESTError

_LONGEST_SECONDS = 900  # Lambda quotas: function time-out
_url = ""


class TooManyRequestsError(JsonRESTError):
    """No environment is free."""

    code = 429

    def __init__(self) -> None:
        super().__init__("TooManyRequestsException", "Rate Exceeded.")


def install(url: str) -> None:
    """Send invocations to the endpoint at `url` from here on."""
    global _url  # noqa: PLW0603 - moto's classes leave no other place
    _url = url
    setattr(LambdaFunction, "invoke", _invoke)  # noqa: B010 - cannot be assigned with types
    setattr(LambdaSimpleBackend, "invoke", LambdaBackend.invoke)  # noqa: B010


def send_event(function_name: str, event: object) -> None:
    """Hand an event to a function without waiting for its answer."""
    _post(function_name, json.dumps(event).encode(), "Event")


def _invoke(
    function: LambdaFunction, body: Any, request_headers: Any, response_headers: Any
) -> bytes:
    kind = request_headers.get("X-Amz-Invocation-Type", "RequestResponse")
    payload, error = _post(function.function_name, _as_bytes(body), kind)
    if error is not None:
        response_headers["x-amz-function-error"] = error
    return payload


def _as_bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body or b"{}")


def _post(function_name: str, body: bytes, kind: str) -> tuple[bytes, str | None]:
    name = urllib.parse.quote(function_name, safe="")
    request = urllib.request.Request(  # noqa: S310 - our own http endpoint
        f"{_url}/2015-03-31/functions/{name}/invocations",
        data=body,
        method="POST",
        headers={"Content-Type": "application/json", "X-Amz-Invocation-Type": kind},
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=_LONGEST_SECONDS) as answer:
            return answer.read(), answer.headers.get("X-Amz-Function-Error")
    except urllib.error.HTTPError as error:
        if error.code == 429:
            raise TooManyRequestsError from None
        raise
