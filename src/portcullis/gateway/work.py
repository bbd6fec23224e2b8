"""What is behind a request: how each kind is judged once it is approved, and carried out.

The executor knows the life of a request and nothing else; this is what it asks, by kind.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from portcullis.approvals.kinds import RequestKind
from portcullis.approvals.record import ApprovalRecord
from portcullis.gateway.exchange import Exchange
from portcullis.policy.decision import Take
from portcullis.policy.model import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReady:
    """Why something approved is not done; completes "it was approved, but …"."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What became of the one attempt; `parts` None: it was sent, and nobody knows more.

    `parts` is how many pieces of a result are stored, 0 where there is none to hand over.
    """

    was_sent: bool
    parts: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Something that may be done now, once its limits are taken and it is claimed.

    `carry` does it, once; it is given the claimed record and never raises for what comes back.
    """

    takes: tuple[Take, ...]
    rule: str
    revision: str
    carry: Callable[[ApprovalRecord, Exchange], Carried]


class Work(Protocol):
    """One kind of request. `method` is what the decision log calls it."""

    @property
    def method(self) -> str:
        """The method in the decision log."""
        ...

    def prepare(self, record: ApprovalRecord, *, now: Instant) -> Prepared | NotReady:
        """Judge an APPROVED record as everything is now.

        Raises:
            UnavailableError: it cannot be told; it is asked again until the deadline.
        """
        ...


Works: TypeAlias = Mapping[RequestKind, Work]
