"""Whose broker a RabbitMQ tool reaches, with a stand-in for the server's module."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier

import pytest
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from mcp_host import rabbitmq_scope
from mcp_host.awslabs_server import ToolTable
from mcp_host.rabbitmq_scope import ScopedConnections, guard_tools, isolate_module
from mcp_host.state_store import DynamoDBConnectionStore
from support.host_fakes import DENIED, Clock, FakeAws, calling_as

CONNECT = "rabbimq_broker_initialize_connection"
CONNECT_WITH_TOKEN = "rabbimq_broker_initialize_connection_with_oauth"


class RefusedError(Exception):
    """What `requests` raises for a status: the text holds the password, to see that it goes."""

    def __init__(self, status: int, password: str) -> None:
        super().__init__(f"refused {password}")
        self.response = type("Response", (), {"status_code": status})


class StandInModule:
    """Keeps its connection the way the package's module does: on itself, before it is tested."""

    def __init__(self, server: "MCPServer[None]") -> None:
        self.rmq: object | None = None
        self.rmq_admin: object | None = None
        self.logins: list[str] = []
        module = self

        @server.tool()
        def rabbimq_broker_initialize_connection(username: str, password: str) -> str:
            module.logins.append(username)
            module.rmq = f"amqp of {username}"
            module.rmq_admin = f"broker of {username}"
            if password != "right":
                raise RefusedError(int(password), password)
            return "successfully connected"

        @server.tool()
        def rabbimq_broker_initialize_connection_with_oauth(oauth_token: str) -> str:
            module.rmq_admin = f"broker of token {oauth_token}"
            return "successfully connected"

        @server.tool()
        def rabbitmq_broker_list_queues() -> str:
            return str(module.rmq_admin)

        @server.tool()
        def rabbitmq_broker_get_guideline() -> str:
            return f"guideline {module.rmq_admin}"

        @server.tool()
        def list_brokers() -> str:
            return "brokers"


@dataclass
class Environment:
    """One environment: its own module and memory, on a shared store."""

    module: StandInModule
    tools: ToolTable
    connections: ScopedConnections

    def connect(self, who: str, *, answer: str = "right") -> object:
        return self.tools.function(CONNECT)(username=who, password=answer)

    def queues(self) -> object:
        return self.tools.function("rabbitmq_broker_list_queues")()


@dataclass
class Account:
    """What environments share."""

    aws: FakeAws = field(default_factory=FakeAws)
    clock: Clock = field(default_factory=Clock)

    def new_environment(self, *, capacity: int = 64) -> Environment:
        server: MCPServer[None] = MCPServer("stand-in")
        module = StandInModule(server)
        store = DynamoDBConnectionStore(
            self.aws.connect, table="table", key_id="key", ttl_seconds=600, clock=self.clock
        )
        connections = ScopedConnections(store, clock=self.clock, capacity=capacity)
        isolate_module(module)
        tools = ToolTable(server)
        guard_tools(tools, connections)
        return Environment(module, tools, connections)


@pytest.fixture(autouse=True)
def untouched_root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def environment(account: Account) -> Environment:
    return account.new_environment()


def test_each_scope_reaches_its_own_broker(environment: Environment) -> None:
    with calling_as("alice"):
        assert environment.connect("alice") == "successfully connected"
    with calling_as("bob"):
        environment.connect("bob")
        assert environment.queues() == "broker of bob"
    with calling_as("alice"):
        assert environment.queues() == "broker of alice"
    assert environment.module.logins == ["alice", "bob"]


def test_a_scope_without_a_connection_is_told_so(environment: Environment) -> None:
    with calling_as("alice"):
        environment.connect("alice")
    with calling_as("bob"), pytest.raises(ToolError, match="no RabbitMQ broker is connected"):
        environment.queues()


