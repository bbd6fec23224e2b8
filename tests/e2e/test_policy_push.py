"""A policy pushed, pulled and gone back to by the command, through the local gateway."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from e2e.agents import Call, PythonAgent
from e2e.running_stack import REFRESH_SECONDS, REGION, RunningStack

AGENT: Final = PythonAgent("python sdk, auto", "2026-07-28", "auto")
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


def test_another_products_policy_decides_here(stack: RunningStack, tmp_path: Path) -> None:
    """Converted, pushed, and in force: what its source denies is denied, the rest goes on."""
    source, file = tmp_path / "intercept.yaml", tmp_path / f"{SERVER}.yaml"
    source.write_text(
        'version: "1"\ndefault: deny\ntools:\n'
        "  list_roles: {rules: []}\n"
        "  list_groups:\n    rules:\n"
        "      - {name: some, conditions: [{path: args.path_prefix, op: regex, value: ^/team}],\n"
        "         on_deny: Only groups of teams.}\n"
    )
    converted = command(stack, "convert", str(source), "-o", str(file))
    assert converted.returncode == 0, converted.stdout + converted.stderr
    assert "none passes that was refused" in converted.stdout
    assert command(stack, "push", str(file), "--replace").returncode == 0

    time.sleep(REFRESH_SECONDS)

    endpoint = stack.endpoint(SERVER, second_agent=True)
    calls = [
        Call("list_roles"),
        Call("list_groups", {"path_prefix": "/team/a"}),
        Call("list_groups", {"path_prefix": "/other"}),
        Call("delete_user", {"user_name": "anna"}),
    ]
    roles, teams, others, deleted = AGENT.run(endpoint, calls).results
    assert (roles.is_error, teams.is_error) == (False, False)
    assert (others.is_error, "Only groups of teams." in others.text) == (True, True)
    assert deleted.is_error
