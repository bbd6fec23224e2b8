"""Broker connections of two principals in two environments, with a real RabbitMQ behind.

Two host processes share one emulated account, as two environments of one function do. Alice
and Bob each have a broker: a host name of its own, a vhost, a user who sees nothing else.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from local_stack.emulator import mq
from support import rabbitmq
from support.aws_emulator import REGION, AwsEmulator, running_emulator
from support.certificates import make_server_certificate
from support.connect_proxy import ConnectProxy, running_proxy
from support.host_instance import HostInstance, running_host
from support.mcp_messages import ERAS, MODERN, error_text_of, make_call, text_of
from support.rabbitmq import RabbitMqNode

_MISSING = rabbitmq.missing_reason()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.rabbitmq,
    pytest.mark.skipif(_MISSING is not None, reason=str(_MISSING)),
]

CONNECT = "rabbimq_broker_initialize_connection"
CONNECT_WITH_TOKEN = "rabbimq_broker_initialize_connection_with_oauth"
LIST_QUEUES = "rabbitmq_broker_list_queues"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Someone with a broker."""

    scope: str
    name: str
    password: str
    vhost: str
    queue: str
    broker_id: str

    @property
    def login(self) -> dict[str, object]:
        return {
            "broker_id": self.broker_id,
            "region": REGION,
            "username": self.name,
            "password": self.password,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything the hosts can reach, and the settings they start with."""

    emulator: AwsEmulator
    proxy: ConnectProxy
    node: RabbitMqNode
    host_environment: dict[str, str]

    def new_principal(self, scope: str, name: str) -> Principal:
        """A principal nobody has connected yet, with a broker and one queue in it."""
        principal = Principal(
            scope=scope * 32,
            name=name,
            password=f"secret-of-{name}",
            vhost=f"vhost-{name}",
            queue=f"queue-{name}",
            broker_id=self._create_broker(name),
        )
        self.node.add_user(name, principal.password, vhost=principal.vhost)
        self.node.add_queue(principal.vhost, principal.queue)
        return principal

    def _create_broker(self, name: str) -> str:
        broker = self.emulator.client("mq").create_broker(
            BrokerName=name,
            EngineType="RABBITMQ",
            DeploymentMode="SINGLE_INSTANCE",
            HostInstanceType="mq.m5.large",
            PubliclyAccessible=True,
            AutoMinorVersionUpgrade=True,
            Users=[{"Username": name, "Password": "not-checked-here"}],
        )
        return str(broker["BrokerId"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("rabbitmq")
    certificate = make_server_certificate(folder, (f"*.mq.{REGION}.amazonaws.com",))
    with ExitStack() as stack:
        emulator = stack.enter_context(running_emulator())
        node = stack.enter_context(rabbitmq.running_node(folder, certificate))

        def route(host: str) -> int | None:
            return node.management_port if host.endswith(f".mq.{REGION}.amazonaws.com") else None

        proxy = stack.enter_context(running_proxy(route))
        environment = {
            **emulator.environment(),
            **emulator.make_host_state(),
            "MCP_HOST_ALLOW_RESOURCE_CREATION": "true",
            "HTTPS_PROXY": proxy.url,
            "REQUESTS_CA_BUNDLE": str(certificate.authority),
        }
        yield World(emulator=emulator, proxy=proxy, node=node, host_environment=environment)


@pytest.fixture(scope="module")
def alice(world: World) -> Principal:
    return world.new_principal("a1", "alice")


@pytest.fixture(scope="module")
def bob(world: World) -> Principal:
    return world.new_principal("b2", "bob")


@pytest.fixture(scope="module")
def environments(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[HostInstance, HostInstance]]:
    folder = tmp_path_factory.mktemp("hosts")
    with start(world, folder / "one") as one, start(world, folder / "two") as two:
        yield one, two


def start(world: World, log: Path) -> AbstractContextManager[HostInstance]:
    return running_host("mcp_host.lambda_amazon_mq", world.host_environment, log)


def connect(host: HostInstance, who: Principal, *, era: str = MODERN) -> str:
    return text_of(host.invoke(make_call(CONNECT, who.login, era=era, scope=who.scope)))


def queues(host: HostInstance, who: Principal, *, era: str = MODERN) -> str:
    return text_of(host.invoke(make_call(LIST_QUEUES, era=era, scope=who.scope)))


@pytest.mark.parametrize("era", ERAS)
def test_each_principal_keeps_its_own_broker_in_both_environments(
    world: World,
    environments: tuple[HostInstance, HostInstance],
    alice: Principal,
    bob: Principal,
    *,
    era: str,
) -> None:
    one, two = environments
    assert connect(one, alice, era=era) == "successfully connected"
    assert connect(one, bob, era=era) == "successfully connected"

    for host in (one, two, one):
        assert alice.queue in (seen := queues(host, alice, era=era))
        assert bob.queue not in seen
        assert bob.queue in (seen := queues(host, bob, era=era))
        assert alice.queue not in seen
    own_hosts = [mq.broker_host(who.broker_id, REGION) for who in (alice, bob)]
    assert set(world.proxy.reached) == set(own_hosts)


def test_a_stranger_is_told_to_connect_and_reaches_no_broker(
    world: World,
    environments: tuple[HostInstance, HostInstance],
    alice: Principal,
) -> None:
    one, _two = environments
    connect(one, alice)
    reached = len(world.proxy.reached)

    for host in environments:
        refused = error_text_of(host.invoke(make_call(LIST_QUEUES, scope="c3" * 32)))
        assert "no RabbitMQ broker is connected in this session" in refused
        refused = error_text_of(host.invoke(make_call(LIST_QUEUES)))
        assert "this call carries no session" in refused
    refused = error_text_of(one.invoke(make_call(CONNECT, alice.login)))
    assert "this call carries no session" in refused
    assert len(world.proxy.reached) == reached


def test_the_guideline_needs_no_connection(
    environments: tuple[HostInstance, HostInstance],
) -> None:
    guideline = {"guideline_name": "rabbimq_broker_sizing_guide"}
    assert text_of(environments[0].invoke(make_call("rabbitmq_broker_get_guideline", guideline)))


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"password": "wrong-password"}, id="password"),
        pytest.param({"password": "p:w@[/not-a-port"}, id="unparsable password"),
        pytest.param({"broker_id": "b-unknown"}, id="broker"),
        pytest.param({"region": "eu-west-1"}, id="region"),
    ],
)
def test_a_failed_login_leaves_the_working_connection(
    environments: tuple[HostInstance, HostInstance], alice: Principal, wrong: dict[str, str]
) -> None:
    one, two = environments
    connect(one, alice)
    failed = make_call(CONNECT, {**alice.login, **wrong}, scope=alice.scope)

    assert "an earlier connection stays as it was" in error_text_of(one.invoke(failed))
    assert "an earlier connection stays as it was" in error_text_of(two.invoke(failed))

    assert alice.queue in queues(one, alice)
    assert alice.queue in queues(two, alice)


def test_a_failed_login_with_a_token_leaves_the_working_connection(
    environments: tuple[HostInstance, HostInstance], alice: Principal
) -> None:
    one, _two = environments
    connect(one, alice)
    token: dict[str, object] = {
        "broker_id": alice.broker_id,
        "region": REGION,
        "oauth_token": "not-a-token",
    }

    refused = one.invoke(make_call(CONNECT_WITH_TOKEN, token, scope=alice.scope))

    assert "the broker refused the login" in error_text_of(refused)
    assert alice.queue in queues(one, alice)


def test_a_connection_replaced_in_one_environment_is_not_used_in_the_other(
    world: World, environments: tuple[HostInstance, HostInstance]
) -> None:
    one, two = environments
    first = world.new_principal("d4", "first-dora")
    second = world.new_principal("d4", "second-dora")
    connect(one, first)
    connect(two, second)

    assert second.queue in queues(one, second)
    assert first.queue not in queues(one, second)


def test_a_deleted_queue_is_the_callers_own(
    world: World, environments: tuple[HostInstance, HostInstance]
) -> None:
    one, two = environments
    eve, fay = world.new_principal("e5", "eve"), world.new_principal("f6", "fay")
    connect(one, eve)
    connect(one, fay)
    delete = "rabbitmq_broker_delete_queue"

    own: dict[str, object] = {"queue": eve.queue, "vhost": eve.vhost}
    text_of(two.invoke(make_call(delete, own, scope=eve.scope)))
    others: dict[str, object] = {"queue": fay.queue, "vhost": fay.vhost}
    error_text_of(two.invoke(make_call(delete, others, scope=eve.scope)))

    assert world.node.queues(eve.vhost) == set()
    assert world.node.queues(fay.vhost) == {fay.queue}


def test_calls_that_meet_in_one_environment_do_not_mix(
    environments: tuple[HostInstance, HostInstance], alice: Principal, bob: Principal
) -> None:
    one, two = environments
    connect(one, alice)
    connect(two, bob)

    def call(number: int) -> tuple[Principal, str]:
        who = (alice, bob)[number % 2]
        host = environments[number // 2 % 2]
        if number % 5 == 0:
            connect(host, who)
        return who, queues(host, who)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(call, range(40)))

    for who, seen in answers:
        other = bob if who is alice else alice
        assert who.queue in seen
        assert other.queue not in seen


def test_a_record_put_under_another_scope_opens_nothing(
    world: World, environments: tuple[HostInstance, HostInstance], alice: Principal
) -> None:
    one, two = environments
    connect(one, alice)
    thief = "7e" * 32
    dynamodb = world.emulator.client("dynamodb")
    table = world.host_environment["MCP_HOST_STATE_TABLE"]
    record = dynamodb.get_item(TableName=table, Key={"pk": {"S": f"CONNECTION#{alice.scope}"}})
    copy = {**record["Item"], "pk": {"S": f"CONNECTION#{thief}"}}
    dynamodb.put_item(TableName=table, Item=copy)

    for host in (one, two):
        refused = error_text_of(host.invoke(make_call(LIST_QUEUES, scope=thief)))
        assert "broker connections are not available" in refused


def test_without_its_store_a_host_refuses_and_keeps_nothing_open(
    world: World, tmp_path: Path, alice: Principal
) -> None:
    environment = {**world.host_environment, "MCP_HOST_STATE_TABLE": "no-such-table"}
    with running_host("mcp_host.lambda_amazon_mq", environment, tmp_path / "log") as host:
        for call in (
            make_call(CONNECT, alice.login, scope=alice.scope),
            make_call(LIST_QUEUES, scope=alice.scope),
        ):
            refused = error_text_of(host.invoke(call))
            assert "broker connections are not available" in refused


def test_no_password_is_in_the_table_in_a_log_or_in_an_answer(
    world: World, environments: tuple[HostInstance, HostInstance], alice: Principal
) -> None:
    one, _two = environments
    connect(one, alice)
    wrong = {**alice.login, "password": "w:r@ong[secret-of-nobody"}
    answer = str(one.invoke(make_call(CONNECT, wrong, scope=alice.scope)))

    table = world.host_environment["MCP_HOST_STATE_TABLE"]
    stored = str(world.emulator.client("dynamodb").scan(TableName=table)["Items"])
    logs = "".join(host.log() for host in environments)
    assert "CONNECTION#" in stored
    assert "secret-of" not in stored + logs + answer
