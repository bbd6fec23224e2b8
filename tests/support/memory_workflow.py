"""A workflow that only notes what it was told; tests play its part themselves."""

from portcullis.approvals.record import ApprovalRecord
from portcullis.errors import WorkflowError
from portcullis.gateway.approval_ports import Workflow


class MemoryWorkflow(Workflow):
    """`started` are the ids that wait, each once; while `is_down` it fails."""

    def __init__(self) -> None:
        self.is_down = False
        self.started: list[str] = []
        self.woken: list[str] = []

    def start(self, record: ApprovalRecord) -> None:
        self._require_up()
        if record.id not in self.started:
            self.started.append(record.id)

    def wake(self, handle: str) -> None:
        self._require_up()
        self.woken.append(handle)

    def _require_up(self) -> None:
        if self.is_down:
            raise WorkflowError("the workflow did not answer: down")
