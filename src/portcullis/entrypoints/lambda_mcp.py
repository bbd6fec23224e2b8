"""Lambda handler of ANY /mcp/{server}: one event in, one reply out, whatever happens."""

import os
from typing import Any

from portcullis.entrypoints.apigw import BadEventError, to_caller, to_request, to_response
from portcullis.entrypoints.bootstrap import build_gateway
from portcullis.entrypoints.settings import GatewaySettings, read_settings

GATEWAY = build_gateway(read_settings(GatewaySettings, os.environ))


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Serve one call."""
    try:
        request, caller = to_request(event), to_caller(event)
    except BadEventError as error:
        return to_response(GATEWAY.refuse(str(error)))
    return to_response(GATEWAY.handle(request, server=caller.server, principal=caller.principal))
