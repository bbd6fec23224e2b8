"""Wrong variants of single rules, each with the law that it breaks and the play that shows it.

They are what the model is measured by: a checker that finds none of them shows nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from model import approval_laws as laws
from model.approval_world import Outcome, Rules
from portcullis.approvals import asking, life
from portcullis.approvals.life import Refusal
from portcullis.approvals.record import ApprovalRecord, Binding, Vote
from portcullis.approvals.states import State

_FAR = 10**9  # epoch seconds
_SOMEBODY_ELSE = "nobody we know"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """One bug: the rules with it, and what must be found."""

    name: str
    rules: Rules
    law: str
    cast: str = "one of one"


def _pretending(decide: Callable[..., Outcome], *states: State) -> Callable[..., Outcome]:
    """A function of the life cycle that takes records in these states for PENDING or APPROVED."""
    believed = State.APPROVED if decide is life.claim else State.PENDING

    def wrong(record: ApprovalRecord, *args: object, **more: object) -> Outcome:
        seen = replace(record, state=believed) if record.state in states else record
        return decide(seen, *args, **more)

    return wrong


def _claim_at_any_time(record: ApprovalRecord, *, now: int) -> Outcome:
    claimed = life.claim(replace(record, expires_at=_FAR), now=now)
    if isinstance(claimed, Refusal):
        return claimed
    return replace(claimed, expires_at=record.expires_at)


def _approve_at_any_time(record: ApprovalRecord, vote: Vote, *, now: int) -> Outcome:
    approved = life.approve(replace(record, expires_at=_FAR), vote, now=now)
    if isinstance(approved, Refusal):
        return approved
    return replace(approved, expires_at=record.expires_at)


def _approve_as_anybody(record: ApprovalRecord, vote: Vote, *, now: int) -> Outcome:
    stranger = replace(record.requester, subject=_SOMEBODY_ELSE, person="")
    approved = life.approve(replace(record, requester=stranger), vote, now=now)
    if isinstance(approved, Refusal):
        return approved
    return replace(approved, requester=record.requester)


def _count_votes(record: ApprovalRecord, vote: Vote, *, now: int) -> Outcome:
    distinct = tuple(
        replace(one, person=f"{number}") for number, one in enumerate(record.approvals)
    )
    approved = life.approve(replace(record, approvals=distinct), vote, now=now)
    if isinstance(approved, Refusal):
        return approved
    votes = (*record.approvals, vote)
    is_enough = len(votes) >= record.terms.min_approvals
    state = State.APPROVED if is_enough else State.PENDING
    return replace(approved, approvals=votes, state=state)


def _one_is_enough(record: ApprovalRecord, vote: Vote, *, now: int) -> Outcome:
    one = replace(record, terms=replace(record.terms, min_approvals=1))
    approved = life.approve(one, vote, now=now)
    if isinstance(approved, Refusal):
        return approved
    return replace(approved, terms=record.terms)


def _deny_and_go_on(record: ApprovalRecord, vote: Vote, *, now: int) -> Outcome:
    denied = life.deny(record, vote, now=now)
    if isinstance(denied, Refusal):
        return denied
    return replace(denied, state=State.PENDING, ended_at=None)


def _back_to_approved(record: ApprovalRecord, *, note: str, now: int) -> Outcome:
    lost = life.lose(record, note=note, now=now)
    if isinstance(lost, Refusal):
        return lost
    return replace(lost, state=State.APPROVED, ended_at=None)


def _cancel_at_any_time(record: ApprovalRecord, *, note: str, now: int) -> Outcome:
    cancelled = life.cancel(replace(record, expires_at=_FAR), note=note, now=now)
    if isinstance(cancelled, Refusal):
        return cancelled
    return replace(cancelled, expires_at=record.expires_at)


def _expire_what_is_pending(record: ApprovalRecord, *, now: int) -> Outcome:
    return Refusal.NOT_NOW if record.state is State.APPROVED else life.expire(record, now=now)


def _deliver_again(record: ApprovalRecord, *, now: int) -> Outcome:
    return life.deliver(replace(record, delivered_at=None), now=now)


def _the_stored_state(record: ApprovalRecord, **_: int) -> State:
    return record.state


def _forgets_what_runs(record: ApprovalRecord, binding: Binding, **more: int) -> bool:
    speaks = asking.still_speaks(
        record, binding, now=more["now"], cooldown_seconds=more["cooldown_seconds"]
    )
    return speaks and record.state is not State.EXECUTING


_ANYTHING_THAT_RUNS = frozenset((State.APPROVED, State.EXECUTING))

SEEDS = (
    Seed(name="the store compares nothing",
         rules=Rules(compares=lambda *_: True), law=laws.ONCE),
    Seed(name="the store compares no version: a word is lost",
         rules=Rules(compares=lambda held, read: held.state is read.state),
         law=laws.WORD_KEPT, cast="two of two"),
    Seed(name="the store compares no version: two are handed the outcome",
         rules=Rules(compares=lambda held, read: held.state is read.state),
         law=laws.HANDED_ONCE),
    Seed(name="a claim needs no approval",
         rules=Rules(claim=_pretending(life.claim, State.PENDING)), law=laws.BACKED),
    Seed(name="a claim is good twice",
         rules=Rules(claim=_pretending(life.claim, State.EXECUTING)), law=laws.ONCE),
    Seed(name="a claim does not look at the deadline",
         rules=Rules(claim=_claim_at_any_time), law=laws.IN_TIME),
    Seed(name="the executor sends before it claims",
         rules=Rules(claims=False), law=laws.ONCE),
    Seed(name="the executor does not ask the policy again",
         rules=Rules(evaluates=False), law=laws.PERMITTED),
    Seed(name="the executor reserves nothing",
         rules=Rules(reserves=False), law=laws.COUNTED),
    Seed(name="the executor sends again when it hears nothing",
         rules=Rules(sends_again_when_uncertain=True), law=laws.ONCE),
    Seed(name="the executor finishes before it stores",
         rules=Rules(stores=False), law=laws.STORED),
    Seed(name="the executor keeps the units of a claim it lost",
         rules=Rules(gives_back_when_lost=False), law=laws.UNITS),
    Seed(name="the executor gives units back when it hears nothing",
         rules=Rules(gives_back_when_uncertain=True), law=laws.UNITS),
    Seed(name="an unheard call is told as failed",
         rules=Rules(lose=life.refuse), law=laws.UNSENT),
    Seed(name="the workflow runs a dead executor again",
         rules=Rules(runs=_ANYTHING_THAT_RUNS,
                     claim=_pretending(life.claim, State.EXECUTING)), law=laws.ONCE),
    Seed(name="a dead executor leaves it approved",
         rules=Rules(mark=_back_to_approved), law=laws.ONCE),
    Seed(name="a dead executor is told as failed",
         rules=Rules(mark=life.refuse), law=laws.UNKNOWN),
    Seed(name="the workflow waits to be woken, and only that",
         rules=Rules(looks_again=False), law=laws.ENDS),
    Seed(name="what is approved never expires",
         rules=Rules(expire=_expire_what_is_pending), law=laws.NOTHING_LATE),
    Seed(name="what is approved never ends",
         rules=Rules(expire=_expire_what_is_pending), law=laws.REACHABLE),
    Seed(name="the workflow does not rest when a limit refuses",
         rules=Rules(rests=False), law=laws.ONLY_WAITING),
    Seed(name="the workflow goes by the stored state alone",
         rules=Rules(seen_state=_the_stored_state), law=laws.NOTHING_LATE),
    Seed(name="a person counts twice",
         rules=Rules(approve=_count_votes), law=laws.BACKED, cast="one person twice"),
    Seed(name="the requester approves",
         rules=Rules(approve=_approve_as_anybody), law=laws.BACKED, cast="only the requester"),
    Seed(name="one of two is enough",
         rules=Rules(approve=_one_is_enough), law=laws.BACKED, cast="two of two"),
    Seed(name="a yes counts after the deadline",
         rules=Rules(approve=_approve_at_any_time), law=laws.DECIDED_IN_TIME),
    Seed(name="a yes counts after a no",
         rules=Rules(approve=_pretending(life.approve, State.DENIED)),
         law=laws.WORD_KEPT, cast="one of two"),
    Seed(name="a no is noted and changes nothing",
         rules=Rules(deny=_deny_and_go_on), law=laws.WORD_KEPT),
    Seed(name="what runs is taken back",
         rules=Rules(cancel=_pretending(life.cancel, State.EXECUTING)),
         law=laws.UNSENT, cast="one of two"),
    Seed(name="what is over is taken back",
         rules=Rules(cancel=_cancel_at_any_time), law=laws.DECIDED_IN_TIME, cast="one of two"),
    Seed(name="what was handed over is handed over again",
         rules=Rules(deliver=_deliver_again), law=laws.HANDED_ONCE),
    Seed(name="the same call asks anew while it runs",
         rules=Rules(still_speaks=_forgets_what_runs), law=laws.ONE_REQUEST),
)  # fmt: skip
