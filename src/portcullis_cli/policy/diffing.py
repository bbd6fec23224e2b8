"""`portcullis policy diff`: which decisions change between two policies, over all calls."""

from pathlib import Path
from typing import Annotated

import typer

from portcullis.policy.faults import PolicyFaults
from portcullis.policy.model import Policy
from portcullis.values import JsonObject
from portcullis_cli.errors import CommandError, ExitCode
from portcullis_cli.policy.examples import example_text, example_tree
from portcullis_cli.policy.inputs import (
    AsJson,
    LockPath,
    Server,
    ServerCommand,
    TokenFile,
    ToolsFile,
    ToolsFrom,
    Url,
    known_tools,
    load,
    server_of,
)
from portcullis_cli.reasoning.questions import Change, Names, World, changes, names_of
from portcullis_cli.rendering import plain
from portcullis_cli.reporting import reported, tell
from portcullis_cli.surroundings import surroundings_of


def diff(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The policy as it is.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The policy as it would be.")],
    fail_on_wider: Annotated[
        bool,
        typer.Option("--fail-on-wider", help="End with 1 where the new policy permits more."),
    ] = False,
    server: Server = "",
    tools: ToolsFile = None,
    url: Url = "",
    command: ServerCommand = "",
    token_file: TokenFile = None,
    lock: LockPath = None,
    as_json: AsJson = False,
) -> None:
    """Tell which decisions change, tool by tool, with a call as an example of each change.

    Not what differs in the text: what differs for some call. A limit that is looser counts as
    wider. What is shown first permits more than before.

    Example: portcullis policy diff policies/aws-iam.yaml policies/aws-iam.yaml
    """
    with reported(as_json=as_json):
        told = ToolsFrom(file=tools, url=url, command=command, token_file=token_file)
        known = known_tools(surroundings_of(context), told)
        world = World(server=server_of(new, server), tools=known)
        before, after = _loaded(old, known, lock), _loaded(new, known, lock)
        names = names_of([before, after], world)
        found = [one for name in names.names for one in changes(before, after, name, world)]
        found.sort(key=lambda one: (not one.is_wider, one.tool))
        if as_json:
            tell({
                "same": not found and names.is_whole,
                "wider": any(one.is_wider for one in found),
                "changes": [_told(one, names) for one in found],
            })  # fmt: skip
        else:
            _show(found, names)
        if fail_on_wider and any(one.is_wider for one in found):
            raise typer.Exit(ExitCode.REFUSED)


def _loaded(path: Path, known: object, lock: Path | None) -> Policy:
    try:
        return load(path, known if isinstance(known, dict) else None, lock).policy
    except PolicyFaults as faulty:
        raise CommandError(ExitCode.REFUSED, f"{path}: {faulty}", code="invalid_policy") from faulty


def _show(found: list[Change], names: Names) -> None:
    for one in found:
        sign = "WIDER   " if one.is_wider else "narrower"
        other = "any other name like " if one.tool in names.invented else ""
        what = f"{one.before} -> {one.after}"
        if one.limit is not None:
            limit = one.limit
            what = f"the limit of {limit.maximum} a {limit.window_seconds} s is looser or gone"
        sure = "" if one.answer.example else ", perhaps: a condition has too many cases"
        typer.echo(f"{sign} {other}{plain(one.tool)}: {what}{sure}")
        if one.answer.example is not None:
            for line in example_text(one.answer.example):
                typer.echo(f"         {line}")
    if not found:
        typer.echo("every call is decided as before" if names.is_whole else "no change was found")


def _told(one: Change, names: Names) -> JsonObject:
    example = one.answer.example
    return {
        "tool": one.tool,
        "stands_for_others": one.tool in names.invented,
        "before": one.before,
        "after": one.after,
        "wider": one.is_wider,
        "looser_limit": one.limit is not None,
        "certain": example is not None,
        "example": None if example is None else example_tree(example),
    }
