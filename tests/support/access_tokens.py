"""Access tokens of the tests' own provider, and a desk that takes them."""

from typing import Any

import pytest

from portcullis.adapters.issuer_keys import IssuerKeys
from portcullis.adapters.token_principal import ClaimNames
from portcullis.entrypoints.agent_tokens import AgentTokens, TokenTerms
from portcullis.entrypoints.apigw import to_caller
from portcullis.entrypoints.authorizer import Desk, UnauthorizedError, authorize
from portcullis.policy.model import Principal
from support.approval_records import Clock
from support.oidc_provider import OidcProvider, SigningKey, signed
from support.sealed_callers import KEY, OCCASION
from support.takes import START_SECONDS

BASE = "https://gate.example"
NAMES = ClaimNames(groups="groups", person="email", tags="tags", claims=("department", "level"))
Claims = dict[str, Any]


def access_claims(provider: OidcProvider, **changes: Any) -> Claims:
    """What a person's access token for one server says; `...` leaves a claim out."""
    true: Claims = {
        "iss": provider.url,
        "sub": "7",
        "aud": f"{BASE}/mcp/amazon-mq",
        "client_id": "agent",
        "exp": provider.now + 300,
        "iat": provider.now,
        "jti": "t-1",
        "scope": "openid mcp:amazon-mq",
        "groups": ["platform", "not-admin"],
        "email": "ann@example.com",
        "email_verified": True,
    }
    return {name: value for name, value in {**true, **changes}.items() if value is not ...}


def access_token(
    provider: OidcProvider, *, key: SigningKey | None = None, header: Claims | None = None,
    **changes: Any,
) -> str:  # fmt: skip
    """A signed access token."""
    return signed(access_claims(provider, **changes), key or provider.keys[0], **(header or {}))


def token_desk(
    provider: OidcProvider,
    clock: Clock,
    *,
    reasons: list[str] | None = None,
    audiences: tuple[str, ...] = (),
    scope_prefix: str = "",
    names: ClaimNames = NAMES,
) -> Desk:
    """A desk that takes the provider's tokens and nothing else."""
    terms = TokenTerms(
        issuer=provider.url,
        base_url=BASE,
        audiences=audiences,
        scope_prefix=scope_prefix,
        names=names,
    )
    told: list[str] = [] if reasons is None else reasons
    tokens = AgentTokens(terms, IssuerKeys(provider.url, clock=clock), report=told.append)
    return Desk(grants=None, tokens=tokens, keys=lambda: (KEY,))


def authorizer_event(token: str, server: str = "amazon-mq") -> dict[str, Any]:
    """What API Gateway asks the authorizer."""
    base = "arn:aws:execute-api:us-east-1:123456789012:api-1/prod/POST/mcp"
    return {
        "methodArn": f"{base}/{server}",
        "multiValueHeaders": {"Authorization": [f"Bearer {token}"]},
        "pathParameters": {"server": server},
        "requestContext": dict(OCCASION),
    }


def effect(desk: Desk, token: str, server: str = "amazon-mq") -> str:
    answer = authorize(authorizer_event(token, server), desk, now_seconds=START_SECONDS)
    (statement,) = answer["policyDocument"]["Statement"]
    return str(statement["Effect"])


def caller(desk: Desk, token: str, server: str = "amazon-mq") -> Principal:
    event = authorizer_event(token, server)
    context = authorize(event, desk, now_seconds=START_SECONDS)["context"]
    event["requestContext"]["authorizer"] = context
    return to_caller(event, lambda: (KEY,), now_seconds=START_SECONDS).principal


def assert_unauthorized(desk: Desk, token: str, server: str = "amazon-mq") -> None:
    with pytest.raises(UnauthorizedError):
        authorize(authorizer_event(token, server), desk, now_seconds=START_SECONDS)
