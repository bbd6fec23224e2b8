"""The authorizer: exactly one bearer token of a live grant opens exactly its servers."""

from dataclasses import replace
from typing import Any

import pytest

from portcullis.adapters.dynamodb_grants import Grant, Role
from portcullis.entrypoints.apigw import to_caller
from portcullis.entrypoints.authorizer import UnauthorizedError, authorize

ARN = "arn:aws:execute-api:us-east-1:123456789012:abc123/prod/POST/mcp/amazon-mq"
GRANT = Grant(
    name="ci",
    servers=("amazon-mq", "aws-iam"),
    expires_at=100,
    person="ann@example.com",
    digest="d" * 64,
)


class OneGrant:
    """Knows a single token."""

    def __init__(self, grant: Grant = GRANT) -> None:
        self._grant = grant

    def find(self, token: str, *, now_seconds: int) -> Grant | None:
        return self._grant if token == "good" and now_seconds < GRANT.expires_at else None


def event(*authorization: str, name: str = "Authorization", arn: str = ARN) -> dict[str, Any]:
    return {"methodArn": arn, "multiValueHeaders": {name: list(authorization)}}


@pytest.mark.parametrize("header", ["Bearer good", "bearer good", "BEARER  good", " Bearer good\t"])
def test_a_live_grant_opens_its_servers_and_no_other(header: str) -> None:
    answer = authorize(event(header, name="authorization"), OneGrant(), now_seconds=1)
    statement = answer["policyDocument"]["Statement"]
    prefix = "arn:aws:execute-api:us-east-1:123456789012:abc123/prod/*/mcp"
    assert statement == [
        {
            "Action": "execute-api:Invoke",
            "Effect": "Allow",
            "Resource": [f"{prefix}/amazon-mq", f"{prefix}/aws-iam"],
        }
    ]


def test_the_context_is_strings_that_the_gateway_reads_back() -> None:
    context = authorize(event("Bearer good"), OneGrant(), now_seconds=1)["context"]
    assert all(isinstance(value, str) for value in context.values())
    call = {
        "pathParameters": {"server": "aws-iam"},
        "requestContext": {"authorizer": context},
    }
    assert to_caller(call).principal == GRANT.principal


@pytest.mark.parametrize(
    "one",
    [
        event(),
        event(""),
        event("Bearer"),
        event("Bearer "),
        event("good"),
        event("Basic good"),
        event("Bearer x y"),
        event("Bearer bad"),
        event("Bearer good", "Bearer good"),
        event("Bearer good\u00a0"),
        event("Bearer good", arn="arn:aws:s3:::x"),
        {"methodArn": ARN},
        {"methodArn": ARN, "multiValueHeaders": {"Authorization": None}},
        {"methodArn": ARN, "multiValueHeaders": {"Authorization": [1]}},
        {
            "methodArn": ARN,
            "multiValueHeaders": {"Authorization": ["Bearer good"], "authorization": ["x"]},
        },
    ],
)
def test_F_01_anything_else_is_unauthorized(one: dict[str, Any]) -> None:
    with pytest.raises(UnauthorizedError, match=r"^Unauthorized$"):
        authorize(one, OneGrant(), now_seconds=1)


def test_F_03_an_expired_grant_is_unauthorized_on_the_next_request() -> None:
    with pytest.raises(UnauthorizedError):
        authorize(event("Bearer good"), OneGrant(), now_seconds=100)


@pytest.mark.parametrize(
    "grant",
    [
        replace(GRANT, role=Role.APPROVER),
        replace(GRANT, role=Role.ADMIN),
        replace(GRANT, servers=()),
    ],
    ids=["approver", "admin", "no server"],
)
def test_N09_who_decides_about_calls_cannot_make_them(grant: Grant) -> None:
    with pytest.raises(UnauthorizedError):
        authorize(event("Bearer good"), OneGrant(grant), now_seconds=1)
