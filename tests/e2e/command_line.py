"""The command line as somebody types it, against a running local gateway."""

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

from e2e.running_stack import REGION, RunningStack

SECONDS: Final = 120


def run(stack: RunningStack, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `portcullis` with what it needs of the gateway in its environment; `more` comes on top.

    The console's token is the approver's.
    """
    return subprocess.run(
        [sys.executable, "-m", "portcullis_cli", *words],
        env={**os.environ, **variables(stack), **more},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def done(stack: RunningStack, *words: str, **more: str) -> str:
    """The same, of a command that must do it; answers what it wrote."""
    ran = run(stack, *words, **more)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def variables(stack: RunningStack) -> Mapping[str, str]:
    """The environment that leads every command to the gateway."""
    ready = stack.ready
    return {
        "AWS_ENDPOINT_URL": ready["aws_endpoint_url"],
        "AWS_DEFAULT_REGION": REGION,
        "NO_PROXY": "*",
        "PORTCULLIS_BUCKET": ready["bucket"],
        "PORTCULLIS_TABLE": ready["table"],
        "PORTCULLIS_CONSOLE_URL": ready["console_url"],
        "PORTCULLIS_TOKEN": ready["approver_token"],
    }
