"""Who is there: a bearer credential, or the cookie of a sign-in; a bearer credential comes first.

A grant is read on every request, so that a revoked one, or a group it lost, counts at once.
"""

import re
from dataclasses import dataclass

from portcullis.console.cookies import SESSION
from portcullis.console.ports import Grants, Holder
from portcullis.console.request import ConsoleRequest
from portcullis.console.sealed import Seals, Session
from portcullis.gateway.deciding import Viewer

_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/=-]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who is there. `session` is None where a bearer credential was shown."""

    viewer: Viewer
    session: Session | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoVisitor:
    """Nobody who may come in. `is_known`: the credential is good, but no approver's."""

    is_known: bool = False


def identify(
    request: ConsoleRequest, grants: Grants, seals: Seals, *, now_seconds: int
) -> Visitor | NoVisitor:
    """Answer who is there.

    Raises:
        UnavailableError: it cannot be told.
    """
    if request.http.values("authorization"):
        token = _bearer_token(request)
        holder = grants.find(token, now_seconds=now_seconds) if token else None
        return _visitor(holder, None)
    value = SESSION.read(request)
    session = seals.open_session(value, now_seconds=now_seconds) if value else None
    if session is None:
        return NoVisitor()
    if session.person is not None:
        return Visitor(viewer=Viewer(principal=session.person), session=session)
    return _visitor(grants.find_by_digest(session.digest, now_seconds=now_seconds), session)


def _visitor(holder: Holder | None, session: Session | None) -> Visitor | NoVisitor:
    if holder is None:
        return NoVisitor()
    if holder.viewer is None:
        return NoVisitor(is_known=True)
    return Visitor(viewer=holder.viewer, session=session)


def _bearer_token(request: ConsoleRequest) -> str | None:
    match = _BEARER.fullmatch(request.http.single("authorization") or "")
    return match[1] if match else None
