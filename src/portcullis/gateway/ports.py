"""The ports: what the enforcement point needs from the outside, by role.

Every method either answers or raises the named `UnavailableError`; whoever calls
it turns that into a denial. Adapters never return a default for "do not know".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from portcullis.policy.decision import Take
from portcullis.policy.model import Instant, Policy
from portcullis.protocol.versions import Era
from portcullis.values import JsonObject, JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """What is left of one limit after a reservation: units, and seconds until the next frees."""

    limit: str  # Limit.identity
    rule: str
    maximum: Decimal
    remaining: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One take that was carried out; `tick` is the microsecond that names it in its window."""

    take: Take
    tick: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """All takes were taken. `shadow_refused` holds the shadow takes their counter refused."""

    reservation_id: str
    server: str
    taken: tuple[Taken, ...] = ()
    remaining: tuple[Remaining, ...] = ()
    shadow_refused: tuple[Take, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """No take was taken, because `take` would exceed its limit.

    `retry_after_seconds` is when the same take can succeed if nothing else is taken
    (rounded up, at least 1), None when it never can (amount above the maximum).
    """

    take: Take
    remaining: Decimal
    retry_after_seconds: int | None


class CounterStore(Protocol):
    """Checks and takes in one step: all of the takes or none of them."""

    def reserve(
        self, takes: Sequence[Take], *, server: str, reservation_id: str, now: Instant
    ) -> Reserved | Refused:
        """Take every enforced take or none. No takes: answers without a round trip.

        Raises:
            CounterStoreError: it could not be told whether the takes were taken.
        """
        ...

    def check(self, takes: Sequence[Take], *, server: str, now: Instant) -> Refused | None:
        """Answer the refusal that `reserve` would give now, None where it would take.

        Takes nothing, so another call may be faster: for calls that are not made now.

        Raises:
            CounterStoreError: the counters could not be read.
        """
        ...

    def release(self, reserved: Reserved, *, now: Instant) -> None:
        """Give back what `reserved` took, each in its own window; twice is the same as once.

        Raises:
            CounterStoreError: it could not be given back (it then stays taken).
        """
        ...


class PolicyStore(Protocol):
    """The policy in force for a server."""

    def current(self, server: str, *, now: Instant) -> Policy:
        """Answer the policy in force.

        Raises:
            PolicyUnavailableError: none was ever activated, or the last is too old to trust.
        """
        ...

    def age_seconds(self, server: str, *, now: Instant) -> int:
        """Answer how long ago what `current` answered was last read and found sound."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRequest:
    """What goes upstream: our own serialisation and headers from the allow-list.

    `scope` is an opaque digest of principal and session for hosts that keep state.
    """

    method: str  # POST or DELETE
    headers: tuple[tuple[str, str], ...]
    body: bytes
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamReply:
    """What came back, unread."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Upstream(Protocol):
    """One MCP server behind the gateway."""

    def send(self, request: UpstreamRequest, *, timeout_seconds: float) -> UpstreamReply:
        """Send once; never retries.

        Raises:
            UpstreamNotSentError: provably no byte reached the server.
            UpstreamUncertainError: it may have executed.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A server as it is registered: who answers its calls, and on which terms.

    `digest` stands for where calls go and with which credential: what was learnt, opened or
    approved under one digest is not good under another. `eras` are those it may be asked in.
    """

    server: str
    upstream: Upstream
    digest: str  # sha256, hex
    timeout_seconds: float
    eras: frozenset[Era] = frozenset(Era)


class Upstreams(Protocol):
    """Which servers there are."""

    def find(self, server: str, *, now: Instant) -> Registered | None:
        """Answer a server as it is registered, None where no server has this name.

        Raises:
            RegistrationUnavailableError: it cannot be told.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The tools a server offers, as it last listed them: name to tool definition.

    `registration` is the digest of the registration that it was asked under.
    """

    server: str
    registration: str
    taken_at: int  # epoch seconds
    tools: Mapping[str, JsonObject]


class SnapshotStore(Protocol):
    """The last known tool list of a server, fetched by the gateway itself."""

    def current(self, registered: Registered, *, now: Instant) -> Snapshot:
        """Answer the snapshot, taken under this very registration.

        Raises:
            SnapshotUnavailableError: no list was ever read, or it is too old.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A person's word that nothing may be forwarded; `reason` as they gave it.

    `is_readable` False: something else stands where the word should, which counts as one.
    """

    reason: str = ""
    is_readable: bool = True


class KillSwitch(Protocol):
    """Whether a person has stopped all forwarding, to every server or to some."""

    def stop(self, server: str, *, now: Instant) -> Stop | None:
        """Answer the word that stops a server, None where provably nobody stopped it.

        Raises:
            KillSwitchUnavailableError: it cannot be told.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSlot:
    """A new session's place: `slot` names the counters it shares, `session_id` the session."""

    session_id: str
    slot: int


class SessionStore(Protocol):
    """Which legacy sessions of a principal are live, at most `cap` counter slots of them."""

    def open(
        self, *, principal_key: str, server: str, session_id: str, now: Instant
    ) -> SessionSlot:
        """Record a session and give it a slot: a free one, else the least recently used one.

        Raises:
            SessionStoreError: the session could not be recorded.
        """
        ...

    def bind_upstream(
        self,
        *,
        principal_key: str,
        server: str,
        session_id: str,
        upstream_session: str,
        now: Instant,
    ) -> None:
        """Remember the upstream's own session id for a session."""
        ...

    def upstream_session(
        self, *, principal_key: str, server: str, session_id: str, now: Instant
    ) -> str | None:
        """Answer the upstream's session id; None when the session is closed or unknown."""
        ...

    def close(self, *, principal_key: str, server: str, session_id: str, now: Instant) -> None:
        """Mark a session closed; its slot's counters stay as they are."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """One line of the decision log; no tokens and header values, no argument values but sealed."""

    decision_id: str
    server: str
    method: str
    outcome: str
    name: str | None = None
    principal: str | None = None
    session: str | None = None
    rule: str | None = None
    revision: str | None = None
    argument_digest: str | None = None
    upstream_status: int | None = None
    upstream_outcome: str | None = None
    approval: str | None = None  # the request for approval it speaks of
    recorded: str | None = None  # the call itself, sealed for replay
    recording: str | None = None  # why it was not recorded though it should have been
    status: int = 200
    latency_micros: Mapping[str, int] = field(default_factory=dict)
    age_seconds: Mapping[str, int] = field(default_factory=dict)  # of policy and tools
    shadow: tuple[JsonValue, ...] = ()
    remaining: tuple[JsonValue, ...] = ()


class DecisionLog(Protocol):
    """Where decisions are recorded."""

    def record(self, record: DecisionRecord) -> None:
        """Write one record."""
        ...
