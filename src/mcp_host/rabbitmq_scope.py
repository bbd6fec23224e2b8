"""Keeps each caller's RabbitMQ broker connection its own.

The Amazon MQ server keeps one connection for the whole process: whoever connected last
decides which broker everybody's next call reaches. Here the module's two attributes become
properties over the running call, and every RabbitMQ tool is put behind this rule:

- A call sees the connection of its own scope or none. Without a scope it is refused.
- A login is tried on a connection that nobody uses yet, then stored, then adopted. One that
  fails changes nothing.
- The stored login decides. Every call reads its version, so a connection that another
  environment replaced, or that expired or was removed, is not used again; one that this
  environment lacks is opened anew from the stored login before the call.
- A store that does not answer is a refused call.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Final, Protocol

from mcp.server.mcpserver.exceptions import ToolError

from mcp_host.awslabs_server import ToolFunction, ToolTable, scope_attributes
from mcp_host.exchange import CALLER_SCOPE
from mcp_host.state_store import ConnectionStoreError, Login, LoginTooLargeError, SealedLogin

LOGIN_TOOLS: Final = frozenset(
    {  # spelled as the package spells them
        "rabbimq_broker_initialize_connection",
        "rabbimq_broker_initialize_connection_with_oauth",
    }
)
UNCONNECTED_TOOLS: Final = frozenset({"rabbitmq_broker_get_guideline"})
_CONNECTED_PREFIXES: Final = ("rabbitmq_", "rabbimq_")

NO_SCOPE = "this call carries no session, so no broker connection can be opened or used"
NOT_CONNECTED = (
    "no RabbitMQ broker is connected in this session; connect one with "
    "`rabbimq_broker_initialize_connection` first"
)
STORE_FAILED = "broker connections are not available at the moment; the call was not made"
LOGIN_TOO_LARGE = "the login is too large to be kept (at most 4096 bytes); nothing was connected"
LOGIN_REFUSED = "the broker refused the login; an earlier connection stays as it was"
LOGIN_FAILED = "the broker could not be reached; an earlier connection stays as it was"

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class BrokerConnection:
    """What the server's RabbitMQ module remembers of one broker."""

    rmq: object | None = None
    rmq_admin: object | None = None


class ConnectionStore(Protocol):
    """Where the logins are kept; see `DynamoDBConnectionStore` for the contract."""

    def find(self, scope: str) -> SealedLogin | None:
        """Answer the scope's stored login, if it has one."""

    def unseal(self, scope: str, sealed: SealedLogin) -> Login:
        """Decrypt a login that was stored under this very scope."""

    def save(self, scope: str, login: Login) -> SealedLogin:
        """Store a login in place of the scope's earlier one."""


_IN_USE: ContextVar[BrokerConnection | None] = ContextVar("connection_in_use", default=None)


def isolate_module(module: object) -> None:
    """Make the module's connection that of the running call; outside of one there is none."""
    scope_attributes(module, {name: _property_of_call(name) for name in BrokerConnection.__slots__})


def guard_tools(tools: ToolTable, connections: "ScopedConnections") -> None:
    """Put every RabbitMQ tool that has to do with a connection behind the rule.

    Raises:
        KeyError: the server lacks a login tool: it is not the version this was written for.
    """
    for name in LOGIN_TOOLS:
        connections.add_login(name, tools.function(name))
        tools.replace(name, partial(connections.open, name))
    for name in tools.names():
        if name.startswith(_CONNECTED_PREFIXES) and name not in LOGIN_TOOLS | UNCONNECTED_TOOLS:
            tools.replace(name, partial(connections.use, tools.function(name)))


