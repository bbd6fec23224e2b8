"""`portcullis policy push`: upload a policy, and wait for what becomes of it."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import typer

from portcullis.activation.status import ACTIVE, REJECTED
from portcullis.adapters.aws_calls import Client
from portcullis.adapters.s3_activation import incoming_key
from portcullis.values import JsonObject
from portcullis_cli.errors import CommandError, ExitCode, unavailable, usage_error
from portcullis_cli.kept_grants import aws_answers
from portcullis_cli.kill_switch import Bucket
from portcullis_cli.policy.deployment import (
    faults_of,
    not_the_newest,
    read_object,
    read_status,
    require_server,
    write_upload,
)
from portcullis_cli.policy.inputs import AsJson, LockPath, PolicyFile, Server, read_text, server_of
from portcullis_cli.policy.validating import Checked, check_file, finding_lines
from portcullis_cli.rendering import plain
from portcullis_cli.reporting import reported, tell
from portcullis_cli.surroundings import Surroundings, surroundings_of

_MAXIMUM_WAIT: Final = 3600  # seconds


def push(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    file: PolicyFile,
    server: Server = "",
    lock: LockPath = None,
    over: Annotated[
        str,
        typer.Option("--over", help="The version it takes the place of, as `policy pull` says it."),
    ] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of whatever was uploaded before.")
    ] = False,
    wait: Annotated[
        int,
        typer.Option("--wait", help="How often to look what became of it, once a second. 0: not."),
    ] = 30,
    bucket: Bucket,
    as_json: AsJson = False,
) -> None:
    """Check a policy, upload it, and wait until it is in force, rejected or waits for somebody.

    What is not sound is not uploaded. Without `--over` and `--replace` it has to be the server's
    first upload. Ends with 0 where it is in force, with 1 where it was rejected.

    Example: portcullis policy push policies/aws-iam.yaml --wait 0
    """
    with reported(as_json=as_json):
        name = server_of(file, server)
        require_server(name)
        if over and replace:
            raise usage_error("say one of --over and --replace")
        if not 0 <= wait <= _MAXIMUM_WAIT:
            raise usage_error(f"--wait is 0 to {_MAXIMUM_WAIT}")
        _require_sound(file, name, lock, as_json=as_json)
        around = surroundings_of(context)
        with aws_answers():
            client = around.s3()
        condition = {} if replace else _condition(client, bucket, name, over)
        version = write_upload(client, bucket, name, text=read_text(file), condition=condition)
        if not as_json:
            typer.echo(f"uploaded as version {plain(version)}", err=True)
        status = _awaited(around, client, bucket, name, version=version, looks=wait)
        _tell(file, name, version, status, as_json=as_json)
        code = _exit_code(status, wait)
        if code is not ExitCode.OK:
            raise typer.Exit(code)


def _require_sound(file: Path, server: str, lock: Path | None, *, as_json: bool) -> None:
    checked = check_file(file, server, lock=lock)
    if not checked.faults:
        return
    if not as_json:
        for line in finding_lines(checked):
            typer.echo(line)
    raise CommandError(
        ExitCode.REFUSED, f"{file}: nothing was uploaded: it is not sound", code="invalid_policy"
    )


def _condition(client: Client, bucket: str, server: str, over: str) -> dict[str, str]:
    """What has to hold when it is written (S3 API reference: If-Match, If-None-Match)."""
    if not over:
        return {"IfNoneMatch": "*"}
    newest = read_object(client, bucket, incoming_key(server))
    if newest is None or newest.version != over:
        raise not_the_newest(server)
    return {"IfMatch": newest.etag}


def _awaited(
    around: Surroundings, client: Client, bucket: str, server: str, *, version: str, looks: int
) -> JsonObject | None:
    """The status of this very upload, None where it did not come in time."""
    for _ in range(looks):
        around.sleep(1)
        try:
            status = read_status(client, bucket, server)
        except CommandError as error:
            raise unavailable(
                f"uploaded as version {plain(version)}; what became of it cannot be told: {error}"
            ) from error
        if status is not None and status.get("source_version") == version:
            return status
    return None


def _exit_code(status: JsonObject | None, looks: int) -> ExitCode:
    if status is None:
        return ExitCode.WAITING if looks else ExitCode.OK
    codes = {ACTIVE: ExitCode.OK, REJECTED: ExitCode.REFUSED}
    return codes.get(str(status.get("state")), ExitCode.WAITING)


def _tell(
    file: Path, server: str, version: str, status: JsonObject | None, *, as_json: bool
) -> None:
    if as_json:
        tell({"server": server, "version": version, "status": status})
        return
    if status is None:
        typer.echo(f"{server}: uploaded, what became of it is not known yet")
        return
    state = str(status.get("state"))
    warnings = faults_of(status, "warnings")
    faults = faults_of(status, "faults")
    found = Checked(path=file, faults=faults, warnings=warnings)
    for line in islice(finding_lines(found), len(faults) + len(warnings)):
        typer.echo(line)
    words = {ACTIVE: f"in force, revision {plain(status.get('revision'))}"}
    typer.echo(f"{server}: {words.get(state, plain(state))}{_waits_for(status)}")


def _waits_for(status: JsonObject) -> str:
    waiting = status.get("waiting")
    if not isinstance(waiting, dict):
        return ""
    return f": {plain(waiting.get('text'))} {plain(waiting.get('url'))}".rstrip()
