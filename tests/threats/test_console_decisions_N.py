"""Threat cases N: a decision counts once, in time, as it was said, by enough people."""

from typing import Any

import pytest

from portcullis.adapters.memory_approvals import MemoryApprovalStore
from portcullis.approvals.states import State
from portcullis.errors import ApprovalStoreError
from portcullis.policy.model import Approval, Principal
from support.approval_records import TIMEOUT_SECONDS
from support.console_fakes import CAROL_TOKEN, DAVE_TOKEN, ISSUER, ConsoleWorld


@pytest.fixture
def world() -> ConsoleWorld:
    return ConsoleWorld()


@pytest.mark.parametrize("word", ["approve", "deny"])
@pytest.mark.parametrize("again", ["approve", "deny"])
def test_N20_after_a_decision_the_page_shows_it_and_a_second_one_does_nothing(
    world: ConsoleWorld, word: str, again: str
) -> None:
    record = world.ask()
    browser = world.browser(CAROL_TOKEN)
    fields = {"word": word, "csrf": browser.open(record).form_token}
    assert browser.post(f"/approvals/{record.id}", fields).status == 303
    decided = world.record(record)
    second = browser.post(f"/approvals/{record.id}", {**fields, "word": again})
    assert second.status == 409
    assert ("Approved" if word == "approve" else "Denied") in second.text
    assert world.decide(DAVE_TOKEN, record, again).status == 409
    assert world.record(record) == decided


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_N21_the_deadline_is_kept_to_the_second(world: ConsoleWorld, late: int) -> None:
    record = world.ask()
    world.clock.seconds = TIMEOUT_SECONDS + late
    answer = world.decide(CAROL_TOKEN, record, "approve")
    if late < 0:
        assert answer.status == 200
    else:
        assert (answer.status, answer.code) == (409, "too_late")
        assert answer.tree["error"]["state"] == "EXPIRED"


# More of them are in tests/unit/console/test_bodies.py.
TAMPERED = {
    "the request again": {"id": "X", "decision": "approve", "arguments": {"user_name": "eve"}},
    "a space": {"decision": "approve "},
    "true": {"decision": True},
    "a list": {"decision": ["approve"]},
    "both": '{"decision": "approve", "decision": "deny"}',
    "missing": {},
}


@pytest.mark.parametrize("body", [pytest.param(b, id=f"N33-{n}") for n, b in TAMPERED.items()])
def test_a_body_that_is_not_exactly_a_decision_is_refused(world: ConsoleWorld, body: Any) -> None:
    record = world.ask()
    answer = world.api(CAROL_TOKEN, "POST", f"/approvals/{record.id}", body)
    assert (answer.status, answer.code) == (400, "bad_request")
    assert world.record(record) == record


FOUR_EYES = Approval(
    approvers=("group:platform", "carol@example.com", "carol"), timeout_seconds=1800,
    min_approvals=2,
)  # fmt: skip


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(
            Principal(issuer=ISSUER, subject="c2", person="CAROL@example.com"), id="N34-a"
        ),
        pytest.param(
            Principal(issuer="https://id", subject="carol", person="c@x", groups=("platform",)),
            id="N34-b",
        ),
        pytest.param(Principal(issuer=ISSUER, subject="carol"), id="N34-c"),
    ],
)
def test_one_person_counts_once_under_whatever_credential(
    world: ConsoleWorld, second: Principal
) -> None:
    record = world.ask(terms=FOUR_EYES)
    world.grants.add("pcl_second", second)
    assert world.decide(CAROL_TOKEN, record, "approve").tree["state"] == "PENDING"
    answer = world.decide("pcl_second", record, "approve")
    assert (answer.status, answer.code) == (409, "said_already")
    assert world.record(record).state is State.PENDING


def test_N34_one_no_wins_over_any_yes(world: ConsoleWorld) -> None:
    record = world.ask(terms=FOUR_EYES)
    world.decide(CAROL_TOKEN, record, "approve")
    assert world.decide(DAVE_TOKEN, record, "deny").tree["state"] == "DENIED"
    assert world.decide(CAROL_TOKEN, record, "approve").status == 409


def test_N35_a_store_that_fails_decides_nothing(
    world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = world.ask()
    browser = world.browser(CAROL_TOKEN)
    page = browser.open(record)

    def fail(*_: object, **__: object) -> None:
        raise ApprovalStoreError("throttled")

    for method in ("read", "replace", "sealed_arguments"):
        with monkeypatch.context() as patch:
            patch.setattr(MemoryApprovalStore, method, fail)  # the memory store cannot fail
            fields = {"word": "approve", "csrf": page.form_token}
            assert browser.post(f"/approvals/{record.id}", fields).status == 503
            assert world.decide(CAROL_TOKEN, record, "approve").status == 503
    assert world.record(record) == record
