"""The gateway's tasks: a call that waits for a person, polled by its client.

Source: the extension io.modelcontextprotocol/tasks, specification/draft/tasks. What a task
is called, how it stands and what came of it are arguments; nothing here knows approvals.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from portcullis.protocol import outbound
from portcullis.protocol.capabilities import accepts_tasks
from portcullis.protocol.codes import Code
from portcullis.protocol.delivery import is_deliverable
from portcullis.protocol.http import HttpReply
from portcullis.protocol.messages import Request
from portcullis.protocol.versions import Era
from portcullis.values import JsonObject

TaskStatus: TypeAlias = Literal["working", "input_required", "completed", "failed", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """How a task stands.

    Attributes:
        task_id: what the client asks for it by.
        status: in the words of the extension.
        status_message: one sentence for the user or the model, None for none.
        created_at: epoch seconds.
        updated_at: epoch seconds.
        ttl_ms: how long after its creation it can be asked for, None for ever.
        poll_interval_ms: how often to ask, None where it does not matter any more.
    """

    task_id: str
    status: TaskStatus
    status_message: str | None
    created_at: int
    updated_at: int
    ttl_ms: int | None
    poll_interval_ms: int | None


def declares_tasks(request: Request) -> bool:
    """Tell whether this very request may be answered with a task."""
    return request.era is Era.MODERN and accepts_tasks(request.client_capabilities)


def created(request: Request, view: TaskView, decision: JsonObject | None = None) -> HttpReply:
    """Answer a call with the task that stands for it (Task Creation)."""
    return outbound.result(request, _told(view), result_type="task", decision=decision)


def shown(request: Request, view: TaskView, message: JsonObject | None) -> HttpReply:
    """Answer a tasks/get (Task Polling).

    Args:
        request: the tasks/get.
        view: how the task stands.
        message: what came of the call, `{"result": …}` or `{"error": …}`; a task that has it
            is `completed` or `failed`, whatever the view says.
    """
    if message is None:
        return outbound.result(request, _told(view))
    reply = outbound.result(request, _told(view) | _outcome(request, message))
    if is_deliverable(reply.body):
        return reply
    told: JsonObject = {"result": outbound.error_result(outbound.TOO_LARGE)}
    return outbound.result(request, _told(view) | _outcome(request, told))


def acknowledged(request: Request) -> HttpReply:
    """Answer a tasks/update or tasks/cancel of a task that exists."""
    return outbound.result(request, {})


def unknown_task(request: Request) -> HttpReply:
    """Answer for a task that does not exist, has expired, or is another caller's, alike."""
    return outbound.error(request, Code.INVALID_PARAMS, outbound.UNKNOWN_TASK)


def _outcome(request: Request, message: JsonObject) -> JsonObject:
    status = "failed" if "error" in message else "completed"
    return {**outbound.for_era(request, message), "status": status}


def _told(view: TaskView) -> JsonObject:
    told: JsonObject = {
        "taskId": view.task_id,
        "status": view.status,
        "createdAt": _rfc3339(view.created_at),
        "lastUpdatedAt": _rfc3339(view.updated_at),
        "ttlMs": view.ttl_ms,
    }
    if view.status_message is not None:
        told["statusMessage"] = view.status_message
    if view.poll_interval_ms is not None:
        told["pollIntervalMs"] = view.poll_interval_ms
    return told


def _rfc3339(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
