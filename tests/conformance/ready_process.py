"""A child process that says when it is ready: one JSON line with `"event": "ready"`."""

import json
import queue
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

TESTS: Final = Path(__file__).resolve().parents[1]
ROOT: Final = TESTS.parent
STOP_SECONDS: Final = 15
KEPT_LINES: Final = 60

ReadyLine: TypeAlias = dict[str, Any]


class ProcessNotReadyError(RuntimeError):
    """The child ended or stayed silent before its ready line."""


class ReadyProcess:
    """A running child; `ready` is its ready line. Leaving the `with` block stops it."""

    def __init__(
        self, command: Sequence[str], *, env: Mapping[str, str], ready_within: float = 60
    ) -> None:
        self.ready: ReadyLine = {}
        self._command = list(command)
        self._env = dict(env)
        self._ready_within = ready_within
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._announced: queue.SimpleQueue[ReadyLine | None] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        """Start the child and wait for its ready line.

        Raises:
            ProcessNotReadyError: with the child's last lines.
        """
        self._child = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            announced = self._announced.get(timeout=self._ready_within)
        except queue.Empty:
            announced = None
        if announced is None:
            self.stop()
            raise ProcessNotReadyError(f"{self._command} was not ready\n{self.output()}")
        self.ready = announced
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the child."""
        self.stop()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def output(self) -> str:
        """The last lines the child wrote, for a failure's message."""
        return "".join(self._lines)

    def stop(self) -> int:
        """Ask the child to end, insist after a while, and return its exit code."""
        self._child.terminate()
        try:
            code = self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
        self._reader.join(STOP_SECONDS)
        return code

    def _read(self) -> None:
        """Keep the child's lines and announce the ready line; None when the output ended."""
        stream = self._child.stdout
        if stream is not None:
            with stream:
                for line in stream:
                    self._lines.append(line)
                    ready = _ready_line(line)
                    if ready is not None:
                        self._announced.put(ready)
        self._announced.put(None)


def _ready_line(line: str) -> ReadyLine | None:
    """The parsed ready line, or None for any other line."""
    if not line.startswith("{"):
        return None
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and value.get("event") == "ready" else None
