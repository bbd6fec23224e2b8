"""What the command line offers, read off the commands themselves, as rows for its page."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer.main

from portcullis_cli.app import APP
from portcullis_cli.errors import MEANINGS

KEPT_SCREENS = Path(__file__).parents[1] / "tests" / "unit" / "cli" / "golden"
KEPT_OUTPUTS = KEPT_SCREENS / "examples"
WIDTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One argument or option of a command."""

    name: str
    help: str
    variable: str = ""
    is_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command, as `portcullis` and these words run it."""

    name: str
    help: str
    options: tuple[Option, ...]
    help_text: str

    @property
    def summary(self) -> str:
        """The first sentence of its help."""
        return self.help.split("\n\n")[0].replace("\n", " ")

    @property
    def example(self) -> str:
        """The example in its help."""
        return " ".join(self.help.partition("Example: ")[2].split())


def commands() -> tuple[Command, ...]:
    """Every command, in the order of the help."""
    return tuple(_commands(typer.main.get_command(APP), ()))


def command_rows() -> Iterator[tuple[str, str, str]]:
    """One row a command: how it is called, what it does, an example."""
    for command in commands():
        needed = "".join(f" {one.name}" for one in command.options if not one.name.startswith("-"))
        name = f"`portcullis {command.name}{needed}`"
        yield name, command.summary, f"`{command.example}`"


def option_rows() -> Iterator[tuple[str, str, str, str]]:
    """One row an option: its name, its variable, its meaning, and the commands that take it."""
    takers: dict[Option, list[str]] = {}
    for command in commands():
        for option in command.options:
            takers.setdefault(option, []).append(f"`{command.name}`")
    for option, names in takers.items():
        variable = f"`{option.variable}`" if option.variable else ""
        needed = " Required." if option.is_required else ""
        yield f"`{option.name}`", variable, option.help + needed, ", ".join(names)


def kept_output(command: Command) -> Path:
    """The file that holds what the command's example prints, written and held by test_help.py."""
    return KEPT_OUTPUTS / f"{command.name.replace(' ', '-')}.txt"


def output_sections() -> str:
    """One section a command: its help, its example, and what that prints.

    Raises:
        FileNotFoundError: nothing is kept of what a command prints.
    """
    screens = kept_screens()
    return "\n".join(_output_section(command, screens[command.name]) for command in commands())


def kept_screens() -> dict[str, list[Path]]:
    """By command, the other outputs that tests hold: `<command>.txt`, `<command>-<case>.txt`."""
    found: dict[str, list[Path]] = {command.name: [] for command in commands()}
    for file in sorted(KEPT_SCREENS.glob("*.txt")):
        of = [name for name in found if f"{file.stem}-".startswith(f"{name.replace(' ', '-')}-")]
        if not of:
            raise LookupError(f"`{file.name}` is named after no command")
        found[max(of, key=len)].append(file)
    return found


def _output_section(command: Command, screens: list[Path]) -> str:
    printed = kept_output(command).read_text("utf-8")
    others = "".join(
        f"\n{_case(command, file)}:\n\n```text\n{file.read_text('utf-8')}```\n" for file in screens
    )
    return (
        f"## portcullis {command.name}\n\n```text\n{command.help_text}```\n\n"
        f"The example:\n\n```sh\n{command.example}\n```\n\n"
        + (f"prints\n\n```text\n{printed}```\n" if printed else "prints nothing.\n")
        + others
    )


def _case(command: Command, file: Path) -> str:
    case = file.stem.removeprefix(command.name.replace(" ", "-")).strip("-").replace("-", " ")
    return f"Another time ({case})" if case else "Another time"


def exit_rows() -> Iterator[tuple[str, str]]:
    """One row an exit code."""
    for code, meaning in MEANINGS.items():
        yield f"`{code.value}`", meaning


def _commands(command: Any, words: tuple[str, ...]) -> Iterator[Command]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, (*words, name))
    if not hasattr(command, "commands"):
        options = tuple(map(_option, command.params))
        yield Command(
            name=" ".join(words),
            help=command.help,
            options=options,
            help_text=_help_text(command, words),
        )


def _help_text(command: Any, words: tuple[str, ...]) -> str:
    """What `--help` prints on a terminal of a fixed width."""
    path = " ".join(("portcullis", *words))
    context = command.make_context(
        path, [], resilient_parsing=True, terminal_width=WIDTH, max_content_width=WIDTH
    )
    return "".join(f"{line.rstrip()}\n" for line in command.get_help(context).splitlines())


def _option(parameter: Any) -> Option:
    is_argument = parameter.param_type_name == "argument"
    return Option(
        name=parameter.metavar if is_argument else parameter.opts[0],
        help=parameter.help or "",
        variable=parameter.envvar or "",
        is_required=parameter.required,
    )
