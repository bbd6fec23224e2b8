"""A policy pushed, pulled and gone back to by the command, through the local gateway."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from e2e.running_stack import REGION, RunningStack

SERVER: Final = "aws-iam"
FIRST: Final = 'version: "1"\ndefault: deny\ntools:\n  list_users: {action: allow}\n'
SECOND: Final = 'version: "1"\ndefault: deny\ntools:\n  list_groups: {action: allow}\n'


def command(stack: RunningStack, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `portcullis policy` on the gateway's own account."""
    account = {"AWS_ENDPOINT_URL": stack.ready["aws_endpoint_url"], "AWS_DEFAULT_REGION": REGION}
    return subprocess.run(
        [sys.executable, "-m", "portcullis_cli", "policy", *words],
        env={**os.environ, **account, "PORTCULLIS_BUCKET": str(stack.ready["bucket"])},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_policy_is_pushed_and_gone_back_to(stack: RunningStack, tmp_path: Path) -> None:
    file = tmp_path / f"{SERVER}.yaml"
    file.write_text(FIRST)
    pushed = command(stack, "push", str(file), "--replace", "--json")
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    first = json.loads(pushed.stdout)
    assert first["status"]["in_force"]["source_version"] == first["version"]

    file.write_text(SECOND)
    assert command(stack, "push", str(file)).returncode == 1
    over = command(stack, "push", str(file), "--over", first["version"])
    assert over.returncode == 0, over.stdout + over.stderr
    assert f"{SERVER}: in force, revision " in over.stdout

    earlier = tmp_path / "earlier.yaml"
    pulled = command(stack, "pull", SERVER, "--version", first["version"], "-o", str(earlier))
    assert pulled.returncode == 0, pulled.stderr
    assert earlier.read_text() == FIRST
    back = command(stack, "push", str(earlier), "--server", SERVER, "--replace", "--json")
    assert json.loads(back.stdout)["status"]["in_force"]["earlier"] is True


def test_a_faulty_policy_is_told_at_its_line_and_changes_nothing(
    stack: RunningStack, tmp_path: Path
) -> None:
    before = command(stack, "pull", SERVER, "--active").stdout
    file = tmp_path / f"{SERVER}.yaml"
    file.write_text(FIRST.replace("allow", "alow"))
    ran = command(stack, "push", str(file), "--replace")
    assert (ran.returncode, f"{file}:4:" in ran.stdout) == (1, True)
    assert command(stack, "pull", SERVER, "--active").stdout == before
