"""The published servers in their hosts, each in its own process, on an emulated account."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.aws_emulator import REGION, AwsEmulator, running_emulator
from support.host_instance import HostInstance, running_host
from support.mcp_messages import (
    ERAS,
    LEGACY,
    error_text_of,
    make_call,
    make_event,
    message_of,
    text_of,
)
from support.recording_endpoint import recording_endpoint

pytestmark = pytest.mark.slow

BROKER = {
    "region": REGION,
    "broker_name": "orders",
    "engine_type": "RABBITMQ",
    "deployment_mode": "SINGLE_INSTANCE",
    "username": "owner",
    "password": "a-long-enough-password",
}
READ_OWN_OBJECTS = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::own/*"},
    ],
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[AwsEmulator]:
    with running_emulator() as account:
        yield account


@pytest.fixture(scope="module")
def mq_environment(emulator: AwsEmulator) -> dict[str, str]:
    return {**emulator.environment(), **emulator.make_host_state()}


@pytest.fixture(scope="module")
def mq_host(
    mq_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HostInstance]:
    environment = {**mq_environment, "MCP_HOST_ALLOW_RESOURCE_CREATION": "true"}
    log = tmp_path_factory.mktemp("mq") / "log"
    with running_host("mcp_host.lambda_amazon_mq", environment, log) as host:
        yield host


@pytest.fixture(scope="module")
def iam_host(
    emulator: AwsEmulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HostInstance]:
    environment = {**emulator.environment(), "MCP_HOST_IAM_READ_ONLY": "false"}
    log = tmp_path_factory.mktemp("iam") / "log"
    with running_host("mcp_host.lambda_aws_iam", environment, log) as host:
        yield host


def tools_of(host: HostInstance, era: str) -> list[dict[str, Any]]:
    tools = message_of(host.invoke(make_event("tools/list", era=era)))["result"]["tools"]
    assert isinstance(tools, list)
    return tools


@pytest.mark.parametrize("era", ERAS)
def test_the_amazon_mq_host_lists_its_tools_in_both_eras(mq_host: HostInstance, era: str) -> None:
    assert len(tools_of(mq_host, era)) == 40


@pytest.mark.parametrize("era", ERAS)
def test_the_iam_host_lists_its_tools_in_both_eras(iam_host: HostInstance, era: str) -> None:
    assert len(tools_of(iam_host, era)) == 29


def test_a_legacy_client_can_initialize_without_a_session_of_the_server(
    mq_host: HostInstance,
) -> None:
    hello = {
        "protocolVersion": LEGACY,
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    result = mq_host.invoke(make_event("initialize", hello, era=LEGACY))

    assert message_of(result)["result"]["protocolVersion"] == LEGACY
    assert "mcp-session-id" not in dict(result["headers"])


def test_discovery_does_not_offer_the_endless_stream(mq_host: HostInstance) -> None:
    found = message_of(mq_host.invoke(make_event("server/discover")))["result"]

    assert found["capabilities"]["resources"]["subscribe"] is False
    assert (
        mq_host.invoke(make_event("subscriptions/listen", {"notifications": {}}))["status"] == 404
    )


def test_without_resource_creation_the_creating_tools_are_not_there(
    mq_environment: dict[str, str], mq_host: HostInstance, tmp_path: Path
) -> None:
    every = {tool["name"] for tool in tools_of(mq_host, LEGACY)}
    environment = {**mq_environment, "MCP_HOST_ALLOW_RESOURCE_CREATION": "false"}
    with running_host("mcp_host.lambda_amazon_mq", environment, tmp_path / "log") as host:
        without = {tool["name"] for tool in tools_of(host, LEGACY)}

    assert len(without) == 35
    assert every - without == {
        "create_broker",
        "create_configuration",
        "rabbitmq_broker_delete_exchange",
        "rabbitmq_broker_delete_queue",
        "rabbitmq_broker_purge_queue",
    }


@pytest.mark.parametrize("era", ERAS)
def test_the_amazon_mq_tools_change_the_account(
    emulator: AwsEmulator, mq_host: HostInstance, era: str
) -> None:
    mq = emulator.client("mq")
    created = json.loads(text_of(mq_host.invoke(make_call("create_broker", BROKER, era=era))))
    broker_id = created["BrokerId"]
    assert mq.describe_broker(BrokerId=broker_id)["BrokerName"] == "orders"

    at = {"region": REGION}
    listed = json.loads(text_of(mq_host.invoke(make_call("list_brokers", at, era=era))))
    assert [broker["BrokerId"] for broker in listed["BrokerSummaries"]] == [broker_id]

    one = {**at, "BrokerId": broker_id}
    described = json.loads(text_of(mq_host.invoke(make_call("describe_broker", one, era=era))))
    assert described["BrokerInstances"][0]["Endpoints"] == [
        f"amqps://b-{broker_id}.mq.{REGION}.amazonaws.com:5671"
    ]

    text_of(mq_host.invoke(make_call("delete_broker", one, era=era)))
    assert mq.list_brokers()["BrokerSummaries"] == []


@pytest.mark.parametrize("era", ERAS)
def test_put_user_policy_changes_the_account(
    emulator: AwsEmulator, iam_host: HostInstance, era: str
) -> None:
    iam, user = emulator.client("iam"), f"agent-{era}"
    iam.create_user(UserName=user)
    arguments = {
        "user_name": user,
        "policy_name": "own-objects",
        "policy_document": json.dumps(READ_OWN_OBJECTS),
        "confirmed": True,
    }
    text_of(iam_host.invoke(make_call("put_user_policy", arguments, era=era)))

    stored = iam.get_user_policy(UserName=user, PolicyName="own-objects")
    assert stored["PolicyDocument"] == READ_OWN_OBJECTS


def test_a_read_only_iam_host_writes_nothing(emulator: AwsEmulator, tmp_path: Path) -> None:
    environment = {**emulator.environment(), "MCP_HOST_IAM_READ_ONLY": "true"}
    call = make_call("create_user", {"user_name": "nobody", "confirmed": True})
    with running_host("mcp_host.lambda_aws_iam", environment, tmp_path / "log") as host:
        error_text_of(host.invoke(call))

    users = [user["UserName"] for user in emulator.client("iam").list_users()["Users"]]
    assert "nobody" not in users


def test_a_published_server_alone_does_not_start_on_what_lambda_gives(
    emulator: AwsEmulator, tmp_path: Path
) -> None:
    started = run_published("awslabs.amazon_mq_mcp_server.server", emulator.environment(), tmp_path)

    assert started.returncode != 0
    assert "ProfileNotFound" in started.stderr


@pytest.mark.parametrize(
    "module, option, fixture",
    [
        ("awslabs.amazon_mq_mcp_server.server", "--allow-resource-creation", "mq_host"),
        ("awslabs.iam_mcp_server.server", "--allow-write", "iam_host"),
    ],
)
def test_the_tool_definitions_pass_unchanged(
    request: pytest.FixtureRequest,
    emulator: AwsEmulator,
    tmp_path: Path,
    *,
    module: str,
    option: str,
    fixture: str,
) -> None:
    host: HostInstance = request.getfixturevalue(fixture)
    profile = tmp_path / "credentials"
    profile.write_text(
        "[default]\naws_access_key_id=a\naws_secret_access_key=b\n", encoding="ascii"
    )
    environment = {**emulator.environment(), "AWS_SHARED_CREDENTIALS_FILE": str(profile)}

    assert tools_of(host, LEGACY) == list_published(module, environment, tmp_path, option)


def test_nothing_of_a_call_is_logged(mq_host: HostInstance, iam_host: HostInstance) -> None:
    secret = "3xtremely-s3cret"
    mq_host.invoke(make_call("create_broker", {**BROKER, "password": secret, "region": secret}))
    mq_host.invoke(make_call("create_broker", {**BROKER, "password": {secret: secret}}))
    iam_host.invoke(
        make_call("create_user", {"user_name": f"{secret} not a name", "confirmed": True})
    )

    assert secret not in mq_host.log()
    assert secret not in iam_host.log()


def hello_and_list() -> str:
    """What a client writes to a server's input to be told its tools, as answer 2."""
    hello = {
        "protocolVersion": LEGACY,
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    messages: list[dict[str, object]] = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ]
    return "".join(json.dumps(message) + "\n" for message in messages)


