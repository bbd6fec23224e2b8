"""Sessions in this process's memory: for tests and for one local process, never for Lambda."""

from dataclasses import dataclass
from threading import Lock

from portcullis.adapters.session_slots import (
    MICROS_PER_SECOND,
    Slots,
    close_slot,
    open_slot,
    require_session_id,
    require_upstream_session,
)
from portcullis.errors import SessionStoreError
from portcullis.gateway.ports import SessionSlot, SessionStore
from portcullis.policy.model import Instant


@dataclass(slots=True, kw_only=True)
class _Session:
    slot: int
    expires_micros: int
    upstream_session: str = ""
    closed: bool = False


class MemorySessionStore(SessionStore):
    """Keeps sessions in a dictionary; safe to use from several threads."""

    def __init__(self, *, cap: int, lifetime_seconds: int) -> None:
        self._cap = cap
        self._lifetime_seconds = lifetime_seconds
        self._lock = Lock()
        self._slots: dict[tuple[str, str], Slots] = {}
        self._sessions: dict[tuple[str, str, str], _Session] = {}

    def open(
        self, *, principal_key: str, server: str, session_id: str, now: Instant
    ) -> SessionSlot:
        """Record a session and give it a slot, as the port says."""
        require_session_id(session_id)
        with self._lock:
            name = (principal_key, server, session_id)
            if name in self._sessions:
                raise SessionStoreError("the session was opened before")
            number, slots = open_slot(
                self._slots.get((principal_key, server), ()),
                cap=self._cap,
                lifetime_seconds=self._lifetime_seconds,
                now=now,
            )
            self._slots[principal_key, server] = slots
            expires = now.micros + self._lifetime_seconds * MICROS_PER_SECOND
            self._sessions[name] = _Session(slot=number, expires_micros=expires)
            return SessionSlot(session_id=session_id, slot=number)

    def bind_upstream(
        self,
        *,
        principal_key: str,
        server: str,
        session_id: str,
        upstream_session: str,
        now: Instant,
    ) -> None:
        """Remember the upstream's session id of a live session, as the port says."""
        require_upstream_session(upstream_session)
        with self._lock:
            session = self._live((principal_key, server, session_id), now)
            if session is None:
                raise SessionStoreError("the session is closed or unknown")
            session.upstream_session = upstream_session

    def upstream_session(
        self, *, principal_key: str, server: str, session_id: str, now: Instant
    ) -> str | None:
        """Answer the upstream's session id of a live session, "" before one is bound."""
        with self._lock:
            session = self._live((principal_key, server, session_id), now)
            return None if session is None else session.upstream_session

    def close(self, *, principal_key: str, server: str, session_id: str, now: Instant) -> None:
        """Mark a session closed, as the port says."""
        with self._lock:
            session = self._live((principal_key, server, session_id), now)
            if session is not None:
                session.closed = True
                name = (principal_key, server)
                self._slots[name] = close_slot(self._slots[name], session.slot)

    def _live(self, name: tuple[str, str, str], now: Instant) -> _Session | None:
        session = self._sessions.get(name)
        if session is None or session.closed or session.expires_micros <= now.micros:
            return None
        return session
