"""The page of the command line explains what the console answers and what the commands offer."""

import re
from pathlib import Path

import command_pages
from support.console_fakes import CAROL_TOKEN, ConsoleWorld

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "cli.md").read_text()


def test_every_key_of_a_request_is_explained() -> None:
    section = PAGE.split("## JSON\n", 1)[1].split("\n## ", 1)[0]
    world = ConsoleWorld()
    record = world.ask()
    answer = world.api(CAROL_TOKEN, "GET", f"/approvals/{record.id}")
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(answer.tree)


def test_the_keys_that_a_list_leaves_out_are_named() -> None:
    world = ConsoleWorld()
    record = world.ask()
    full = world.api(CAROL_TOKEN, "GET", f"/approvals/{record.id}").tree
    (one,) = world.api(CAROL_TOKEN, "GET", "/approvals").tree["approvals"]
    missing = [f"`{name}`" for name in full if name not in one]
    assert f"without {', '.join(missing[:-1])} and {missing[-1]}" in " ".join(PAGE.split())


def test_every_command_is_on_the_page() -> None:
    names = [command.name for command in command_pages.commands()]
    assert {"scan", "policy push", "kill-switch off"} <= set(names)
    assert all(f"| `portcullis {name}" in PAGE for name in names)
