"""The life of a legacy session: initialize, notifications, DELETE.

Sources: 2025-11-25 basic/lifecycle and basic/transports (Session Management). What the
client is told of capabilities is what a buffered front door can keep.
"""

from dataclasses import replace

from portcullis.gateway.exchange import Exchange
from portcullis.gateway.forward import Forwarded, Forwarder
from portcullis.gateway.replies import passed
from portcullis.gateway.sessions import Session, Sessions
from portcullis.protocol import capabilities, outbound
from portcullis.protocol.elicitation import declares_url
from portcullis.protocol.http import HttpReply, header_values
from portcullis.protocol.legacy import SESSION_HEADER
from portcullis.protocol.messages import Notification, Request, SessionEnd
from portcullis.protocol.session_token import ACCEPTS_URL
from portcullis.protocol.upstream_request import notification_to_upstream, session_end_to_upstream
from portcullis.protocol.versions import LATEST_LEGACY_VERSION
from portcullis.values import JsonObject


class Handshake:
    """Opens, serves and ends sessions."""

    def __init__(self, sessions: Sessions, forwarder: Forwarder) -> None:
        self._sessions = sessions
        self._forwarder = forwarder

    def initialize(self, request: Request, exchange: Exchange, session: Session) -> HttpReply:
        """Forward the handshake with honest capabilities; mint a session when it succeeds."""
        agreed: list[str] = []

        def honest(result: JsonObject) -> JsonObject | None:
            version = capabilities.negotiated_version(result)
            if version is not None:
                agreed.append(version)
            return capabilities.initialize_result(result)

        forwarded = self._forwarder.call(
            request, exchange, session, params=request.params, rewrite=honest
        )
        reply = passed(request, exchange, forwarded)
        if forwarded.reply is None or not agreed:
            return reply  # refused or unusable: there is no session to open
        upstream = header_values(forwarded.headers, SESSION_HEADER)
        token = self._sessions.open(
            principal=exchange.principal,
            target=exchange.target,
            version=agreed[0],
            upstream=upstream[0] if len(upstream) == 1 else None,
            now=exchange.clock(),
            capabilities=_remembered(request),
        )
        return replace(reply, headers=(*reply.headers, (SESSION_HEADER, token)))

    def note(self, notification: Notification, exchange: Exchange) -> HttpReply:
        """Accept a notification; pass it on where its row and the sender's session say so."""
        exchange.outcome = "accepted"
        row = notification.method
        if notification.session_token is None:
            return outbound.accepted()
        session = self._find(notification.session_token, exchange)
        if session is None:
            return outbound.unknown_session(None)
        if row is not None and row.forwarded and session.upstream is not None:
            headers, body = notification_to_upstream(
                notification, upstream_session=session.upstream, upstream_version=_version(session)
            )
            self._forwarder.send("POST", exchange, session, headers=headers, body=body)
        return outbound.accepted()

    def end(self, end: SessionEnd, exchange: Exchange) -> HttpReply:
        """End a session that the upstream keeps; 405 where there is nothing to end.

        A sealed token of an upstream without sessions cannot be taken back before it
        expires, so ending it is declined, as the specification lets a server do.
        """
        session = self._find(end.session_token, exchange)
        if session is None:
            return outbound.unknown_session(None)
        if session.claims is None or session.upstream is None:
            exchange.outcome = "rejected"
            return outbound.session_end_declined()
        headers = session_end_to_upstream(
            upstream_session=session.upstream, upstream_version=_version(session)
        )
        sent = self._forwarder.send("DELETE", exchange, session, headers=headers, body=b"")
        self._sessions.end(session.claims, principal=exchange.principal, now=exchange.clock())
        exchange.outcome = "accepted"
        if not isinstance(sent, Forwarded) and sent.status == 405:
            return outbound.session_end_declined()
        return outbound.ended()

    def _find(self, token: str, exchange: Exchange) -> Session | None:
        session = self._sessions.find(
            token,
            principal=exchange.principal,
            target=exchange.target,
            now=exchange.started,
        )
        exchange.outcome = "accepted" if session else "unknown_session"
        return session


def _remembered(request: Request) -> int:
    """The bits of what a client declares; none of it is declared to the upstream."""
    return ACCEPTS_URL if declares_url(request.client_capabilities) else 0


def _version(session: Session) -> str:
    return LATEST_LEGACY_VERSION if session.claims is None else session.claims.version
