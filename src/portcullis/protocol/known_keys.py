"""Keys that look like another key to a lenient reader, and the gateway's own `_meta` prefix.

Go's JSON matched names without case and with Unicode folding, C readers stop at NUL. An
object whose keys two readers could take for different members is refused.
"""

import unicodedata
from collections.abc import Iterable
from typing import Final

RESERVED_PREFIX: Final = "portcullis/"
DECISION_KEY: Final = "portcullis/decision"

PROTOCOL_VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
CLIENT_CAPABILITIES_KEY: Final = "io.modelcontextprotocol/clientCapabilities"
CLIENT_INFO_KEY: Final = "io.modelcontextprotocol/clientInfo"
LOG_LEVEL_KEY: Final = "io.modelcontextprotocol/logLevel"
SERVER_INFO_KEY: Final = "io.modelcontextprotocol/serverInfo"
PROGRESS_TOKEN_KEY: Final = "progressToken"  # noqa: S105 - a key of `_meta`, no secret

_INVISIBLE = frozenset(("Cc", "Cf"))


def fold(key: str) -> str:
    """Reduce a key to what the most lenient reader makes of it."""
    if key.isascii() and key.isprintable():
        return key.lower()  # the same, told at once
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", key).casefold())
    return "".join(c for c in folded if unicodedata.category(c) not in _INVISIBLE)


class KnownKeys:
    """The keys that mean something in one kind of object."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._exact = frozenset(keys)
        self._folded = frozenset(map(fold, self._exact))

    def has_lookalike(self, keys: Iterable[str]) -> bool:
        """Tell whether a key folds to a known one without being it."""
        return any(key not in self._exact and fold(key) in self._folded for key in keys)


def is_reserved(key: str) -> bool:
    """Tell whether a `_meta` key claims the gateway's own prefix, in any spelling."""
    return fold(key).startswith(RESERVED_PREFIX)
