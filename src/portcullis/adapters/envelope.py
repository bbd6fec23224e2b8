"""Envelope encryption: content under a data key, and the data key, which KMS alone can decrypt.

    1 byte   version
    2 bytes  length of the encrypted data key
             the encrypted data key
             nonce and ciphertext (XChaCha20-Poly1305)

Sources: AWS KMS API Reference, GenerateDataKey and Decrypt; PyNaCl, `nacl.secret.Aead`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portcullis.errors import VaultError

_VERSION = b"\x01"
_LENGTH_BYTES = 2
_KEY_BYTES = 32
_LEAST_BOX_BYTES = 24 + 16  # a nonce and a tag


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """A data key, as it is and as KMS can decrypt it."""

    plain: bytes
    encrypted: bytes

    def __repr__(self) -> str:
        """Without the key."""
        return "DataKey()"


def data_key(answer: Mapping[str, Any]) -> DataKey:
    """The data key of a `GenerateDataKey` answer.

    Raises:
        VaultError: it holds none.
    """
    encrypted = answer.get("CiphertextBlob")
    if not isinstance(encrypted, bytes) or not 0 < len(encrypted) < 256**_LENGTH_BYTES:
        raise VaultError("the key service answered no data key")
    return DataKey(plain=plain_key(answer), encrypted=encrypted)


def plain_key(answer: Mapping[str, Any]) -> bytes:
    """The key in an answer of `GenerateDataKey` or `Decrypt`.

    Raises:
        VaultError: it holds none.
    """
    key = answer.get("Plaintext")
    if isinstance(key, bytes) and len(key) == _KEY_BYTES:
        return key
    raise VaultError("the key service answered no data key")


def seal(key: DataKey, content: bytes, associated: bytes) -> bytes:
    """Content sealed under a data key, bound to `associated`."""
    from nacl.secret import Aead  # noqa: PLC0415 - a call that seals nothing does not pay for it

    box = bytes(Aead(key.plain).encrypt(content, associated))
    length = len(key.encrypted).to_bytes(_LENGTH_BYTES, "big")
    return _VERSION + length + key.encrypted + box


def split(sealed: bytes) -> tuple[bytes, bytes]:
    """The encrypted data key, and nonce and ciphertext.

    Raises:
        VaultError: it was not sealed here.
    """
    start = len(_VERSION) + _LENGTH_BYTES
    end = start + int.from_bytes(sealed[len(_VERSION) : start], "big")
    encrypted, box = sealed[start:end], sealed[end:]
    if not sealed.startswith(_VERSION) or not encrypted or len(box) < _LEAST_BOX_BYTES:
        raise VaultError("the content was not sealed here")
    return encrypted, box


def unseal(key: bytes, box: bytes, associated: bytes) -> bytes:
    """What `seal` sealed.

    Raises:
        VaultError: it was sealed under another key, bound to something else, or changed.
    """
    from nacl.exceptions import CryptoError  # noqa: PLC0415 - as above
    from nacl.secret import Aead  # noqa: PLC0415 - as above

    try:
        return Aead(key).decrypt(box, associated)
    except CryptoError as error:
        raise VaultError("the content was not sealed so") from error
