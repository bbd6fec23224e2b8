"""The authorizer: an agent's bearer grant to an IAM policy for the servers it opens.

An approver's grant opens no server: who decides about calls does not make them.

Source: API Gateway developer guide, "Input to a Lambda authorizer" (REQUEST type) and
"Output from a Lambda authorizer". Raising exactly `Unauthorized` makes API Gateway answer
401 by its gateway response; a Deny policy makes it answer 403.
"""

import re
from collections.abc import Mapping
from typing import Any, Protocol

from portcullis.adapters.dynamodb_grants import Grant, Role
from portcullis.entrypoints.apigw import from_caller

_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/=-]+)")
_METHOD_ARN = re.compile(r"(arn:[a-z-]+:execute-api:[a-z0-9-]+:\d+:[^/]+/[^/]+)/[A-Z*]+/.*")


class UnauthorizedError(Exception):
    """Becomes 401. Its text is the one word API Gateway looks for."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


class Grants(Protocol):
    """Looks grants up by token (see `DynamoDBGrants.find`)."""

    def find(self, token: str, *, now_seconds: int) -> Grant | None:
        """Answer the live grant of a token, or None."""
        ...


def authorize(event: Mapping[str, Any], grants: Grants, *, now_seconds: int) -> dict[str, Any]:
    """Answer the policy document for one request.

    Raises:
        UnauthorizedError: there is not exactly one bearer token of an agent's live grant.
        GrantStoreError: the grant could not be read (API Gateway then answers 500).
    """
    token = _bearer_token(event)
    grant = grants.find(token, now_seconds=now_seconds) if token else None
    if grant is None or grant.role is not Role.AGENT or not grant.servers:
        raise UnauthorizedError
    match = _METHOD_ARN.fullmatch(str(event.get("methodArn")))
    if match is None:
        raise UnauthorizedError
    resources = [f"{match[1]}/*/mcp/{server}" for server in grant.servers]
    return {
        "principalId": grant.name,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": resources}
            ],
        },
        "context": from_caller(grant.principal, grant.servers),
    }


def _bearer_token(event: Mapping[str, Any]) -> str | None:
    found = [
        value
        for name, values in (event.get("multiValueHeaders") or {}).items()
        if name.lower() == "authorization"
        for value in values or ()
    ]
    if len(found) != 1 or not isinstance(found[0], str):
        return None
    match = _BEARER.fullmatch(found[0].strip(" \t"))
    return match[1] if match else None
