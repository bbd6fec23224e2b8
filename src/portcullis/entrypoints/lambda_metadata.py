"""Lambda handler of /.well-known/oauth-protected-resource: no clients, no state, no secrets."""

import os
from typing import Any

from portcullis.entrypoints.protected_resource import Resource
from portcullis.entrypoints.settings import MetadataSettings, read_settings

_SETTINGS = read_settings(MetadataSettings, os.environ)

RESOURCE = Resource(
    base_url=_SETTINGS.public_url,
    issuer=_SETTINGS.jwt_issuer if "jwt" in _SETTINGS.identity else "",
    scope_prefix=_SETTINGS.jwt_scope_prefix,
    origins=_SETTINGS.allowed_origins,
)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one request (see `Resource.answer`)."""
    return RESOURCE.answer(event)
