"""Lambda handler behind the bucket's "Object Created" events for what is uploaded.

It makes its own client: the gateway's bootstrap would bring the gateway along, and this
function needs a YAML parser instead.
"""

import os
import re
import time
from typing import Any

import boto3

from portcullis.adapters.s3_activation import PolicyActivation
from portcullis.adapters.server_activation import ServerActivation
from portcullis.entrypoints.permits import permits
from portcullis.entrypoints.settings import ActivatorSettings, read_settings
from portcullis.registration.words import SERVER_NAME
from portcullis.values import JsonObject

_SETTINGS = read_settings(ActivatorSettings, os.environ)
_S3 = boto3.client("s3")
POLICIES = PolicyActivation(_S3, _SETTINGS.bucket)
SERVERS = ServerActivation(_S3, _SETTINGS.bucket, permits=permits(_SETTINGS))

_KEY = re.compile(rf"incoming/(policies|servers)/({SERVER_NAME.pattern})\.yaml")


def handler(event: dict[str, Any], _context: object) -> JsonObject:
    """Look at the server whose upload the event tells of; other keys are none of ours."""
    match = _KEY.fullmatch(event["detail"]["object"]["key"])
    if match is None:
        return {"state": "ignored"}
    now_seconds = int(time.time())
    if match[1] == "servers":
        return SERVERS.activate(match[2], now_seconds=now_seconds)
    return POLICIES.activate(match[2], now_seconds=now_seconds)
