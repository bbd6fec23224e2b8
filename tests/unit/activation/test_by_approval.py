"""A policy is released once two people stood behind it, and only as they saw it."""

from dataclasses import replace
from typing import Any

import pytest

from portcullis.activation.by_approval import (
    CHANGED,
    NOT_CLAIMED,
    OTHER_APPROVALS,
    SUPERSEDED,
    TOO_LARGE,
    TOO_MANY,
    ApprovalTerms,
    PolicyRequests,
    requester_of,
)
from portcullis.activation.release import (
    Answer,
    InForce,
    Refused,
    Released,
    Upload,
    Waiting,
)
from portcullis.adapters.memory_approvals import MemoryApprovalStore
from portcullis.approvals import life
from portcullis.approvals.kinds import ACTIVATE_POLICY, POLICY_SERVER
from portcullis.approvals.record import ApprovalRecord
from portcullis.approvals.states import State
from portcullis.errors import ApprovalStoreError, UnavailableError, VaultError
from portcullis.gateway.approval_ports import ARGUMENTS
from portcullis.gateway.asking import Asker, AskTerms
from portcullis.gateway.deciding import Desk, Viewer, Word
from portcullis.policy.model import Principal
from portcullis.policy.policy_text import parse_policy
from support.approval_records import Clock, make_question, make_record
from support.memory_vault import MemoryVault
from support.memory_workflow import MemoryWorkflow

OLD = 'version: "1"\ndefault: deny\n'
NEW = OLD + "tools:\n  t: {action: allow}\n"
NEWER = OLD + "tools:\n  u: {action: allow}\n"
TERMS = ApprovalTerms(
    approvers=("group:platform",),
    needed=2,
    seconds=1800,
    account="123456789012",
    bucket="policies",
    base_url="https://gate.example",
)
ANN, BEN, EVE = (
    Viewer(principal=Principal(issuer="portcullis:grant", subject=name, groups=("platform",)))
    for name in ("ann", "ben", "eve")
)


class World:
    """The requests of one bucket, and the people who decide them."""

    def __init__(self, terms: ApprovalTerms = TERMS) -> None:
        self.clock, self.ids = Clock(), 0
        self.store = MemoryApprovalStore(clock=self.clock)
        self.workflow, self.vault = MemoryWorkflow(), MemoryVault()
        self.desk = Desk(self.store, self.workflow, self.vault, clock=self.clock)
        self.terms = terms

    @property
    def now(self) -> int:
        return self.clock().micros // 1_000_000

    @property
    def requests(self) -> PolicyRequests:
        asker = Asker(
            self.store,
            self.workflow,
            self.vault,
            AskTerms(cap=20, cooldown_seconds=86_400),
            new_id=self._new_id,
        )
        return PolicyRequests(self.store, asker, self.terms)

    def _new_id(self) -> str:
        self.ids += 1
        return f"{self.ids:032x}"

    def decide(
        self,
        text: str = NEW,
        *,
        version: str = "v1",
        before: str | None = OLD,
        carrying: str | None = None,
        server: str = "mq",
    ) -> Answer:
        upload = Upload(server=server, version=version, uploaded_at=0, body=text.encode())
        release = self.requests.release(carrying)
        return release.decide(upload, parse_policy(text), in_force(before), now_seconds=self.now)

    def waiting(self, text: str = NEW, **more: Any) -> ApprovalRecord:
        answer = self.decide(text, **more)
        assert isinstance(answer, Waiting), answer
        assert answer.approval is not None
        record = self.read(answer.approval)
        assert answer.url == record.link == f"https://gate.example/approvals/{record.id}"
        return record

    def read(self, approval_id: str) -> ApprovalRecord:
        found = self.store.read(approval_id)
        assert found is not None
        return found

    def say(self, record: ApprovalRecord, *people: Viewer, word: Word = Word.APPROVE,
            comment: str = "") -> ApprovalRecord:  # fmt: skip
        for one in people:
            assert isinstance(
                self.desk.decide(record.id, one, word, comment=comment), ApprovalRecord
            )
        return self.read(record.id)

    def change(self, record: ApprovalRecord, change: Any, **options: Any) -> ApprovalRecord:
        changed = change(self.read(record.id), now=self.now, **options)
        assert isinstance(changed, ApprovalRecord)
        assert self.store.replace(self.read(record.id), changed) is not None
        return changed

    def claimed(self, **more: Any) -> ApprovalRecord:
        return self.change(self.say(self.waiting(**more), ANN, BEN), life.claim)


