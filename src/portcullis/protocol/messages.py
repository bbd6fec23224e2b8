"""What a client's HTTP request turns out to be: frozen values, no behaviour.

Everything here was parsed strictly and checked; `inbound.classify` is the only maker for
requests that came from a client.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from portcullis.protocol.methods import Method, NotificationMethod, SubjectKind
from portcullis.protocol.versions import Era
from portcullis.values import JsonMapping, JsonObject, JsonValue

RequestId: TypeAlias = int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The thing a request names: a tool, a prompt, a resource URI, a task."""

    kind: SubjectKind
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One checked JSON-RPC request.

    Attributes:
        version: the revision spoken; for a legacy request without a version header the
            default one, which the session's own version replaces.
        params: allowed keys only; `arguments` of a tools/call is always present and an
            object; `_meta` as it came.
        subject: what the request names, None where it names nothing.
        client_capabilities: what the client declared in this request, else empty.
        session_token: the legacy `Mcp-Session-Id`, unchecked.
        param_headers: lower-case `mcp-param-*` names to every value received.
    """

    era: Era
    version: str
    id: RequestId
    method: Method
    params: JsonObject
    subject: Subject | None = None
    client_capabilities: JsonMapping = field(default_factory=dict)
    log_level: str | None = None
    session_token: str | None = None
    param_headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def arguments(self) -> JsonObject:
        """The arguments the request speaks of: its own, or those a completion is given."""
        arguments = self._object("arguments")
        context, argument = self._object("context").get("arguments"), self._object("argument")
        if isinstance(context, dict):
            arguments = context
        name = argument.get("name")
        return {**arguments, name: argument.get("value")} if isinstance(name, str) else arguments

    def _object(self, key: str) -> JsonObject:
        value = self.params.get(key)
        return value if isinstance(value, dict) else {}

    @property
    def meta(self) -> JsonObject:
        """The `_meta` object of the request, empty where it has none."""
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One notification: answered 202, forwarded only where its row says so."""

    era: Era
    version: str
    name: str
    method: NotificationMethod | None  # None: unknown, accepted and dropped
    params: JsonObject
    session_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnd:
    """A legacy client's DELETE of its session."""

    session_token: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A request that is refused before any policy is asked.

    `headers` are extra reply headers (`allow`); `data` becomes `error.data` when not None.
    """

    status: int
    code: int
    message: str
    id: RequestId | None = None
    data: JsonValue = None
    headers: tuple[tuple[str, str], ...] = ()


Inbound: TypeAlias = Request | Notification | SessionEnd | Rejection
