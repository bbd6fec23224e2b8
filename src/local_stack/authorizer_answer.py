"""What an authorizer's answer means for one request. Pure.

Source: API Gateway developer guide, "Output from a Lambda authorizer", "Control access to
invoking an API" (`execute-api:Invoke`, resource patterns with `*` and `?`).
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from local_stack.runtime_api import Outcome

_ACTIONS = frozenset({"*", "execute-api:*", "execute-api:invoke"})


class AuthorizationError(Exception):
    """The request goes no further; `kind` is the gateway response type."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def read_answer(outcome: Outcome, *, resource: str) -> dict[str, Any]:
    """Answer `requestContext.authorizer` of an allowed request.

    Raises:
        AuthorizationError: the authorizer refused, failed, or answered something else.
    """
    if outcome.error is not None:
        raise AuthorizationError("UNAUTHORIZED" if _said_no(outcome) else "AUTHORIZER_FAILURE")
    try:
        tree = json.loads(outcome.payload)
        principal, document = tree["principalId"], tree["policyDocument"]
        allowed = is_allowed(document["Statement"], resource)
        context = {name: _text(value) for name, value in (tree.get("context") or {}).items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AuthorizationError("AUTHORIZER_CONFIGURATION_ERROR") from error
    if not isinstance(principal, str):
        raise AuthorizationError("AUTHORIZER_CONFIGURATION_ERROR")
    if not allowed:
        raise AuthorizationError("ACCESS_DENIED")
    return {**context, "principalId": principal, "integrationLatency": 1}


def _said_no(outcome: Outcome) -> bool:
    """An exception with exactly this message is a 401; every other one is a failure."""
    try:
        return bool(json.loads(outcome.payload)["errorMessage"] == "Unauthorized")
    except (ValueError, KeyError, TypeError):
        return False


def _text(value: object) -> str:
    """Context values are strings, numbers and booleans, and arrive as strings."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise TypeError


def is_allowed(found: Any, resource: str) -> bool:
    """Whether a policy's statements let a method be invoked; conditions are not read."""
    statements = found if isinstance(found, list) else [found]
    effects = {statement["Effect"] for statement in statements if _covers(statement, resource)}
    return "Allow" in effects and "Deny" not in effects


def _covers(statement: Mapping[str, Any], resource: str) -> bool:
    actions, resources = _list(statement["Action"]), _list(statement["Resource"])
    return any(action.lower() in _ACTIONS for action in actions) and any(
        _matches(pattern, resource) for pattern in resources
    )


def _list(value: Any) -> list[str]:
    items: list[Any] = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in items):
        raise TypeError
    return items


def _matches(pattern: str, resource: str) -> bool:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, resource, re.DOTALL) is not None
