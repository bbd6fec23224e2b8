"""The authorizer: a bearer credential to an IAM policy for the one server that is called.

An approver's grant opens no server: who decides about calls does not make them. The answer is
for one request: what the gateway is told is sealed for it (`caller_seal`).

Source: API Gateway developer guide, "Input to a Lambda authorizer" (REQUEST type) and
"Output from a Lambda authorizer". Raising exactly `Unauthorized` makes API Gateway answer
401 by its gateway response; a Deny policy makes it answer 403.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from portcullis.adapters.dynamodb_grants import TOKEN_PREFIX, Grant, Role
from portcullis.entrypoints.caller_seal import MEMBER, Occasion, seal_caller
from portcullis.policy.model import Principal

_BEARER: Final = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/=-]+)")
_METHOD_ARN: Final = re.compile(
    r"(arn:[a-z-]+:execute-api:[a-z0-9-]+:\d+:[^/]+/[^/]+)/[A-Z*]+/.*", re.DOTALL
)
_SERVER: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class UnauthorizedError(Exception):
    """Becomes 401. Its text is the one word API Gateway looks for."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Who a credential speaks for, and whether it opens the server that is called."""

    principal: Principal
    is_open: bool


class Credentials(Protocol):
    """One kind of bearer credential."""

    def admit(self, token: str, server: str, *, now_seconds: int) -> Admission | None:
        """Answer who a token speaks for, None where it is nobody's.

        Raises:
            UnavailableError: that cannot be told now (API Gateway then answers 503).
        """
        ...


class Grants(Protocol):
    """Looks grants up by token (see `DynamoDBGrants.find`)."""

    def find(self, token: str, *, now_seconds: int) -> Grant | None:
        """Answer the live grant of a token, or None."""
        ...


class AgentGrants(Credentials):
    """Grants of agents, as credentials."""

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    def admit(self, token: str, server: str, *, now_seconds: int) -> Admission | None:
        """Answer who an agent's grant speaks for, as the protocol says."""
        grant = self._grants.find(token, now_seconds=now_seconds)
        if grant is None or grant.role is not Role.AGENT or not grant.servers:
            return None
        return Admission(principal=grant.principal, is_open=server in grant.servers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The kinds of credentials that are accepted (None: not this kind), and the seal's keys."""

    grants: Credentials | None
    tokens: Credentials | None
    keys: Callable[[], Sequence[bytes]]

    def admit(self, token: str, server: str, *, now_seconds: int) -> Admission | None:
        """Ask the one kind that a token is of; a token is never tried as two."""
        kind = self.grants if token.startswith(TOKEN_PREFIX) else self.tokens
        return None if kind is None else kind.admit(token, server, now_seconds=now_seconds)


def authorize(event: Mapping[str, Any], desk: Desk, *, now_seconds: int) -> dict[str, Any]:
    """Answer the policy document for one request.

    Raises:
        UnauthorizedError: there is not exactly one bearer token that speaks for somebody.
        UnavailableError: a credential or the key could not be read (API Gateway answers 503).
    """
    token, occasion = _bearer_token(event), Occasion.of(event)
    arn = _METHOD_ARN.fullmatch(str(event.get("methodArn")))
    server = (event.get("pathParameters") or {}).get("server")
    if token is None or occasion is None or arn is None or not isinstance(server, str):
        raise UnauthorizedError
    admission = desk.admit(token, server, now_seconds=now_seconds)
    if admission is None:
        raise UnauthorizedError
    if not admission.is_open or _SERVER.fullmatch(server) is None:
        return _answer("Deny", str(event["methodArn"]), {})
    sealed = seal_caller(
        admission.principal,
        server,
        occasion=occasion,
        key=desk.keys()[0],
        now_seconds=now_seconds,
    )
    if sealed is None:
        return _answer("Deny", str(event["methodArn"]), {})
    return _answer("Allow", f"{arn[1]}/*/mcp/{server}", {MEMBER: sealed})


def _answer(effect: str, resource: str, context: Mapping[str, str]) -> dict[str, Any]:
    return {
        "principalId": "caller",  # who it is stands under the seal, and in the decision log
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}],
        },
        "context": dict(context),
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
