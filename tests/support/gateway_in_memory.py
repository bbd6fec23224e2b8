"""A gateway on ports in memory, each of which can be made to fail.

The fakes here are adapters: the memory stores pass the contract suites of their ports.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from portcullis.adapters.memory_approvals import MemoryApprovalStore
from portcullis.adapters.memory_counters import MemoryCounterStore
from portcullis.adapters.memory_sessions import MemorySessionStore
from portcullis.errors import (
    CounterStoreError,
    KillSwitchUnavailableError,
    PolicyUnavailableError,
    RegistrationUnavailableError,
    SessionStoreError,
    SnapshotUnavailableError,
    UpstreamUncertainError,
)
from portcullis.gateway.approvals import WaitTerms
from portcullis.gateway.asking import AskTerms
from portcullis.gateway.ports import (
    CounterStore,
    DecisionLog,
    DecisionRecord,
    KillSwitch,
    PolicyStore,
    Refused,
    Registered,
    Reserved,
    Snapshot,
    SnapshotStore,
    Stop,
    Upstream,
    UpstreamReply,
    UpstreamRequest,
    Upstreams,
)
from portcullis.gateway.proxy import Gateway
from portcullis.gateway.recording import Recorder
from portcullis.gateway.sessions import Sessions
from portcullis.gateway.ways import Ports, Terms
from portcullis.policy.decision import Take
from portcullis.policy.model import Instant, Policy, Principal
from portcullis.policy.policy_text import parse_policy
from portcullis.protocol.http import HttpReply, HttpRequest
from portcullis.values import JsonObject
from support.memory_vault import MemoryVault
from support.memory_workflow import MemoryWorkflow

SERVER = "mq"
HOLD_SECONDS = 20
ALICE = Principal(issuer="i", subject="alice")
BOB = Principal(issuer="i", subject="bob")
MODERN, LEGACY = "2026-07-28", "2025-11-25"

TOOLS: dict[str, JsonObject] = {
    "get_info": {"name": "get_info", "inputSchema": {"type": "object"}},
    "create_broker": {
        "name": "create_broker",
        "inputSchema": {
            "type": "object",
            "properties": {
                "publicly_accessible": {"type": "boolean", "default": True},
                "name": {"type": "string", "x-mcp-header": "Broker"},
            },
        },
    },
    "delete_broker": {"name": "delete_broker", "inputSchema": {"type": "object"}},
}

POLICY = """\
version: "1"
default: deny
hide: [delete_broker]
tools:
  get_info: {action: allow, rate_limit: {max: 2, window: 60}}
  create_broker:
    rules:
      - name: public
        action: deny
        reason: Not in public.
        when: {path: args.publicly_accessible, op: neq, value: false}
      - {name: ok, action: allow}
resources:
  "doc://*": {action: allow}
prompts:
  greet: {action: allow}
  shout: {action: deny}
