"""What the authorizer seals for the gateway, made by the tests themselves."""

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from portcullis.entrypoints.caller_seal import MEMBER, USE, Occasion, seal_caller
from portcullis.policy.model import Principal

SECRET = "k" * 64
KEY = hashlib.sha256(USE + b"\0" + SECRET.encode()).digest()
OCCASION = {"requestId": "request-1", "apiId": "api-1", "stage": "prod"}


def authorizer_context(
    principal: Principal,
    server: str,
    event: Mapping[str, Any],
    *,
    now_seconds: int | None = None,
    key: bytes = KEY,
) -> dict[str, str]:
    """The authorizer's context for one event, which has a `requestContext`."""
    occasion = Occasion.of(event)
    assert occasion is not None, "the event names no request"
    now = int(time.time()) if now_seconds is None else now_seconds
    sealed = seal_caller(principal, server, occasion=occasion, key=key, now_seconds=now)
    assert sealed is not None, "the principal is too long to be sealed"
    return {MEMBER: sealed, "principalId": "caller", "integrationLatency": "1"}


def with_caller(
    event: Mapping[str, Any], principal: Principal, server: str, **changes: Any
) -> dict[str, Any]:
    """The event, as API Gateway hands it on when the authorizer has spoken."""
    context = dict(event["requestContext"])
    context["authorizer"] = authorizer_context(principal, server, event, **changes)
    return {**event, "requestContext": context}
