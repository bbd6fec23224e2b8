"""Every `portcullis` command that a page shows can be typed: its words and options exist."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from portcullis_cli.app import APP

ROOT = Path(__file__).parents[2]
LISTED = subprocess.run(
    ["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True
)
LINE = re.compile(r"^(?:\$ )?(?:scripts/)?portcullis (.+)$", re.MULTILINE)
BLOCK = re.compile(r"^```(?:sh|bash|console)?\n(.*?)^```", re.MULTILINE | re.DOTALL)


def shown() -> Iterator[tuple[str, str]]:
    for name in LISTED.stdout.splitlines():
        for block in BLOCK.findall((ROOT / name).read_text("utf-8")):
            for line in LINE.findall(block.replace("\\\n", " ")):
                yield name, line


SHOWN = sorted(set(shown()))


@pytest.mark.parametrize("page,line", SHOWN, ids=[" ".join(one) for one in SHOWN])
def test_a_command_that_is_shown_exists_with_its_options(page: str, line: str) -> None:
    words = shlex.split(line.partition(" | ")[0], comments=True)
    command: Any = typer.main.get_command(APP)
    if words[0] == "--stack":  # of all commands, with the stack's name
        words = words[2:]
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    assert not hasattr(command, "commands"), f"{page}: there is no such command"
    known = {name for each in command.params for name in each.opts} | {"--help"}
    used = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert used <= known, page


def test_pages_show_commands() -> None:
    assert len(SHOWN) > 5
