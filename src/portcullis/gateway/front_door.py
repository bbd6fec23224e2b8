"""Origin and Host, checked apart from each other before anything else is read.

Sources: 2026-07-28 basic/transports/streamable-http, Security & Endpoint (Origin);
the DNS rebinding guidance of 2025-11-25 basic/transports (Host). A client that is no
browser sends no Origin and is let through to its credential's check.
"""

from collections.abc import Collection

from portcullis.protocol.codes import Code
from portcullis.protocol.http import HttpRequest
from portcullis.protocol.messages import Rejection


def stopped_at_the_door(
    request: HttpRequest, *, origins: Collection[str], hosts: Collection[str]
) -> Rejection | None:
    """Answer the refusal of a foreign Origin or Host, else None.

    `hosts` empty: whoever routed the request here did so by its host already. Where they are
    named, a request without a Host is none of theirs.
    """
    if any(origin not in origins for origin in request.values("origin")):
        return _forbidden("origin not allowed")
    if hosts and request.single("host") not in hosts:
        return _forbidden("host not allowed")
    return None


def _forbidden(message: str) -> Rejection:
    return Rejection(status=403, code=Code.INVALID_REQUEST, message=message)
