"""Starts a program that dies with its parent: `tether.py PARENT_PID PROGRAM ARGUMENTS…`.

On Linux the kernel kills it when the parent ends, however that ends (prctl(2),
PR_SET_PDEATHSIG, kept across execve). Elsewhere an environment still ends by itself, because
its Runtime API is gone. Run with `-I -S`: it must not import anything but the stdlib.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def command(program: list[str]) -> list[str]:
    """The command line that runs `program` on a tether to the calling process."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *program]


def main() -> None:
    """Tie this process to its parent and become the program."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the tether was tied
        sys.exit(1)
    os.execv(program[0], program)  # noqa: S606 - no shell, and the program is the caller's


if __name__ == "__main__":
    main()
