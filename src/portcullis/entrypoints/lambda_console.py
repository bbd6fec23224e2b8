"""Lambda handler of /approvals and everything below it: one event in, one reply out."""

import os
from typing import Any

from portcullis.console import replies
from portcullis.entrypoints.apigw import BadEventError, to_response
from portcullis.entrypoints.console_bootstrap import build_console
from portcullis.entrypoints.console_event import to_console_request
from portcullis.entrypoints.restore import forget_after_restore
from portcullis.entrypoints.settings import ConsoleSettings, read_settings

SETTINGS = read_settings(ConsoleSettings, os.environ)
CONSOLE = build_console(SETTINGS)
forget_after_restore()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Serve one request."""
    try:
        request = to_console_request(event, public_url=SETTINGS.public_url)
    except BadEventError as error:
        return to_response(replies.fault("bad_request", str(error), status=400))
    return to_response(CONSOLE.handle(request))
