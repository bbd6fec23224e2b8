"""The processes of a run: started on a free port each, waited for, and ended with the run."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
_START_SECONDS = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A server that listens on the loopback address."""

    pid: int
    port: int

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self.port}"


def python(module: str, *arguments: str) -> list[str]:
    """The command line of a module of this benchmark."""
    return [sys.executable, "-m", module, *arguments]


def base_environment() -> dict[str, str]:
    """What every child gets: no account, no settings and no proxy of this machine's user."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "NO_PROXY": "127.0.0.1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


@contextmanager
def serving(
    command: Sequence[str], environment: Mapping[str, str] | None = None, *, port: int
) -> Iterator[Child]:
    """Run a server until the block ends; its output is dropped."""
    process = subprocess.Popen(
        list(command),
        env={**base_environment(), **(environment or {})},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(process, port)
        yield Child(pid=process.pid, port=port)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port of the loopback address that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"{process.args!r} does not listen")
