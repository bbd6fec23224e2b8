"""`portcullis policy pull`: a server's policy as it was uploaded, or as it is in force."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from portcullis.adapters.s3_activation import incoming_key
from portcullis.adapters.s3_policies import active_key
from portcullis_cli.errors import CommandError, ExitCode, usage_error
from portcullis_cli.kept_grants import aws_answers
from portcullis_cli.kill_switch import Bucket
from portcullis_cli.policy.deployment import read_object, require_server
from portcullis_cli.policy.inputs import AsJson
from portcullis_cli.rendering import plain
from portcullis_cli.reporting import reported, tell
from portcullis_cli.surroundings import surroundings_of

_MAXIMUM_BYTES: Final = 4 << 20  # what is in force is written longer than it was uploaded


def pull(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    server: Annotated[str, typer.Argument(metavar="SERVER", help="The server's name.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write it to this new file instead of stdout."),
    ] = None,
    active: Annotated[
        bool,
        typer.Option("--active", help="What is in force, as the gateway reads it: JSON."),
    ] = False,
    version: Annotated[
        str, typer.Option("--version", help="This S3 version of it instead of the newest.")
    ] = "",
    bucket: Bucket,
    as_json: AsJson = False,
) -> None:
    """Fetch a server's newest upload, and say which version it is.

    The newest upload need not be in force: it may have been rejected, or wait for somebody. Name
    its version to `policy push --over`, and nobody's change is lost.

    Example: portcullis policy pull aws-iam --active
    """
    with reported(as_json=as_json):
        require_server(server)
        with aws_answers():
            client = surroundings_of(context).s3()
        key = active_key(server) if active else incoming_key(server)
        found = read_object(client, bucket, key, version=version, maximum=_MAXIMUM_BYTES)
        if found is None:
            of_this = " of this version" if version else ""
            raise CommandError(ExitCode.NOT_FOUND, f"there is no {key}{of_this}", code="not_found")
        text = found.text.decode(errors="backslashreplace")
        if output is not None:
            _write(output, found.text)
        if as_json:
            shown = text if output is None else None
            tell({"server": server, "key": key, "version": found.version, "text": shown})
            return
        if output is None:
            typer.echo(_for_eyes(text) if _is_seen() else text, nl=False)
        typer.echo(f"version {plain(found.version)} of {key}", err=True)


def _write(path: Path, text: bytes) -> None:
    try:
        with path.open("xb") as opened:
            opened.write(text)
    except OSError as error:
        reason = error.strerror or "it cannot be written"
        raise usage_error(f"{path}: {reason.lower()}") from error


def _is_seen() -> bool:
    return sys.stdout.isatty()


def _for_eyes(text: str) -> str:
    """A file without what a terminal would act on: somebody else wrote it."""
    return "".join(f"{plain(line)}\n" for line in text.splitlines())
