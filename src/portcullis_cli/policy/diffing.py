"""`portcullis policy diff`: which decisions change between two policies, over all calls."""

from pathlib import Path
from typing import Annotated

import typer

from portcullis.policy.faults import PolicyFaults
from portcullis.policy.model import Policy
from portcullis_cli.errors import CommandError, ExitCode
from portcullis_cli.policy.comparing import change_lines, change_tree, compared
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
from portcullis_cli.reasoning.questions import World
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
        found = compared(before, after, world)
        if as_json:
            tell({
                "same": found.is_same,
                "wider": found.is_wider,
                "changes": [change_tree(one, found.names) for one in found.found],
            })  # fmt: skip
        else:
            for line in change_lines(found):
                typer.echo(line)
        if fail_on_wider and found.is_wider:
            raise typer.Exit(ExitCode.REFUSED)


def _loaded(path: Path, known: object, lock: Path | None) -> Policy:
    try:
        return load(path, known if isinstance(known, dict) else None, lock).policy
    except PolicyFaults as faulty:
        raise CommandError(ExitCode.REFUSED, f"{path}: {faulty}", code="invalid_policy") from faulty