def test_a_call_without_a_scope_neither_connects_nor_uses(environment: Environment) -> None:
    with calling_as("alice"):
        environment.connect("alice")
    with calling_as(None):
        with pytest.raises(ToolError, match="carries no session"):
            environment.queues()
        with pytest.raises(ToolError, match="carries no session"):
            environment.connect("nobody")
    assert environment.module.logins == ["alice"]


def test_tools_that_need_no_connection_are_as_they_were(environment: Environment) -> None:
    with calling_as("alice"):
        environment.connect("alice")
        assert environment.tools.function("list_brokers")() == "brokers"
        # Not even the caller's own connection is there outside of the tools that need one.
        guideline = environment.tools.function("rabbitmq_broker_get_guideline")()
        assert guideline == "guideline None"


def test_another_environment_opens_the_stored_login_once(account: Account) -> None:
    one, two = account.new_environment(), account.new_environment()
    with calling_as("alice"):
        one.connect("alice")
        assert two.queues() == "broker of alice"
        assert two.queues() == "broker of alice"
    assert two.module.logins == ["alice"]
    assert account.aws.kms.decrypted == 1


def test_a_login_with_a_token_is_kept_the_same_way(account: Account) -> None:
    one, two = account.new_environment(), account.new_environment()
    with calling_as("alice"):
        one.tools.function(CONNECT_WITH_TOKEN)(oauth_token="t")
        assert two.queues() == "broker of token t"


def test_a_connection_replaced_elsewhere_is_not_used_again(account: Account) -> None:
    one, two = account.new_environment(), account.new_environment()
    with calling_as("alice"):
        one.connect("first")
        two.connect("second")
        assert one.queues() == "broker of second"


def test_a_removed_record_ends_the_connection_everywhere(
    account: Account, environment: Environment
) -> None:
    with calling_as("alice"):
        environment.connect("alice")
        account.aws.dynamodb.items.clear()
        with pytest.raises(ToolError, match="no RabbitMQ broker is connected"):
            environment.queues()


def test_a_connection_ends_with_its_time_also_in_memory(
    account: Account, environment: Environment
) -> None:
    with calling_as("alice"):
        environment.connect("alice")
        account.clock.now += 600
        with pytest.raises(ToolError, match="no RabbitMQ broker is connected"):
            environment.queues()
    assert not environment.connections._live


@pytest.mark.parametrize(
    "password, text",
    [
        ("401", "the broker refused the login"),
        ("403", "the broker refused the login"),
        ("500", "the broker could not be reached"),
    ],
)
def test_a_failed_login_changes_nothing_and_tells_no_secret(
    account: Account, environment: Environment, password: str, text: str
) -> None:
    with calling_as("alice"):
        environment.connect("alice")
        stored = dict(account.aws.dynamodb.items)
        with pytest.raises(ToolError, match=text) as raised:
            environment.connect("mallory", answer=password)

        assert password not in str(raised.value)
        assert raised.value.__suppress_context__
        assert environment.queues() == "broker of alice"
    assert account.aws.dynamodb.items == stored


@pytest.mark.parametrize("service", ["dynamodb", "kms"])
def test_a_login_that_cannot_be_stored_is_not_used(
    account: Account, environment: Environment, service: str
) -> None:
    client = getattr(account.aws, service)
    with calling_as("alice"):
        environment.connect("alice")
        client.failure = DENIED
        with pytest.raises(ToolError, match="not available"):
            environment.connect("second")
        client.failure = None
        assert environment.queues() == "broker of alice"


