"""Sealed content of requests for approval: an envelope with a data key of KMS (`envelope`).

Each sealing has a data key of its own, and none is kept: who may open one request's arguments
cannot open another's by it, and each opening is in the key's own log. The id and the purpose
are the data key's encryption context and the ciphertext's associated data.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from portcullis.adapters.aws_calls import Client, error_code
from portcullis.adapters.envelope import data_key, plain_key, seal, split, unseal
from portcullis.errors import VaultError
from portcullis.gateway.approval_ports import Vault
from portcullis.strictjson import canonical


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
        return seal(data_key(answer), content, _associated(context))

    def open(self, approval_id: str, purpose: str, sealed: bytes) -> bytes:
        """Decrypt, as the port says."""
        encrypted, box = split(sealed)
        context = _context(approval_id, purpose)
        answer = self._ask(
            "decrypt",
            {"KeyId": self._key_id, "CiphertextBlob": encrypted, "EncryptionContext": context},
        )
        return unseal(plain_key(answer), box, _associated(context))

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
