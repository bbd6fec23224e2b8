"""Approvals when something fails, and what is kept secret: N31, N35."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError

from portcullis.approvals.states import State
from threats.gate import Json
from threats.gate_approvals import ApprovingGate, approving_gate, table
from threats.verdicts import assert_no_trace_of

SECRET = "hunter2-swordfish"


@pytest.fixture(scope="module")
def standing() -> Iterator[ApprovingGate]:
    with approving_gate() as gate:
        yield gate


@pytest.fixture
def gate(standing: ApprovingGate) -> ApprovingGate:
    standing.clear()
    return standing


# ---------------------------------------------------------------- N31: secrets


def test_N31_secrets_are_stored_sealed_and_written_nowhere(
    gate: ApprovingGate, capsys: pytest.CaptureFixture[str]
) -> None:
    record = gate.asked({"user_name": "bob", "password": SECRET})
    gate.run(gate.approve(record))
    answer = gate.call({"user_name": "bob", "password": SECRET})
    assert answer.is_success
    assert gate.executed() == [{"user_name": "bob", "password": SECRET, "dry_run": False}]
    assert SECRET not in str(table().scan()["Items"])
    written = capsys.readouterr()
    assert SECRET not in written.out + written.err + repr(gate.gate.records)
    assert_no_trace_of(SECRET, answer)


# ---------------------------------------------------------------- N35: what fails


TARGETS = [
    ("dynamodb", "GetItem"),
    ("dynamodb", "TransactWriteItems"),
    ("dynamodb", "UpdateItem"),
    ("kms", "GenerateDataKey"),
    ("stepfunctions", "StartExecution"),
]
FAULTS: dict[str, Exception] = {
    "fails": ClientError({"Error": {"Code": "InternalServerError"}}, "x"),
    "throttled": ClientError({"Error": {"Code": "ThrottlingException"}}, "x"),
    "late": ReadTimeoutError(endpoint_url="https://aws.invalid"),
    "forbidden": ClientError({"Error": {"Code": "AccessDeniedException"}}, "x"),
}


@pytest.mark.parametrize("service,operation", TARGETS, ids=[name for _, name in TARGETS])
@pytest.mark.parametrize("fault", FAULTS)
def test_N35_what_does_not_answer_denies_and_never_approves(
    gate: ApprovingGate,
    service: str,
    operation: str,
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send = vars(BaseClient)["_make_api_call"]

    def failing(client: BaseClient, name: str, parameters: Json) -> Any:
        if name == operation and client.meta.service_model.service_name == service:
            raise FAULTS[fault]
        return send(client, name, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", failing)  # a fault no fake can produce
        answer = gate.call()
    assert answer.is_denial
    assert answer.decision["outcome"] == "approval_unavailable"
    assert gate.executed() == []
    assert gate.call().decision["outcome"] == "approval_required"  # and then it goes on


@pytest.mark.parametrize("operation", ["Decrypt", "GetItem"])
def test_N35_an_executor_that_cannot_tell_sends_nothing(
    gate: ApprovingGate, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = gate.approve(gate.asked())
    send = vars(BaseClient)["_make_api_call"]
    reads: list[str] = []

    def failing(client: BaseClient, name: str, parameters: Json) -> Any:
        if name == operation:
            reads.append(name)
            if operation == "Decrypt" or len(reads) > 1:  # the record itself is read first
                raise FAULTS["throttled"]
        return send(client, name, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", failing)
        assert gate.executor({"approval": record.id}, None)["seconds"] > 0
    assert gate.executed() == []
    assert gate.record(record.id).state is State.APPROVED
    assert gate.run(record).state is State.DONE
