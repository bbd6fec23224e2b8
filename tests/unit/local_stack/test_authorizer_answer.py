import json
from typing import Any

import pytest

from local_stack.authorizer_answer import AuthorizationError, read_answer
from local_stack.runtime_api import Outcome

RESOURCE = "arn:aws:execute-api:us-east-1:123456789012:local/prod/POST/mcp/amazon-mq"
BASE = RESOURCE.rsplit("/POST", 1)[0]


def make_answer(*statements: dict[str, Any], **changes: object) -> Outcome:
    tree: dict[str, Any] = {
        "principalId": "p",
        "policyDocument": {"Version": "2012-10-17", "Statement": list(statements)},
        "context": {"a": "b"},
        **changes,
    }
    return Outcome(payload=json.dumps(tree).encode())


def allow(resource: object, *, effect: str = "Allow", action: object = "execute-api:Invoke") -> Any:
    return {"Effect": effect, "Action": action, "Resource": resource}


@pytest.mark.parametrize(
    "statement",
    [
        allow(RESOURCE),
        allow(f"{BASE}/*/mcp/amazon-mq"),
        allow([f"{BASE}/GET/x", f"{BASE}/POST/mcp/amazon-m?"]),
        allow("*", action="*"),
        allow("*", action=["execute-api:*"]),
    ],
)
def test_a_policy_that_covers_the_request_lets_it_in(statement: dict[str, Any]) -> None:
    context = read_answer(make_answer(statement), resource=RESOURCE)
    assert context == {"a": "b", "principalId": "p", "integrationLatency": 1}


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [allow(f"{BASE}/*/mcp/aws-iam")],
        [allow(RESOURCE + "/more")],
        [allow(RESOURCE, action="execute-api:ManageConnections")],
        [allow(RESOURCE, effect="Deny")],
        [allow("*"), allow(RESOURCE, effect="Deny")],
    ],
)
def test_a_policy_that_does_not_cover_the_request_denies_it(statements: list[Any]) -> None:
    with pytest.raises(AuthorizationError) as caught:
        read_answer(make_answer(*statements), resource=RESOURCE)
    assert caught.value.kind == "ACCESS_DENIED"


def test_context_values_become_strings() -> None:
    answer = make_answer(allow("*"), context={"n": 1, "f": 1.5, "t": True, "s": "x"})
    context = read_answer(answer, resource=RESOURCE)
    assert [context[key] for key in "nfts"] == ["1", "1.5", "true", "x"]


@pytest.mark.parametrize(
    "outcome",
    [
        make_answer(allow("*"), context={"nested": {}}),
        make_answer(allow("*"), principalId=None),
        make_answer(allow([1])),
        make_answer(allow("*"), policyDocument={}),
        Outcome(payload=b"[]"),
        Outcome(payload=b"no json"),
    ],
)
def test_an_answer_of_another_shape_is_a_configuration_error(outcome: Outcome) -> None:
    with pytest.raises(AuthorizationError) as caught:
        read_answer(outcome, resource=RESOURCE)
    assert caught.value.kind == "AUTHORIZER_CONFIGURATION_ERROR"


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b'{"errorMessage":"Unauthorized"}', "UNAUTHORIZED"),
        (b'{"errorMessage":"unauthorized"}', "AUTHORIZER_FAILURE"),
        (b'{"errorMessage":"Unauthorized!"}', "AUTHORIZER_FAILURE"),
        (b"{}", "AUTHORIZER_FAILURE"),
        (b"no json", "AUTHORIZER_FAILURE"),
    ],
)
def test_only_the_exact_word_is_a_401(payload: bytes, kind: str) -> None:
    with pytest.raises(AuthorizationError) as caught:
        read_answer(Outcome(payload=payload, error="Unhandled"), resource=RESOURCE)
    assert caught.value.kind == kind
