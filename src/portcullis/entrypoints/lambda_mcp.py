"""Lambda handler of ANY /mcp/{server}, and of the same under /iam for signed requests.

One event in, one reply out, whatever happens.
"""

import os
from typing import Any

from portcullis.entrypoints.apigw import (
    BadEventError,
    to_base_url,
    to_request,
    to_response,
)
from portcullis.entrypoints.bootstrap import build_door
from portcullis.entrypoints.restore import forget_after_restore
from portcullis.entrypoints.settings import GatewaySettings, read_settings
from portcullis.errors import CredentialError

SETTINGS = read_settings(GatewaySettings, os.environ)
DOOR = build_door(SETTINGS)
forget_after_restore()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Serve one call."""
    try:
        request, caller = to_request(event), DOOR.callers.of(event)
    except BadEventError as error:
        return to_response(DOOR.gateway.refuse(str(error), status=error.status))
    except CredentialError:
        return to_response(DOOR.gateway.fail())
    reply = DOOR.gateway.handle(
        request,
        server=caller.server,
        principal=caller.principal,
        base_url=SETTINGS.public_url or to_base_url(event),
    )
    return to_response(reply)
