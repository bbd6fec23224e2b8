"""The choke point: every request of every method passes `Gateway.handle`.

`classify` says what a request is, the table of ways which way it goes; a kind without a
way does not exist (a test holds table and kinds together). Whatever breaks on the way is a
denial, and every request leaves exactly one decision record.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from portcullis.errors import PolicyUnavailableError, SnapshotUnavailableError, UnavailableError
from portcullis.gateway.enforce import Enforcer, Governed, deny, passed
from portcullis.gateway.exchange import Exchange
from portcullis.gateway.forward import Forwarder
from portcullis.gateway.front_door import stopped_at_the_door
from portcullis.gateway.handshake import Handshake
from portcullis.gateway.ports import (
    CounterStore,
    DecisionLog,
    DecisionRecord,
    PolicyStore,
    SnapshotStore,
    Upstream,
)
from portcullis.gateway.sessions import Session, Sessions
from portcullis.gateway.visibility import KINDS, visible
from portcullis.policy.arguments import ArgumentFault, normalise
from portcullis.policy.decision import Deny, Outcome
from portcullis.policy.model import Call, Instant, Kind, Policy, Principal
from portcullis.protocol import capabilities, lists, outbound
from portcullis.protocol.cache_hints import privatise
from portcullis.protocol.codes import Code
from portcullis.protocol.http import HttpReply, HttpRequest
from portcullis.protocol.inbound import classify
from portcullis.protocol.messages import Inbound, Notification, Rejection, Request, SessionEnd
from portcullis.protocol.methods import MethodKind
from portcullis.protocol.param_headers import check_param_headers
from portcullis.protocol.versions import Era
from portcullis.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything outside that the gateway talks to."""

    policies: PolicyStore
    snapshots: SnapshotStore
    counters: CounterStore
    sessions: Sessions
    upstreams: Mapping[str, Upstream]
    log: DecisionLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the deployment settled: times, and who may come through the front door."""

    upstream_timeout_seconds: float
    list_ttl_ms: int
    allowed_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()


_Way = Callable[[Request, Exchange, Session], HttpReply]


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
        self._forwarder = Forwarder(ports.upstreams, timeout_seconds=terms.upstream_timeout_seconds)
        self._enforcer = Enforcer(ports.counters, self._forwarder, new_id=new_id)
        self._handshake = Handshake(ports.sessions, self._forwarder)
        self._ways: Mapping[MethodKind, _Way] = {
            MethodKind.TOOL_CALL: self._call_tool,
            MethodKind.PROMPT: self._touch,
            MethodKind.READ: self._touch,
            MethodKind.SUBSCRIBE: self._touch,
            MethodKind.COMPLETE: self._touch,
            MethodKind.LIST: self._list,
            MethodKind.HANDSHAKE: self._handshake.initialize,
            MethodKind.DISCOVER: self._discover,
            MethodKind.LOGGING: self._relay,
            MethodKind.PING: self._ping,
        }

    def handle(self, http: HttpRequest, *, server: str, principal: Principal) -> HttpReply:
        """Answer one request of an authenticated principal. Never raises, never opens."""
        exchange = Exchange(
            decision_id=self._new_id(),
            server=server,
            principal=principal,
            started=self._clock(),
            clock=self._clock,
        )
        inbound: Inbound | None = None
        try:
            inbound = self._read(http, server)
            reply = self._answer(inbound, exchange)
        except UnavailableError:  # a dependency that no step below answers for by itself
            exchange.outcome = Outcome.STORE_UNAVAILABLE.value
            reply = outbound.internal_error(inbound, correlation_id=exchange.decision_id)
        except Exception:  # noqa: BLE001 - the last line: our own bug is a denial, told plainly
            exchange.outcome = Outcome.INTERNAL_ERROR.value
            reply = outbound.internal_error(inbound, correlation_id=exchange.decision_id)
        self._ports.log.record(exchange.to_record(reply.status))
        return reply

    def refuse(self, message: str) -> HttpReply:
        """Answer, and record, something that is no request of an authenticated principal."""
        rejection = Rejection(status=400, code=Code.INVALID_REQUEST, message=message)
        record = DecisionRecord(
            decision_id=self._new_id(),
            server="unknown",
            method="unknown",
            outcome="rejected",
            status=rejection.status,
        )
        self._ports.log.record(record)
        return outbound.rejection(rejection)

    def _read(self, http: HttpRequest, server: str) -> Inbound:
        if server not in self._ports.upstreams:
            return Rejection(status=404, code=Code.INVALID_REQUEST, message="no such server")
        stopped = stopped_at_the_door(
            http, origins=self._terms.allowed_origins, hosts=self._terms.allowed_hosts
        )
        return stopped or classify(http)

    def _answer(self, inbound: Inbound, exchange: Exchange) -> HttpReply:
        match inbound:
            case Rejection():
                exchange.outcome = "rejected"
                return outbound.rejection(inbound)
            case SessionEnd():
                exchange.method = "session/end"
                return self._handshake.end(inbound, exchange)
            case Notification():
                exchange.method = inbound.name if inbound.method else "notification"
                return self._handshake.note(inbound, exchange)
            case Request():
                exchange.method = inbound.method.name
                return self._request(inbound, exchange)

    def _request(self, request: Request, exchange: Exchange) -> HttpReply:
        session = self._ports.sessions.find(
            request.session_token,
            principal=exchange.principal,
            server=exchange.server,
            now=exchange.started,
        )
        if session is None:
            exchange.outcome = "unknown_session"
            return outbound.unknown_session(request)
        exchange.session = session.label
        if session.claims is not None:
            request = replace(request, version=session.claims.version)
        return self._ways[request.method.kind](request, exchange, session)

    # ------------------------------------------------------------ ways

    def _ping(self, request: Request, exchange: Exchange, _session: Session) -> HttpReply:
        exchange.outcome = Outcome.ALLOWED.value
        return outbound.ping(request)

    def _relay(self, request: Request, exchange: Exchange, session: Session) -> HttpReply:
        forwarded = self._forwarder.call(request, exchange, session, params=request.params)
        return passed(request, exchange, forwarded)

    def _discover(self, request: Request, exchange: Exchange, session: Session) -> HttpReply:
        def honest(result: JsonObject) -> JsonObject | None:
            return capabilities.discover_result(result, max_ttl_ms=self._terms.list_ttl_ms)

        forwarded = self._forwarder.call(
            request, exchange, session, params=request.params, rewrite=honest
        )
        return passed(request, exchange, forwarded)

    def _list(self, request: Request, exchange: Exchange, session: Session) -> HttpReply:
        policy = self._policy(request, exchange)
        if isinstance(policy, HttpReply):
            return policy
        is_visible = visible(policy, request.method)

        def filtered(result: JsonObject) -> JsonObject | None:
            return lists.filter_list(
                result, request, is_visible=is_visible, max_ttl_ms=self._terms.list_ttl_ms
            )

        forwarded = self._forwarder.call(
            request, exchange, session, params=request.params, rewrite=filtered
        )
        return passed(request, exchange, forwarded)

    def _call_tool(self, request: Request, exchange: Exchange, session: Session) -> HttpReply:
        policy = self._policy(request, exchange)
        if isinstance(policy, HttpReply):
            return policy
        name = exchange.name or ""
        tool = self._tool(request, exchange, policy, name)
        if isinstance(tool, HttpReply):
            return tool
        schema = tool.get("inputSchema")
        input_schema: JsonObject = schema if isinstance(schema, dict) else {}
        rejection = check_param_headers(request, input_schema, request.arguments)
        if rejection is not None:
            exchange.outcome = "rejected"
            return outbound.rejection(rejection)
        arguments = normalise(input_schema, request.arguments)
        if isinstance(arguments, ArgumentFault):
            denial = Deny(
                outcome=Outcome.INVALID_ARGUMENTS,
                rule=None,
                reason=f"Argument {arguments.path}: {arguments.message}.",
            )
            return deny(request, exchange, denial)
        return self._enforcer.enforce(
            Governed(
                request=request,
                call=self._call_of(exchange, session, Kind.TOOL, arguments),
                policy=policy,
                session=session,
                exchange=exchange,
                params={**request.params, "arguments": arguments},
                input_schema=input_schema,
            )
        )

    def _touch(self, request: Request, exchange: Exchange, session: Session) -> HttpReply:
        """Resources, prompts and completions: governed by what they name."""
        policy = self._policy(request, exchange)
        if isinstance(policy, HttpReply):
            return policy
        if request.subject is None:
            raise LookupError("a governed method without a subject")
        return self._enforcer.enforce(
            Governed(
                request=request,
                call=self._call_of(
                    exchange, session, KINDS[request.subject.kind], request.arguments
                ),
                policy=policy,
                session=session,
                exchange=exchange,
                params=request.params,
                rewrite=self._private_read if _is_modern_read(request) else None,
            )
        )

    def _private_read(self, result: JsonObject) -> JsonObject:
        return privatise(result, max_ttl_ms=self._terms.list_ttl_ms)

    # ------------------------------------------------------------ steps

    def _policy(self, request: Request, exchange: Exchange) -> Policy | HttpReply:
        exchange.name = None if request.subject is None else request.subject.name
        try:
            policy = self._ports.policies.current(exchange.server, now=exchange.started)
        except PolicyUnavailableError as error:
            return deny(
                request,
                exchange,
                Deny(outcome=Outcome.POLICY_UNAVAILABLE, rule=None, reason=str(error)),
            )
        exchange.revision = policy.revision
        return policy

    def _tool(
        self, request: Request, exchange: Exchange, policy: Policy, name: str
    ) -> JsonObject | HttpReply:
        """The tool's definition; hidden and unknown tools get one and the same answer."""
        try:
            snapshot = self._ports.snapshots.current(exchange.server, now=exchange.started)
        except SnapshotUnavailableError as error:
            exchange.upstream_outcome = f"{error}: {error.__cause__}"
            denial = Deny(
                outcome=Outcome.SNAPSHOT_UNAVAILABLE,
                rule=None,
                reason="The server's tools could not be listed, so no call can be checked.",
            )
            return deny(request, exchange, denial)
        tool = snapshot.tools.get(name)
        if tool is None or policy.hidden(name):
            exchange.outcome = (Outcome.UNKNOWN_TOOL if tool is None else Outcome.HIDDEN).value
            return outbound.unknown_tool(request)
        return tool

    @staticmethod
    def _call_of(exchange: Exchange, session: Session, kind: Kind, arguments: JsonObject) -> Call:
        return Call(
            server=exchange.server,
            kind=kind,
            name=exchange.name or "",
            arguments=arguments,
            principal=exchange.principal,
            session=session.label,
        )


def _is_modern_read(request: Request) -> bool:
    """What a caller may read depends on who it is, so nobody else may be shown its copy."""
    return request.method.kind is MethodKind.READ and request.era is Era.MODERN
