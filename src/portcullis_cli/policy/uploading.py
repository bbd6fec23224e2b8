"""What uploads of policies have in common: over what they are written, and what became of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from portcullis.activation.status import ACTIVE, REJECTED
from portcullis.adapters.aws_calls import Client
from portcullis.adapters.s3_activation import incoming_key
from portcullis.values import JsonObject
from portcullis_cli.errors import CommandError, ExitCode, unavailable, usage_error
from portcullis_cli.kept_grants import aws_answers
from portcullis_cli.policy.deployment import (
    faults_of,
    find_status,
    not_the_newest,
    read_object,
    require_server,
    write_upload,
)
from portcullis_cli.policy.validating import Checked, finding_lines
from portcullis_cli.rendering import plain
from portcullis_cli.surroundings import Surroundings

_MAXIMUM_WAIT: Final = 3600  # seconds

Over: TypeAlias = Annotated[
    str,
    typer.Option("--over", help="The version it takes the place of, as `policy pull` says it."),
]
Replace: TypeAlias = Annotated[
    bool, typer.Option("--replace", help="Take the place of whatever was uploaded before.")
]
Wait: TypeAlias = Annotated[
    int,
    typer.Option("--wait", help="How often to look what became of it, once a second. 0: not."),
]


def require_one_place(over: str, *, replace: bool) -> None:
    """Refuse two answers to what an upload takes the place of.

    Raises:
        CommandError: both were given.
    """
    if over and replace:
        raise usage_error("say one of --over and --replace")


def require_wait(looks: int) -> None:
    """Refuse to look less than never, or for more than an hour.

    Raises:
        CommandError: it is out of these bounds.
    """
    if not 0 <= looks <= _MAXIMUM_WAIT:
        raise usage_error(f"--wait is 0 to {_MAXIMUM_WAIT}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the policy of one server is uploaded."""

    around: Surroundings
    client: Client
    bucket: str
    server: str

    def condition(self, *, over: str, replace: bool) -> dict[str, str]:
        """What has to hold when it is written (S3 API reference: If-Match, If-None-Match).

        Raises:
            CommandError: the newest upload is another one than `over`, or cannot be read.
        """
        if replace:
            return {}
        if not over:
            return {"IfNoneMatch": "*"}
        newest = read_object(self.client, self.bucket, incoming_key(self.server))
        if newest is None or newest.version != over:
            raise not_the_newest(self.server)
        return {"IfMatch": newest.etag}

    def write(
        self, text: bytes, *, condition: Mapping[str, str], metadata: Mapping[str, str]
    ) -> str:
        """Upload it; answers its version.

        Raises:
            CommandError: the condition does not hold, or the bucket does not answer.
        """
        return write_upload(
            self.client,
            self.bucket,
            self.server,
            text=text,
            condition=condition,
            metadata=metadata,
        )

    def awaited(self, version: str, looks: int) -> JsonObject | None:
        """The status of this very upload, None where it did not come in time.

        Raises:
            CommandError: it cannot be told.
        """
        for _ in range(looks):
            self.around.sleep(1)
            try:
                status = find_status(self.client, self.bucket, self.server)
            except CommandError as error:
                raise unavailable(
                    f"uploaded as version {plain(version)}; what became of it cannot be told: "
                    f"{error}"
                ) from error
            if status is not None and status.get("source_version") == version:
                return status
        return None


def place_of(around: Surroundings, bucket: str, server: str) -> Place:
    """The place of a server in a deployment's bucket.

    Raises:
        CommandError: no server can have this name, or AWS cannot be called.
    """
    require_server(server)
    with aws_answers():
        client = around.s3()
    return Place(around=around, client=client, bucket=bucket, server=server)


def end(status: JsonObject | None, looks: int) -> None:
    """End the command with what its upload came to."""
    if status is None:
        code = ExitCode.WAITING if looks else ExitCode.OK
    else:
        codes = {ACTIVE: ExitCode.OK, REJECTED: ExitCode.REFUSED}
        code = codes.get(str(status.get("state")), ExitCode.WAITING)
    if code is not ExitCode.OK:
        raise typer.Exit(code)


def outcome_lines(file: Path, server: str, status: JsonObject | None) -> Iterator[str]:
    """What became of an upload, with its faults at their lines."""
    if status is None:
        yield f"{server}: uploaded, what became of it is not known yet"
        return
    state = str(status.get("state"))
    warnings = faults_of(status, "warnings")
    faults = faults_of(status, "faults")
    found = Checked(path=file, faults=faults, warnings=warnings)
    yield from islice(finding_lines(found), len(faults) + len(warnings))
    words = {ACTIVE: f"in force, revision {plain(status.get('revision'))}"}
    yield f"{server}: {words.get(state, plain(state))}{_waits_for(status)}"


def _waits_for(status: JsonObject) -> str:
    waiting = status.get("waiting")
    if not isinstance(waiting, dict):
        return ""
    return f": {plain(waiting.get('text'))} {plain(waiting.get('url'))}".rstrip()
