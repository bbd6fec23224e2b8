"""Lambda handler behind the bucket's "Object Created" events for `incoming/policies/`.

It makes its own client: the gateway's bootstrap would bring the gateway along, and this
function needs a YAML parser instead.
"""

import os
import re
import time
from typing import Any

import boto3

from portcullis.adapters.s3_activation import PolicyActivation
from portcullis.entrypoints.settings import SERVER_NAME, ActivatorSettings, read_settings
from portcullis.values import JsonObject

ACTIVATION = PolicyActivation(
    boto3.client("s3"), read_settings(ActivatorSettings, os.environ).bucket
)

_KEY = re.compile(rf"incoming/policies/({SERVER_NAME.pattern})\.yaml")


def handler(event: dict[str, Any], _context: object) -> JsonObject:
    """Look at the server whose upload the event tells of; other keys are none of ours."""
    match = _KEY.fullmatch(event["detail"]["object"]["key"])
    if match is None:
        return {"state": "ignored"}
    return ACTIVATION.activate(match[1], now_seconds=int(time.time()))
