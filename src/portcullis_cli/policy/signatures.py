"""The signature of an upload: made by a KMS key, over a serial above that of what is in force."""

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Final, TypeAlias

import typer

from portcullis.activation.release import InForce
from portcullis.activation.signature import (
    ALGORITHMS,
    SERIAL,
    SIGNATURE,
    read_serial,
    statement,
)
from portcullis.adapters.aws_calls import AwsError, error_code
from portcullis_cli.errors import CommandError, ExitCode, unavailable, usage_error
from portcullis_cli.surroundings import Surroundings

Serial: TypeAlias = Annotated[
    str,
    typer.Option(
        "--serial",
        help="A whole number above the last. Without it: the time, or the last and one.",
    ),
]
Algorithm: TypeAlias = Annotated[
    str, typer.Option("--algorithm", help=f"One of {', '.join(ALGORITHMS)}.")
]
DEFAULT_ALGORITHM: Final = ALGORITHMS[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a signature is of, but for its serial; `lock` is the server's lock, if it has one."""

    bucket: str
    server: str
    text: bytes
    lock: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A key of KMS and the algorithm that it signs with."""

    key: str
    algorithm: str

    def metadata(self, around: Surroundings, what: Signed, serial: int) -> dict[str, str]:
        """What goes beside the file.

        Raises:
            CommandError: the key does not sign.
        """
        message = statement(
            bucket=what.bucket,
            server=what.server,
            digest=sha256(what.text).hexdigest(),
            serial=serial,
            lock=None if what.lock is None else sha256(what.lock).hexdigest(),
        )
        try:
            answer = around.aws("kms").sign(
                KeyId=self.key,
                Message=message,
                MessageType="RAW",
                SigningAlgorithm=self.algorithm,
            )
        except AwsError as error:
            raise unavailable(f"the key did not sign: {error_code(error)}") from error
        return {SERIAL: str(serial), SIGNATURE: b64encode(answer["Signature"]).decode()}


def signer_of(key: str, algorithm: str) -> Signer:
    """The signer that the options name.

    Raises:
        CommandError: there is no such algorithm.
    """
    if algorithm not in ALGORITHMS:
        raise usage_error(f"the algorithm is one of {', '.join(ALGORITHMS)}")
    return Signer(key=key, algorithm=algorithm)


def serial_of(text: str) -> int:
    """A serial as it is written.

    Raises:
        CommandError: it is none.
    """
    number = read_serial(text)
    if number is None:
        raise usage_error("a serial is a whole number above 0, of at most 15 digits")
    return number


def next_serial(text: str, active: InForce | None, *, now: int) -> int:
    """The serial that is meant, or one above that of what is in force.

    Raises:
        CommandError: it is none, is not above it, or that one cannot be told.
    """
    if active is not None and not active.is_readable:
        raise unavailable("what is in force cannot be understood, and so not its serial either")
    last = 0 if active is None else active.release.get("serial", 0)
    if type(last) is not int:
        raise unavailable("the serial of what is in force cannot be understood")
    number = serial_of(text or str(max(now, last + 1)))
    if number <= last:
        message = f"nothing was signed: the serial is not above {last}, that of what is in force"
        raise CommandError(ExitCode.REFUSED, message, code="serial_used")
    return number
