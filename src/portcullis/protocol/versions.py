"""The protocol revisions served and the two eras they fall into. Constants only."""

from enum import Enum
from typing import Final


class Era(Enum):
    """How a revision talks: with a handshake and a session, or each request by itself."""

    LEGACY = "legacy"
    MODERN = "modern"


LEGACY_VERSIONS: Final = ("2025-03-26", "2025-06-18", "2025-11-25")
MODERN_VERSIONS: Final = ("2026-07-28",)
ALL_VERSIONS: Final = (*LEGACY_VERSIONS, *MODERN_VERSIONS)

# Handshake revisions by name, served or not: their requests are never modern ones.
HANDSHAKE_VERSIONS: Final = frozenset(("2024-11-05", *LEGACY_VERSIONS))

# What a legacy request without a version header speaks (2025-11-25 basic/transports,
# Protocol Version Header).
UNSTATED_VERSION: Final = "2025-03-26"
LATEST_LEGACY_VERSION: Final = "2025-11-25"
LATEST_VERSION: Final = "2026-07-28"
