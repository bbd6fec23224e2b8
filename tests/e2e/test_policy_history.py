"""A policy's past as the command tells it, on the local gateway."""

import json
from pathlib import Path
from typing import Any, Final

from e2e.running_stack import RunningStack
from e2e.test_policy_push import command

SERVER: Final = "aws-iam"


def text(tool: str) -> str:
    return f'version: "1"\ndefault: deny\ntools:\n  {tool}: {{action: allow}}\n'


def pushed(stack: RunningStack, folder: Path, body: str) -> Any:
    file = folder / f"{SERVER}.yaml"
    file.write_text(body)
    ran = command(stack, "push", str(file), "--replace", "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


def test_the_history_tells_which_revision_governed_until_when(
    stack: RunningStack, tmp_path: Path
) -> None:
    first, second = (pushed(stack, tmp_path, text(tool)) for tool in ("list_users", "list_roles"))
    faulty = stack.uploaded(SERVER, text("list_users").replace("allow", "alow"))
    ran = command(stack, "history", SERVER, "--limit", "3", "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.loads(ran.stdout)
    assert told["in_force"]["revision"] == second["status"]["revision"]
    assert [(one["version"], one["became"]) for one in told["uploads"]] == [
        (faulty["source_version"], "rejected"),
        (second["version"], "in_force"),
        (first["version"], "was_in_force"),
    ]
    shown = command(stack, "history", SERVER, "--limit", "3").stdout
    assert shown.startswith(f"{SERVER}: in force is revision {second['status']['revision']}")
    assert "rejected: line 4: tools.list_users.action" in shown
