"""Recorded calls, sealed under a KMS key of their own and opened by whoever may decrypt with it.

A data key is used for many lines: a question to KMS with each call would cost more than the
rest of the gate. It ends after a time and a number of lines, and lives in this process alone.
What binds a line is the ciphertext's associated data: stack, server and decision.

Sources: AWS KMS API Reference, GenerateDataKey and Decrypt; developer guide, "Encryption context".
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import cache
from typing import Final

from portcullis.adapters.aws_calls import Client, error_code
from portcullis.adapters.envelope import DataKey, data_key, plain_key, seal, split, unseal
from portcullis.adapters.recording_json import read_recording, written_recording
from portcullis.errors import RecordingError, TooLargeToRecordError, VaultError
from portcullis.gateway.recording import MAXIMUM_BYTES, RecordedCall, Recorder
from portcullis.policy.model import Instant
from portcullis.strictjson import canonical

PURPOSE: Final = "recording"
KEY_SECONDS: Final = 300
KEY_LINES: Final = 1000
RETRY_SECONDS: Final = 60  # a key service that fails is not asked with every call


class KmsRecorder(Recorder):
    """Seals for the lines of one stack; `make_client` is asked once, for the first call."""

    def __init__(
        self,
        make_client: Callable[[], Client],
        key_id: str,
        *,
        stack: str,
        clock: Callable[[], Instant],
    ) -> None:
        self._client = cache(make_client)
        self._key_id = key_id
        self._stack = stack
        self._clock = clock
        self._key: DataKey | None = None
        self._lines = 0
        self._until = 0
        self._not_before = 0

    def seal(self, recorded: RecordedCall, *, decision_id: str) -> str:
        """Seal, as the port says."""
        content = written_recording(recorded)
        if len(content) > MAXIMUM_BYTES:
            raise TooLargeToRecordError("the call is too large to be recorded")
        bound = _associated(self._stack, recorded.call.server, decision_id)
        return b64encode(seal(self._data_key(), content, bound)).decode("ascii")

    def _data_key(self) -> DataKey:
        now = self._clock().micros // 1_000_000
        if self._key is not None and now < self._until and self._lines < KEY_LINES:
            self._lines += 1
            return self._key
        self._key = None
        if now < self._not_before:
            raise RecordingError("the key service did not answer a moment ago")
        self._not_before = now + RETRY_SECONDS
        self._key = self._made()
        self._lines, self._until, self._not_before = 1, now + KEY_SECONDS, 0
        return self._key

    def _made(self) -> DataKey:
        try:
            answer = self._client().generate_data_key(
                KeyId=self._key_id, KeySpec="AES_256", EncryptionContext=_context(self._stack)
            )
            return data_key(answer)
        except Exception as error:  # botocore lets parsers' and sockets' own errors through
            raise RecordingError(f"the key cannot be used: {error_code(error)}") from error


class RecordingReader:
    """Opens recordings; each data key is decrypted once."""

    def __init__(self, client: Client) -> None:
        self._plain = cache(lambda encrypted, stack: self._decrypted(client, encrypted, stack))

    def open(self, sealed: str, *, stack: str, server: str, decision_id: str) -> RecordedCall:
        """The call behind a line's `recorded`.

        Raises:
            VaultError: it was sealed for another line or stack, or is none.
            AwsError: KMS refused, or did not answer.
        """
        try:
            encrypted, box = split(b64decode(sealed, validate=True))
        except ValueError as error:
            raise VaultError("the content was not sealed here") from error
        key = self._plain(encrypted, stack)
        try:
            return read_recording(unseal(key, box, _associated(stack, server, decision_id)), server)
        except ValueError as error:
            raise VaultError("the content is no recorded call") from error

    @staticmethod
    def _decrypted(client: Client, encrypted: bytes, stack: str) -> bytes:
        answer = client.decrypt(CiphertextBlob=encrypted, EncryptionContext=_context(stack))
        return plain_key(answer)


def _context(stack: str) -> dict[str, str]:
    return {"portcullis:purpose": PURPOSE, "portcullis:stack": stack}


def _associated(stack: str, server: str, decision_id: str) -> bytes:
    return canonical({"stack": stack, "server": server, "decision": decision_id})
