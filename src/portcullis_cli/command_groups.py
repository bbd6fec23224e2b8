"""Commands in a help text, by what somebody wants to do."""

from collections.abc import Mapping
from typing import Any, Final

from typer.core import TyperGroup

GROUPS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "portcullis": {
        "Admit a server": ("scan", "policy", "lock"),
        "Decide who may": ("grants", "approvals"),
        "See what happens": ("status", "servers", "decisions", "sessions"),
        "Know that it holds": ("doctor", "verify"),
        "Stop": ("kill-switch",),
    },
    "policy": {
        "Write": ("validate", "fmt", "schema", "convert"),
        "Know what it decides": ("explain", "test", "check", "diff", "replay"),
        "Put in force": ("sign", "push", "pull", "history", "rollback"),
    },
}


class Grouped(TyperGroup):
    """Shows its commands in groups, each with its whole first sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Typer's method
        """Write a section a group; a command of none comes last."""
        groups = GROUPS[str(self.name)]
        grouped = {name for names in groups.values() for name in names}
        others = tuple(name for name in self.commands if name not in grouped)
        for title, names in {**groups, "More": others}.items():
            rows = [
                (name, _summary(self.commands[name])) for name in names if name in self.commands
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _summary(command: Any) -> str:
    """The first sentence of a command's help."""
    return " ".join(command.help.split("\n\n")[0].split())
