"""tasks/get, tasks/update and tasks/cancel: a caller's own requests for approval, no others.

Source: the extension io.modelcontextprotocol/tasks. A task that is unknown, over, or another
caller's is answered alike.
"""

from collections.abc import Callable, Mapping

from portcullis.approvals import life
from portcullis.approvals.life import RESULT_SECONDS, Refusal, seen_state
from portcullis.approvals.record import ApprovalRecord
from portcullis.approvals.states import TERMINAL, State
from portcullis.errors import ApprovalUnavailableError
from portcullis.gateway.approval_ports import ApprovalStore
from portcullis.gateway.approval_wording import told
from portcullis.gateway.approvals import CANCELLED_BY_CLIENT, Approvals
from portcullis.gateway.asking import Asker
from portcullis.gateway.exchange import Exchange
from portcullis.gateway.sessions import Session
from portcullis.gateway.task_view import task_view
from portcullis.policy.decision import Outcome
from portcullis.protocol import outbound, tasks
from portcullis.protocol.http import HttpReply
from portcullis.protocol.messages import Request
from portcullis.values import JsonObject


class TaskWays:
    """Serves tasks. Each way may raise `UnavailableError`; the caller then denies."""

    def __init__(self, store: ApprovalStore, asker: Asker, approvals: Approvals) -> None:
        self._store = store
        self._asker = asker
        self._approvals = approvals
        self._table: Mapping[str, Callable[[Request, Exchange, ApprovalRecord], HttpReply]] = {
            "tasks/get": self._get,
            "tasks/update": self._update,
            "tasks/cancel": self._cancel,
        }

    def serve(self, request: Request, exchange: Exchange, _session: Session) -> HttpReply:
        """Answer a request about one task."""
        record = self._store.read(exchange.name or "")
        if record is None or not _is_own(record, exchange):
            exchange.outcome = Outcome.UNKNOWN_TOOL.value
            return tasks.unknown_task(request)
        exchange.approval, exchange.outcome = record.id, Outcome.ALLOWED.value
        return self._table[request.method.name](request, exchange, record)

    def _get(self, request: Request, exchange: Exchange, record: ApprovalRecord) -> HttpReply:
        now = _now(exchange)
        state = seen_state(record, now=now)
        message = None
        if state in TERMINAL and state is not State.CANCELLED:
            message = self._message(record, state)
        if record.state in TERMINAL:
            self._note_delivery(record, now)
        return tasks.shown(request, task_view(record, now=now), message)

    def _message(self, record: ApprovalRecord, state: State) -> JsonObject:
        """What came of the call; a result that was handed over or is over is said to be."""
        if state is State.DONE and record.result_parts:
            try:
                return self._approvals.message_of(record)
            except ApprovalUnavailableError:
                if record.delivered_at is None:
                    raise
        return {"result": outbound.error_result(told(record, state).reason)}

    def _note_delivery(self, record: ApprovalRecord, now: int) -> None:
        """From now on the same call asks anew; the task itself can be read again."""
        changed = life.deliver(record, now=now, keeps_result=True)
        if not isinstance(changed, Refusal):
            self._store.replace(record, changed)

    def _update(self, request: Request, _exchange: Exchange, _record: ApprovalRecord) -> HttpReply:
        """Nothing a client says about a task decides it (N38)."""
        return tasks.acknowledged(request)

    def _cancel(self, request: Request, exchange: Exchange, record: ApprovalRecord) -> HttpReply:
        self._asker.cancel(record, note=CANCELLED_BY_CLIENT, now=_now(exchange))
        return tasks.acknowledged(request)


def _is_own(record: ApprovalRecord, exchange: Exchange) -> bool:
    is_over = _now(exchange) >= (record.ended_at or record.expires_at) + RESULT_SECONDS
    return (
        not is_over
        and record.requester.key == exchange.principal.key
        and record.binding.server == exchange.server
    )


def _now(exchange: Exchange) -> int:
    return exchange.clock().micros // 1_000_000
