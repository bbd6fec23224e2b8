"""Who calls, by route: nothing that one route trusts passes on another, and nothing made up."""

from collections.abc import Callable
from typing import Any

import pytest

from portcullis.entrypoints.apigw import BadEventError, Caller
from portcullis.entrypoints.callers import Callers
from portcullis.errors import CredentialError
from portcullis.policy.model import Principal

PROOF = "p" * 64
ARN = "arn:aws:sts::123456789012:assumed-role/ci/build-7"
SIGNER = {
    "accountId": "123456789012",
    "caller": "AROAEXAMPLEEXAMPLE01:build-7",
    "user": "AROAEXAMPLEEXAMPLE01:build-7",
    "userArn": ARN,
}
ANN = Principal(issuer="portcullis:grant", subject="ann")
EVERY_WAY = frozenset({"grants", "jwt", "iam"})


def signed(**changes: Any) -> dict[str, Any]:
    """An event of a signed request; `context` replaces members of its requestContext."""
    context = {"resourcePath": "/iam/mcp/{server}", "identity": SIGNER}
    return {
        "resource": "/iam/mcp/{server}",
        "pathParameters": {"server": "mq"},
        "stageVariables": {"proof": PROOF},
        "requestContext": {**context, **changes.pop("context", {})},
        **changes,
    }


def bearer(**context: Any) -> dict[str, Any]:
    """An event that the authorizer stands behind."""
    return {
        "resource": "/mcp/{server}",
        "pathParameters": {"server": "mq"},
        "stageVariables": {"proof": PROOF},
        "requestContext": {
            "resourcePath": "/mcp/{server}",
            "identity": {"sourceIp": "192.0.2.1", "userArn": None},
            "authorizer": {"caller": "sealed"},
            **context,
        },
    }


def callers(*ways: str, read_proof: Callable[[], str] = lambda: PROOF) -> Callers:
    """The callers of a deployment; whoever is asked of as a bearer is Ann."""
    return Callers(
        frozenset(ways) or EVERY_WAY,
        bearer=lambda _: Caller(server="mq", principal=ANN),
        read_proof=read_proof,
    )


def test_each_route_has_its_own_callers() -> None:
    caller = callers().of(signed())
    assert (caller.server, caller.principal.subject) == ("mq", ARN.removesuffix("/build-7"))
    assert callers().of(bearer()).principal == ANN


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({}, id="an empty event"),
        pytest.param(signed(requestContext=None), id="no context"),
        pytest.param(signed(requestContext=[]), id="a context that is a list"),
        pytest.param(signed(resource=None), id="no route"),
        pytest.param(signed(resource=["/iam/mcp/{server}"]), id="a route that is a list"),
        pytest.param(signed(resource="/iam/mcp/mq"), id="a path in place of the route"),
        pytest.param(signed(resource="/approvals"), id="another route"),
        pytest.param(signed(context={"resourcePath": "/mcp/{server}"}), id="two routes at once"),
        pytest.param(signed(context={"identity": None}), id="nobody"),
        pytest.param(signed(context={"identity": {**SIGNER, "userArn": None}}), id="no ARN"),
        pytest.param(signed(pathParameters=None), id="no server"),
        pytest.param(signed(pathParameters={"server": 1}), id="a server that is a number"),
        pytest.param(signed(pathParameters=["server"]), id="parameters that are a list"),
    ],
)
def test_E08_an_event_of_another_shape_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(BadEventError):
        callers().of(event)


@pytest.mark.parametrize(
    "variables",
    [
        None,
        {},
        [],
        "p" * 64,
        {"proof": None},
        {"proof": ""},
        {"proof": PROOF[1:]},
        {"proof": PROOF + "p"},
        {"proof": "q" * 64},
        {"proof": [PROOF]},
        {"proof": True},
        {"proof": "\ud800"},
        {"Proof": PROOF},
    ],
)
def test_F14_a_signed_event_without_the_stage_s_proof_is_refused(variables: object) -> None:
    with pytest.raises(BadEventError) as refused:
        callers().of(signed(stageVariables=variables))
    assert refused.value.status == 403


def test_F14_an_unreadable_proof_is_no_proof() -> None:
    def unreadable() -> str:
        raise CredentialError("throttled")

    with pytest.raises(CredentialError):
        callers(read_proof=unreadable).of(signed())


def test_F15_a_bearer_s_event_does_not_pass_as_a_signed_one() -> None:
    moved = bearer(resourcePath="/iam/mcp/{server}") | {"resource": "/iam/mcp/{server}"}
    for event in (
        moved,
        signed(context={"authorizer": {"caller": "sealed"}}),
        signed(context={"authorizer": {}}),
    ):
        with pytest.raises(BadEventError):
            callers().of(event)


def test_F15_a_signed_event_does_not_pass_as_a_bearer_s() -> None:
    for event in (
        signed(resource="/mcp/{server}"),
        signed(resource="/mcp/{server}", context={"resourcePath": "/mcp/{server}"}),
        bearer(identity=SIGNER),
    ):
        with pytest.raises(BadEventError):
            callers().of(event)


@pytest.mark.parametrize(
    ("ways", "takes_bearers", "takes_signers"),
    [
        (("grants",), True, False),
        (("jwt",), True, False),
        (("iam",), False, True),
        (("grants", "iam"), True, True),
        (("grants", "jwt"), True, False),
    ],
)
def test_F16_a_way_that_was_not_chosen_is_shut(
    ways: tuple[str, ...], takes_bearers: bool, takes_signers: bool
) -> None:
    for event, taken in ((bearer(), takes_bearers), (signed(), takes_signers)):
        if taken:
            assert callers(*ways).of(event).server == "mq"
        else:
            with pytest.raises(BadEventError) as refused:
                callers(*ways).of(event)
            assert refused.value.status == 403


def test_the_proof_is_not_read_where_no_signed_request_is_served() -> None:
    def never() -> str:
        raise AssertionError

    assert callers("grants", read_proof=never).of(bearer()).principal == ANN
    with pytest.raises(BadEventError):
        callers("grants", read_proof=never).of(signed())
