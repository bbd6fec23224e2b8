"""A host in a process of its own: what one Lambda environment is to the gateway.

The parent sends events and gets results, one JSON line each; several may be under way at
once, so a test can make calls meet inside one environment.
"""

import importlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]


class HostInstance:
    """The parent's side: calls go in, results come out."""

    def __init__(self, child: subprocess.Popen[str], log: Path) -> None:
        self._child = child
        self._log = log
        self._numbers = count()
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def invoke(self, event: object) -> dict[str, Any]:
        """Send one event; wait for its result."""
        return self._ask("event", event)

    def change_variables(self, variables: Mapping[str, str]) -> None:
        """Set environment variables in the running process."""
        self._ask("variables", dict(variables))

    def _ask(self, kind: str, value: object) -> dict[str, Any]:
        answer: Future[dict[str, Any]] = Future()
        with self._lock:
            number = next(self._numbers)
            self._waiting[number] = answer
            stream = self._child.stdin
            assert stream is not None
            stream.write(json.dumps([number, kind, value]) + "\n")
            stream.flush()
        return answer.result(60)

    def log(self) -> str:
        """Everything the environment has written to its log."""
        return self._log.read_text(encoding="utf-8")

    def stop(self) -> None:
        """Let the environment end by itself, so that coverage is written."""
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait(30)
        self._reader.join()
        assert self._child.stdout is not None
        self._child.stdout.close()

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            number, result = json.loads(line)
            self._waiting.pop(number).set_result(result)
        for answer in self._waiting.values():
            answer.set_exception(RuntimeError(f"the host ended:\n{self.log()}"))


@contextmanager
def running_host(
    handler_module: str, environment: Mapping[str, str], log: Path
) -> Iterator[HostInstance]:
    """An environment of the handler module, with these variables and no other AWS ones."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MCP_HOST_"))}
    paths = os.pathsep.join(str(_ROOT / name) for name in ("src", "tests"))
    with log.open("w", encoding="utf-8") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "support.host_instance", handler_module],
            env={**kept, "PYTHONPATH": paths, **environment},
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
    host = HostInstance(child, log)
    try:
        yield host
    finally:
        host.stop()


def main() -> None:
    """The child's side: answer events until the parent closes its end."""
    # Results alone may be on standard output, whatever the server prints.
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    module = importlib.import_module(sys.argv[1])
    lock = threading.Lock()

    def answer(line: str) -> None:
        number, kind, value = json.loads(line)
        if kind == "variables":
            os.environ.update(value)
        result = module.handler(value, None) if kind == "event" else {}
        with lock:
            results.write(json.dumps([number, result]) + "\n")
            results.flush()

    with ThreadPoolExecutor(16) as threads:
        for line in sys.stdin:
            threads.submit(answer, line)
    module.HOST.close()


if __name__ == "__main__":
    main()
