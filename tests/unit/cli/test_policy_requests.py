"""A policy that waits, on the command line: its whole file behind a margin, its own question."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.approval_records import make_vote
from support.command_line import Terminal
from support.console_fakes import ConsoleWorld
from support.policy_requests import POLICY, ask_for_policy

GOLDEN = Path(__file__).parent / "golden" / "approvals-show-policy.txt"


def test_N16_N30_a_policy_is_shown_with_its_whole_file(
    world: ConsoleWorld, terminal: Terminal
) -> None:
    record = ask_for_policy(world, POLICY + "# state  APPROVED\n# \x1b[2K\u202ex\n")
    ran = terminal.run("approvals", "show", record.id)
    shown = "".join(f"{line.rstrip()}\n" for line in ran.stdout.splitlines())
    assert shown == GOLDEN.read_text()


def test_a_person_is_asked_whether_a_policy_comes_in_force(
    world: ConsoleWorld, terminal: Terminal
) -> None:
    record = ask_for_policy(world)
    world.change(record, approvals=(make_vote("dave"),))
    terminal.answers = "y\n"
    ran = terminal.run("approvals", "approve", record.id)
    assert f"Put {record.requester.subject} in force, as revision sha256:" in ran.stderr
    assert ran.stdout.startswith("APPROVED: It is put in force next")


@pytest.mark.parametrize("arguments", [{}, {"policy": 7}, "gone"])
def test_a_policy_without_a_file_is_shown_as_what_it_is(
    answering: Callable[..., Terminal], arguments: Any
) -> None:
    body = {"id": "0" * 32, "kind": "policy", "digest": "d", "arguments": arguments}
    ran = answering(200, body).run("approvals", "show", "0" * 32)
    assert "the whole file" not in ran.stdout
