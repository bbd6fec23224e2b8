"""Lambda handler of the canary; built at init, where Lambda gives the most CPU."""

import os
import time

import boto3
from botocore.config import Config

from mcp_host.canary import Canary
from mcp_host.receipts import DynamoDBReceipts
from mcp_host.settings import read_canary_settings

# One attempt: what was written and answered too late must not be written twice.
_AWS = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1})
CANARY = Canary(
    DynamoDBReceipts(
        boto3.client("dynamodb", config=_AWS),
        table=read_canary_settings(os.environ).state_table,
        clock=time.time,
    )
)


def handler(event: object, _context: object) -> dict[str, object]:
    """Answer one call of the gateway; `mcp_host.exchange` has the shapes."""
    return CANARY.answer(event)
