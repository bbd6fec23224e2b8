"""Lambda handler of the API's REQUEST authorizer."""

import os
import time
from typing import Any

from portcullis.entrypoints.authorizer import authorize
from portcullis.entrypoints.bootstrap import build_grants
from portcullis.entrypoints.settings import AuthorizerSettings, read_settings

GRANTS = build_grants(read_settings(AuthorizerSettings, os.environ))


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Authorise one request (see `authorize`)."""
    return authorize(event, GRANTS, now_seconds=int(time.time()))
