"""`portcullis policy sign`: sign a policy with a KMS key, and upload it."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from portcullis.activation.signature import (
    ALGORITHMS,
    SERIAL,
    SIGNATURE,
    read_serial,
    statement,
)
from portcullis.adapters.aws_calls import AwsError, error_code
from portcullis.policy.lock_file import MAXIMUM_BYTES as MAXIMUM_LOCK_BYTES
from portcullis.policy.yaml_text import MAXIMUM_BYTES
from portcullis_cli.errors import unavailable, usage_error
from portcullis_cli.policy.inputs import (
    AsJson,
    PolicyFile,
    Server,
    read_lock,
    read_text,
    server_of,
)
from portcullis_cli.reporting import reported, tell
from portcullis_cli.surroundings import Surroundings, surroundings_of


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
    algorithm: Annotated[
        str, typer.Option("--algorithm", help=f"One of {', '.join(ALGORITHMS)}.")
    ] = ALGORITHMS[0],
    upload: Annotated[
        bool, typer.Option("--upload", help="Upload it as well, to `incoming/policies/`.")
    ] = False,
    lock: Annotated[
        Path | None,
        typer.Option("--lock", help="The lock that the server has: it comes into force with it."),
    ] = None,
    server: Server = "",
    as_json: AsJson = False,
) -> None:
    """Sign a policy for one server, one bucket and one serial, and write what goes beside it.

    Example: portcullis policy sign policies/aws-iam.yaml --bucket b --key alias/sign --serial 7
    """
    with reported(as_json=as_json):
        number = read_serial(serial)
        if number is None:
            raise usage_error("a serial is a whole number above 0, of at most 15 digits")
        if algorithm not in ALGORITHMS:
            raise usage_error(f"the algorithm is one of {', '.join(ALGORITHMS)}")
        text, name = read_text(file), server_of(file, server)
        if len(text) > MAXIMUM_BYTES:
            raise usage_error(f"{file}: it has more than {MAXIMUM_BYTES} bytes")
        digest = sha256(text).hexdigest()
        message = statement(
            bucket=bucket,
            server=name,
            digest=digest,
            serial=number,
            lock=None if lock is None else _lock_digest(lock),
        )
        around = surroundings_of(context)
        metadata = {SERIAL: serial, SIGNATURE: _signed(around, key, algorithm, message)}
        version = None
        if upload:
            to = f"incoming/policies/{name}.yaml"
            version = _uploaded(around, bucket, to, text=text, metadata=metadata)
        if as_json:
            tell({"server": name, "sha256": digest, "metadata": {**metadata}, "version": version})
        else:
            typer.echo(",".join(f"{one}={value}" for one, value in metadata.items()))
            if version is not None:
                typer.echo(f"uploaded as version {version}", err=True)


def _lock_digest(path: Path) -> str:
    """The SHA-256 of a sound lock."""
    read_lock(path)
    return sha256(read_text(path, maximum=MAXIMUM_LOCK_BYTES)).hexdigest()


def _signed(around: Surroundings, key: str, algorithm: str, message: bytes) -> str:
    try:
        answer = around.aws("kms").sign(
            KeyId=key, Message=message, MessageType="RAW", SigningAlgorithm=algorithm
        )
    except AwsError as error:
        raise unavailable(f"the key did not sign: {error_code(error)}") from error
    return b64encode(answer["Signature"]).decode()


def _uploaded(
    around: Surroundings, bucket: str, key: str, *, text: bytes, metadata: dict[str, str]
) -> str:
    try:
        answer = around.aws("s3").put_object(Bucket=bucket, Key=key, Body=text, Metadata=metadata)
    except AwsError as error:
        raise unavailable(f"the bucket did not take it: {error_code(error)}") from error
    return str(answer.get("VersionId"))
