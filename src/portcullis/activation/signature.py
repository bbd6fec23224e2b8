"""What the signature of an uploaded policy is of, and where it is written.

The signed bytes state everything the signature is good for: one file, for one server, in one
bucket, once. The serial rises with every upload, so a signature cannot be used again to bring
an old file back.
"""

import re

from portcullis.strictjson import canonical
from portcullis.values import JsonObject

SIGNATURE = "portcullis-signature"  # names of S3 user metadata
SERIAL = "portcullis-serial"
STATEMENT = "portcullis policy signature v1"
ALGORITHMS = ("ECDSA_SHA_256", "ECDSA_SHA_384", "RSASSA_PSS_SHA_256")

_SERIAL = re.compile(r"[1-9][0-9]{0,14}")


def statement(
    *, bucket: str, server: str, digest: str, serial: int, lock: str | None = None
) -> bytes:
    """The bytes that are signed.

    `digest` is the SHA-256 of the file, 64 hex digits, `lock` that of the server's lock, None
    where it has none: a signed policy comes into force with no other lock than was meant.
    """
    said: JsonObject = {
        "statement": STATEMENT,
        "bucket": bucket,
        "server": server,
        "sha256": digest,
        "serial": serial,
    }
    return canonical(said if lock is None else {**said, "lock_sha256": lock})


def read_serial(text: str) -> int | None:
    """A serial as it is written: a whole number above 0 of at most 15 digits, no zero before."""
    return int(text) if _SERIAL.fullmatch(text) else None
