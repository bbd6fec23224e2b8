"""Builds the host of `awslabs.amazon-mq-mcp-server`, once for each environment."""

import time
from collections.abc import MutableMapping

import boto3
from botocore.config import Config

from mcp_host.asgi_host import AsgiHost
from mcp_host.awslabs_server import (
    ToolTable,
    bound_requests,
    configure,
    lowlevel,
    made_by,
)
from mcp_host.credentials import DefaultProfile
from mcp_host.host import Host
from mcp_host.rabbitmq_scope import ScopedConnections, guard_tools, isolate_module
from mcp_host.sdk_logs import restrict_sdk_logs, root_logger_kept
from mcp_host.settings import AmazonMqSettings
from mcp_host.state_store import DynamoDBConnectionStore, StoreClients

# A call waits for the store, so the store answers soon or the call is refused.
_STORE_CONFIG = Config(
    connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2}
)


def build_amazon_mq_host(settings: AmazonMqSettings, environment: MutableMapping[str, str]) -> Host:
    """Build and start the host. The package allows one in a process.

    Args:
        settings: what the deployment chose.
        environment: the process environment; the AWS profile is installed in it.
    """
    profile = DefaultProfile(environment)
    profile.install()
    # Imported late: the package makes AWS clients as it is configured.
    with root_logger_kept():
        from awslabs.amazon_mq_mcp_server import server as package  # noqa: PLC0415
        from awslabs.amazon_mq_mcp_server.rabbitmq import admin  # noqa: PLC0415

    store = _build_store(settings)
    arguments = ["--allow-resource-creation"] if settings.allow_resource_creation else []
    with (
        made_by(package, "RabbitMQModule") as modules,
        made_by(package, "AWSToolGenerator") as generators,
    ):
        server = configure(package, arguments)
    bound_requests(admin, connect_seconds=4, read_seconds=15)
    isolate_module(modules[0])
    guard_tools(ToolTable(server), ScopedConnections(store, clock=time.time))
    restrict_sdk_logs()

    def forget_clients() -> None:
        generators[0].clients.clear()
        store.reconnect()

    asgi_host = AsgiHost(lowlevel(server))
    asgi_host.start()
    return Host(asgi_host, profile, forget_clients=forget_clients)


def _build_store(settings: AmazonMqSettings) -> DynamoDBConnectionStore:
    def connect() -> StoreClients:
        session = boto3.Session(region_name=settings.region)
        return StoreClients(
            dynamodb=session.client("dynamodb", config=_STORE_CONFIG),
            kms=session.client("kms", config=_STORE_CONFIG),
        )

    return DynamoDBConnectionStore(
        connect,
        table=settings.state_table,
        key_id=settings.key_id,
        ttl_seconds=settings.connection_ttl_seconds,
        clock=time.time,
    )
