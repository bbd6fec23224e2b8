"""What is known of one asked-for call: frozen values, no behaviour.

The record never holds argument values: they are kept apart, encrypted, and the record binds
them by their digest. The Step Functions task token is no part of it either.
"""

from dataclasses import dataclass

from portcullis.approvals.states import State
from portcullis.policy.model import Approval, Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What an approval is good for: exactly this call, under exactly these definitions.

    Anything that differs in one of these is another approval.
    """

    server: str
    registration: str  # sha256 of where the gateway sends the server's calls
    tool: str
    definition: str  # sha256 of the tool's definition as the server lists it
    arguments: str  # `policy.fingerprint.digest` of the call
    revision: str  # of the policy that asked
    rule: str  # label of the rule that asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One approver's word. `key` is the principal key, `person` the human identity behind it."""

    key: str
    person: str
    subject: str
    groups: tuple[str, ...]
    at: int  # epoch seconds
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRecord:
    """One request for an approval, and everything that became of it.

    Up to `previous` the facts are fixed when it is asked; the rest changes with the life cycle,
    each change under a new `version`. Instants are epoch seconds.
    """

    id: str
    binding: Binding
    requester: Principal
    terms: Approval
    reason: str | None
    session: str  # label of the session counters
    scope: str  # what a hosted server keeps state under, an opaque digest
    era: str  # "legacy" or "modern": how the server was being talked to
    asked_at: int
    expires_at: int
    link: str  # where a person decides; carries no secret
    previous: str | None = None  # the id of the last request for the same call, where known

    state: State = State.PENDING
    version: int = 0
    is_started: bool = False  # whether the workflow that waits is known to run
    approvals: tuple[Vote, ...] = ()
    denial: Vote | None = None
    claimed_at: int | None = None
    ended_at: int | None = None  # when it reached a state that is final
    note: str = ""  # why it failed, was cancelled, or is not known; no argument values
    result_parts: int = 0  # how many pieces the stored result has
    delivered_at: int | None = None  # when the agent was handed what it came to
