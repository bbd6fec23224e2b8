"""An upload is released by the signature of one KMS key.

Which key and which algorithm is the deployment's to say, never the upload's. Whatever KMS
answers but "valid" is a refusal or no answer at all; neither puts anything in force.

Source: AWS KMS API Reference, Verify.
"""

import binascii
from base64 import b64decode

from botocore.exceptions import ClientError

from portcullis.activation.release import Answer, InForce, Refused, Release, Released, Upload
from portcullis.activation.signature import SERIAL, SIGNATURE, read_serial, statement
from portcullis.adapters.aws_calls import AwsError, Client, error_code
from portcullis.errors import PolicyUnavailableError
from portcullis.policy.document import Loaded
from portcullis.policy.faults import Fault

_INVALID = "KMSInvalidSignatureException"
_SIGN = "sign it with `portcullis policy sign`"


class KmsSignature(Release):
    """Releases what `key` has signed, with a serial above that of what is in force."""

    def __init__(self, client: Client, *, key: str, algorithm: str, bucket: str) -> None:
        self._client = client
        self._key = key
        self._algorithm = algorithm
        self._bucket = bucket

    def decide(
        self,
        upload: Upload,
        loaded: Loaded,  # noqa: ARG002 - part of the protocol
        active: InForce | None,
        *,
        now_seconds: int,  # noqa: ARG002
    ) -> Answer:
        """See `Release.decide`."""
        signature = _decoded(upload.metadata.get(SIGNATURE, ""))
        serial = read_serial(upload.metadata.get(SERIAL, ""))
        if not signature or serial is None:
            return _refused("the upload has no signature and serial that can be read", _SIGN)
        least = _serial_of(active)
        if least is None:
            return _refused("the serial of what is in force cannot be read", None)
        if serial <= least:
            message = f"the serial {serial} is not above {least}, that of what is in force"
            return _refused(message, "sign it again with a higher one")
        if not self._is_valid(upload, serial, signature):
            message = (
                "the signature is not one of the key for this file, lock, server, bucket and serial"
            )
            return _refused(message, _SIGN)
        return Released(facts={"serial": serial, "signed_by": self._key})

    def _is_valid(self, upload: Upload, serial: int, signature: bytes) -> bool:
        message = statement(
            bucket=self._bucket,
            server=upload.server,
            digest=upload.digest,
            serial=serial,
            lock=None if upload.lock is None else upload.lock.digest,
        )
        try:
            answer = self._client.verify(
                KeyId=self._key,
                Message=message,
                MessageType="RAW",
                Signature=signature,
                SigningAlgorithm=self._algorithm,
            )
        except ClientError as error:
            if error_code(error) == _INVALID:
                return False
            raise _unavailable(error) from error
        except AwsError as error:
            raise _unavailable(error) from error
        return answer.get("SignatureValid") is True


def _serial_of(active: InForce | None) -> int | None:
    """The serial in force, 0 where nothing that was signed is; None where it cannot be told."""
    if active is None:
        return 0
    serial = active.release.get("serial", 0)
    is_serial = active.is_readable and type(serial) is int and serial >= 0
    return serial if is_serial and isinstance(serial, int) else None


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _refused(message: str, suggestion: str | None) -> Refused:
    return Refused(faults=[Fault(path="", message=message, suggestion=suggestion)])


def _unavailable(error: BaseException) -> PolicyUnavailableError:
    return PolicyUnavailableError(f"the signature cannot be verified: {error_code(error)}")