def in_force(text: str | None) -> InForce | None:
    if text is None:
        return None
    policy = parse_policy(text).policy
    return InForce(revision=policy.revision, source_version="v0", document=policy.document)


def fault_of(answer: Answer) -> str:
    assert isinstance(answer, Refused), answer
    (fault,) = answer.faults
    return fault.message


def test_a_sound_upload_is_one_request_however_often_it_is_asked_about() -> None:
    world = World()
    record = world.waiting()
    assert world.waiting() == record
    assert world.workflow.started == [record.id]
    assert (record.binding.server, record.binding.tool) == (POLICY_SERVER, ACTIVATE_POLICY)
    assert record.binding.revision == parse_policy(NEW).policy.revision
    assert (record.terms.min_approvals, record.terms.approvers) == (2, ("group:platform",))
    assert record.requester == requester_of(TERMS, "mq")
    assert record.expires_at == world.now + 1800


def test_the_request_shows_the_whole_upload_and_what_it_changes() -> None:
    world = World()
    record = world.waiting()
    shown = world.desk.show(record.id, ANN)
    assert shown is not None
    arguments = shown.arguments
    assert arguments["policy"] == NEW
    assert (arguments["server"], arguments["version_id"]) == ("mq", "v1")
    assert arguments["replaces"] == parse_policy(OLD).policy.revision
    assert arguments["changes"] == [{"text": "tool `t` is added: allow", "widens": True}]


@pytest.mark.parametrize(
    ("before", "replaces"), [(None, "nothing"), (InForce(is_readable=False), "unreadable")]
)
def test_what_was_never_in_force_or_cannot_be_read_is_said_so(before: Any, replaces: str) -> None:
    world = World()
    upload = Upload(server="mq", version="v1", uploaded_at=0, body=NEW.encode())
    answer = world.requests.release().decide(
        upload, parse_policy(NEW), before, now_seconds=world.now
    )
    assert isinstance(answer, Waiting)
    shown = world.desk.show(str(answer.approval), ANN)
    assert shown is not None
    assert shown.arguments["replaces"] == replaces


def test_N34_one_person_is_not_enough_and_two_are() -> None:
    world = World()
    record = world.say(world.waiting(), ANN)
    assert record.state is State.PENDING
    answer = world.decide()
    assert isinstance(answer, Waiting)
    assert answer.text.startswith("1 of 2 people have approved it; they have until ")
    assert world.say(record, BEN).state is State.APPROVED
    answer = world.decide()
    assert isinstance(answer, Waiting)
    assert answer.text == "it was approved, and is put in force next"


def test_only_the_run_that_the_executor_started_releases_it() -> None:
    world = World()
    record = world.claimed()
    assert isinstance(world.decide(), Waiting)
    assert world.decide(carrying=record.id) == Released(
        facts={"approval": record.id, "approved_by": ["ann", "ben"]}
    )


@pytest.mark.parametrize("state", ["pending", "approved", "done", "gone"])
def test_a_request_that_nobody_claimed_releases_nothing(state: str) -> None:
    world = World()
    record = world.waiting()
    if state in ("approved", "done"):
        record = world.say(record, ANN, BEN)
    if state == "done":
        world.change(world.change(record, life.claim), life.finish, parts=0)
    carrying = "f" * 32 if state == "gone" else record.id
    assert fault_of(world.decide(carrying=carrying)) == NOT_CLAIMED


@pytest.mark.parametrize(
    "changed",
    [
        {"text": NEWER},
        {"text": NEW + "# a comment\n"},
        {"version": "v2"},
        {"before": NEWER},
        {"before": None},
        {"server": "iam"},
    ],
    ids=["another policy", "other bytes", "a newer upload", "another in force", "none in force",
         "another server"],
)  # fmt: skip
def test_N01_what_is_not_what_was_approved_is_not_released(changed: Any) -> None:
    world = World()
    record = world.claimed()
    assert fault_of(world.decide(carrying=record.id, **changed)) == CHANGED


def test_a_request_of_somebody_else_releases_nothing() -> None:
    world = World()
    record = world.claimed()
    world.store._records[record.id] = replace(record, requester=ANN.principal)
    assert fault_of(world.decide(carrying=record.id)) == CHANGED


@pytest.mark.parametrize("terms", [{"needed": 3}, {"approvers": ("group:security",)}])
def test_N10_a_deployment_that_wants_other_approvals_by_now_is_not_met(terms: Any) -> None:
    world = World()
    record = world.claimed()
    world.terms = replace(TERMS, **terms)
    assert fault_of(world.decide(carrying=record.id)) == OTHER_APPROVALS


