"""A policy's past as the command tells it, and the way back, on the local gateway."""

import json
import time
from pathlib import Path
from typing import Any, Final

from e2e.running_stack import REFRESH_SECONDS, RunningStack
from e2e.test_policy_in_force import brokers, call, decision
from e2e.test_policy_push import command

SERVER: Final = "aws-iam"


def text(tool: str) -> str:
    return f'version: "1"\ndefault: deny\ntools:\n  {tool}: {{action: allow}}\n'


def pushed(stack: RunningStack, folder: Path, body: str, server: str = SERVER) -> Any:
    file = folder / f"{server}.yaml"
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


def test_an_earlier_revision_decides_again_after_a_rollback(
    stack: RunningStack, tmp_path: Path
) -> None:
    first = pushed(stack, tmp_path, text("list_brokers"), "amazon-mq")
    second = pushed(stack, tmp_path, text("reboot_broker"), "amazon-mq")
    time.sleep(REFRESH_SECONDS)
    (before,) = call(stack, "amazon-mq", brokers())
    assert decision(before)["revision"] == second["status"]["revision"]
    assert command(stack, "rollback", "amazon-mq").returncode == 2  # nobody is there to be asked
    ran = command(stack, "rollback", "amazon-mq", "--yes", "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.loads(ran.stdout)
    assert (told["to"]["version"], told["wider"]) == (first["version"], True)
    assert told["status"]["in_force"]["revision"] == first["status"]["revision"]
    time.sleep(REFRESH_SECONDS)
    (after,) = call(stack, "amazon-mq", brokers())
    assert not after.is_error
    again = command(stack, "rollback", "amazon-mq", "--yes", "--to", told["to"]["revision"])
    assert (again.returncode, "nothing was done" in again.stdout) == (0, True)
    ran = command(stack, "history", "amazon-mq", "--limit", "1", "--json")
    assert json.loads(ran.stdout)["uploads"][0]["version"] == told["version"]
