"""Lambda handler of ANY /mcp/{server}: one event in, one reply out, whatever happens."""

import os
from typing import Any

from portcullis.entrypoints.apigw import (
    BadEventError,
    to_base_url,
    to_caller,
    to_request,
    to_response,
)
from portcullis.entrypoints.bootstrap import build_gateway
from portcullis.entrypoints.settings import GatewaySettings, read_settings

SETTINGS = read_settings(GatewaySettings, os.environ)
GATEWAY = build_gateway(SETTINGS)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Serve one call."""
    try:
        request, caller = to_request(event), to_caller(event)
    except BadEventError as error:
        return to_response(GATEWAY.refuse(str(error)))
    reply = GATEWAY.handle(
        request,
        server=caller.server,
        principal=caller.principal,
        base_url=SETTINGS.public_url or to_base_url(event),
    )
    return to_response(reply)
