"""Registers servers as a registrar does, through the real activation."""

import json
from collections.abc import Mapping
from typing import Any

from portcullis.adapters.server_activation import ServerActivation, incoming_server_key
from portcullis.entrypoints.permits import permits
from portcullis.entrypoints.settings import ActivatorSettings, read_settings


def register(
    s3: Any, environment: Mapping[str, str], server: str, entry: Mapping[str, Any]
) -> dict[str, Any]:
    """Upload a registration without its version, and answer what the activator says of it.

    `environment` is that of the functions: the bucket, and what the deployment permits.
    """
    settings = read_settings(ActivatorSettings, environment)
    text = json.dumps({"version": "1", **entry}).encode()
    s3.put_object(Bucket=settings.bucket, Key=incoming_server_key(server), Body=text)
    activation = ServerActivation(s3, settings.bucket, permits=permits(settings))
    return activation.activate(server, now_seconds=0)
