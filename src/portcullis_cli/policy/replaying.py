"""`portcullis policy replay`: what a policy would have decided of the calls that were recorded."""

from typing import Annotated

import typer

from portcullis.policy.faults import PolicyFaults
from portcullis_cli.errors import CommandError, ExitCode
from portcullis_cli.policy.inputs import AsJson, LockPath, PolicyFile, Server, load, server_of
from portcullis_cli.replaying import report
from portcullis_cli.replaying.replay import replay
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


def replay_calls(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    file: PolicyFile,
    log: LogFile = None,
    log_group: LogGroup = "",
    since: Since = DEFAULT_SINCE,
    fail_on_wider: Annotated[
        bool,
        typer.Option(
            "--fail-on-wider",
            help="End with 1 where a call would be permitted that was not, with 6 where that "
            "cannot be told of some call.",
        ),
    ] = False,
    server: Server = "",
    lock: LockPath = None,
    as_json: AsJson = False,
) -> None:
    """Decide recorded calls again under a policy, and tell which would be decided differently.

    The deployment must record calls (`RecordCalls`), and you must be allowed to decrypt with its
    `RecordingKey`. Limits are counted again in the order of the calls. Where a value that was
    redacted decides, it says that it cannot tell. Tools are taken to be as they were locked.

    Example: portcullis policy replay policies/aws-iam.yaml --log-group gateway --since 24h
    """
    with reported(as_json=as_json):
        around, name = surroundings_of(context), server_of(file, server)
        try:
            candidate = load(file, None, lock).policy
        except PolicyFaults as faulty:
            message = f"{file}: {faulty}"
            raise CommandError(ExitCode.REFUSED, message, code="invalid_policy") from faulty
        told = LogFrom(file=log, group=log_group, stack=stack_of(context), since=since)
        read = read_calls(around, told, name)
        found = replay(read.lines, opener(around), candidate)
        if as_json:
            tell(report.told(found, name, read.broken))
        else:
            for line in report.shown(found, name, read.broken):
                typer.echo(line)
        if fail_on_wider and found.is_wider:
            raise typer.Exit(ExitCode.REFUSED)
        if report.is_undecided(found, read.broken, asked=fail_on_wider):
            raise typer.Exit(ExitCode.UNDECIDED)
