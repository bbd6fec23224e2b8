"""Lambda handler of the API's REQUEST authorizer.

It makes its own clients, so that a cold start loads no more of the gateway than it needs.
"""

import os
import time
from typing import Any

from botocore.session import Session

from portcullis.adapters.dynamodb_grants import DynamoDBGrants
from portcullis.adapters.secrets import Secrets
from portcullis.entrypoints.authorizer import AgentGrants, Credentials, Desk, authorize
from portcullis.entrypoints.caller_seal import USE
from portcullis.entrypoints.client_config import store_config
from portcullis.entrypoints.clocks import clock
from portcullis.entrypoints.restore import forget_after_restore
from portcullis.entrypoints.settings import AuthorizerSettings, read_settings

_SETTINGS = read_settings(AuthorizerSettings, os.environ)
_CONFIG = store_config(_SETTINGS.store_timeout_seconds, attempts=2)
_AWS = Session()


def _grants() -> AgentGrants | None:
    if "grants" not in _SETTINGS.identity:
        return None
    return AgentGrants(
        DynamoDBGrants(_AWS.create_client("dynamodb", config=_CONFIG), _SETTINGS.table)
    )


def _tokens() -> Credentials:
    """Loads what signatures need, which a cold start without tokens does not pay for."""
    from portcullis.entrypoints.token_bootstrap import build_tokens  # noqa: PLC0415

    return build_tokens(_SETTINGS)


DESK = Desk(
    grants=_grants(),
    tokens=_tokens() if "jwt" in _SETTINGS.identity else None,
    keys=Secrets(lambda: _AWS.create_client("secretsmanager", config=_CONFIG), clock).keys(
        USE, _SETTINGS.session_key_secret
    ),
)
forget_after_restore()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Authorise one request (see `authorize`)."""
    return authorize(event, DESK, now_seconds=int(time.time()))
