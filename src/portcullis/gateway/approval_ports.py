"""The ports of approvals: where requests are kept, what waits, what keeps arguments secret.

As in `ports`: every method answers or raises the named `UnavailableError`, and whoever calls
it denies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from portcullis.approvals.record import ApprovalRecord
from portcullis.approvals.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request to be stored: its record, the sealed arguments, and what finds it again.

    `seen` is the id that `find` answered for `key` just before (None: none). `others` are the
    requester's other open requests as `open_requests` answered them, less those that have
    closed since; `others_version` is that answer's version.
    """

    record: ApprovalRecord
    sealed_arguments: bytes
    key: str  # `approvals.asking.ask_key`
    notice: str  # what the workflow publishes, plain text
    event: str  # the same for machines, JSON
    seen: str | None
    others: tuple[tuple[str, int], ...]
    others_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequests:
    """A principal's open requests: (id, expires at) pairs, and the version of the list."""

    requests: tuple[tuple[str, int], ...] = ()
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """A change that was carried out. `wake` is the workflow's callback handle, if it waits."""

    record: ApprovalRecord
    wake: str | None = None


class ApprovalStore(Protocol):
    """Keeps requests. Reads are consistent; every change compares the version and sets."""

    def find(self, key: str) -> str | None:
        """Answer the id that a key (`ask_key`) last named, None where there is none.

        Raises:
            ApprovalStoreError: it cannot be told.
        """
        ...

    def open_requests(self, principal_key: str) -> OpenRequests:
        """Answer the requests a principal was last known to have open; some may have closed."""
        ...

    def create(self, question: Question) -> bool:
        """Store a request, its arguments, and what finds it, all or nothing.

        Answers False, with nothing stored, where the key names another request by now or the
        principal's list of open requests has changed.
        """
        ...

    def read(self, approval_id: str) -> ApprovalRecord | None:
        """Answer a request as it is now, None where there is none (or no longer)."""
        ...

    def replace(self, record: ApprovalRecord, changed: ApprovalRecord) -> Replaced | None:
        """Write `changed` where the store still holds `record` (state and version).

        Answers None, with nothing written, where it does not: read again and decide anew.
        """
        ...

    def sealed_arguments(self, approval_id: str) -> bytes:
        """Answer the sealed arguments of a request that exists."""
        ...

    def put_result(self, record: ApprovalRecord, parts: Sequence[bytes]) -> None:
        """Store the sealed pieces of a result; they vanish with the time it is kept for."""
        ...

    def result(self, record: ApprovalRecord) -> tuple[bytes, ...]:
        """Answer the sealed pieces of a stored result, `record.result_parts` of them."""
        ...

    def forget_result(self, record: ApprovalRecord) -> None:
        """Drop a stored result that was handed over."""
        ...

    def listed(self, *, is_open: bool, limit: int) -> tuple[ApprovalRecord, ...]:
        """Answer requests, newest first. The list may lag; each record in it is as it is now.

        `is_open`: those that wait for a person or for execution, else those that have ended.
        """
        ...


class Workflow(Protocol):
    """Waits for a decision, keeps the deadline, then runs the executor. Never the truth."""

    def start(self, record: ApprovalRecord) -> None:
        """Start waiting for a request; for one that is waited for already, does nothing.

        Raises:
            WorkflowError: it cannot be told whether anything waits.
        """
        ...

    def wake(self, handle: str) -> None:
        """Tell what waits to look again; a handle that is spent or unknown is no error.

        Raises:
            WorkflowError: the workflow did not answer. It looks again by itself, later.
        """
        ...


class Vault(Protocol):
    """Seals what must not be readable where it is stored."""

    def seal(self, approval_id: str, purpose: str, content: bytes) -> bytes:
        """Encrypt; what is sealed opens only under the same id and purpose.

        Raises:
            VaultError: the key cannot be used.
        """
        ...

    def open(self, approval_id: str, purpose: str, sealed: bytes) -> bytes:
        """Decrypt.

        Raises:
            VaultError: the key cannot be used, or this was not sealed so.
        """
        ...


class Credentials(Protocol):
    """Whether a requester's credential still stands (`Principal.credential`)."""

    def is_live(self, credential: str, *, now_seconds: int) -> bool:
        """Answer whether a credential is known and neither expired nor revoked.

        Raises:
            GrantStoreError: it cannot be told.
        """
        ...


ARGUMENTS, RESULT = "arguments", "result"  # purposes of the vault
# As often a workflow can look at one request: waits and rests together fill its time in fewer.
MOST_LOOKS = 1_500
OPEN_STATES = frozenset((State.PENDING, State.APPROVED, State.EXECUTING))
