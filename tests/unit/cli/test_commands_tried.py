"""Every command is tried end to end: the table that says where, held to commands and tests."""

import ast
from pathlib import Path

import pytest

import command_pages
from e2e.commands_tried import TRIED

E2E = Path(__file__).parents[2] / "e2e"
COMMANDS = [command.name for command in command_pages.commands()]
ROWS = [(command, test) for test, commands in TRIED.items() for command in commands]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_tried_end_to_end(command: str) -> None:
    tried = frozenset(name for name, _ in ROWS)
    assert command in tried, f"`{command}` has no row in tests/e2e/commands_tried.py"


@pytest.mark.parametrize("command,test", ROWS)
def test_a_row_names_a_command_and_a_test_that_runs_it(command: str, test: str) -> None:
    assert command in COMMANDS, f"there is no command `{command}`"
    file, _, name = test.partition("::")
    source = (E2E / file).read_text("utf-8")
    tree = ast.parse(source)
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert command.rsplit(maxsplit=1)[-1] in words, f"{file} does not run `{command}`"
