"""Options that say who calls."""

from typing import Annotated, TypeAlias

import typer

from portcullis.policy.model import Principal
from portcullis_cli.errors import usage_error

Subject: TypeAlias = Annotated[str, typer.Option("--subject", help="Who calls.")]
Issuer: TypeAlias = Annotated[str, typer.Option("--issuer", help="Who vouches for the caller.")]
Groups: TypeAlias = Annotated[
    list[str] | None, typer.Option("--group", help="A group of the caller. Repeatable.")
]
Tags: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--tag", help="A tag of the caller, `name=value`. Repeatable."),
]


def caller_of(
    issuer: str, subject: str, groups: list[str] | None, tags: list[str] | None
) -> Principal:
    """The caller that the options describe.

    Raises:
        CommandError: a tag is not written as one.
    """
    pairs = [tag.partition("=") for tag in tags or ()]
    if any(not name or not sign for name, sign, _ in pairs):
        raise usage_error("a tag is written `--tag name=value`")
    return Principal(
        issuer=issuer,
        subject=subject,
        groups=tuple(groups or ()),
        tags={name: value for name, _, value in pairs},
    )
