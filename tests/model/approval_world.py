"""The world of one approval: the stored record, and where everyone who touches it stands.

Whoever changes the record takes the steps of the real code: read, decide (the functions of
`portcullis.approvals.life`), write if the store still holds what was read. Worlds are tuples,
and equal records one object, because some hundred thousand of them are compared.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import NamedTuple, TypeAlias

from model.checker import Move
from model.records import ASKED, EXPIRES, make_vote
from portcullis.approvals import asking, life
from portcullis.approvals.life import Refusal
from portcullis.approvals.record import ApprovalRecord, Vote
from portcullis.approvals.states import State

Outcome: TypeAlias = ApprovalRecord | Refusal
Moves: TypeAlias = "Iterator[Move[World]]"


class Kept:
    """A record that `keep` made one of its kind, so that it can be compared by identity."""

    __slots__ = ("record",)

    def __init__(self, record: ApprovalRecord) -> None:
        self.record = record

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.record.state


@cache
def keep(record: ApprovalRecord) -> Kept:
    """Answer the one object for all records that equal this one."""
    return Kept(record)


def remembered(
    decide: Callable[[ApprovalRecord, int], Outcome],
) -> Callable[[Kept, int], Kept | None]:
    """Make a pure decision work on kept records; None is a refusal."""

    @cache
    def decided(kept: Kept, now: int) -> Kept | None:
        outcome = decide(kept.record, now)
        return None if isinstance(outcome, Refusal) else keep(outcome)

    return decided


def is_as_read(held: ApprovalRecord, read: ApprovalRecord) -> bool:
    """What the store compares before it writes."""
    return (held.state, held.version) == (read.state, read.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything the actors go by: the real functions, and the rules of the code around them.

    A seeded bug is a `Rules` with one entry that is wrong.
    """

    approve: Callable[..., Outcome] = life.approve
    deny: Callable[..., Outcome] = life.deny
    cancel: Callable[..., Outcome] = life.cancel
    expire: Callable[..., Outcome] = life.expire
    claim: Callable[..., Outcome] = life.claim
    finish: Callable[..., Outcome] = life.finish
    refuse: Callable[..., Outcome] = life.refuse
    lose: Callable[..., Outcome] = life.lose
    deliver: Callable[..., Outcome] = life.deliver
    seen_state: Callable[..., State] = life.seen_state
    still_speaks: Callable[..., bool] = asking.still_speaks
    compares: Callable[[ApprovalRecord, ApprovalRecord], bool] = is_as_read
    mark: Callable[..., Outcome] = life.lose  # the workflow, where an executor died
    runs: frozenset[State] = frozenset((State.APPROVED,))  # where the workflow executes
    looks_again: bool = True  # the workflow, when nobody woke it
    rests: bool = True  # the workflow, when the executor cannot run yet
    evaluates: bool = True  # the policy in force, before the claim
    reserves: bool = True  # units of the limits, before the claim
    claims: bool = True  # before sending
    stores: bool = True  # the result, before finishing
    gives_back_when_lost: bool = True
    gives_back_when_uncertain: bool = False
    sends_again_when_uncertain: bool = False


# ---------------------------------------------------------------- people and the agent


class At(StrEnum):
    """How far someone has come."""

    AWAY = "has not begun, or begins again"
    READING = "has read"
    WRITING = "has decided"
    WAKING = "has written, and holds the handle of the workflow that waits"
    GONE = "is through"


class Hand(NamedTuple):
    """Someone's hand in it. `word` is what is being carried out; "" where nothing is."""

    at: At = At.AWAY
    word: str = ""
    read: Kept | None = None
    changed: Kept | None = None


class Role(StrEnum):
    """What a hand is there for."""

    APPROVER = "approves or denies"
    CANCELLER = "takes the request back"
    PICKER = "asks again and picks the outcome up"
    STARTER = "starts the workflow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Someone with a hand in it; `human` is who they really are."""

    name: str
    role: Role
    human: str = ""
    vote: Vote = field(default_factory=make_vote)  # what an approver says it under


# ---------------------------------------------------------------- workflow and executor


class Flow(StrEnum):
    """Where the workflow stands."""

    ABSENT = "is not started"
    LOOKING = "looks"
    ASKING = "asks to be woken"
    WAITING = "waits to be woken"
    RUNNING = "runs the executor"
    RESTING = "rests"
    EXPIRING = "writes that it expired"
    MARKING = "writes that nobody knows"
    ENDED = "has ended"


class Stop(StrEnum):
    """Where one delivery of the executor stands."""

    IDLE = "has not begun"
    READ = "has read the record"
    PERMITTED = "has found that the policy permits it"
    DENIED = "has found that the policy denies it"
    RESERVED = "has taken units of the limits"
    CLAIMING = "has decided to claim"
    CLAIMED = "has claimed"
    ANSWERED = "has the server's answer"
    UNSENT = "could not send"
    UNCERTAIN = "does not know what became of the call"
    STORED = "has stored the result"
    ENDED = "has ended"
    REFUSED = "has ended, to be run again later"
    DEAD = "has died"


UNDER_WAY = frozenset(Stop) - {Stop.IDLE, Stop.ENDED, Stop.REFUSED, Stop.DEAD}


class Delivery(NamedTuple):
    """One invocation of the executor. `base` is the record it goes by, as read or written."""

    at: Stop = Stop.IDLE
    base: Kept | None = None
    changed: Kept | None = None
    is_permitted: bool = False  # the policy in force said so
    holds_units: bool = False
    has_claimed: bool = False
    has_sent: bool = False  # so that it may have been executed


class Sent(NamedTuple):
    """What was true when the call went to the server."""

    people: frozenset[str]  # whose yes had been carried out, less the requester
    is_permitted: bool
    holds_units: bool
    claimed_at: int | None


class World(NamedTuple):
    """Everything at one moment."""

    kept: Kept  # what the store holds
    hands: tuple[Hand, ...]
    deliveries: tuple[Delivery, Delivery] = (Delivery(), Delivery())  # the workflow's, a stray one
    flow: Flow = Flow.LOOKING
    is_late: bool = False
    has_handle: bool = False  # whether the item holds one of the workflow's callback
    has_result: bool = False
    sends: tuple[Sent, ...] = ()
    handed: int = 0
    was_asked_anew: bool = False  # while the first request could still run

    @property
    def now(self) -> int:
        """The clock knows two instants: when it was asked, and the deadline to the second."""
        return EXPIRES if self.is_late else ASKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who plays: the record they begin with, and the actors in the order of their hands."""

    name: str
    record: ApprovalRecord
    actors: tuple[Actor, ...]
    requester: str = "rita"  # the human behind the request
    has_stray: bool = True
    dies: bool = True  # whether executors do

    @property
    def start(self) -> World:
        """The world when the request has been stored."""
        starts_later = any(actor.role is Role.STARTER for actor in self.actors)
        return World(
            kept=keep(self.record),
            hands=(Hand(),) * len(self.actors),
            flow=Flow.ABSENT if starts_later else Flow.LOOKING,
        )