def test_a_store_that_does_not_answer_refuses_even_a_connection_in_memory(
    account: Account, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    with calling_as("alice"):
        environment.connect("alice")
        account.aws.dynamodb.failure = DENIED
        with pytest.raises(ToolError, match="not available"):
            environment.queues()
    assert caplog.messages == ["the stored connection cannot be read: AccessDeniedException"]


def test_a_key_that_does_not_answer_refuses_in_another_environment(account: Account) -> None:
    one, two = account.new_environment(), account.new_environment()
    with calling_as("alice"):
        one.connect("alice")
        account.aws.kms.failure = DENIED
        with pytest.raises(ToolError, match="not available"):
            two.queues()
    assert two.module.logins == []


def test_a_stored_login_that_no_longer_works_is_a_refused_call(account: Account) -> None:
    one, two = account.new_environment(), account.new_environment()
    with calling_as("alice"):
        one.connect("alice")
        account.aws.kms._sealed = {
            blob: (context, plaintext.replace(b"right", b"401"))
            for blob, (context, plaintext) in account.aws.kms._sealed.items()
        }
        with pytest.raises(ToolError, match="the broker refused the login"):
            two.queues()


def test_a_stored_login_of_an_unknown_tool_is_a_refused_call(
    account: Account, environment: Environment
) -> None:
    with calling_as("alice"):
        environment.connect("alice")
        item = account.aws.dynamodb.items["CONNECTION#alice"]
        blob = account.aws.kms.seal("alice", b'{"tool":"rm","arguments":{}}')
        item.update(version={"S": "other"}, login={"B": blob})
        with pytest.raises(ToolError, match="not available"):
            environment.queues()


def test_a_login_too_large_to_keep_is_refused_before_it_is_tried(
    environment: Environment,
) -> None:
    with calling_as("alice"), pytest.raises(ToolError, match="too large"):
        environment.connect("x" * 5000)
    assert environment.module.logins == []


def test_memory_is_bounded_and_what_fell_out_is_opened_again(account: Account) -> None:
    environment = account.new_environment(capacity=2)
    for who in ("a", "b"):
        with calling_as(who):
            environment.connect(who)
    with calling_as("a"):
        environment.queues()
    with calling_as("c"):
        environment.connect("c")
    assert list(environment.connections._live) == ["a", "c"]
    with calling_as("b"):
        assert environment.queues() == "broker of b"
    assert environment.module.logins == ["a", "b", "c", "b"]


def test_logins_that_meet_do_not_see_each_other(environment: Environment) -> None:
    meeting = Barrier(8)

    def connect_and_look(number: int) -> bool:
        who = f"scope-{number}"
        with calling_as(who):
            meeting.wait(10)
            environment.connect(who)
            return all(environment.queues() == f"broker of {who}" for _ in range(20))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(connect_and_look, range(8)))


def test_outside_of_a_call_there_is_no_connection_and_none_can_be_set() -> None:
    server: MCPServer[None] = MCPServer("stand-in")
    module = StandInModule(server)
    module.rmq_admin = "left over"
    isolate_module(module)

    assert [getattr(module, name) for name in ("rmq", "rmq_admin")] == [None, None]
    with pytest.raises(RuntimeError, match="outside of a call"):
        module.rmq = "anything"


def test_a_server_without_the_login_tools_is_not_the_one_this_was_written_for() -> None:
    server: MCPServer[None] = MCPServer("other")
    store = DynamoDBConnectionStore(
        FakeAws().connect, table="table", key_id="key", ttl_seconds=600, clock=Clock()
    )
    with pytest.raises(KeyError):
        guard_tools(ToolTable(server), ScopedConnections(store, clock=Clock()))


def test_the_definitions_of_guarded_tools_stay_as_they_were(environment: Environment) -> None:
    plain: MCPServer[None] = MCPServer("stand-in")
    StandInModule(plain)
    before = {tool.name: tool.parameters for tool in plain._tool_manager.list_tools()}

    assert {n: t.parameters for n, t in environment.tools._tools.items()} == before


def test_every_text_for_the_agent_is_one_plain_line() -> None:
    for name in ("NO_SCOPE", "NOT_CONNECTED", "STORE_FAILED", "LOGIN_REFUSED", "LOGIN_FAILED"):
        text: str = getattr(rabbitmq_scope, name)
        assert text == text.strip().rstrip(".")
        assert "\n" not in text
