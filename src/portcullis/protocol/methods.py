"""The table of methods and notifications: what is offered, what it names, what may pass.

A method that is not in the table is refused; a `params` key that is not in its row is
never forwarded. Adding a method is adding a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from portcullis.protocol.versions import Era


class MethodKind(Enum):
    """What the gateway does with a method; one enforcement path each."""

    TOOL_CALL = "tool_call"
    PROMPT = "prompt"
    READ = "read"
    SUBSCRIBE = "subscribe"
    COMPLETE = "complete"
    LIST = "list"
    HANDSHAKE = "handshake"
    DISCOVER = "discover"
    LOGGING = "logging"
    PING = "ping"
    TASK = "task"


class SubjectKind(Enum):
    """The kind of thing a request names."""

    TOOL = "tool"
    PROMPT = "prompt"
    RESOURCE = "resource"
    TASK = "task"


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One row.

    Attributes:
        params: keys of `params` that are forwarded besides `_meta`, in every era.
        modern_params: further keys that exist in the modern era only.
        required: keys without which the request is invalid.
        subject_key: the key whose string names the thing acted on.
        list_key: the array of the result that is filtered (LIST only).
        listed_name: the key that names an entry of that array.
    """

    name: str
    kind: MethodKind
    eras: frozenset[Era]
    params: frozenset[str] = frozenset()
    modern_params: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    subject: SubjectKind | None = None
    subject_key: str | None = None
    list_key: str | None = None
    listed_name: str = "name"

    def allowed(self, era: Era) -> frozenset[str]:
        """Answer the keys of `params` that may be forwarded in an era, `_meta` not counted."""
        return self.params | self.modern_params if era is Era.MODERN else self.params


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationMethod:
    """One notification a client may send; `forwarded` to an upstream that keeps sessions."""

    name: str
    params: frozenset[str] = frozenset()
    forwarded: bool = False


_BOTH: Final = frozenset(Era)
_LEGACY: Final = frozenset((Era.LEGACY,))
_MODERN: Final = frozenset((Era.MODERN,))
_CURSOR: Final = frozenset(("cursor",))
_URI: Final = frozenset(("uri",))
_NAME: Final = frozenset(("name",))
_NAME_AND_ARGUMENTS: Final = frozenset(("name", "arguments"))
_RETRY: Final = frozenset(("inputResponses", "requestState"))
_REFERENCE: Final = frozenset(("ref", "argument"))
_HANDSHAKE: Final = frozenset(("protocolVersion", "capabilities", "clientInfo"))
_TASK: Final = frozenset(("taskId",))


def _list_of(
    name: str, list_key: str, subject: SubjectKind, *, listed_name: str = "name"
) -> Method:
    return Method(
        name=name,
        kind=MethodKind.LIST,
        eras=_BOTH,
        params=_CURSOR,
        subject=subject,
        list_key=list_key,
        listed_name=listed_name,
    )


def _subscription(name: str) -> Method:
    return Method(
        name=name,
        kind=MethodKind.SUBSCRIBE,
        eras=_LEGACY,
        params=_URI,
        required=_URI,
        subject=SubjectKind.RESOURCE,
        subject_key="uri",
    )


def _task(name: str, params: frozenset[str] = _TASK) -> Method:
    return Method(
        name=name,
        kind=MethodKind.TASK,
        eras=_MODERN,
        params=params,
        required=params,
        subject=SubjectKind.TASK,
        subject_key="taskId",
    )


_ROWS: Final = (
    Method(
        name="tools/call",
        kind=MethodKind.TOOL_CALL,
        eras=_BOTH,
        params=_NAME_AND_ARGUMENTS,
        modern_params=_RETRY,
        required=_NAME,
        subject=SubjectKind.TOOL,
        subject_key="name",
    ),
    Method(
        name="prompts/get",
        kind=MethodKind.PROMPT,
        eras=_BOTH,
        params=_NAME_AND_ARGUMENTS,
        modern_params=_RETRY,
        required=_NAME,
        subject=SubjectKind.PROMPT,
        subject_key="name",
    ),
    Method(
        name="resources/read",
        kind=MethodKind.READ,
        eras=_BOTH,
        params=_URI,
        modern_params=_RETRY,
        required=_URI,
        subject=SubjectKind.RESOURCE,
        subject_key="uri",
    ),
    _subscription("resources/subscribe"),
    _subscription("resources/unsubscribe"),
    Method(
        # What it names depends on `ref.type`; the parser of `params` decides.
        name="completion/complete",
        kind=MethodKind.COMPLETE,
        eras=_BOTH,
        params=_REFERENCE | {"context"},
        required=_REFERENCE,
    ),
    _list_of("tools/list", "tools", SubjectKind.TOOL),
    _list_of("prompts/list", "prompts", SubjectKind.PROMPT),
    _list_of("resources/list", "resources", SubjectKind.RESOURCE, listed_name="uri"),
    _list_of(
        "resources/templates/list",
        "resourceTemplates",
        SubjectKind.RESOURCE,
        listed_name="uriTemplate",
    ),
    Method(
        name="initialize",
        kind=MethodKind.HANDSHAKE,
        eras=_LEGACY,
        params=_HANDSHAKE,
        required=_HANDSHAKE,
    ),
    Method(name="server/discover", kind=MethodKind.DISCOVER, eras=_MODERN),
    Method(
        name="logging/setLevel",
        kind=MethodKind.LOGGING,
        eras=_LEGACY,
        params=frozenset(("level",)),
        required=frozenset(("level",)),
    ),
    Method(name="ping", kind=MethodKind.PING, eras=_LEGACY),
    # The extension io.modelcontextprotocol/tasks; offered to requests that declare it.
    _task("tasks/get"),
    _task("tasks/update", _TASK | {"inputResponses"}),
    _task("tasks/cancel"),
)

METHODS: Final[Mapping[str, Method]] = MappingProxyType({row.name: row for row in _ROWS})

# Unknown methods, on purpose: subscriptions/listen (a buffered reply cannot carry it), and
# tasks/list and tasks/result, which the tasks extension does not have.

NOTIFICATIONS: Final[Mapping[str, NotificationMethod]] = MappingProxyType(
    {
        row.name: row
        for row in (
            NotificationMethod(name="notifications/initialized", forwarded=True),
            NotificationMethod(
                # Forwarded with the sender's own upstream session only, so that it can
                # reach no request of another principal.
                name="notifications/cancelled",
                params=frozenset(("requestId", "reason")),
                forwarded=True,
            ),
            NotificationMethod(name="notifications/progress"),
            NotificationMethod(name="notifications/roots/list_changed"),
        )
    }
)


def offered(name: str, era: Era) -> Method | None:
    """Answer the row of a method offered in an era, else None."""
    row = METHODS.get(name)
    return row if row is not None and era in row.eras else None
