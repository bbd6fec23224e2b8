"""An approved policy is carried out by the activator, once, or not at all, or nobody knows."""

from dataclasses import replace

import pytest

from portcullis.approvals.kinds import ACTIVATE_POLICY, POLICY_SERVER
from portcullis.approvals.record import ApprovalRecord
from portcullis.approvals.states import State
from portcullis.errors import UpstreamNotSentError, UpstreamUncertainError
from portcullis.gateway.policy_work import NO_SUCH_WORK, NOT_REACHED, NOT_TOLD
from support.approval_gate import ApprovalGate
from support.approval_records import make_binding, make_question, make_record


def approved(gate: ApprovalGate, *, tool: str = ACTIVATE_POLICY) -> ApprovalRecord:
    """A policy that enough people approved."""
    now = gate._clock().micros // 1_000_000
    record = make_record(
        binding=make_binding(server=POLICY_SERVER, tool=tool, rule="PolicyApprovers"),
        scope="mq",
        asked_at=now,
        expires_at=now + 1800,
    )
    assert gate.approvals.create(make_question(record))
    changed = replace(record, state=State.APPROVED, version=1)
    assert gate.approvals.replace(record, changed)
    return changed


def test_the_activator_is_asked_once_for_a_claimed_request() -> None:
    gate = ApprovalGate()
    record = approved(gate)
    for _ in range(3):
        gate.executor().step(record.id)
    assert gate.activator.asked == [(record.id, "mq")]
    done = gate.record(record.id)
    assert (done.state, done.result_parts) == (State.DONE, 0)
    assert gate.upstream.sent == []
    last = gate.log.records[-1]
    assert (last.method, last.server, last.name) == (
        "policies/activate",
        POLICY_SERVER,
        ACTIVATE_POLICY,
    )
    assert (last.outcome, last.upstream_outcome) == ("allowed", "answered")


@pytest.mark.parametrize(
    ("answer", "state", "note"),
    [
        ("a newer upload arrived", State.FAILED, "a newer upload arrived"),
        (UpstreamNotSentError("throttled"), State.FAILED, NOT_REACHED),
        (UpstreamUncertainError("late"), State.UNKNOWN, NOT_TOLD),
    ],
    ids=["refused", "not reached", "N26 not told"],
)
def test_what_the_activator_says_is_how_it_ends(
    answer: str | Exception, state: State, note: str
) -> None:
    gate = ApprovalGate()
    gate.activator.answer = answer
    record = gate.run(approved(gate))
    assert (record.state, record.note) == (state, note)
    gate.executor().step(record.id)
    assert len(gate.activator.asked) == 1


def test_other_work_under_this_name_is_not_done() -> None:
    gate = ApprovalGate()
    record = gate.run(approved(gate, tool="delete_policy"))
    assert (record.state, record.note) == (State.FAILED, NO_SUCH_WORK)
    assert gate.activator.asked == []


def test_a_policy_whose_deadline_passed_is_not_put_in_force() -> None:
    gate = ApprovalGate()
    record = approved(gate)
    gate.seconds(1800)
    assert gate.run(record).state is State.EXPIRED
    assert gate.activator.asked == []


def test_N26_an_executor_that_loses_the_claim_asks_nobody() -> None:
    gate = ApprovalGate()
    record = approved(gate)
    gate.racing("replace", lambda: gate.executor().step(record.id))
    gate.executor().step(record.id)
    assert len(gate.activator.asked) == 1


def test_no_client_reaches_the_server_that_policies_are_told_by() -> None:
    gate = ApprovalGate()
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {}}
    assert gate.send(message, server=POLICY_SERVER).status == 404
    assert gate.workflow.started == []
