"""Policies that people approve, through the real handlers, rules and workflow on the emulator."""

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from local_stack.runtime_api import Outcome
from portcullis.adapters.s3_policies import active_key
from portcullis.approvals.kinds import POLICY_SERVER
from portcullis.approvals.states import State
from portcullis.errors import UnavailableError
from portcullis.gateway.deciding import Word
from portcullis.policy.policy_text import parse_policy
from support.approval_world import crash
from support.policy_world import ANN, BEN, BUCKET, PolicyWorld, a_policy_world
from support.waiting import until

OLD = 'version: "1"\ndefault: deny\n'
NEW = OLD + "tools:\n  create_broker: {action: allow}\n"
NEWER = OLD + "tools:\n  delete_broker: {action: allow}\n"
FAULTY = OLD + "tools: 7\n"


def revision_of(text: str) -> str:
    return parse_policy(text).policy.revision


@pytest.fixture(scope="module")
def standing() -> Iterator[tuple[PolicyWorld, ModuleType]]:
    with a_policy_world() as made:
        yield made


@pytest.fixture
def world(standing: tuple[PolicyWorld, ModuleType]) -> Iterator[PolicyWorld]:
    world, _ = standing
    world.executor.instead = world.activator.instead = None
    yield world
    world.executor.instead = world.activator.instead = None


def test_N34_two_people_put_a_policy_in_force(world: PolicyWorld) -> None:
    server = world.server()
    record = world.waiting(server, NEW)
    assert record.binding.server == POLICY_SERVER
    assert world.revision(server) is None
    world.say(record, ANN)
    assert world.record(record.id).state is State.PENDING
    assert world.revision(server) is None
    world.say(record, BEN)
    world.ends(record, "DONE")
    assert world.revision(server) == revision_of(NEW)
    assert world.read(active_key(server))["release"] == {
        "approval": record.id, "approved_by": ["ann", "ben"],
    }  # fmt: skip
    told = world.status(server, "active", world.read(active_key(server))["source_version"])
    assert told["in_force"]["revision"] == revision_of(NEW)


def test_a_denial_changes_nothing_and_the_status_has_the_comment(world: PolicyWorld) -> None:
    server = world.server()
    before = world.in_force(server, OLD)
    record = world.waiting(server, NEW)
    world.say(record, ANN)
    world.say(record, BEN, word=Word.DENY, comment="not on Friday")
    version = str(world.read(f"status/{server}.json")["source_version"])
    told = world.status(server, "rejected", version)
    assert [fault["message"] for fault in told["faults"]] == [
        "an approver denied it: `not on Friday`"
    ]
    assert told["in_force"]["revision"] == world.revision(server) == before


def test_an_expiry_changes_nothing_and_the_status_says_so(
    world: PolicyWorld, standing: tuple[PolicyWorld, ModuleType]
) -> None:
    server = world.server()
    with world.impatient(standing[1], 2):
        record = world.waiting(server, NEW)
    world.ends(record, "EXPIRED")
    version = str(world.read(f"status/{server}.json")["source_version"])
    told = world.status(server, "rejected", version)
    assert told["faults"][0]["message"] == "it was not approved in time"
    assert world.revision(server) is None


@pytest.mark.parametrize("newer", [NEWER, FAULTY], ids=["sound", "faulty"])
def test_a_newer_upload_closes_the_request_of_the_older(world: PolicyWorld, newer: str) -> None:
    server = world.server()
    record = world.waiting(server, NEW)
    world.say(record, ANN)
    version = world.upload(server, newer)
    world.ends(record, "CANCELLED")
    world.status(server, "waiting" if newer == NEWER else "rejected", version)
    assert world.revision(server) is None


def test_many_notices_of_one_upload_are_one_request(world: PolicyWorld) -> None:
    server = world.server()
    record = world.waiting(server, NEW)
    (notice,) = [one for one in world.activator.events if f"/{server}.yaml" in json.dumps(one)]
    for _ in range(3):
        assert world.activator.handler(notice, None)["waiting"]["approval"] == record.id
    mails = world.world.received(world.world.mail, record.id)
    assert len(mails) == 1
    assert "A policy waits for your approval" in json.dumps(mails[0])


