"""A request for approval as an MCP task."""

from collections.abc import Mapping

from portcullis.approvals.life import RESULT_SECONDS, seen_state
from portcullis.approvals.record import ApprovalRecord
from portcullis.approvals.states import State
from portcullis.gateway.approval_wording import short_text
from portcullis.protocol.tasks import TaskStatus, TaskView

POLL_MILLISECONDS = 2000

# An outcome without a result is a completed task whose result says so (ext-tasks, Status).
STATUSES: Mapping[State, TaskStatus] = {
    State.PENDING: "working",
    State.APPROVED: "working",
    State.EXECUTING: "working",
    State.DONE: "completed",
    State.FAILED: "completed",
    State.UNKNOWN: "completed",
    State.DENIED: "completed",
    State.EXPIRED: "completed",
    State.CANCELLED: "cancelled",
}


def task_view(record: ApprovalRecord, *, now: int) -> TaskView:
    """How a request stands, for `tasks/get` and for the answer that makes the task."""
    state = seen_state(record, now=now)
    is_working = STATUSES[state] == "working"
    where = f" A person decides at {record.link}" if state is State.PENDING else ""
    return TaskView(
        task_id=record.id,
        status=STATUSES[state],
        status_message=short_text(record, state) + where,
        created_at=record.asked_at,
        updated_at=_changed_at(record),
        ttl_ms=(record.terms.timeout_seconds + RESULT_SECONDS) * 1000,
        poll_interval_ms=POLL_MILLISECONDS if is_working else None,
    )


def _changed_at(record: ApprovalRecord) -> int:
    votes = [vote.at for vote in record.approvals]
    return record.ended_at or record.claimed_at or max(votes, default=record.asked_at)
