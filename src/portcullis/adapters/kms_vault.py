"""Sealed content: encrypted here under a data key, which KMS alone can decrypt.

    1 byte   version
    2 bytes  length of the encrypted data key
             the encrypted data key
             nonce and ciphertext (XChaCha20-Poly1305)

Each sealing has a data key of its own, and none is kept: who may open one request's arguments
cannot open another's by it, and each opening is in the key's own log. The id and the purpose
are the data key's encryption context and the ciphertext's associated data.

Sources: AWS KMS API Reference, GenerateDataKey and Decrypt; PyNaCl, `nacl.secret.Aead`.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from portcullis.adapters.aws_calls import Client, error_code
from portcullis.errors import VaultError
from portcullis.gateway.approval_ports import Vault
from portcullis.strictjson import canonical

_VERSION = b"\x01"
_LENGTH_BYTES = 2
_KEY_BYTES = 32
_LEAST_BOX_BYTES = 24 + 16  # a nonce and a tag


class KmsVault(Vault):
    """Seals with data keys of one KMS key.

    `make_client` is asked once, for the first call: most calls need no vault.
    """

    def __init__(self, make_client: Callable[[], Client], key_id: str) -> None:
        self._client = cache(make_client)
        self._key_id = key_id

    def seal(self, approval_id: str, purpose: str, content: bytes) -> bytes:
        """Encrypt, as the port says."""
        context = _context(approval_id, purpose)
        answer = self._ask(
            "generate_data_key",
            {"KeyId": self._key_id, "KeySpec": "AES_256", "EncryptionContext": context},
        )
        key, encrypted = answer.get("Plaintext"), answer.get("CiphertextBlob")
        if not isinstance(encrypted, bytes) or not 0 < len(encrypted) < 256**_LENGTH_BYTES:
            raise VaultError("the key service answered no data key")
        box = _encrypt(_checked(key), content, _associated(context))
        return _VERSION + len(encrypted).to_bytes(_LENGTH_BYTES, "big") + encrypted + box

    def open(self, approval_id: str, purpose: str, sealed: bytes) -> bytes:
        """Decrypt, as the port says."""
        encrypted, box = _split(sealed)
        context = _context(approval_id, purpose)
        answer = self._ask(
            "decrypt",
            {"KeyId": self._key_id, "CiphertextBlob": encrypted, "EncryptionContext": context},
        )
        return _decrypt(_checked(answer.get("Plaintext")), box, _associated(context))

    def _ask(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = getattr(self._client(), operation)(**parameters)
        except Exception as error:  # botocore lets parsers' and sockets' own errors through
            raise VaultError(f"the key cannot be used: {error_code(error)}") from error
        return answer


def _context(approval_id: str, purpose: str) -> dict[str, str]:
    return {"portcullis:approval": approval_id, "portcullis:purpose": purpose}


def _associated(context: Mapping[str, str]) -> bytes:
    return canonical(dict(context))


def _checked(key: object) -> bytes:
    if isinstance(key, bytes) and len(key) == _KEY_BYTES:
        return key
    raise VaultError("the key service answered no data key")


def _split(sealed: bytes) -> tuple[bytes, bytes]:
    """The encrypted data key, and nonce and ciphertext."""
    start = len(_VERSION) + _LENGTH_BYTES
    end = start + int.from_bytes(sealed[len(_VERSION) : start], "big")
    encrypted, box = sealed[start:end], sealed[end:]
    if not sealed.startswith(_VERSION) or not encrypted or len(box) < _LEAST_BOX_BYTES:
        raise VaultError("the content was not sealed here")
    return encrypted, box


def _encrypt(key: bytes, content: bytes, associated: bytes) -> bytes:
    from nacl.secret import Aead  # noqa: PLC0415 - a call without an approval does not pay for it

    return bytes(Aead(key).encrypt(content, associated))


def _decrypt(key: bytes, box: bytes, associated: bytes) -> bytes:
    from nacl.exceptions import CryptoError  # noqa: PLC0415 - as above
    from nacl.secret import Aead  # noqa: PLC0415 - as above

    try:
        return Aead(key).decrypt(box, associated)
    except CryptoError as error:
        raise VaultError("the content was not sealed so") from error
