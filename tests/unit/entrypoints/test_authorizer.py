"""The authorizer: exactly one bearer token of a live grant opens exactly its servers."""

from dataclasses import replace
from typing import Any

import pytest

from portcullis.adapters.dynamodb_grants import Grant, Role
from portcullis.entrypoints.apigw import to_caller
from portcullis.entrypoints.authorizer import AgentGrants, Desk, UnauthorizedError, authorize
from portcullis.errors import CredentialError
from support.sealed_callers import KEY, OCCASION

ARN = "arn:aws:execute-api:us-east-1:123456789012:abc123/prod/POST/mcp/amazon-mq"
GRANT = Grant(
    name="ci",
    servers=("amazon-mq", "aws-iam"),
    expires_at=100,
    person="ann@example.com",
    digest="d" * 64,
)


OPEN = "pcl_good"


class OneGrant:
    """Knows a single token."""

    def __init__(self, grant: Grant = GRANT) -> None:
        self._grant = grant

    def find(self, token: str, *, now_seconds: int) -> Grant | None:
        return self._grant if token == OPEN and now_seconds < GRANT.expires_at else None


def event(*authorization: str, name: str = "Authorization", arn: str = ARN) -> dict[str, Any]:
    return {
        "methodArn": arn,
        "multiValueHeaders": {name: list(authorization)},
        "pathParameters": {"server": "amazon-mq"},
        "requestContext": dict(OCCASION),
    }


def desk(grant: Grant = GRANT) -> Desk:
    return Desk(grants=AgentGrants(OneGrant(grant)), tokens=None, keys=lambda: (KEY,))


@pytest.mark.parametrize(
    "header", ["Bearer pcl_good", "bearer pcl_good", "BEARER  pcl_good", " Bearer pcl_good\t"]
)
def test_E10_a_live_grant_opens_the_server_that_is_called_and_no_other(header: str) -> None:
    answer = authorize(event(header, name="authorization"), desk(), now_seconds=1)
    prefix = "arn:aws:execute-api:us-east-1:123456789012:abc123/prod/*/mcp"
    assert answer["policyDocument"]["Statement"] == [
        {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{prefix}/amazon-mq"}
    ]


def test_a_server_that_the_grant_does_not_name_is_denied_and_nothing_is_sealed() -> None:
    request = {**event("Bearer pcl_good"), "pathParameters": {"server": "other"}}
    answer = authorize(request, desk(), now_seconds=1)
    (statement,) = answer["policyDocument"]["Statement"]
    assert (statement["Effect"], statement["Resource"]) == ("Deny", ARN)
    assert answer["context"] == {}


def test_what_cannot_be_said_in_whole_is_denied_not_cut() -> None:
    grant = replace(GRANT, groups=tuple(f"group-{number}" for number in range(2000)))
    answer = authorize(event("Bearer pcl_good"), desk(grant), now_seconds=1)
    assert answer["policyDocument"]["Statement"][0]["Effect"] == "Deny"
    assert answer["context"] == {}


def test_the_context_is_strings_that_the_gateway_reads_back() -> None:
    request = event("Bearer pcl_good")
    context = authorize(request, desk(), now_seconds=1)["context"]
    assert all(isinstance(value, str) for value in context.values())
    call = {**request, "requestContext": {**OCCASION, "authorizer": context}}
    assert to_caller(call, lambda: (KEY,), now_seconds=2).principal == GRANT.principal


def test_without_the_key_nobody_is_let_in() -> None:
    def keys() -> tuple[bytes, ...]:
        raise CredentialError("a secret cannot be read: ThrottlingException")

    closed = Desk(grants=AgentGrants(OneGrant()), tokens=None, keys=keys)
    with pytest.raises(CredentialError):
        authorize(event("Bearer pcl_good"), closed, now_seconds=1)


@pytest.mark.parametrize("token", ["pcl_good", "a.b.c"])
def test_a_kind_of_credential_that_is_not_accepted_is_unauthorized(token: str) -> None:
    closed = Desk(grants=None, tokens=None, keys=lambda: (KEY,))
    with pytest.raises(UnauthorizedError):
        authorize(event(f"Bearer {token}"), closed, now_seconds=1)


@pytest.mark.parametrize(
    "one",
    [
        event(),
        event(""),
        event("Bearer"),
        event("Bearer "),
        event("pcl_good"),
        event("Basic pcl_good"),
        event("Bearer x y"),
        event("Bearer pcl_bad"),
        event("Bearer pcl_good", "Bearer pcl_good"),
        event("Bearer pcl_good\u00a0"),
        event("Bearer pcl_good", arn="arn:aws:s3:::x"),
        {**event("Bearer pcl_good"), "requestContext": {}},
        {**event("Bearer pcl_good"), "requestContext": None},
        {**event("Bearer pcl_good"), "requestContext": {**OCCASION, "requestId": ""}},
        {**event("Bearer pcl_good"), "pathParameters": None},
        {"methodArn": ARN},
        {"methodArn": ARN, "multiValueHeaders": {"Authorization": None}},
        {"methodArn": ARN, "multiValueHeaders": {"Authorization": [1]}},
        {
            "methodArn": ARN,
            "multiValueHeaders": {"Authorization": ["Bearer pcl_good"], "authorization": ["x"]},
        },
    ],
)
def test_F01_anything_else_is_unauthorized(one: dict[str, Any]) -> None:
    with pytest.raises(UnauthorizedError, match=r"^Unauthorized$"):
        authorize(one, desk(), now_seconds=1)


def test_F03_an_expired_grant_is_unauthorized_on_the_next_request() -> None:
    with pytest.raises(UnauthorizedError):
        authorize(event("Bearer pcl_good"), desk(), now_seconds=100)


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
        authorize(event("Bearer pcl_good"), desk(grant), now_seconds=1)
