"""Who calls is what the authorizer sealed, for this request and for now; nothing else is read."""

from dataclasses import replace
from typing import Any

import pytest

from portcullis.entrypoints.apigw import BadEventError, to_caller
from portcullis.entrypoints.caller_seal import MEMBER, SECONDS, Occasion, open_caller
from portcullis.policy.model import Principal
from portcullis.protocol.sealing import seal
from portcullis.values import JsonObject
from support.sealed_callers import KEY, OCCASION, authorizer_context

NOW = 1000
ANN = Principal(
    issuer="https://idp.example",
    subject="7",
    person="ann@example.com",
    credential="jwt:1:x",
    groups=("platform",),
    tags={"team": "a"},
    claims={"level": 3},
)
HERE = Occasion(request="request-1", api="api-1", stage="prod")


def event(server: str = "mq", *, principal: Principal = ANN, **context: Any) -> dict[str, Any]:
    base = {"requestContext": dict(OCCASION)}
    told = authorizer_context(principal, "mq", base, now_seconds=NOW)
    return {
        "pathParameters": {"server": server},
        "requestContext": {**OCCASION, "authorizer": told, **context},
    }


def read(event: dict[str, Any], *, now: int = NOW) -> Principal:
    return to_caller(event, lambda: (KEY,), now_seconds=now).principal


@pytest.mark.parametrize("principal", [ANN, replace(ANN, groups=None), replace(ANN, groups=())])
def test_the_caller_is_what_the_authorizer_said(principal: Principal) -> None:
    assert read(event(principal=principal)) == principal


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param({"requestId": "request-2"}, id="E08-replayed in another request"),
        pytest.param({"apiId": "api-2"}, id="E08-sealed for another api"),
        pytest.param({"stage": "test"}, id="E08-sealed for another stage"),
        pytest.param({"apiId": None}, id="E08-no api"),
        pytest.param({"requestId": ""}, id="E08-no request"),
        pytest.param({"authorizer": None}, id="E11-no context"),
        pytest.param({"authorizer": "x"}, id="E11-a word"),
        pytest.param({"authorizer": {}}, id="E11-an empty context"),
        pytest.param({"authorizer": {MEMBER: "false"}}, id="E11-false"),
        pytest.param({"authorizer": {MEMBER: True}}, id="E11-true"),
        pytest.param({"authorizer": {"principal": "{}", "servers": "[]"}}, id="E08-not sealed"),
        pytest.param({"authorizer": {MEMBER: "pcc1.e30." + "A" * 43}}, id="E08-no such seal"),
    ],
)
def test_a_forged_context_is_refused(forged: dict[str, Any]) -> None:
    with pytest.raises(BadEventError):
        read(event(**forged))


@pytest.mark.parametrize("changes", [{"pathParameters": None}, {"requestContext": None}])
def test_E11_an_event_without_a_server_or_a_context_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadEventError):
        read({**event(), **changes})


def test_E10_what_was_sealed_for_one_server_opens_no_other() -> None:
    with pytest.raises(BadEventError):
        read(event("other"))


def test_E08_a_seal_holds_for_a_minute() -> None:
    assert read(event(), now=NOW + SECONDS - 1) == ANN
    with pytest.raises(BadEventError):
        read(event(), now=NOW + SECONDS)


def test_E08_another_key_seals_nothing() -> None:
    with pytest.raises(BadEventError):
        to_caller(event(), lambda: (b"other",), now_seconds=NOW)


def test_the_key_is_not_even_read_for_an_event_without_a_seal() -> None:
    def keys() -> tuple[bytes, ...]:
        raise AssertionError

    with pytest.raises(BadEventError):
        to_caller(event(authorizer={}), keys, now_seconds=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"principal": {}},
        {"principal": None},
        {"expires": "1"},
        {"server": None},
        {"more": 1},
    ],
)
def test_what_was_sealed_in_another_shape_is_nothing(changes: JsonObject) -> None:
    whole: JsonObject = {
        "request": "request-1",
        "api": "api-1",
        "stage": "prod",
        "expires": NOW + 1,
        "server": "mq",
        "principal": {
            "issuer": "i",
            "subject": "s",
            "person": "",
            "credential": "",
            "groups": None,
            "tags": {},
            "claims": {},
        },
    }

    def opened(payload: JsonObject) -> Principal | None:
        sealed = seal("pcc1", payload, KEY)
        return open_caller(sealed, "mq", occasion=HERE, keys=(KEY,), now_seconds=NOW)

    assert opened(whole) == Principal(issuer="i", subject="s", groups=None)
    assert opened({**whole, **changes}) is None
