"""The lock that a server has in its deployment, and the one that somebody read."""

from hashlib import sha256
from pathlib import Path

from portcullis.activation.release import InForce
from portcullis.adapters.aws_calls import Client
from portcullis.adapters.s3_activation import lock_key
from portcullis.policy.faults import PolicyFaults
from portcullis.policy.lock_file import MAXIMUM_BYTES, read_lock_file
from portcullis_cli.errors import CommandError, ExitCode, usage_error
from portcullis_cli.policy.deployment import find_object
from portcullis_cli.policy.inputs import read_text
from portcullis_cli.rendering import plain


def uploaded_lock(client: Client, bucket: str, server: str, file: Path | None) -> bytes | None:
    """The newest upload of the server's lock, which is `file` where one is named.

    A policy is judged with the lock that was uploaded, whatever lies beside it on this machine.

    Raises:
        CommandError: `file` is no sound lock of this server, or another one was uploaded, or none.
    """
    wanted = None if file is None else read_lock_of(file, server)
    key = lock_key(server)
    found = find_object(client, bucket, key, maximum=MAXIMUM_BYTES)
    if wanted is not None and (found is None or found.text != wanted):
        what = "there is none" if found is None else "another one is there"
        raise CommandError(
            ExitCode.REFUSED,
            f"nothing was uploaded: {file} is not the lock in the bucket, {what}; first upload it "
            f"to {key}, then the policy",
            code="another_lock",
        )
    return None if found is None else found.text


def require_meant(lock: bytes | None, file: Path | None, active: InForce | None) -> None:
    """Refuse to sign a lock that nobody read: whoever may upload it may not be who may sign.

    One that is in force under a signature was signed before.

    Raises:
        CommandError: nobody said that this lock is the one that is meant.
    """
    if lock is None or file is not None:
        return
    known = None if active is None or "serial" not in active.release else active.lock
    if known is None or known.digest != sha256(lock).hexdigest():
        raise CommandError(
            ExitCode.REFUSED,
            "nothing was signed: the server has a lock, which the signature would be of as well; "
            "name the file that you read with --lock",
            code="lock_not_named",
        )


def read_lock_of(file: Path, server: str) -> bytes:
    """The bytes of a server's lock file.

    Raises:
        CommandError: it cannot be read, or is no sound lock of this server.
    """
    text = read_text(file, maximum=MAXIMUM_BYTES)
    try:
        read_lock_file(text, server=server)
    except PolicyFaults as faulty:
        first = plain(str(faulty.faults[0]))
        raise usage_error(f"{file}: it is no sound lock of `{server}`: {first}") from faulty
    return text
