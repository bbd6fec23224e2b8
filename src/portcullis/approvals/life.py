"""What can be done to an approval: each function answers the record after it, or why not.

The only place where a record changes. Stores carry a change out by comparing and setting the
version, so two changes of one version never both happen.
"""

from dataclasses import replace
from enum import Enum

from portcullis.approvals.identity import (
    is_approver,
    is_same_person,
    names_of,
    person_of,
    standing,
)
from portcullis.approvals.record import ApprovalRecord, Vote
from portcullis.approvals.states import TERMINAL, Event, State, after
from portcullis.policy.model import Principal

RESULT_SECONDS = 3600  # how long an outcome waits for the agent


class Refusal(Enum):
    """Why a change does not happen."""

    NOT_NOW = "it is not waiting for this any more"
    TOO_LATE = "its deadline has passed"
    OWN_REQUEST = "a person cannot approve a request of their own"
    NOT_AN_APPROVER = "the rule does not name this person"
    SAID_ALREADY = "this person has approved already"


def may_see(record: ApprovalRecord, viewer: Principal, *, is_admin: bool) -> bool:
    """Whether a person may look at a request: approvers, its own requester, administrators."""
    if is_admin or _is_named(record, viewer):
        return True
    requester = record.requester
    return is_same_person(viewer, requester.key, person_of(requester), requester.subject)


def refusal_to_decide(record: ApprovalRecord, vote: Vote, *, now: int) -> Refusal | None:
    """Why a person cannot decide now, in the order that tells least; None: they can."""
    if is_same_person(record.requester, vote.key, vote.person, vote.subject):
        return Refusal.OWN_REQUEST
    if not is_approver(
        record.terms, key=vote.key, subject=vote.subject, person=vote.person, groups=vote.groups
    ):
        return Refusal.NOT_AN_APPROVER
    if record.state is not State.PENDING:
        return Refusal.NOT_NOW
    if now >= record.expires_at:
        return Refusal.TOO_LATE
    return None


def approve(record: ApprovalRecord, vote: Vote, *, now: int) -> ApprovalRecord | Refusal:
    """One person says yes; enough of them make it APPROVED."""
    refusal = refusal_to_decide(record, vote, now=now)
    if refusal is not None:
        return refusal
    if any(not names_of(one).isdisjoint(names_of(vote)) for one in record.approvals):
        return Refusal.SAID_ALREADY
    votes = (*record.approvals, vote)
    enough = standing(votes, record.terms, record.requester) >= record.terms.min_approvals
    event = Event.APPROVE if enough else Event.AGREE
    return _changed(replace(record, approvals=votes), event, now=now)


def deny(record: ApprovalRecord, vote: Vote, *, now: int) -> ApprovalRecord | Refusal:
    """One person says no, and that is final."""
    refusal = refusal_to_decide(record, vote, now=now)
    if refusal is not None:
        return refusal
    return _changed(replace(record, denial=vote), Event.DENY, now=now)


def cancel(record: ApprovalRecord, *, note: str, now: int) -> ApprovalRecord | Refusal:
    """The requester takes it back, before it runs."""
    if is_over(record, now=now):
        return Refusal.TOO_LATE
    return _changed(replace(record, note=note), Event.CANCEL, now=now)


def expire(record: ApprovalRecord, *, now: int) -> ApprovalRecord | Refusal:
    """The deadline has passed."""
    return _changed(record, Event.EXPIRE, now=now) if is_over(record, now=now) else Refusal.NOT_NOW


def claim(record: ApprovalRecord, *, now: int) -> ApprovalRecord | Refusal:
    """The executor takes the call; whoever wins this change sends it, once."""
    if is_over(record, now=now):
        return Refusal.TOO_LATE
    return _changed(replace(record, claimed_at=now), Event.CLAIM, now=now)


def finish(record: ApprovalRecord, *, parts: int, now: int) -> ApprovalRecord | Refusal:
    """The server answered, and the answer is stored in so many parts."""
    return _changed(replace(record, result_parts=parts), Event.FINISH, now=now)


def refuse(record: ApprovalRecord, *, note: str, now: int) -> ApprovalRecord | Refusal:
    """It will not be executed, or provably was not."""
    if is_over(record, now=now):
        return Refusal.TOO_LATE
    return _changed(replace(record, note=note), Event.REFUSE, now=now)


def lose(record: ApprovalRecord, *, note: str, now: int) -> ApprovalRecord | Refusal:
    """It may have been executed, and nobody knows."""
    return _changed(replace(record, note=note), Event.LOSE, now=now)


def deliver(
    record: ApprovalRecord, *, now: int, keeps_result: bool = False
) -> ApprovalRecord | Refusal:
    """The agent is handed what it came to; whoever wins this change hands it over, once.

    `keeps_result`: it is handed over as a task, whose result can be read again for a while.
    """
    if record.state not in TERMINAL or record.delivered_at is not None:
        return Refusal.NOT_NOW
    return replace(
        record,
        delivered_at=now,
        result_parts=record.result_parts if keeps_result else 0,
        version=record.version + 1,
    )


def started(record: ApprovalRecord) -> ApprovalRecord:
    """The workflow that waits for it is known to run."""
    return replace(record, is_started=True, version=record.version + 1)


def is_over(record: ApprovalRecord, *, now: int) -> bool:
    """Whether the deadline ends it: nothing was sent before the deadline, so nothing will be."""
    return record.state in (State.PENDING, State.APPROVED) and now >= record.expires_at


def seen_state(record: ApprovalRecord, *, now: int) -> State:
    """The state as it counts now, whether or not the clock of the workflow has said so yet."""
    return State.EXPIRED if is_over(record, now=now) else record.state


def _is_named(record: ApprovalRecord, viewer: Principal) -> bool:
    return is_approver(
        record.terms,
        key=viewer.key,
        subject=viewer.subject,
        person=person_of(viewer),
        groups=viewer.groups or (),
    )


def _changed(record: ApprovalRecord, event: Event, *, now: int) -> ApprovalRecord | Refusal:
    state = after(record.state, event)
    if state is None:
        return Refusal.NOT_NOW
    ended = now if state in TERMINAL else None
    return replace(record, state=state, ended_at=ended, version=record.version + 1)
