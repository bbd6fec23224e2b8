"""Approvals that a caller who signs has asked for."""

from collections.abc import Iterator
from unittest import mock

import pytest

from portcullis.approvals.life import Refusal
from portcullis.approvals.states import State
from portcullis.gateway.deciding import Viewer, Word
from portcullis.policy.model import Principal
from threats.gate_approvals import READ, SERVER, TOOL, ApprovingGate, approving_gate
from threats.signed_events import event, sent, signer


@pytest.fixture(scope="module")
def asking() -> Iterator[ApprovingGate]:
    with approving_gate(PORTCULLIS_IDENTITY="grants,iam") as gate:
        yield gate


def test_an_approval_that_a_signer_asks_for_is_carried_out_and_handed_over(
    asking: ApprovingGate,
) -> None:
    asked = event(TOOL, READ, server=SERVER)
    approval = sent(asking.gate, asked).decision["approval"]["id"]
    record = asking.record(approval)
    assert record.requester.subject.endswith(":assumed-role/build-agent")
    assert asking.run(asking.approve(record)).state is State.DONE
    assert asking.executed() == [{**READ, "dry_run": False}]
    other_session = signer("arn:aws:sts::123456789012:assumed-role/build-agent/build-8")
    assert sent(asking.gate, event(TOOL, READ, server=SERVER, identity=other_session)).is_success
    assert len(asking.executed()) == 1


@pytest.mark.parametrize("name", ["ann@example.com", "ANN@example.com"])
def test_N09_a_person_of_identity_center_does_not_approve_what_they_asked_for(
    asking: ApprovingGate, name: str
) -> None:
    asking.clear()
    role = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0123456789abcdef"
    asked = event(TOOL, READ, server=SERVER, identity=signer(f"{role}/{name}"))
    record = asking.record(sent(asking.gate, asked).decision["approval"]["id"])
    herself = Viewer(
        principal=Principal(
            issuer="portcullis:grant",
            subject="approver-7",
            person="Ann@example.com",
            groups=("platform",),
        )
    )
    refused = asking.desk.decide(record.id, herself, Word.APPROVE, comment="")
    assert isinstance(refused, Refusal)
    assert asking.run(asking.record(record.id)).state is State.PENDING
    assert asking.executed() == []


def test_N25_an_approval_ends_with_the_way_its_requester_came_in(asking: ApprovingGate) -> None:
    asking.clear()
    answer = sent(asking.gate, event(TOOL, READ, server=SERVER))
    record = asking.approve(asking.record(answer.decision["approval"]["id"]))
    with mock.patch.dict(asking.gate.environment, {"PORTCULLIS_IDENTITY": "grants"}):
        asking.executor = asking.gate.cold_start("lambda_executor")
    assert asking.run(record).state is State.FAILED
    assert asking.executed() == []