def test_what_came_in_force_meanwhile_stays_and_people_are_asked_anew(world: PolicyWorld) -> None:
    server = world.server()
    world.in_force(server, OLD)
    record = world.waiting(server, NEW)
    world.say(record, ANN)
    other = world.read(active_key(server))
    document = parse_policy(NEWER).policy.document
    replaced = {**other, "revision": revision_of(NEWER), "document": dict(document)}
    world.s3.put_object(Bucket=BUCKET, Key=active_key(server), Body=json.dumps(replaced).encode())
    world.say(record, BEN)
    failed = world.ends(record, "FAILED")
    assert "is not what was approved" in failed.note
    assert world.revision(server) == revision_of(NEWER)

    def asked_anew() -> bool:
        told = world.read(f"status/{server}.json")
        return bool(told["state"] == "waiting" and told["waiting"]["approval"] != record.id)

    assert until(asked_anew)


@pytest.mark.parametrize("body", [b"{", b'{"revision":"sha256:x","document":{}}'])
def test_an_active_object_that_somebody_tampered_with_is_replaced_by_people_only(
    world: PolicyWorld, body: bytes
) -> None:
    server = world.server()
    world.in_force(server, NEW)
    world.s3.put_object(Bucket=BUCKET, Key=active_key(server), Body=body)
    record = world.waiting(server, NEW)
    assert world.s3.get_object(Bucket=BUCKET, Key=active_key(server))["Body"].read() == body
    shown = world.desk.show(record.id, ANN)
    assert shown is not None
    assert shown.arguments["replaces"] == "unreadable"
    world.say(record, ANN, BEN)
    world.ends(record, "DONE")
    assert world.revision(server) == revision_of(NEW)


def test_N01_an_upload_that_changed_after_two_people_agreed_is_not_put_in_force(
    world: PolicyWorld,
) -> None:
    """The newer upload comes between the approval and the executor."""
    server = world.server()
    record = world.waiting(server, NEW)

    def late(event: Any) -> Outcome:
        world.executor.instead = None
        world.activator.instead = lambda _: Outcome(payload=b'{"state": "ignored"}')
        world.upload(server, NEWER)
        assert until(lambda: len(world.activator.events) > seen)
        world.activator.instead = None
        return Outcome(payload=json.dumps(world.executor.handler(event, None)).encode())

    seen = len(world.activator.events)
    world.executor.instead = late
    world.say(record, ANN, BEN)
    failed = world.ends(record, "FAILED")
    assert "is not what was approved" in failed.note
    assert world.revision(server) is None


def test_N26_an_executor_that_dies_after_its_claim_leaves_it_unknown_and_the_status_says_so(
    world: PolicyWorld,
) -> None:
    server = world.server()
    record = world.waiting(server, NEW)

    def claim_and_die(_: Any) -> Outcome:
        world.claim(record)
        return crash()

    world.executor.instead = claim_and_die
    world.say(record, ANN, BEN)
    world.ends(record, "UNKNOWN")
    version = str(world.read(f"status/{server}.json")["source_version"])
    told = world.status(server, "rejected", version)
    assert "nobody could tell" in told["faults"][0]["message"]
    assert world.revision(server) is None


def test_N26_one_whose_answer_was_lost_is_unknown_and_the_status_tells_that_it_is_in_force(
    world: PolicyWorld,
) -> None:
    server = world.server()
    record = world.waiting(server, NEW)

    def done_and_die(event: Any) -> Outcome:
        if "approval" not in event:
            return Outcome(payload=json.dumps(world.activator.handler(event, None)).encode())
        world.activator.handler(event, None)
        return crash()

    world.activator.instead = done_and_die
    world.say(record, ANN, BEN)
    lost = world.ends(record, "UNKNOWN")
    assert "did not say" in lost.note
    assert world.revision(server) == revision_of(NEW)
    version = str(world.read(active_key(server))["source_version"])
    world.status(server, "active", version)


def test_an_approval_that_nobody_claimed_puts_nothing_in_force(world: PolicyWorld) -> None:
    """Whoever could invoke the activator cannot make it believe."""
    server = world.server()
    record = world.waiting(server, NEW)
    told = world.activator.handler({"approval": record.id, "server": server}, None)
    assert told["state"] == "rejected"
    assert world.revision(server) is None
    for other in ("../x", "", "MQ"):
        told = world.activator.handler({"approval": record.id, "server": other}, None)
        assert told["state"] == "rejected"
    with pytest.raises(UnavailableError, match="no upload"):
        world.activator.handler({"approval": record.id, "server": world.server()}, None)


def test_the_end_of_another_request_is_none_of_the_activator_s(world: PolicyWorld) -> None:
    event = {"detail-type": "Approval Ended", "detail": {"id": "f" * 32, "state": "DONE"}}
    assert world.activator.handler(event, None) == {"state": "ignored"}
