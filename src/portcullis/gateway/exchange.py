"""What is known of one request so far; at its end it becomes one decision record."""

from collections.abc import Callable
from dataclasses import dataclass, field

from portcullis.gateway.ports import DecisionRecord, Registered
from portcullis.policy.model import Instant, Principal
from portcullis.values import JsonValue

MAXIMUM_NAME = 256


@dataclass(slots=True, kw_only=True)
class Exchange:
    """The facts of one request, filled in as the request makes its way.

    `outcome` starts as the one that stands when nothing better is ever written; `base_url` is
    where the API is reached. The server is looked up once, so that one registration holds for
    the whole request.
    """

    decision_id: str
    server: str
    principal: Principal
    started: Instant
    clock: Callable[[], Instant]
    base_url: str = ""
    registered: Registered | None = None
    method: str = "unknown"
    outcome: str = "internal_error"
    name: str | None = None
    session: str | None = None
    rule: str | None = None
    revision: str | None = None
    argument_digest: str | None = None
    upstream_status: int | None = None
    upstream_outcome: str | None = None
    approval: str | None = None
    recorded: str | None = None
    recording: str | None = None
    shadow: tuple[JsonValue, ...] = ()
    remaining: tuple[JsonValue, ...] = ()
    latency_micros: dict[str, int] = field(default_factory=dict)
    age_seconds: dict[str, int] = field(default_factory=dict)

    @property
    def target(self) -> Registered:
        """The server as it is registered.

        Raises:
            LookupError: nobody looked it up; nothing can be sent.
        """
        if self.registered is None:
            raise LookupError("the server was not looked up")
        return self.registered

    def timed(self, part: str, since: Instant) -> Instant:
        """Add the time since `since` to a part (policy, store, upstream); answer the instant."""
        now = self.clock()
        spent = now.micros - since.micros
        self.latency_micros[part] = self.latency_micros.get(part, 0) + spent
        return now

    def to_record(self, status: int) -> DecisionRecord:
        """The record of this exchange, answered with HTTP `status`."""
        total = self.clock().micros - self.started.micros
        return DecisionRecord(
            decision_id=self.decision_id,
            server=self.server,
            method=self.method,
            outcome=self.outcome,
            name=_bounded(self.name),
            principal=self.principal.key,
            session=self.session,
            rule=self.rule,
            revision=self.revision,
            argument_digest=self.argument_digest,
            upstream_status=self.upstream_status,
            upstream_outcome=self.upstream_outcome,
            approval=self.approval,
            recorded=self.recorded,
            recording=self.recording,
            status=status,
            latency_micros={**self.latency_micros, "total": total},
            age_seconds=self.age_seconds,
            shadow=self.shadow,
            remaining=self.remaining,
        )


def _bounded(name: str | None) -> str | None:
    """A name as the record shows it: long ones, which only an attacker has, are cut short."""
    if name is None or len(name) <= MAXIMUM_NAME:
        return name
    return f"{name[:MAXIMUM_NAME]}… ({len(name)} characters)"
