"""The life of an approval as one table. What is not in it does not happen.

    PENDING -> APPROVED -> EXECUTING -> DONE | FAILED | UNKNOWN
    PENDING -> DENIED | EXPIRED | CANCELLED
    APPROVED -> FAILED | EXPIRED | CANCELLED     (before anything was sent)

DONE: executed, with a result. FAILED: provably not executed. UNKNOWN: it may have been, and
only a person can find out; no machine repeats it.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final


class State(Enum):
    """Where an approval stands; the value is what stores and people read."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    EXECUTING = "EXECUTING"
    DONE = "DONE"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    DENIED = "DENIED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class Event(Enum):
    """What can happen to an approval."""

    AGREE = "agree"  # an approver says yes, and more are needed
    APPROVE = "approve"  # an approver says yes, and that is enough
    DENY = "deny"  # an approver says no; one is enough
    EXPIRE = "expire"  # the deadline has passed
    CANCEL = "cancel"  # the requester takes the request back
    CLAIM = "claim"  # the executor takes the call, to send it once
    FINISH = "finish"  # the server answered
    REFUSE = "refuse"  # it will not be executed, or provably was not
    LOSE = "lose"  # it may have been executed; the outcome is not known


TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = MappingProxyType(
    {
        State.PENDING: {
            Event.AGREE: State.PENDING,
            Event.APPROVE: State.APPROVED,
            Event.DENY: State.DENIED,
            Event.EXPIRE: State.EXPIRED,
            Event.CANCEL: State.CANCELLED,
        },
        State.APPROVED: {
            Event.CLAIM: State.EXECUTING,
            Event.REFUSE: State.FAILED,
            Event.EXPIRE: State.EXPIRED,
            Event.CANCEL: State.CANCELLED,
        },
        State.EXECUTING: {
            Event.FINISH: State.DONE,
            Event.REFUSE: State.FAILED,
            Event.LOSE: State.UNKNOWN,
        },
        State.DONE: {},
        State.FAILED: {},
        State.UNKNOWN: {},
        State.DENIED: {},
        State.EXPIRED: {},
        State.CANCELLED: {},
    }
)

TERMINAL: Final = frozenset(state for state, events in TRANSITIONS.items() if not events)


def after(state: State, event: Event) -> State | None:
    """The state an event leads to; None where it cannot happen in this state."""
    return TRANSITIONS[state].get(event)
