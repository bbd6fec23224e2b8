"""Lambda handler of the Amazon MQ host; built at init, where Lambda gives the most CPU."""

import os

from mcp_host.build_amazon_mq import build_amazon_mq_host
from mcp_host.settings import read_amazon_mq_settings

HOST = build_amazon_mq_host(read_amazon_mq_settings(os.environ), os.environ)


def handler(event: object, context: object) -> dict[str, object]:
    """Answer one call of the gateway; `mcp_host.exchange` has the shapes."""
    return HOST.answer(event, context)
