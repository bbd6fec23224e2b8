"""Lambda handler of the workflow's task: one look at one request, and what can be done for it."""

import os
from typing import Any

from portcullis.entrypoints.bootstrap import build_executor
from portcullis.entrypoints.restore import forget_after_restore
from portcullis.entrypoints.settings import ExecutorSettings, read_settings

EXECUTOR = build_executor(read_settings(ExecutorSettings, os.environ))
forget_after_restore()


def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Answer after how many seconds the workflow looks again."""
    return {"seconds": EXECUTOR.step(str(event["approval"]))}
