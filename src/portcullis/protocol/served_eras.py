"""Requests of an era that a server is not asked in, as its registration says.

The reply is what a server of the other era gives, so that clients which speak both change
over: a modern probe gets a 4xx without a modern code, a handshake gets -32022 (2026-07-28
basic/versioning, Backward Compatibility).
"""

from collections.abc import Collection

from portcullis.protocol.codes import Code
from portcullis.protocol.ladder import unsupported
from portcullis.protocol.messages import Rejection, Request
from portcullis.protocol.versions import LEGACY_VERSIONS, MODERN_VERSIONS, Era

VERSIONS = {Era.LEGACY: LEGACY_VERSIONS, Era.MODERN: MODERN_VERSIONS}


def versions_of(eras: Collection[Era]) -> tuple[str, ...]:
    """The revisions of some eras, the oldest first."""
    return tuple(version for era in Era if era in eras for version in VERSIONS[era])


def not_served(request: Request, eras: Collection[Era]) -> Rejection | None:
    """Refuse a request of an era that is not among `eras`; None where it is."""
    if request.era in eras:
        return None
    if request.era is Era.LEGACY:
        return unsupported(request.version, request.id)
    return Rejection(
        status=400,
        code=Code.INVALID_REQUEST,
        message="this server is reached through `initialize`",
        id=request.id,
    )
