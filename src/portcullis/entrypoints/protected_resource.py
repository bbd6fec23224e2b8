"""OAuth 2.0 protected resource metadata: whose tokens open the API, and with which scope.

What it says comes from settings alone: a Host header or a path never makes a URL. Browsers of the
allowed origins may read it. Sources: RFC 9728, sections 2 and 3; Model Context Protocol
2025-11-25, basic/authorization ("Authorization Server Location").
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_SERVER: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_READ: Final = ("GET", "HEAD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """The API as a protected resource. `issuer` "": no tokens are accepted, so there is none."""

    base_url: str
    issuer: str
    scope_prefix: str
    origins: tuple[str, ...]

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one event of API Gateway (REST proxy, payload version 1.0)."""
        if not self.issuer or not self.base_url:
            return _response(404, {"message": "not found"}, {})
        headers = self._cors(event)
        method = event.get("httpMethod")
        if method == "OPTIONS" and headers:
            return _response(204, None, headers)
        if method not in _READ:
            return _response(405, {"message": "method not allowed"}, {"allow": "GET"})
        server = (event.get("pathParameters") or {}).get("server")
        if server is not None and not (isinstance(server, str) and _SERVER.fullmatch(server)):
            return _response(404, {"message": "not found"}, headers)
        return _response(200, self._metadata(server), {"cache-control": "max-age=300", **headers})

    def _metadata(self, server: str | None) -> dict[str, Any]:
        told: dict[str, Any] = {
            "resource": self.base_url if server is None else f"{self.base_url}/mcp/{server}",
            "authorization_servers": [self.issuer],
            "bearer_methods_supported": ["header"],
        }
        if server is not None and self.scope_prefix:
            told["scopes_supported"] = [f"{self.scope_prefix}{server}"]
        return told

    def _cors(self, event: Mapping[str, Any]) -> dict[str, str]:
        found = event.get("headers") or {}
        origins = [value for name, value in found.items() if name.lower() == "origin"]
        if len(origins) != 1 or origins[0] not in self.origins:
            return {}
        return {
            "access-control-allow-origin": origins[0],
            "access-control-allow-headers": "mcp-protocol-version",
            "access-control-allow-methods": "GET",
            "vary": "origin",
        }


def _response(status: int, body: object, headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {
            "content-type": "application/json",
            "x-content-type-options": "nosniff",
            **headers,
        },
        "body": "" if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }
