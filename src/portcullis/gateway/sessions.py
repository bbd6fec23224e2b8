"""Legacy sessions: labels under the principal, minted and sealed here, never trusted alone.

A session decides which of the principal's `cap` sets of session counters a call uses, and
which upstream session it continues. No token, or one of the modern era, is the principal's
first set. A token that is foreign, altered or expired is answered like an unknown session, and
so is one whose upstream session was opened at a server that is registered differently now: no
other server is told its id.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from portcullis.gateway.ports import Registered, SessionStore
from portcullis.policy.model import Instant, Principal
from portcullis.protocol.session_token import ACCEPTS_URL, SessionClaims, seal, unseal

FIRST_SLOT = 0
URL_VERSION = "2025-11-25"  # the one handshake revision that has elicitation by URL


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The session of one request.

    `label` names the counters; `scope` is what a host may keep state under; `upstream` is
    the upstream's own session id, and `version` the revision agreed in the handshake.
    """

    label: str
    scope: str
    upstream: str | None = None
    claims: SessionClaims | None = None

    @property
    def accepts_url(self) -> bool:
        """Whether the client said in its handshake that it can show a link to its user."""
        if self.claims is None or self.claims.version != URL_VERSION:
            return False
        return self.claims.capabilities & ACCEPTS_URL != 0


class Sessions:
    """Opens, finds and ends the sessions of one gateway."""

    def __init__(
        self,
        store: SessionStore,
        *,
        keys: Callable[[], Sequence[bytes]],
        ttl_seconds: int,
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._keys = keys
        self._ttl = ttl_seconds
        self._new_id = new_id

    def find(
        self, token: str | None, *, principal: Principal, target: Registered, now: Instant
    ) -> Session | None:
        """Answer the session of a request; None where the token is no session of this caller.

        Raises:
            UnavailableError: the key or the upstream's session could not be read.
        """
        if token is None:
            return _session(principal, FIRST_SLOT)
        claims = unseal(
            token,
            self._keys(),
            now_seconds=now.micros // 1_000_000,
            principal_digest=principal_digest(principal),
            server=target.server,
        )
        if claims is None:
            return None
        upstream = None
        if claims.has_upstream:
            bound = self._store.upstream_session(
                principal_key=principal.key,
                server=target.server,
                session_id=claims.session_id,
                now=now,
            )
            if bound is None or not bound.startswith(f"{target.digest}:"):
                return None
            upstream = bound.removeprefix(f"{target.digest}:")
        return _session(principal, claims.slot, claims=claims, upstream=upstream)

    def open(
        self,
        *,
        principal: Principal,
        target: Registered,
        version: str,
        upstream: str | None,
        now: Instant,
        capabilities: int = 0,
    ) -> str:
        """Record a new session and answer its sealed token.

        Args:
            principal: whom it is given to.
            target: the server it was opened for.
            version: the revision agreed in the handshake.
            upstream: the upstream's own session id, where it opened one.
            now: the instant of the handshake.
            capabilities: bits for what the client declared (`session_token`).

        Raises:
            UnavailableError: it could not be recorded or sealed.
        """
        keys = self._keys()
        slot = self._store.open(
            principal_key=principal.key, server=target.server, session_id=self._new_id(), now=now
        )
        if upstream is not None:
            self._store.bind_upstream(
                principal_key=principal.key,
                server=target.server,
                session_id=slot.session_id,
                upstream_session=f"{target.digest}:{upstream}",
                now=now,
            )
        seconds = now.micros // 1_000_000
        claims = SessionClaims(
            session_id=slot.session_id,
            server=target.server,
            principal=principal_digest(principal),
            version=version,
            slot=slot.slot,
            capabilities=capabilities,
            has_upstream=upstream is not None,
            issued_at=seconds,
            expires_at=seconds + self._ttl,
        )
        return seal(claims, keys[0])

    def end(self, claims: SessionClaims, *, principal: Principal, now: Instant) -> None:
        """Mark a session closed; the counters of its slot stay as they are.

        Raises:
            UnavailableError: it could not be recorded.
        """
        self._store.close(
            principal_key=principal.key, server=claims.server, session_id=claims.session_id, now=now
        )


def principal_digest(principal: Principal) -> str:
    """The digest a session token is bound to."""
    return hashlib.sha256(principal.key.encode("utf-8", "surrogatepass")).hexdigest()


def _session(
    principal: Principal,
    slot: int,
    *,
    claims: SessionClaims | None = None,
    upstream: str | None = None,
) -> Session:
    of_session = "" if claims is None else claims.session_id
    scope = hashlib.sha256(f"{principal_digest(principal)}/{of_session}".encode()).hexdigest()
    return Session(label=f"slot-{slot}", scope=scope, upstream=upstream, claims=claims)
