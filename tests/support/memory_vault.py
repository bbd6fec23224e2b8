"""A vault that needs no key service: the same cipher under one key of this process."""

from nacl.exceptions import CryptoError
from nacl.secret import Aead

from portcullis.errors import VaultError
from portcullis.gateway.approval_ports import Vault
from portcullis.strictjson import canonical


class MemoryVault(Vault):
    """Seals under a fixed key. While `is_down` it fails, as a key service does."""

    def __init__(self) -> None:
        self.is_down = False
        self._box = Aead(b"k" * Aead.KEY_SIZE)

    def seal(self, approval_id: str, purpose: str, content: bytes) -> bytes:
        self._require_up()
        return bytes(self._box.encrypt(content, canonical([approval_id, purpose])))

    def open(self, approval_id: str, purpose: str, sealed: bytes) -> bytes:
        self._require_up()
        if len(sealed) < Aead.NONCE_SIZE + Aead.MACBYTES:
            raise VaultError("the content was not sealed here")
        try:
            return self._box.decrypt(sealed, canonical([approval_id, purpose]))
        except CryptoError as error:
            raise VaultError("the content was not sealed so") from error

    def _require_up(self) -> None:
        if self.is_down:
            raise VaultError("the key cannot be used: down")
