"""Options that name a server, as a target that its tools can be read from."""

import shlex
from pathlib import Path

from portcullis_cli.connection import checked_url, find_token
from portcullis_cli.errors import usage_error
from portcullis_cli.surroundings import Surroundings
from portcullis_cli.tool_source import Target


def target_of(
    around: Surroundings,
    *,
    url: str = "",
    command: str = "",
    function: str = "",
    token_file: Path | None = None,
    timeout_seconds: int = 30,
) -> Target:
    """The server that the options name.

    Raises:
        CommandError: they name none, several, or one that cannot be.
    """
    if sum(map(bool, (url, command, function))) != 1:
        raise usage_error("say which server: an address, --command, or --lambda")
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise usage_error("--command is not a command line") from error
    if command and not words:
        raise usage_error("--command is not a command line")
    if token_file is not None and not url:
        raise usage_error("--token-file goes with an address")
    return Target(
        url=checked_url(url) if url else "",
        command=words,
        function=function,
        token="" if token_file is None else find_token(token_file, around.environment),
        timeout_seconds=float(timeout_seconds),
    )
