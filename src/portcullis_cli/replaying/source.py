"""Where recorded calls come from: a file with lines of the log, or CloudWatch Logs; and their key.

Recordings stay sealed until they are decided: nothing here writes an argument anywhere.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer
from botocore.exceptions import ClientError

from portcullis.adapters.aws_calls import AwsError, error_code
from portcullis.adapters.kms_recorder import RecordingReader
from portcullis.errors import VaultError
from portcullis.gateway.recording import RecordedCall
from portcullis_cli.decision_log import Broken, Read, Span, read_decisions
from portcullis_cli.errors import CommandError, ExitCode, unavailable, usage_error
from portcullis_cli.rendering import plain
from portcullis_cli.replaying.lines import METHOD, Line, ReadLines, calls_in
from portcullis_cli.replaying.log_file import read_file
from portcullis_cli.replaying.replay import Opener
from portcullis_cli.surroundings import Surroundings

GATEWAY_LOG: Final = "GatewayLogGroup"
MAXIMUM_LINES: Final = 200_000
PROGRESS: Final = 10_000  # calls between two words on how far it is
DEFAULT_SINCE: Final = "24h"

_SINCE: Final = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_NO_RECORDING: Final = {"InvalidCiphertextException", "ValidationException"}

LogFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--log",
        help="A file with lines of the gateway's log, or an object of the audit trail; `-` reads "
        "standard input. Recordings in it stay sealed.",
    ),
]
LogGroup: TypeAlias = Annotated[
    str,
    typer.Option(
        "--log-group",
        help="The gateway's log group in CloudWatch Logs. Without it: that of the stack "
        "(`portcullis --stack`).",
    ),
]
Since: TypeAlias = Annotated[
    str, typer.Option("--since", help="How far back CloudWatch Logs are read: 30m, 24h, 7d.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFrom:
    """Where the log is; nothing: nobody said it."""

    file: Path | None = None
    group: str = ""
    stack: str = ""
    since: str = DEFAULT_SINCE


def read_calls(around: Surroundings, told: LogFrom, server: str) -> ReadLines:
    """The calls of a server's tools that the log holds.

    Raises:
        CommandError: the log cannot be read, or nobody said where it is.
    """
    if told.file is not None and told.group:
        raise usage_error("say once where the log is")
    if told.file is not None:
        read = read_file(told.file)
    elif told.group or told.stack:
        read = _of_cloudwatch(around, told)
    else:
        raise usage_error("say where the log is: --log FILE, --log-group NAME or --stack")
    found = calls_in(_bounded(read, is_told=around.is_terminal()), server)
    if not told.stack:
        return found
    mine = tuple(line for line in found.lines if line.stack == told.stack)
    return ReadLines(lines=mine, broken=found.broken)


def opener(around: Surroundings) -> Opener:
    """Opens recordings with the caller's own right to decrypt."""
    try:
        reader = RecordingReader(around.aws("kms"))
    except AwsError as error:
        raise unavailable(f"AWS cannot be called: {error_code(error)}") from error

    def opened(line: Line) -> RecordedCall:
        try:
            return reader.open(
                line.recorded or "",
                stack=line.stack,
                server=line.server,
                decision_id=line.decision_id,
            )
        except AwsError as error:
            if error_code(error) in _NO_RECORDING:
                raise VaultError("the data key is not this stack's") from error
            raise unavailable(f"recordings cannot be opened: {error_code(error)}") from error

    return opened


def _of_cloudwatch(around: Surroundings, told: LogFrom) -> Iterator[Read]:
    """The calls of tools in the gateway's log group."""
    span = Span(since_ms=(around.now() - _seconds(told.since)) * 1000)
    try:
        group = told.group or _group_of(around, told.stack)
        client = around.aws("logs")
    except AwsError as error:
        raise unavailable(f"the log cannot be found: {error_code(error)}") from error
    return read_decisions(client, [group], span, sleep=around.sleep)


def _bounded(read: Iterator[Read], *, is_told: bool) -> Iterator[Read]:
    """The calls, as long as they can be held; half a log would be another one."""
    calls = (one for one in read if isinstance(one, Broken) or one.method == METHOD)
    for count, one in enumerate(calls, 1):
        if count > MAXIMUM_LINES:
            raise usage_error(
                f"the log holds more than {MAXIMUM_LINES} calls: shorten --since, or the file"
            )
        if is_told and count % PROGRESS == 0:
            typer.echo(f"{count} calls read so far", err=True)
        yield one


def _group_of(around: Surroundings, stack: str) -> str:
    """The log group of the stack's gateway (CloudFormation API, DescribeStackResource)."""
    try:
        answer = around.aws("cloudformation").describe_stack_resource(
            StackName=stack, LogicalResourceId=GATEWAY_LOG
        )
    except ClientError as error:
        if error_code(error) == "ValidationError":
            raise _not_found(f"there is no gateway in a stack `{plain(stack)}`") from error
        raise
    return str(answer["StackResourceDetail"]["PhysicalResourceId"])


def _seconds(since: str) -> int:
    found = _SINCE.fullmatch(since)
    if found is None:
        raise usage_error("--since is a length of time: 30m, 24h, 7d")
    return int(found[1]) * _SECONDS[found[2]]


def _not_found(message: str) -> CommandError:
    return CommandError(ExitCode.NOT_FOUND, message, code="not_found")
