"""`portcullis policy sign`: sign a policy with a KMS key, and upload it."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from portcullis_cli.errors import usage_error
from portcullis_cli.policy.inputs import AsJson, PolicyFile, Server, read_text, server_of
from portcullis_cli.policy.locks import read_lock_of, require_meant, uploaded_lock
from portcullis_cli.policy.pushing import require_sound
from portcullis_cli.policy.signatures import (
    DEFAULT_ALGORITHM,
    Algorithm,
    Signed,
    serial_of,
    signer_of,
)
from portcullis_cli.policy.uploading import Over, Place, Replace, place_of, require_one_place
from portcullis_cli.policy.validating import check_text
from portcullis_cli.rendering import plain
from portcullis_cli.reporting import reported, tell
from portcullis_cli.surroundings import surroundings_of


def sign(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    file: PolicyFile,
    key: Annotated[str, typer.Option("--key", help="The KMS key: `PolicySigningKeyArn`.")],
    serial: Annotated[
        str,
        typer.Option("--serial", help="A whole number above the last: the time, `$(date +%s)`."),
    ],
    bucket: Annotated[
        str, typer.Option("--bucket", help="The bucket: the stack's `PolicyBucketName`.")
    ],
    algorithm: Algorithm = DEFAULT_ALGORITHM,
    upload: Annotated[
        bool, typer.Option("--upload", help="Upload it as well, to `incoming/policies/`.")
    ] = False,
    over: Over = "",
    replace: Replace = False,
    lock: Annotated[
        Path | None,
        typer.Option("--lock", help="The lock that the server has: it comes into force with it."),
    ] = None,
    server: Server = "",
    as_json: AsJson = False,
) -> None:
    """Sign a policy for one server, one bucket and one serial, and write what goes beside it.

    It is checked first: what is not sound is not signed.

    An upload takes the place of the version that `--over` names, as with `policy push`, which
    signs as well and waits for what becomes of it.

    Example: portcullis policy sign policies/aws-iam.yaml --bucket b --key alias/sign --serial 7
    """
    with reported(as_json=as_json):
        number, signer = serial_of(serial), signer_of(key, algorithm)
        require_one_place(over, replace=replace)
        if (over or replace) and not upload:
            raise usage_error("--over and --replace go with --upload")
        text, name = read_text(file), server_of(file, server)
        around = surroundings_of(context)
        place = place_of(around, bucket, name) if upload else None
        pins = _lock(place, name, lock)
        require_sound(check_text(file, text, name, lock=pins), as_json=as_json, undone="signed")
        what = Signed(bucket=bucket, server=name, text=text, lock=pins)
        condition = {} if place is None else place.condition(over=over, replace=replace)
        metadata = signer.metadata(around, what, number)
        version = None
        if place is not None:
            version = place.write(text, condition=condition, metadata=metadata)
        _tell(what, metadata, version, as_json=as_json)


def _lock(place: Place | None, server: str, file: Path | None) -> bytes | None:
    """The lock that the signature is of as well: for an upload, the one in the bucket."""
    if place is None:
        return None if file is None else read_lock_of(file, server)
    found = uploaded_lock(place.client, place.bucket, server, file)
    require_meant(found, file, None)
    return found


def _tell(what: Signed, metadata: dict[str, str], version: str | None, *, as_json: bool) -> None:
    if as_json:
        digest = sha256(what.text).hexdigest()
        tell(
            {"server": what.server, "sha256": digest, "metadata": {**metadata}, "version": version}
        )
        return
    typer.echo(",".join(f"{one}={value}" for one, value in metadata.items()))
    if version is not None:
        typer.echo(f"uploaded as version {plain(version)}", err=True)
