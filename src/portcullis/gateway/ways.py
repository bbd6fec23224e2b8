"""Which way a request of each kind goes, and what a decision about it rests on.

The table holds every kind of method; a kind without a way does not exist (a test holds the
two together). Lists and discovery are rewritten, the rest is governed by what it names.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from portcullis.gateway.approval_ports import ApprovalStore, Vault, Workflow
from portcullis.gateway.approvals import Approvals, WaitTerms
from portcullis.gateway.asking import Asker, AskTerms
from portcullis.gateway.enforce import Enforcer
from portcullis.gateway.exchange import Exchange
from portcullis.gateway.forward import Forwarder
from portcullis.gateway.governed import Governed, input_schema
from portcullis.gateway.handshake import Handshake
from portcullis.gateway.ports import (
    CounterStore,
    DecisionLog,
    KillSwitch,
    PolicyStore,
    SnapshotStore,
    Upstreams,
)
from portcullis.gateway.recording import Recorder
from portcullis.gateway.replies import deny, passed
from portcullis.gateway.sessions import Session, Sessions
from portcullis.gateway.task_ways import TaskWays
from portcullis.gateway.visibility import KINDS, visible, without_drifted
from portcullis.policy.arguments import ArgumentFault, normalise
from portcullis.policy.decision import Deny, Outcome
from portcullis.policy.model import Call, Kind, Policy
from portcullis.protocol import capabilities, lists, outbound
from portcullis.protocol.cache_hints import privatise
from portcullis.protocol.http import HttpReply
from portcullis.protocol.messages import Request
from portcullis.protocol.methods import MethodKind
from portcullis.protocol.param_headers import check_param_headers
from portcullis.protocol.served_eras import versions_of
from portcullis.protocol.versions import Era
from portcullis.values import JsonObject

Way: TypeAlias = Callable[[Request, Exchange, Session], HttpReply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything outside that the gateway talks to."""

    policies: PolicyStore
    snapshots: SnapshotStore
    counters: CounterStore
    sessions: Sessions
    upstreams: Upstreams
    kill_switch: KillSwitch
    log: DecisionLog
    approvals: ApprovalStore
    workflow: Workflow
    vault: Vault
    recorder: Recorder | None = None  # None: calls are not recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the deployment settled: times, approvals, and who may come through the front door.

    `state_keys` are the keys that seal what clients carry for a request, the newest first.
    """

    list_ttl_ms: int
    ask: AskTerms
    wait: WaitTerms
    state_keys: Callable[[], Sequence[bytes]]
    pause: Callable[[float], None]
    allowed_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()


class Ways:
    """The ways of one gateway. Each may raise `UnavailableError`; the caller then denies."""

    def __init__(self, ports: Ports, terms: Terms, *, new_id: Callable[[], str]) -> None:
        self._ports = ports
        self._terms = terms
        self._forwarder = Forwarder(ports.kill_switch)
        asker = Asker(ports.approvals, ports.workflow, ports.vault, terms.ask, new_id=new_id)
        approvals = Approvals(
            asker,
            ports.approvals,
            ports.vault,
            terms.wait,
            keys=terms.state_keys,
            pause=terms.pause,
        )
        self._enforcer = Enforcer(
            ports.counters,
            self._forwarder,
            approvals,
            new_id=new_id,
            recorder=ports.recorder,
        )
        self.handshake = Handshake(ports.sessions, self._forwarder)
        self.table: Mapping[MethodKind, Way] = {
            MethodKind.TOOL_CALL: self._call_tool,
            MethodKind.PROMPT: self._touch,
            MethodKind.READ: self._touch,
            MethodKind.SUBSCRIBE: self._touch,
            MethodKind.COMPLETE: self._touch,
            MethodKind.LIST: self._list,
            MethodKind.HANDSHAKE: self.handshake.initialize,
            MethodKind.DISCOVER: self._discover,
            MethodKind.LOGGING: self._relay,
            MethodKind.PING: self._ping,
            MethodKind.TASK: TaskWays(ports.approvals, asker, approvals).serve,
        }

    def _ping(self, request: Request, exchange: Exchange, _session: Session) -> HttpReply:
        exchange.outcome = Outcome.ALLOWED.value
        return outbound.ping(request)

    def _relay(self, request: Request, exchange: Exchange, session: Session) -> HttpReply:
        forwarded = self._forwarder.call(request, exchange, session, params=request.params)
        return passed(request, exchange, forwarded)

    def _discover(self, request: Request, exchange: Exchange, session: Session) -> HttpReply:
        def honest(result: JsonObject) -> JsonObject | None:
            return capabilities.discover_result(
                result,
                max_ttl_ms=self._terms.list_ttl_ms,
                served=versions_of(exchange.target.eras),
            )

        forwarded = self._forwarder.call(
            request, exchange, session, params=request.params, rewrite=honest
        )
        return passed(request, exchange, forwarded)

    def _list(self, request: Request, exchange: Exchange, session: Session) -> HttpReply:
        policy = self._policy(exchange)
        is_visible = visible(policy, request.method)

        def filtered(result: JsonObject) -> JsonObject | None:
            page = lists.filter_list(
                result, request, is_visible=is_visible, max_ttl_ms=self._terms.list_ttl_ms
            )
            return None if page is None else without_drifted(policy, request.method, page)

        forwarded = self._forwarder.call(
            request, exchange, session, params=request.params, rewrite=filtered
        )
        return passed(request, exchange, forwarded)

    def _call_tool(self, request: Request, exchange: Exchange, session: Session) -> HttpReply:
        policy = self._policy(exchange)
        definition = self._definition(exchange, policy)
        if definition is None:
            return outbound.unknown_tool(request)
        schema = input_schema(definition)
        rejection = check_param_headers(request, schema, request.arguments)
        if rejection is not None:
            exchange.outcome = "rejected"
            return outbound.rejection(rejection)
        arguments = normalise(schema, request.arguments)
        if isinstance(arguments, ArgumentFault):
            reason = f"Argument `{arguments.path}` {arguments.message}."
            denial = Deny(outcome=Outcome.INVALID_ARGUMENTS, rule=None, reason=reason)
            return deny(request, exchange, denial)
        return self._enforcer.enforce(
            Governed(
                request=request,
                call=_call(exchange, session, Kind.TOOL, arguments),
                policy=policy,
                session=session,
                exchange=exchange,
                params={**request.params, "arguments": arguments},
                definition=definition,
            )
        )

    def _touch(self, request: Request, exchange: Exchange, session: Session) -> HttpReply:
        """Resources, prompts and completions: governed by what they name."""
        if request.subject is None:
            raise LookupError("a governed method without a subject")
        return self._enforcer.enforce(
            Governed(
                request=request,
                call=_call(exchange, session, KINDS[request.subject.kind], request.arguments),
                policy=self._policy(exchange),
                session=session,
                exchange=exchange,
                params=request.params,
                rewrite=self._private_read if _is_modern_read(request) else None,
            )
        )

    def _private_read(self, result: JsonObject) -> JsonObject:
        return privatise(result, max_ttl_ms=self._terms.list_ttl_ms)

    def _policy(self, exchange: Exchange) -> Policy:
        policy = self._ports.policies.current(exchange.server, now=exchange.started)
        exchange.revision = policy.revision
        age = self._ports.policies.age_seconds(exchange.server, now=exchange.started)
        exchange.age_seconds["policy"] = age
        return policy

    def _definition(self, exchange: Exchange, policy: Policy) -> JsonObject | None:
        """The called tool as its server lists it; None for unknown and hidden tools alike."""
        snapshot = self._ports.snapshots.current(exchange.target, now=exchange.started)
        seconds = exchange.started.micros // 1_000_000
        exchange.age_seconds["tools"] = max(0, seconds - snapshot.taken_at)
        name = exchange.name or ""
        tool = snapshot.tools.get(name)
        if tool is None or policy.hidden(name):
            exchange.outcome = (Outcome.UNKNOWN_TOOL if tool is None else Outcome.HIDDEN).value
            return None
        return tool


def _call(exchange: Exchange, session: Session, kind: Kind, arguments: JsonObject) -> Call:
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
