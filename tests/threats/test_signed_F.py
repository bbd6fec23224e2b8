"""Callers that sign, at the real handler: F10 to F15, and E08 on their route.

The signature itself is API Gateway's to verify; `tests/integration/test_signed_front.py` tries
it at the local front.
"""

from collections.abc import Iterator
from unittest import mock

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from support.sealed_callers import authorizer_context
from threats.gate import ALICE, PROOF, Gate, Json, standing_gate
from threats.signed_events import EVENT, event, sent, signer

MQ = "amazon-mq"
TOOLS = [
    {"name": "list_brokers", "inputSchema": {"type": "object"}},
    {"name": "delete_broker", "inputSchema": {"type": "object"}},
]
NEVER_SEEN = "arn:aws:sts::123456789012:assumed-role/fresh/session"
POLICY = """
version: "1"
default: deny
tools:
  list_brokers:
    action: allow
    when: [{path: principal.claims.account, op: eq, value: "123456789012"}]
    rate_limit: {max: 2, window: 1h, per: principal}
  delete_broker:
    action: allow
    when: [{path: principal.claims.permission_set, op: eq, value: Admin}]
"""


@pytest.fixture(scope="module")
def standing() -> Iterator[Gate]:
    with standing_gate(TOOLS, {MQ: POLICY}, PORTCULLIS_IDENTITY="grants,iam") as gate:
        yield gate


@pytest.fixture
def gate(standing: Gate) -> Gate:
    standing.activate(MQ, POLICY)
    standing.clear()
    return standing


def test_the_sample_event_is_decided(gate: Gate) -> None:
    answer = sent(gate, {**EVENT, "stageVariables": {"proof": PROOF}})
    assert answer.is_success
    (record,) = gate.records
    role = "arn:aws:sts::123456789012:assumed-role/build-agent"
    assert record.principal == f"20:aws-iam:123456789012|{role}"


def test_F11_new_session_names_win_no_quota(gate: Gate) -> None:
    roles = [f"arn:aws:sts::123456789012:assumed-role/agent/session-{n}" for n in range(6)]
    answers = [sent(gate, event(identity=signer(arn))) for arn in roles]
    assert [answer.is_success for answer in answers] == [True, True, False, False, False, False]
    assert len(gate.recorder.calls()) == 2


def test_F12_a_session_name_makes_no_person_and_no_permission_set(gate: Gate) -> None:
    base = "arn:aws:sts::123456789012:assumed-role/"
    real = base + "AWSReservedSSO_Admin_0123456789abcdef/ann@example.com"
    assert sent(gate, event("delete_broker", identity=signer(real))).is_success
    for made_up in ("Admin/ann@example.com", "AWSReservedSSO_Admin/ann@example.com"):
        answer = sent(gate, event("delete_broker", identity=signer(base + made_up)))
        assert answer.is_denial or answer.is_rejection
    assert len(gate.recorder.calls()) == 1


@pytest.mark.parametrize(
    "identity",
    [
        signer(userArn="arn:aws:iam::123456789012:root", caller="123456789012"),
        signer(userArn=None),
        signer(userArn="arn:aws:sts::123456789012:federated-user/ann"),
        signer(accountId="210987654321"),
    ],
    ids=["root", "nobody", "a federated user", "another account"],
)
def test_F10_who_is_not_accepted_reaches_nothing(gate: Gate, identity: Json) -> None:
    answer = sent(gate, event(identity=identity))
    assert (answer.status, answer.is_rejection) == (403, True)
    assert gate.recorder.received == []
    assert [record.outcome for record in gate.records] == ["rejected"]


@pytest.mark.parametrize("proof", [None, "", PROOF[:-1], "q" * 64, [PROOF], {"a": PROOF}])
def test_E08_an_event_made_up_around_the_api_is_refused(gate: Gate, proof: object) -> None:
    answer = sent(gate, event(proof=proof))
    assert (answer.status, answer.is_rejection) == (403, True)
    assert gate.recorder.received == []
    without = event()
    del without["stageVariables"]
    assert sent(gate, without).status == 403
    assert gate.recorder.received == []


def test_F15_the_two_routes_do_not_pass_for_each_other(gate: Gate) -> None:
    whole = event()
    authorised = authorizer_context(ALICE, MQ, whole)
    for made_up in (
        {**whole, "resource": "/mcp/{server}"},
        {**whole, "requestContext": {**whole["requestContext"], "authorizer": authorised}},
        {
            **whole,
            "resource": "/mcp/{server}",
            "requestContext": {**whole["requestContext"], "authorizer": authorised},
        },
    ):
        assert sent(gate, made_up).is_rejection
    assert gate.recorder.received == []


@pytest.mark.parametrize(
    "fault",
    [
        ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetSecretValue"),
        ClientError({"Error": {"Code": "ThrottlingException"}}, "GetSecretValue"),
        ReadTimeoutError(endpoint_url="https://secretsmanager"),
    ],
    ids=["fails", "throttles", "times out"],
)
def test_F14_a_proof_that_cannot_be_read_shuts_the_route(gate: Gate, fault: Exception) -> None:
    cold = gate.cold_start()
    broken = mock.Mock(get_secret_value=mock.Mock(side_effect=fault))
    with mock.patch("botocore.session.Session.create_client", return_value=broken):
        response = cold(event(), None)
    assert response["statusCode"] == 500
    assert "Exception" not in response["body"]
    assert gate.recorder.received == []


@pytest.mark.parametrize(
    ("ways", "signed", "bearer"),
    [("grants", False, True), ("grants,jwt", False, True), ("iam", True, False)],
)
def test_F16_a_way_that_was_not_chosen_is_shut(
    gate: Gate, ways: str, signed: bool, bearer: bool
) -> None:
    with mock.patch.dict(gate.environment, {"PORTCULLIS_IDENTITY": ways}):
        warm, gate.handler = gate.handler, gate.cold_start()
    try:
        assert sent(gate, event(identity=signer(NEVER_SEEN))).is_success is signed
        assert (gate.call(MQ, "no_such_tool").status == 403) is not bearer
    finally:
        gate.handler = warm