def test_what_is_in_force_already_needs_nobody() -> None:
    world = World()
    assert world.decide(before=NEW) == Released()
    assert world.decide(before=NEW, carrying="f" * 32) == Released()
    assert world.workflow.started == []


def test_a_denial_is_told_with_its_comment_and_stands() -> None:
    world = World()
    world.say(world.waiting(), ANN, word=Word.DENY, comment="not on\nFriday")
    for _ in range(2):
        assert fault_of(world.decide()) == "an approver denied it: `not on\\nFriday`"
    world.clock.seconds += 86_400 * 10
    assert fault_of(world.decide()).startswith("an approver denied it")
    assert len(world.workflow.started) == 1


def test_a_denial_without_a_comment_is_told() -> None:
    world = World()
    world.say(world.waiting(), ANN, word=Word.DENY)
    assert fault_of(world.decide()) == "an approver denied it"


def test_N21_an_expiry_is_told_and_asks_nobody_again() -> None:
    world = World()
    world.waiting()
    world.clock.seconds += 1800
    assert fault_of(world.decide()) == "it was not approved in time"
    assert len(world.workflow.started) == 1


def test_how_an_approved_one_ended_is_told() -> None:
    world = World()
    world.change(world.claimed(), life.refuse, note="the activator could not be reached")
    assert fault_of(world.decide()).endswith("not put in force: the activator could not be reached")
    unknown = World()
    unknown.change(unknown.claimed(), life.lose, note="")
    assert "nobody could tell" in fault_of(unknown.decide())
    done = World()
    done.change(done.claimed(), life.finish, parts=0)
    assert "not in force any more" in fault_of(done.decide())


def test_a_newer_upload_closes_the_request_of_the_older() -> None:
    world = World()
    older = world.waiting()
    approved = world.say(world.waiting(NEWER, version="v2"), ANN, BEN)
    newest = world.waiting(version="v3")
    world.requests.supersede("mq", kept=newest.id, now_seconds=world.now)
    for closed in (older, approved):
        assert world.read(closed.id).state is State.CANCELLED
        assert world.read(closed.id).note == SUPERSEDED
    assert world.read(newest.id).state is State.PENDING
    # What was closed in favour of another is asked again where it is the newest once more.
    again = world.waiting()
    assert again.id not in (older.id, newest.id)


def test_what_is_being_carried_out_is_not_closed_and_other_servers_are_not_touched() -> None:
    world = World()
    claimed, other = world.claimed(), world.waiting(server="iam")
    world.requests.supersede("mq", kept=None, now_seconds=world.now)
    assert world.read(claimed.id).state is State.EXECUTING
    assert world.read(other.id).state is State.PENDING


def test_the_server_of_a_request_is_told_of_policies_only() -> None:
    world = World()
    record = world.waiting()
    call = make_record(id="e" * 32)
    world.store.create(make_question(call))
    assert world.requests.server_of(record.id) == "mq"
    assert world.requests.server_of(call.id) is None
    assert world.requests.server_of("f" * 32) is None


def test_a_file_that_nobody_could_look_at_is_refused() -> None:
    world = World()
    text = NEW + "# x\n" * 40_000
    assert fault_of(world.decide(text)) == TOO_LARGE


def test_more_requests_than_a_server_may_have_are_refused() -> None:
    world = World()
    for number in range(20):
        world.waiting(version=f"v{number}")
    assert fault_of(world.decide(version="v21")) == TOO_MANY


@pytest.mark.parametrize("what", ["vault", "workflow", "find", "create"])
def test_P02_what_does_not_answer_releases_nothing(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    if what in ("vault", "workflow"):
        getattr(world, what).is_down = True
    else:

        def fail(*_: Any, **__: Any) -> Any:
            raise ApprovalStoreError("throttled")

        monkeypatch.setattr(world.store, what, fail)
    with pytest.raises(UnavailableError):
        world.decide()


def test_a_stored_upload_that_was_exchanged_is_not_shown() -> None:
    world = World()
    record = world.waiting()
    sealed = world.vault.seal(record.id, ARGUMENTS, b'{"policy":"another"}')
    question = world.store._questions[record.id]
    world.store._questions[record.id] = replace(question, sealed_arguments=sealed)
    with pytest.raises(VaultError):
        world.desk.show(record.id, EVE)
