"""Which header may carry an upstream's credential.

Sources: RFC 9110 section 5.1 (names), 7.6.1 (hop-by-hop fields); 2026-07-28
basic/transports/streamable-http (headers the protocol gives a meaning).
"""

import re
from typing import Final

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_REFUSED: Final = frozenset(
    (
        "accept", "accept-encoding", "baggage", "connection", "cookie", "date", "expect",
        "forwarded", "host", "keep-alive", "last-event-id", "origin", "range", "referer", "te",
        "traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade", "user-agent",
        "via",
    )
)  # fmt: skip
_REFUSED_BEGINNINGS: Final = ("content-", "mcp-", "proxy-", "sec-", "x-amz", "x-forwarded-")


def may_carry_credential(name: str) -> bool:
    """Whether a header, in lower case, is free for a credential.

    Those of a connection, of the protocol and of its routing, and those that the gateway or
    AWS set themselves, are not.
    """
    if not _NAME.fullmatch(name):
        return False
    return name not in _REFUSED and not name.startswith(_REFUSED_BEGINNINGS)
