"""The choke point: every request of every method passes `Gateway.handle`.

`classify` says what a request is, `ways` which way it goes. Whatever breaks on the way is a
denial, and every request leaves exactly one decision record.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from portcullis.errors import (
    PolicyUnavailableError,
    RegistrationUnavailableError,
    SnapshotUnavailableError,
    UnavailableError,
)
from portcullis.gateway.exchange import Exchange
from portcullis.gateway.front_door import stopped_at_the_door
from portcullis.gateway.ports import DecisionRecord
from portcullis.gateway.replies import deny
from portcullis.gateway.stopping import stopped
from portcullis.gateway.ways import Ports, Terms, Ways
from portcullis.policy.decision import Deny, Outcome
from portcullis.policy.model import Instant, Principal
from portcullis.protocol import outbound
from portcullis.protocol.codes import Code
from portcullis.protocol.http import HttpReply, HttpRequest
from portcullis.protocol.inbound import classify
from portcullis.protocol.messages import Inbound, Notification, Rejection, Request, SessionEnd
from portcullis.protocol.methods import MethodKind
from portcullis.protocol.served_eras import not_served

UNKNOWN_SERVER = "unknown"  # in records: what the deployment does not have
SERVERS_UNKNOWN = Rejection(
    status=503,
    code=Code.INTERNAL_ERROR,
    message="whether there is such a server cannot be told now; nothing was executed",
    headers=(("retry-after", "1"),),
)
# What never leads to a server is answered while everything is stopped.
_ANSWERED_HERE = frozenset({MethodKind.PING, MethodKind.TASK})
TOOLS_UNKNOWN = "The server's tools could not be listed, so no call can be checked."


class Gateway:
    """The enforcement point of one execution environment."""

    def __init__(
        self,
        ports: Ports,
        terms: Terms,
        *,
        clock: Callable[[], Instant],
        new_id: Callable[[], str],
    ) -> None:
        self._ports = ports
        self._terms = terms
        self._clock = clock
        self._new_id = new_id
        self._ways = Ways(ports, terms, new_id=new_id)

    def handle(
        self, http: HttpRequest, *, server: str, principal: Principal, base_url: str = ""
    ) -> HttpReply:
        """Answer one request of an authenticated principal. Never raises, never opens.

        `base_url` is where the API is reached, for links that people are sent to.
        """
        exchange = Exchange(
            decision_id=self._new_id(),
            server=server,
            principal=principal,
            started=self._clock(),
            clock=self._clock,
            base_url=base_url,
        )
        inbound: Inbound | None = None
        try:
            inbound = self._read(http, exchange)
            reply = self._answer(inbound, exchange)
            self._ports.log.record(exchange.to_record(reply.status))
        except Exception as error:  # noqa: BLE001 - the last line: whatever broke is a denial
            reply = self._broken(error, inbound, exchange)
        return reply

    def _broken(self, error: Exception, inbound: Inbound | None, exchange: Exchange) -> HttpReply:
        """Generic text and a correlation id; a decision that was not recorded is not answered."""
        known = isinstance(error, UnavailableError)
        outcome = Outcome.STORE_UNAVAILABLE if known else Outcome.INTERNAL_ERROR
        exchange.outcome = outcome.value
        reply = outbound.internal_error(inbound, correlation_id=exchange.decision_id)
        with suppress(Exception):  # it may be the log that broke
            self._ports.log.record(exchange.to_record(reply.status))
        return reply

    def refuse(self, message: str, *, status: int = 400) -> HttpReply:
        """Answer, and record, something that is no request of an authenticated principal."""
        rejection = Rejection(status=status, code=Code.INVALID_REQUEST, message=message)
        record = DecisionRecord(
            decision_id=self._new_id(),
            server=UNKNOWN_SERVER,
            method="unknown",
            outcome="rejected",
            status=rejection.status,
        )
        self._ports.log.record(record)
        return outbound.rejection(rejection)

    def fail(self) -> HttpReply:
        """Answer, and record, that it could not be told who calls."""
        reply = outbound.internal_error(None, correlation_id=(decision_id := self._new_id()))
        record = DecisionRecord(
            decision_id=decision_id,
            server=UNKNOWN_SERVER,
            method="unknown",
            outcome=Outcome.STORE_UNAVAILABLE.value,
            status=reply.status,
        )
        self._ports.log.record(record)
        return reply

    def _read(self, http: HttpRequest, exchange: Exchange) -> Inbound:
        try:
            found = self._ports.upstreams.find(exchange.server, now=exchange.started)
        except RegistrationUnavailableError as error:
            exchange.upstream_outcome = str(error)
            exchange.name, exchange.server = exchange.server, UNKNOWN_SERVER
            return SERVERS_UNKNOWN
        exchange.registered = found
        if found is None:
            # Servers are a dimension of metrics: names that callers make up must not be.
            exchange.name, exchange.server = exchange.server, UNKNOWN_SERVER
            return Rejection(status=404, code=Code.INVALID_REQUEST, message="no such server")
        stopped = stopped_at_the_door(
            http, origins=self._terms.allowed_origins, hosts=self._terms.allowed_hosts
        )
        return stopped or classify(http)

    def _answer(self, inbound: Inbound, exchange: Exchange) -> HttpReply:
        match inbound:
            case Rejection():
                unknown = inbound is SERVERS_UNKNOWN
                exchange.outcome = Outcome.STORE_UNAVAILABLE.value if unknown else "rejected"
                return outbound.rejection(inbound)
            case SessionEnd():
                exchange.method = "session/end"
                return self._stopped(exchange) or self._ways.handshake.end(inbound, exchange)
            case Notification():
                exchange.method = inbound.name if inbound.method else "notification"
                return self._stopped(exchange) or self._ways.handshake.note(inbound, exchange)
            case Request():
                exchange.method = inbound.method.name
                return self._request(inbound, exchange)

    def _stopped(self, exchange: Exchange) -> HttpReply | None:
        """The refusal of a message that is no request, while a person has stopped the server."""
        denial = stopped(self._ports.kill_switch, exchange.server, now=exchange.started)
        if denial is None:
            return None
        exchange.outcome = denial.outcome.value
        return outbound.rejection(
            Rejection(status=503, code=Code.INTERNAL_ERROR, message=denial.reason)
        )

    def _request(self, request: Request, exchange: Exchange) -> HttpReply:
        session = self._ports.sessions.find(
            request.session_token,
            principal=exchange.principal,
            target=exchange.target,
            now=exchange.started,
        )
        if session is None:
            exchange.outcome = "unknown_session"
            return outbound.unknown_session(request)
        exchange.session = session.label
        exchange.name = None if request.subject is None else request.subject.name
        refused = not_served(request, exchange.target.eras)
        if refused is not None:
            exchange.outcome = "rejected"
            return outbound.rejection(refused)
        if request.method.kind not in _ANSWERED_HERE:
            denial = stopped(self._ports.kill_switch, exchange.server, now=exchange.started)
            if denial is not None:
                return deny(request, exchange, denial)
        if session.claims is not None:
            request = replace(request, version=session.claims.version)
        try:
            return self._ways.table[request.method.kind](request, exchange, session)
        except PolicyUnavailableError as error:
            denial = Deny(outcome=Outcome.POLICY_UNAVAILABLE, rule=None, reason=str(error))
        except SnapshotUnavailableError as error:
            exchange.upstream_outcome = f"{error}: {error.__cause__}"
            denial = Deny(outcome=Outcome.SNAPSHOT_UNAVAILABLE, rule=None, reason=TOOLS_UNKNOWN)
        return deny(request, exchange, denial)
