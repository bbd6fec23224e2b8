"""Which log groups hold the decision log: one text names them all, as the stack's output does."""

import re
from typing import Annotated, Final, TypeAlias

import typer

from portcullis_cli.errors import usage_error

GROUPS_VARIABLE: Final = "PORTCULLIS_LOG_GROUPS"
_NAME: Final = re.compile(r"[A-Za-z0-9_./#-]{1,512}")

LogGroups: TypeAlias = Annotated[
    str,
    typer.Option(
        "--log-groups",
        envvar=GROUPS_VARIABLE,
        help="The log groups, with commas between: the stack's `DecisionLogGroups`.",
    ),
]


def groups_of(text: str) -> tuple[str, ...]:
    """The names, in their order and each once.

    Raises:
        CommandError: there is none, or one that can be none.
    """
    names = tuple(dict.fromkeys(name for one in text.split(",") if (name := one.strip())))
    if not names or not all(map(_NAME.fullmatch, names)):
        raise usage_error("--log-groups is names of log groups with commas between")
    return names
