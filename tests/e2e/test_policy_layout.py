"""A policy is laid out on disk, and the gateway takes it as the revision that it was."""

import subprocess
from pathlib import Path

import pytest

from e2e.running_stack import RunningStack
from e2e.test_policy_push import command

pytestmark = pytest.mark.e2e

LOOSE = "tools:\n    list_users: {'action': allow}  # looking\ndefault: deny\nversion: '1'\n"
LAID_OUT = """\
---
version: "1"
default: deny

tools:
  list_users: {action: allow}  # looking
...
"""


def said(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    return done.returncode, done.stdout


def test_a_policy_that_was_laid_out_is_the_same_revision(
    stack: RunningStack, tmp_path: Path
) -> None:
    file = tmp_path / "aws-iam.yaml"
    file.write_text(LOOSE)
    revision = command(stack, "validate", str(file)).stdout.rpartition(" ")[2]
    assert said(command(stack, "fmt", str(file), "--check")) == (1, f"{file}: would change\n")
    assert said(command(stack, "fmt", str(file))) == (0, f"{file}: laid out\n")
    assert said(command(stack, "fmt", str(file), "--check")) == (0, f"{file}: is in the layout\n")
    assert file.read_text() == LAID_OUT
    assert command(stack, "validate", str(file)).stdout.endswith(revision)
