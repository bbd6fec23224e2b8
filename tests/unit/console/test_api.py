"""The JSON API: who may see and decide what, and how every outcome is told."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from portcullis.approvals.life import Refusal
from portcullis.approvals.states import State
from portcullis.console.wording import EARLIER, REFUSALS
from portcullis.policy.model import Approval
from support.approval_records import ALICE, TIMEOUT_SECONDS, make_vote
from support.console_fakes import (
    ADMIN_TOKEN,
    AGENT_TOKEN,
    ALICE_TOKEN,
    ARGUMENTS_OF_BOB,
    CAROL_TOKEN,
    DAVE_TOKEN,
    EVE_TOKEN,
    ConsoleWorld,
)

TWO = Approval(approvers=("group:platform", "carol@example.com"), timeout_seconds=1800,
               min_approvals=2)  # fmt: skip


@pytest.fixture
def world() -> ConsoleWorld:
    return ConsoleWorld()


def test_a_request_is_told_in_full(world: ConsoleWorld) -> None:
    record = world.ask({**ARGUMENTS_OF_BOB, "password": "hunter2"})
    answer = world.api(CAROL_TOKEN, "GET", f"/approvals/{record.id}")
    assert answer.status == 200
    assert answer.tree == {
        "id": record.id,
        "kind": "call",
        "state": "PENDING",
        "server": "aws-iam",
        "tool": "put_user_policy",
        "requester": {"subject": "alice-agent", "person": "alice@example.com"},
        "rule": "put_user_policy/1",
        "reason": "IAM changes are looked at.",
        "revision": "4" * 64,
        "approvers": ["group:platform", "carol@example.com"],
        "min_approvals": 1,
        "approvals": [],
        "denial": None,
        "asked_at": "2027-01-15T08:00:00Z",
        "expires_at": "2027-01-15T08:30:00Z",
        "digest": record.binding.arguments,
        "note": "",
        "link": record.link,
        "arguments": {**ARGUMENTS_OF_BOB, "password": "[masked: 1 to 8 characters]"},
        "notes": ["args.policy_document says who may do what"],
        "can_decide": True,
        "cannot_decide": None,
    }


def test_the_list_tells_the_same_without_arguments(world: ConsoleWorld) -> None:
    record, ended = world.ask(), world.ask()
    world.decide(DAVE_TOKEN, ended, "deny", comment="no")
    answer = world.api(CAROL_TOKEN, "GET", "/approvals")
    assert [(one["id"], one["state"]) for one in answer.tree["approvals"]] == [
        (record.id, "PENDING"),
        (ended.id, "DENIED"),
    ]
    whole = world.api(CAROL_TOKEN, "GET", f"/approvals/{record.id}").tree
    apart = {"arguments", "notes", "can_decide", "cannot_decide"}
    assert answer.tree["approvals"][0] == {
        name: value for name, value in whole.items() if name not in apart
    }


@pytest.mark.parametrize(
    "token, sees",
    [
        (CAROL_TOKEN, True),
        (DAVE_TOKEN, True),
        (ALICE_TOKEN, True),
        (ADMIN_TOKEN, True),
        (EVE_TOKEN, False),
    ],
)
def test_a_request_is_seen_by_whom_it_concerns(world: ConsoleWorld, token: str, sees: bool) -> None:
    record = world.ask()
    assert bool(world.api(token, "GET", "/approvals").tree["approvals"]) is sees
    assert world.api(token, "GET", f"/approvals/{record.id}").status == (200 if sees else 404)


def test_an_approval_counts_and_wakes_what_waits(world: ConsoleWorld) -> None:
    record = world.ask()
    world.store.hold(record.id, "handle")
    world.clock.seconds = 60
    answer = world.decide(CAROL_TOKEN, record, "approve", comment="fine")
    assert answer.status == 200
    assert (answer.tree["state"], answer.tree["can_decide"]) == ("APPROVED", False)
    assert answer.tree["approvals"] == [
        {"by": "carol@example.com", "at": "2027-01-15T08:01:00Z", "comment": "fine"}
    ]
    assert world.record(record).state is State.APPROVED
    assert world.workflow.woken == ["handle"]


def test_a_denial_counts_with_its_comment(world: ConsoleWorld) -> None:
    record = world.ask()
    answer = world.decide(DAVE_TOKEN, record, "deny", comment="not today")
    assert answer.tree["denial"]["comment"] == "not today"
    assert world.record(record).state is State.DENIED


def test_a_workflow_that_does_not_answer_changes_nothing_about_a_decision(
    world: ConsoleWorld,
) -> None:
    record = world.ask()
    world.store.hold(record.id, "handle")
    world.workflow.is_down = True
    assert world.decide(CAROL_TOKEN, record, "approve").status == 200
    assert world.record(record).state is State.APPROVED


def test_the_first_of_two_approvals_leaves_it_open(world: ConsoleWorld) -> None:
    record = world.ask(terms=TWO)
    first = world.decide(CAROL_TOKEN, record, "approve").tree
    assert (first["state"], first["can_decide"], len(first["approvals"])) == ("PENDING", True, 1)
    assert world.decide(DAVE_TOKEN, record, "approve").tree["state"] == "APPROVED"


def end(world: ConsoleWorld, record: Any) -> None:
    world.change(record, state=State.DENIED, denial=make_vote(), ended_at=1)


def run_out(world: ConsoleWorld, _record: Any) -> None:
    world.clock.seconds = TIMEOUT_SECONDS


def nothing(_world: ConsoleWorld, _record: Any) -> None:
    """The request stays as it is."""


def agree(world: ConsoleWorld, record: Any) -> None:
    world.decide(CAROL_TOKEN, record, "approve")


Before = Callable[[ConsoleWorld, Any], None]
REFUSED: dict[Refusal, tuple[Before, str, str]] = {
    Refusal.NOT_NOW: (end, CAROL_TOKEN, "DENIED"),
    Refusal.TOO_LATE: (run_out, CAROL_TOKEN, "EXPIRED"),
    Refusal.OWN_REQUEST: (nothing, ALICE_TOKEN, "PENDING"),
    Refusal.NOT_AN_APPROVER: (nothing, ADMIN_TOKEN, "PENDING"),
    Refusal.SAID_ALREADY: (agree, CAROL_TOKEN, "PENDING"),
}


@pytest.mark.parametrize("refusal", REFUSED, ids=lambda one: one.name)
def test_a_refused_decision_is_told_with_the_state_and_changes_nothing(
    world: ConsoleWorld, refusal: Refusal
) -> None:
    before, token, state = REFUSED[refusal]
    record = world.ask(terms=TWO)
    before(world, record)
    standing = world.record(record)
    world.log.records.clear()
    answer = world.decide(token, record, "approve")
    fault = REFUSALS[refusal]
    assert answer.status == fault.status
    assert answer.tree == {"error": {"code": fault.code, "message": fault.message, "state": state}}
    assert world.record(record) == standing
    assert world.log.outcomes == ["approval_refused"]


def test_every_refusal_has_a_row() -> None:
    assert set(REFUSED) == set(Refusal)


@pytest.mark.parametrize("refusal", [Refusal.OWN_REQUEST, Refusal.NOT_AN_APPROVER])
def test_who_cannot_decide_is_told_why_beforehand(world: ConsoleWorld, refusal: Refusal) -> None:
    record = world.ask()
    tree = world.api(REFUSED[refusal][1], "GET", f"/approvals/{record.id}").tree
    assert (tree["can_decide"], tree["cannot_decide"]) == (False, REFUSALS[refusal].message)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "authorization",
    ["Bearer pcl_unknown", "Bearer ", "Bearer a b", "Basic cGNsX2Nhcm9sOg==", "pcl_carol", ""],
)
def test_an_unknown_credential_is_401(world: ConsoleWorld, method: str, authorization: str) -> None:
    record = world.ask()
    answer = world.send(
        method,
        f"/approvals/{record.id}",
        headers={"Authorization": authorization, "Content-Type": "application/json"},
        body='{"decision": "approve"}',
    )
    assert (answer.status, answer.code) == (401, "unauthorized")
    assert answer.header("www-authenticate").startswith("Bearer ")
    assert world.record(record) == record


def test_two_credentials_are_none(world: ConsoleWorld) -> None:
    headers = {"authorization": [f"Bearer {CAROL_TOKEN}", f"Bearer {CAROL_TOKEN}"]}
    assert world.send("GET", "/approvals", headers=headers).status == 401


@pytest.mark.parametrize("target", ["/approvals", "/approvals/" + "0" * 31 + "1"])
def test_an_agent_s_credential_is_403(world: ConsoleWorld, target: str) -> None:
    world.ask()
    answer = world.api(AGENT_TOKEN, "GET", target)
    assert (answer.status, answer.code) == (403, "forbidden")
    assert "agent" in answer.tree["error"]["message"]


def test_a_bearer_credential_comes_before_a_cookie(world: ConsoleWorld) -> None:
    record = world.ask()
    browser = world.browser(CAROL_TOKEN)
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    eve = world.api(EVE_TOKEN, "GET", f"/approvals/{record.id}", headers={"cookie": cookie})
    assert (eve.status, eve.code) == (404, "not_found")
    unknown = world.api("pcl_no", "GET", f"/approvals/{record.id}", headers={"cookie": cookie})
    assert unknown.status == 401


@pytest.mark.parametrize(
    "media", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""]
)
def test_a_program_sends_json(world: ConsoleWorld, media: str) -> None:
    record = world.ask()
    answer = world.api(
        CAROL_TOKEN, "POST", f"/approvals/{record.id}", '{"decision": "approve"}',
        headers={"Content-Type": media},
    )  # fmt: skip
    assert (answer.status, answer.code) == (415, "unsupported_media_type")
    assert world.record(record) == record


def test_a_media_type_may_name_its_charset(world: ConsoleWorld) -> None:
    record = world.ask()
    answer = world.api(
        CAROL_TOKEN, "POST", f"/approvals/{record.id}", '{"decision": "approve"}',
        headers={"Content-Type": "Application/JSON; charset=utf-8"},
    )  # fmt: skip
    assert answer.status == 200


def break_grants(world: ConsoleWorld) -> None:
    world.grants.is_down = True


def break_vault(world: ConsoleWorld) -> None:
    world.vault.is_down = True


def break_log(world: ConsoleWorld) -> None:
    world.log.is_down = True


@pytest.mark.parametrize("break_it, status", [(break_grants, 503), (break_vault, 503)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_dependency_that_fails_decides_nothing(
    world: ConsoleWorld, break_it: Callable[[ConsoleWorld], None], status: int, method: str
) -> None:
    record = world.ask()
    break_it(world)
    body = {"decision": "approve"} if method == "POST" else None
    answer = world.api(CAROL_TOKEN, method, f"/approvals/{record.id}", body)
    assert (answer.status, answer.code) == (status, "unavailable")
    assert world.record(record) == record
    assert world.log.outcomes == ["store_unavailable"]


def test_a_log_that_fails_is_answered_without_details(world: ConsoleWorld) -> None:
    record = world.ask()
    break_log(world)
    answer = world.decide(EVE_TOKEN, record, "approve")
    assert (answer.status, answer.code) == (500, "internal_error")
    assert "open the request again" in answer.tree["error"]["message"]
    assert world.record(record) == record


def test_arguments_that_were_swapped_in_the_store_are_never_shown(world: ConsoleWorld) -> None:
    record = world.ask()
    other = world.ask({"user_name": "eve"})
    bound = world.record(other).binding
    world.change(record, binding=bound)
    assert world.api(CAROL_TOKEN, "GET", f"/approvals/{record.id}").status == 503
    assert world.decide(CAROL_TOKEN, record, "approve").status == 503


def test_the_audit_says_who_decided_what_and_holds_no_content(world: ConsoleWorld) -> None:
    record = world.ask({**ARGUMENTS_OF_BOB, "password": "hunter2"})
    world.decide(EVE_TOKEN, record, "approve")
    world.decide(CAROL_TOKEN, record, "approve", comment="a comment")
    refused, given = world.log.records
    assert (refused.outcome, refused.approval, refused.status, refused.name) == (
        "approval_refused", record.id, 404, None,
    )  # fmt: skip
    assert (given.method, given.outcome, given.server, given.name, given.rule) == (
        "approvals/decide", "approval_given", "aws-iam", "put_user_policy", "put_user_policy/1",
    )  # fmt: skip
    assert given.principal == "16:portcullis:grant|carol"
    assert given.approval == record.id
    assert given.argument_digest == record.binding.arguments
    text = json.dumps([str(one) for one in world.log.records])
    for secret in ("a comment", "hunter2", "bob", CAROL_TOKEN, EVE_TOKEN):
        assert secret not in text


def test_a_denial_is_audited_as_one(world: ConsoleWorld) -> None:
    world.decide(CAROL_TOKEN, world.ask(), "deny")
    assert world.log.outcomes == ["approval_denied"]


def test_arguments_that_cannot_be_shown_can_only_be_denied(world: ConsoleWorld) -> None:
    record = world.ask({"x": "a" * 300_000})
    tree = world.api(CAROL_TOKEN, "GET", f"/approvals/{record.id}").tree
    assert tree["arguments"] == {}
    assert "only be denied" in tree["notes"][0]
    answer = world.decide(CAROL_TOKEN, record, "approve")
    assert (answer.status, answer.code) == (409, "not_shown")
    assert world.record(record).state is State.PENDING
    assert world.decide(CAROL_TOKEN, record, "deny").status == 200


def test_a_request_that_vanishes_while_it_is_decided_is_not_found(
    world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = world.ask()
    reads = iter([record, None])
    # The store drops it between two reads, which the memory store cannot be told to do.
    monkeypatch.setattr(world.store, "read", lambda _id: next(reads))
    assert world.decide(CAROL_TOKEN, record, "approve").status == 404


def test_a_decision_overtaken_by_another_is_told_the_state_it_met(
    world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = world.ask()
    replace_it = world.store.replace

    def overtaken(*change: Any) -> Any:
        monkeypatch.setattr(world.store, "replace", replace_it)
        end(world, record)
        return replace_it(*change)

    # Somebody denies it between reading and writing.
    monkeypatch.setattr(world.store, "replace", overtaken)
    answer = world.decide(CAROL_TOKEN, record, "approve")
    assert (answer.status, answer.code) == (409, "not_now")
    assert answer.tree["error"]["state"] == "DENIED"
    assert world.record(record).approvals == ()


def test_the_host_must_be_one_that_is_served() -> None:
    world = ConsoleWorld(hosts=("other.example",))
    assert world.api(CAROL_TOKEN, "GET", "/approvals").status == 403
    served = world.api(CAROL_TOKEN, "GET", "/approvals", headers={"Host": "other.example"})
    assert served.status == 200


def test_the_requester_s_person_stands_for_itself_where_nobody_was_named(
    world: ConsoleWorld,
) -> None:
    record = world.ask(requester=ALICE.__class__(issuer="i", subject="bot"))
    tree = world.api(CAROL_TOKEN, "GET", f"/approvals/{record.id}").tree
    assert tree["requester"] == {"subject": "bot", "person": "bot"}


@pytest.mark.parametrize("state", State, ids=lambda state: state.value)
def test_N29_what_became_of_the_same_call_before_is_said_first(
    world: ConsoleWorld, state: State
) -> None:
    before = world.ask()
    if state is not State.PENDING:
        world.change(before, state=state)
    record = world.ask(previous=before.id)
    notes = world.api(CAROL_TOKEN, "GET", f"/approvals/{record.id}").tree["notes"]
    assert (state in EARLIER) is (before.id in notes[0])
    if state in EARLIER:
        assert EARLIER[state] in notes[0]


def test_an_earlier_request_that_is_gone_is_not_spoken_of(world: ConsoleWorld) -> None:
    record = world.ask(previous="f" * 32)
    notes = world.api(CAROL_TOKEN, "GET", f"/approvals/{record.id}").tree["notes"]
    assert "f" * 32 not in str(notes)
