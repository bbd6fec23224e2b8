"""The approval workflow in Step Functions: one execution a request, named by its id.

Its input holds the id and two times, never what is asked for. A callback handle is written
into no error: who holds it can end the wait.

Source: AWS Step Functions API Reference, StartExecution and SendTaskSuccess, "Errors".
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from portcullis.adapters.aws_calls import Client, error_code
from portcullis.approvals.record import ApprovalRecord
from portcullis.errors import WorkflowError
from portcullis.gateway.approval_ports import MOST_LOOKS, Workflow
from portcullis.strictjson import dump

LONGEST_WAIT_SECONDS = 300  # then it looks again by itself; later for what waits for days

_STARTED_BEFORE = frozenset({"ExecutionAlreadyExists"})
_NOTHING_WAITS = frozenset({"InvalidToken", "TaskDoesNotExist", "TaskTimedOut"})


class StepFunctionsWorkflow(Workflow):
    """Starts and wakes executions of one state machine.

    `make_client` is asked once, for the first call: most calls need no workflow.
    """

    def __init__(self, make_client: Callable[[], Client], state_machine_arn: str) -> None:
        self._client = cache(make_client)
        self._arn = state_machine_arn

    def start(self, record: ApprovalRecord) -> None:
        """Start waiting for a request, as the port says; each start of one has one input."""
        parameters = {
            "stateMachineArn": self._arn,
            "name": record.id,
            "input": _input(record),
        }
        self._call("start_execution", parameters, harmless=_STARTED_BEFORE)

    def wake(self, handle: str) -> None:
        """Tell what waits to look again, as the port says."""
        parameters = {"taskToken": handle, "output": "{}"}
        self._call("send_task_success", parameters, harmless=_NOTHING_WAITS)

    def _call(
        self, operation: str, parameters: Mapping[str, str], *, harmless: frozenset[str]
    ) -> None:
        code = self._failure(operation, parameters)
        if code is not None and code not in harmless:
            # Without its cause: what botocore and the service say may quote the handle.
            raise WorkflowError(f"the workflow did not answer: {code}")

    def _failure(self, operation: str, parameters: Mapping[str, str]) -> str | None:
        """Call once; answers why it failed, None where it did not."""
        try:
            answer: Mapping[str, Any] = getattr(self._client(), operation)(**parameters)
        except Exception as error:  # noqa: BLE001 - botocore lets parsers' and sockets' own through
            return error_code(error)
        if operation == "start_execution" and not answer.get("executionArn"):
            return "no execution"
        return None


def _wait_seconds(timeout_seconds: int) -> int:
    """An execution ends at 25,000 events (Step Functions guide, "Quotas")."""
    return min(timeout_seconds + 1, max(LONGEST_WAIT_SECONDS, timeout_seconds // MOST_LOOKS))


def _input(record: ApprovalRecord) -> str:
    deadline = datetime.fromtimestamp(record.expires_at, UTC)
    return dump(
        {
            "approval": record.id,
            "wait": _wait_seconds(record.terms.timeout_seconds),
            "deadline": deadline.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    ).decode()
