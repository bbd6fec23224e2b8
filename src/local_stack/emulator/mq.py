"""Amazon MQ in the emulator: RabbitMQ brokers with endpoints like the real ones.

moto gives every broker the same endpoint, at a name that is no AWS name. Real brokers have
a host of their own, and the Amazon MQ server finds the management API through it.

Source: Amazon MQ API reference, DescribeBroker, BrokerInstance.
"""

from typing import Any

from moto.mq.models import Broker

_AMQPS_PORT = 5671
_moto_init = Broker.__init__


def broker_host(broker_id: str, region: str) -> str:
    """The host name of a broker's instance."""
    return f"b-{broker_id}.mq.{region}.amazonaws.com"


def install() -> None:
    """Correct the brokers made from here on; calling it again changes nothing."""
    setattr(Broker, "__init__", _init)  # noqa: B010 - a plain assignment cannot be typed


def _init(broker: Broker, *arguments: Any, **options: Any) -> None:
    _moto_init(broker, *arguments, **options)
    if broker.engine_type.upper() != "RABBITMQ":
        return
    # moto keeps the region in the ARN only: arn:<partition>:mq:<region>:<account>:broker:<id>
    host = broker_host(broker.id, broker.arn.split(":")[3])
    for instance in broker.instances:
        instance["endpoints"] = [f"amqps://{host}:{_AMQPS_PORT}"]
        instance["consoleURL"] = f"https://{host}"
