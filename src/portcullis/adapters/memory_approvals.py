"""Approvals in this process's memory: for tests and for one local process, never for Lambda."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock

from portcullis.adapters.approval_bounds import (
    is_id,
    require_kept,
    require_newer,
    require_parts,
    require_storable,
)
from portcullis.adapters.approval_items import LOST_NOTE
from portcullis.approvals.record import ApprovalRecord
from portcullis.approvals.states import Event, State, after
from portcullis.errors import ApprovalStoreError
from portcullis.gateway.approval_ports import (
    OPEN_STATES,
    ApprovalStore,
    OpenRequests,
    Question,
    Replaced,
)
from portcullis.policy.model import Instant


class MemoryApprovalStore(ApprovalStore):
    """Keeps approvals in dictionaries; safe to use from several threads.

    `hold`, `expire` and `lose` write what the workflow writes into the real table.
    """

    def __init__(self, *, clock: Callable[[], Instant]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._records: dict[str, ApprovalRecord] = {}
        self._questions: dict[str, Question] = {}
        self._pointers: dict[str, str] = {}
        self._open: dict[str, OpenRequests] = {}
        self._results: dict[str, tuple[bytes, ...]] = {}
        self._handles: dict[str, str] = {}

    def find(self, key: str) -> str | None:
        """Answer the id that a key last named, as the port says."""
        with self._lock:
            return self._pointers.get(key)

    def open_requests(self, principal_key: str) -> OpenRequests:
        """Answer the requests a principal was last known to have open, as the port says."""
        with self._lock:
            return self._open.get(principal_key, OpenRequests())

    def create(self, question: Question) -> bool:
        """Store a request, its arguments, and what finds it, as the port says."""
        require_storable(question)
        record, asker = question.record, question.record.requester.key
        with self._lock:
            if record.id in self._questions:
                return self._questions[record.id] == question
            if self._pointers.get(question.key) not in (None, question.seen):
                return False
            if self._open.get(asker, OpenRequests()).version != question.others_version:
                return False
            self._records[record.id] = record
            self._questions[record.id] = question
            self._pointers[question.key] = record.id
            self._open[asker] = OpenRequests(
                requests=(*question.others, (record.id, record.expires_at)),
                version=max(question.others_version + 1, record.asked_at),
            )
            return True

    def read(self, approval_id: str) -> ApprovalRecord | None:
        """Answer a request as it is now, as the port says."""
        with self._lock:
            return self._records.get(approval_id)

    def replace(self, record: ApprovalRecord, changed: ApprovalRecord) -> Replaced | None:
        """Write `changed` where the store still holds `record`, as the port says."""
        require_newer(record, changed)
        with self._lock:
            held = self._records.get(record.id)
            if held is None or (held.state, held.version) != (record.state, record.version):
                return None
            self._records[record.id] = changed
            return Replaced(record=changed, wake=self._handles.get(record.id))

    def sealed_arguments(self, approval_id: str) -> bytes:
        """Answer the sealed arguments of a request that exists."""
        with self._lock:
            if not is_id(approval_id) or approval_id not in self._questions:
                raise ApprovalStoreError("sealed content is missing")
            return self._questions[approval_id].sealed_arguments

    def put_result(self, record: ApprovalRecord, parts: Sequence[bytes]) -> None:
        """Store the sealed pieces of a result, once, before the record says that it is done."""
        require_parts(parts)
        with self._lock:
            if self._results.setdefault(record.id, tuple(parts)) != tuple(parts):
                raise ApprovalStoreError("a result could not be stored, or is stored already")

    def result(self, record: ApprovalRecord) -> tuple[bytes, ...]:
        """Answer the sealed pieces of a stored result that is not over."""
        require_kept(record, self._clock())
        with self._lock:
            parts = self._results.get(record.id, ())
        if not all(parts) or len(parts) != record.result_parts:
            raise ApprovalStoreError("sealed content is missing")
        return parts

    def forget_result(self, record: ApprovalRecord) -> None:
        """Drop a stored result; one that is gone already stays so."""
        with self._lock:
            if record.id in self._results:
                self._results[record.id] = (b"",) * len(self._results[record.id])

    def listed(self, *, is_open: bool, limit: int) -> tuple[ApprovalRecord, ...]:
        """Answer requests, newest first, as the port says."""
        with self._lock:
            found = [one for one in self._records.values() if (one.state in OPEN_STATES) is is_open]
        return tuple(sorted(found, key=lambda one: one.asked_at, reverse=True)[:limit])

    def hold(self, approval_id: str, handle: str) -> None:
        """The workflow waits, under this handle, until the request is decided."""
        with self._lock:
            self._handles[approval_id] = handle

    def expire(self, approval_id: str, *, at: int) -> None:
        """The workflow's clock ran out at this second."""
        self._end(approval_id, Event.EXPIRE, at)

    def lose(self, approval_id: str, *, at: int) -> None:
        """The workflow found at this second that the executor never told what happened."""
        self._end(approval_id, Event.LOSE, at)

    def _end(self, approval_id: str, event: Event, at: int) -> None:
        with self._lock:
            held = self._records[approval_id]
            state = after(held.state, event)
            if state is None:
                return
            note = LOST_NOTE if state is State.UNKNOWN and not held.note else held.note
            self._records[approval_id] = replace(
                held, state=state, ended_at=at, note=note, version=held.version + 1
            )
