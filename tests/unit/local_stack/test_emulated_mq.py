"""Brokers of the emulator that look like Amazon MQ's."""

from collections.abc import Iterator
from typing import Any, Literal

import boto3
import pytest
from moto import mock_aws

from local_stack.emulator import mq

Engine = Literal["ACTIVEMQ", "RABBITMQ"]


@pytest.fixture
def instance_of() -> Iterator[Any]:
    mq.install()
    mq.install()
    with mock_aws():
        client = boto3.client("mq", region_name="eu-west-1")

        def create(engine: Engine) -> tuple[str, Any]:
            broker = client.create_broker(
                BrokerName="one",
                EngineType=engine,
                DeploymentMode="SINGLE_INSTANCE",
                HostInstanceType="mq.m5.large",
                PubliclyAccessible=False,
                AutoMinorVersionUpgrade=True,
                Users=[{"Username": "owner", "Password": "a-long-enough-password"}],
            )
            described = client.describe_broker(BrokerId=broker["BrokerId"])
            return broker["BrokerId"], described["BrokerInstances"][0]

        yield create


def test_a_rabbitmq_broker_has_a_host_of_its_own(instance_of: Any) -> None:
    (first_id, first), (second_id, second) = instance_of("RABBITMQ"), instance_of("RABBITMQ")

    assert first["Endpoints"] == [f"amqps://b-{first_id}.mq.eu-west-1.amazonaws.com:5671"]
    assert first["ConsoleURL"] == f"https://{mq.broker_host(first_id, 'eu-west-1')}"
    assert second["Endpoints"] == [f"amqps://b-{second_id}.mq.eu-west-1.amazonaws.com:5671"]
    assert first_id != second_id


def test_an_activemq_broker_stays_as_it_is(instance_of: Any) -> None:
    _broker_id, instance = instance_of("ACTIVEMQ")

    assert not any(endpoint.startswith("amqps://") for endpoint in instance["Endpoints"])