"""


def _nothing() -> None:
    pass


def body_of(reply: HttpReply) -> Any:
    return json.loads(reply.body)


def decision_of(reply: HttpReply) -> Any:
    return body_of(reply)["result"]["_meta"]["portcullis/decision"]


def header(reply: HttpReply, name: str) -> str | None:
    return dict(reply.headers).get(name)


@dataclass
class FixedPolicies(PolicyStore):
    policy: Policy | None
    before: Callable[[], object] = _nothing

    def current(self, server: str, *, now: Instant) -> Policy:
        self.before()
        if self.policy is None:
            raise PolicyUnavailableError(f"no policy is active for `{server}`")
        return self.policy

    def age_seconds(self, server: str, *, now: Instant) -> int:
        return 0


@dataclass
class FixedSnapshots(SnapshotStore):
    tools: dict[str, JsonObject] | None

    def current(self, registered: Registered, *, now: Instant) -> Snapshot:
        if self.tools is None:
            raise SnapshotUnavailableError("no list")
        return Snapshot(
            server=registered.server,
            registration=registered.digest,
            taken_at=0,
            tools=self.tools,
        )


class Switch(KillSwitch):
    """Stops the servers that a test says; while `is_down` it cannot be told.

    `looks` counts how often it was asked; from look `later` on, `stops` holds.
    """

    def __init__(self) -> None:
        self.stops: dict[str, Stop] = {}
        self.is_down = False
        self.looks = 0
        self.later = 0

    def stop(self, server: str, *, now: Instant) -> Stop | None:
        self.looks += 1
        if self.looks <= self.later:
            return None
        if self.is_down:
            raise KillSwitchUnavailableError("the kill switch cannot be read: Throttling")
        return self.stops.get(server)


class Servers(Upstreams):
    """One server, which may be registered anew or removed; while `is_down` it cannot be told."""

    def __init__(self, registered: Registered) -> None:
        self.registered: Registered | None = registered
        self.is_down = False

    def find(self, server: str, *, now: Instant) -> Registered | None:
        if self.is_down:
            raise RegistrationUnavailableError("throttled")
        found = self.registered
        return found if found is not None and found.server == server else None

    def change(self, **changes: Any) -> None:
        assert self.registered is not None
        self.registered = replace(self.registered, **changes)


class Counters(CounterStore):
    """The memory store, with switches for what can fail."""

    def __init__(self) -> None:
        self.inner = MemoryCounterStore()
        self.fails_to_reserve = self.fails_to_release = False
        self.released: list[Reserved] = []

    def reserve(
        self, takes: Sequence[Take], *, server: str, reservation_id: str, now: Instant
    ) -> Reserved | Refused:
        if self.fails_to_reserve:
            raise CounterStoreError("throttled")
        return self.inner.reserve(takes, server=server, reservation_id=reservation_id, now=now)

    def check(self, takes: Sequence[Take], *, server: str, now: Instant) -> Refused | None:
        if self.fails_to_reserve:
            raise CounterStoreError("throttled")
        return self.inner.check(takes, server=server, now=now)

    def release(self, reserved: Reserved, *, now: Instant) -> None:
        if self.fails_to_release:
            raise CounterStoreError("throttled")
        self.released.append(reserved)
        self.inner.release(reserved, now=now)


class Echo(Upstream):
    """Answers every request with a result; `fault` is raised instead, `reply` sent instead."""

    def __init__(self) -> None:
        self.sent: list[UpstreamRequest] = []
        self.timeouts: list[float] = []
        self.fault: Exception | None = None
        self.reply: UpstreamReply | None = None
        self.result: dict[str, Any] = {"content": [{"type": "text", "text": "executed"}]}
        self.headers: tuple[tuple[str, str], ...] = ()
        self.error: dict[str, Any] | None = None
        self.drops = False  # it executes, and its answer is lost
        self.on_call: Callable[[], None] = _nothing

    def send(self, request: UpstreamRequest, *, timeout_seconds: float) -> UpstreamReply:
        self.sent.append(request)
        self.timeouts.append(timeout_seconds)
        self.on_call()
        if self.fault is not None:
            raise self.fault
        if self.reply is not None:
            return self.reply
        if self.drops:
            raise UpstreamUncertainError("the server did not answer")
        message = json.loads(request.body or b"{}")
        if "id" not in message:
            return UpstreamReply(status=202, headers=(), body=b"")
        modern = {"resultType": "complete"} if "_meta" in message.get("params", {}) else {}
        body = {"jsonrpc": "2.0", "id": message["id"], "result": {**modern, **self.result}}
        if self.error is not None:
            body = {"jsonrpc": "2.0", "id": message["id"], "error": self.error}
        return UpstreamReply(
            status=200,
            headers=(("content-type", "application/json"), *self.headers),
            body=json.dumps(body).encode(),
        )

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.sent if request.body]


@dataclass
class Records(DecisionLog):
    records: list[DecisionRecord] = field(default_factory=list)

    def record(self, record: DecisionRecord) -> None:
        self.records.append(record)


class World:
    """A gateway and everything around it."""

    def __init__(
        self,
        policy: str | None = POLICY,
        *,
        cap: int = 2,
        legacy_url: bool = False,
        recorder: Recorder | None = None,
    ) -> None:
        self.now = 1_000_000_000_000_000
        self.ids = 0
        self.keys: list[bytes] | None = [b"k" * 32]
        self.policies = FixedPolicies(None if policy is None else parse_policy(policy).policy)
        self.snapshots = FixedSnapshots(TOOLS)
        self.counters = Counters()
        self.upstream = Echo()
        self.servers = Servers(
            Registered(server=SERVER, upstream=self.upstream, digest="r" * 64, timeout_seconds=5)
        )
        self.kill_switch = Switch()
        self.log = Records()
        self.session_store = MemorySessionStore(cap=cap, lifetime_seconds=600)
        self.approvals = MemoryApprovalStore(clock=self._clock)
        self.workflow = MemoryWorkflow()
        self.vault = MemoryVault()
        self.during_pause: Callable[[], None] = _nothing
        self.gateway = Gateway(
            Ports(
                approvals=self.approvals,
                workflow=self.workflow,
                vault=self.vault,
                policies=self.policies,
                snapshots=self.snapshots,
                counters=self.counters,
                sessions=Sessions(
                    self.session_store, keys=self._keys, ttl_seconds=600, new_id=self._new_id
                ),
                upstreams=self.servers,
                kill_switch=self.kill_switch,
                log=self.log,
                recorder=recorder,
            ),
            Terms(
                ask=AskTerms(cap=3, cooldown_seconds=300),
                wait=WaitTerms(hold_seconds=HOLD_SECONDS, legacy_url=legacy_url),
                state_keys=self._keys,
                pause=self._pause,
                list_ttl_ms=30_000,
                allowed_origins=("https://good.example",),
                allowed_hosts=("gate.example",),
            ),
            clock=self._clock,
            new_id=self._new_id,
        )

    def _clock(self) -> Instant:
        self.now += 10
        return Instant(micros=self.now)

    def _pause(self, seconds: float) -> None:
        self.now += int(seconds * 1_000_000)
        self.during_pause()

    def _new_id(self) -> str:
        self.ids += 1
        return f"{self.ids:032x}"

    def _keys(self) -> list[bytes]:
        if self.keys is None:
            raise SessionStoreError("no key")
        return self.keys

    def send(
        self,
        message: dict[str, Any] | bytes,
        *,
        headers: dict[str, str] | None = None,
        method: str = "POST",
        principal: Principal = ALICE,
        server: str = SERVER,
        base_url: str = "",
    ) -> HttpReply:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        given = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "host": "gate.example",
            **(headers or {}),
        }
        request = HttpRequest(
            method=method, path=f"/mcp/{server}", headers=tuple(given.items()), body=body
        )
        return self.gateway.handle(request, server=server, principal=principal, base_url=base_url)

    def ask(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        *,
        era: str = MODERN,
        token: str | None = None,
        principal: Principal = ALICE,
        extra: dict[str, str] | None = None,
        capabilities: dict[str, Any] | None = None,
    ) -> HttpReply:
        """One well-formed request."""
        held = dict(params or {})
        headers = {"mcp-protocol-version": era, **(extra or {})}
        if era == MODERN:
            held["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": capabilities or {},
            }
            headers["mcp-method"] = method
            name = held.get("name", held.get("uri", held.get("taskId")))
            if isinstance(name, str):
                headers["mcp-name"] = name
        if token is not None:
            headers["mcp-session-id"] = token
        message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": held}
        return self.send(message, headers=headers, principal=principal)

    def call(self, tool: str, arguments: dict[str, Any] | None = None, **more: Any) -> HttpReply:
        return self.ask("tools/call", {"name": tool, "arguments": arguments or {}}, **more)

    def initialize(self, declared: dict[str, Any] | None = None, **more: Any) -> HttpReply:
        self.upstream.result = {
            "protocolVersion": LEGACY,
            "capabilities": {"tools": {"listChanged": True}, "resources": {"subscribe": True}},
            "serverInfo": {"name": "s", "version": "1"},
        }
        params = {
            "protocolVersion": LEGACY,
            "capabilities": declared or {"sampling": {}},
            "clientInfo": {"name": "c", "version": "1"},
        }
        reply = self.ask("initialize", params, era=LEGACY, **more)
        self.upstream.result = {"content": []}
        return reply
