"""Lambda handler of the API's REQUEST authorizer.

It makes its own client, so that a cold start loads no more of the gateway than the grants.
"""

import os
import time
from typing import Any

from botocore.session import Session

from portcullis.adapters.dynamodb_grants import DynamoDBGrants
from portcullis.entrypoints.authorizer import authorize
from portcullis.entrypoints.client_config import store_config
from portcullis.entrypoints.settings import AuthorizerSettings, read_settings

_SETTINGS = read_settings(AuthorizerSettings, os.environ)
_CONFIG = store_config(_SETTINGS.store_timeout_seconds, attempts=2)

GRANTS = DynamoDBGrants(Session().create_client("dynamodb", config=_CONFIG), _SETTINGS.table)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Authorise one request (see `authorize`)."""
    return authorize(event, GRANTS, now_seconds=int(time.time()))