class ScopedConnections:
    """The connections of this environment, one a scope; the oldest go when it is full."""

    def __init__(
        self, store: ConnectionStore, *, clock: Callable[[], float], capacity: int = 64
    ) -> None:
        self._store = store
        self._clock = clock
        self._capacity = capacity
        self._logins: dict[str, ToolFunction] = {}
        self._live: OrderedDict[str, tuple[SealedLogin, BrokerConnection]] = OrderedDict()
        self._lock = Lock()

    def add_login(self, name: str, function: ToolFunction) -> None:
        """Name the function behind a login tool."""
        self._logins[name] = function

    def open(self, tool: str, /, **arguments: str) -> object:
        """Run a login tool; the connection is the scope's once it works and is stored.

        Raises:
            ToolError: it does not; the text is for the agent and holds no argument.
        """
        scope = _own_scope()
        login = Login(tool=tool, arguments=arguments)
        try:
            login.to_bytes()
            connection, answer = self._connect(login)
            sealed = self._store.save(scope, login)
        except LoginTooLargeError:
            raise ToolError(LOGIN_TOO_LARGE) from None
        except ConnectionStoreError as error:
            raise _unavailable(error) from None
        self._adopt(scope, sealed, connection)
        return answer

    def use(self, tool: ToolFunction, /, **arguments: object) -> object:
        """Run a tool on the scope's own connection.

        Raises:
            ToolError: the scope has none, or it cannot be told.
        """
        scope = _own_scope()
        try:
            connection = self._current(scope)
        except ConnectionStoreError as error:
            raise _unavailable(error) from None
        with _in_use(connection):
            return tool(**arguments)

    def _current(self, scope: str) -> BrokerConnection:
        sealed = self._store.find(scope)
        held = self._held(scope, sealed)
        if sealed is None:
            raise ToolError(NOT_CONNECTED)
        if held is not None:
            return held
        connection, _answer = self._connect(self._store.unseal(scope, sealed))
        self._adopt(scope, sealed, connection)
        return connection

    def _connect(self, login: Login) -> tuple[BrokerConnection, object]:
        function = self._logins.get(login.tool)
        if function is None:
            raise ConnectionStoreError("the stored connection names an unknown tool")
        connection = BrokerConnection()
        with _in_use(connection):
            try:
                answer = function(**login.arguments)
            except Exception as error:  # noqa: BLE001 - any text of it may hold the secret
                raise ToolError(_login_failure(error)) from None
        return connection, answer

    def _held(self, scope: str, sealed: SealedLogin | None) -> BrokerConnection | None:
        with self._lock:
            self._drop_expired()
            held = self._live.get(scope)
            if held is None:
                return None
            if sealed is None or held[0].version != sealed.version:
                del self._live[scope]
                return None
            self._live.move_to_end(scope)
            return held[1]

    def _adopt(self, scope: str, sealed: SealedLogin, connection: BrokerConnection) -> None:
        with self._lock:
            self._drop_expired()
            self._live[scope] = (sealed, connection)
            self._live.move_to_end(scope)
            while len(self._live) > self._capacity:
                self._live.popitem(last=False)

    def _drop_expired(self) -> None:
        now = self._clock()
        expired = [scope for scope, held in self._live.items() if held[0].expires_at <= now]
        for scope in expired:
            del self._live[scope]


def _own_scope() -> str:
    scope = CALLER_SCOPE.get()
    if scope is None:
        raise ToolError(NO_SCOPE)
    return scope


@contextmanager
def _in_use(connection: BrokerConnection) -> Iterator[None]:
    token = _IN_USE.set(connection)
    try:
        yield
    finally:
        _IN_USE.reset(token)


def _property_of_call(name: str) -> property:
    def read(_module: object) -> object:
        connection = _IN_USE.get()
        return None if connection is None else getattr(connection, name)

    def write(_module: object, value: object) -> None:
        connection = _IN_USE.get()
        if connection is None:
            raise RuntimeError("a broker connection was set outside of a call")
        setattr(connection, name, value)

    return property(read, write)


def _login_failure(error: BaseException) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return LOGIN_REFUSED if status in {401, 403} else LOGIN_FAILED


def _unavailable(error: ConnectionStoreError) -> ToolError:
    cause = error.__cause__
    response: Mapping[str, Mapping[str, str]] = getattr(cause, "response", {})
    code = response.get("Error", {}).get("Code") or type(cause or error).__name__
    _LOG.warning("%s: %s", error, code)
    return ToolError(STORE_FAILED)
