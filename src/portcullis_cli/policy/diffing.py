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
from portcullis_cli.replaying import report
from portcullis_cli.replaying.replay import Replay, replay
from portcullis_cli.replaying.source import (
    DEFAULT_SINCE,
    LogFile,
    LogFrom,
    LogGroup,
    Since,
    opener,
    read_calls,
)
from portcullis_cli.reporting import reported, tell
from portcullis_cli.stack import stack_of
from portcullis_cli.surroundings import surroundings_of


def diff(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The policy as it is.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The policy as it would be.")],
    fail_on_wider: Annotated[
        bool,
        typer.Option(
            "--fail-on-wider",
            help="End with 1 where the new policy permits more, with 6 where that cannot be told.",
        ),
    ] = False,
    server: Server = "",
    tools: ToolsFile = None,
    url: Url = "",
    command: ServerCommand = "",
    token_file: TokenFile = None,
    lock: LockPath = None,
    recorded: Annotated[
        bool,
        typer.Option(
            "--recorded",
            help="Decide recorded calls under both policies as well, as `policy replay` does.",
        ),
    ] = False,
    log: LogFile = None,
    log_group: LogGroup = "",
    since: Since = DEFAULT_SINCE,
    as_json: AsJson = False,
) -> None:
    """Tell which decisions change, tool by tool, with a call as an example of each change.

    Not what differs in the text: what differs for some call. A limit that is looser counts as
    wider. What is shown first permits more than before.

    Example: portcullis policy diff policies/aws-iam.yaml policies/aws-iam.yaml
    """
    with reported(as_json=as_json):
        told = ToolsFrom(file=tools, url=url, command=command, token_file=token_file)
        around, name = surroundings_of(context), server_of(new, server)
        known = known_tools(around, told)
        world = World(server=name, tools=known)
        before, after = _loaded(old, known, lock), _loaded(new, known, lock)
        found = compared(before, after, world)
        calls: tuple[Replay, int] | None = None
        if recorded or log is not None or log_group:
            source = LogFrom(file=log, group=log_group, stack=stack_of(context), since=since)
            read = read_calls(around, source, name)
            calls = replay(read.lines, opener(around), after, old=before), read.broken
        if as_json:
            tell({
                "same": found.is_same,
                "wider": found.is_wider,
                "whole": found.is_whole,
                "changes": [change_tree(one, found) for one in found.found],
                **({} if calls is None else {"recorded": report.told(calls[0], name, calls[1])}),
            })  # fmt: skip
        else:
            recorded_lines = () if calls is None else report.shown(calls[0], name, calls[1])
            for line in (*change_lines(found), *recorded_lines):
                typer.echo(line)
        is_wider = found.is_surely_wider or (calls is not None and calls[0].is_wider)
        if fail_on_wider and is_wider:
            raise typer.Exit(ExitCode.REFUSED)
        is_open = fail_on_wider and not found.is_surely_not_wider
        if is_open or (calls is not None and report.is_undecided(*calls, asked=fail_on_wider)):
            raise typer.Exit(ExitCode.UNDECIDED)


def _loaded(path: Path, known: object, lock: Path | None) -> Policy:
    try:
        return load(path, known if isinstance(known, dict) else None, lock).policy
    except PolicyFaults as faulty:
        raise CommandError(ExitCode.REFUSED, f"{path}: {faulty}", code="invalid_policy") from faulty
