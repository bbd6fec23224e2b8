"""Waking the workflow after a change: a courtesy, because it looks again by itself."""

from contextlib import suppress

from portcullis.errors import WorkflowError
from portcullis.gateway.approval_ports import Replaced, Workflow


def wake(workflow: Workflow, replaced: Replaced) -> None:
    """Wake what waits for a changed request; where nothing waits yet, it looks before it does."""
    if replaced.wake is not None:
        with suppress(WorkflowError):
            workflow.wake(replaced.wake)