def run_published(
    module: str, environment: dict[str, str], home: Path
) -> "subprocess.CompletedProcess[str]":
    """The package as published, over stdio, until its input has ended."""
    return subprocess.run(
        [sys.executable, "-m", module],
        env={"HOME": str(home), "PATH": "", **environment},
        input=hello_and_list(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def list_published(
    module: str, environment: dict[str, str], home: Path, *options: str
) -> list[dict[str, Any]]:
    """The tools of the package as published, asked over stdio.

    Its input stays open until it has answered: what a server has not answered when its input
    ends it may drop.
    """
    with subprocess.Popen(
        [sys.executable, "-m", module, *options],
        env={"HOME": str(home), "PATH": "", **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(hello_and_list())
        server.stdin.flush()
        answers = (json.loads(line) for line in server.stdout)
        listed: list[dict[str, Any]] = next(
            answer["result"]["tools"] for answer in answers if answer["id"] == 2
        )
    return listed


@pytest.mark.parametrize(
    "handler, calls, services",
    [
        (
            "mcp_host.lambda_amazon_mq",
            [
                make_call("list_brokers", {"region": REGION}),
                make_call("rabbitmq_broker_list_queues", scope="ab" * 32),
            ],
            ["mq", "dynamodb"],
        ),
        (
            "mcp_host.lambda_aws_iam",
            [make_call("list_users", {"ctx": {"content": []}})],
            ["iam"],
        ),
    ],
)
def test_rotated_credentials_are_used_from_the_next_call_on(
    emulator: AwsEmulator,
    tmp_path: Path,
    *,
    handler: str,
    calls: list[dict[str, object]],
    services: list[str],
) -> None:
    with recording_endpoint() as endpoint:
        environment = {
            **emulator.environment(),
            "AWS_ENDPOINT_URL": endpoint.url,
            "MCP_HOST_STATE_TABLE": "table",
            "MCP_HOST_KEY_ID": "key",
        }
        with running_host(handler, environment, tmp_path / "log") as host:
            for call in calls:
                host.invoke(call)
            host.change_variables({"AWS_ACCESS_KEY_ID": "rotated"})
            for call in calls:
                host.invoke(call)

    before, after = [(s, "testing") for s in services], [(s, "rotated") for s in services]
    assert endpoint.signers == before + after
