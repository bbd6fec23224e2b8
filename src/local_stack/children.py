"""Child processes in process groups of their own, so that what they started ends with them."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from local_stack import tether

_GRACE_SECONDS = 1.0
_STDERR = 2  # everything but the ready line goes to stderr


async def start_child(
    program: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    stdout: int = _STDERR,
) -> asyncio.subprocess.Process:
    """Start a program that dies with this process; its output goes to stderr."""
    return await asyncio.create_subprocess_exec(
        *tether.command(list(program)),
        env=dict(environment),
        cwd=directory,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=_STDERR,
        start_new_session=True,
    )


async def kill_child(process: asyncio.subprocess.Process) -> None:
    """End a child and everything in its group at once, and wait for it."""
    if process.returncode is None:
        sweep_group(process)
    await process.wait()


async def stop_child(process: asyncio.subprocess.Process) -> None:
    """Ask a child to end, and end it when it does not in a moment."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE_SECONDS)
    await kill_child(process)


def sweep_group(process: asyncio.subprocess.Process) -> None:
    """End what is left of a child's group; to be called at once when the child has ended."""
    with contextlib.suppress(ProcessLookupError):  # nothing is left
        os.killpg(process.pid, signal.SIGKILL)
