"""The everything server's resources: two fixed ones, a watched one and a template."""

import base64
import json
import re
from typing import Final

import mcp_types as types
from mcp.shared.exceptions import MCPError

from conformance.everything import content
from conformance.everything.tools import RequestContext

TEXT_URI: Final = "test://static-text"
BINARY_URI: Final = "test://static-binary"
WATCHED_URI: Final = "test://watched-resource"
TEMPLATE_URI: Final = "test://template/{id}/data"
_TEMPLATED: Final = re.compile(r"test://template/(?P<id>[^/]+)/data")

RESOURCES: Final = [
    types.Resource(
        uri=TEXT_URI, name="static text", description="Fixed text", mime_type="text/plain"
    ),
    types.Resource(
        uri=BINARY_URI, name="static binary", description="Fixed bytes", mime_type="image/png"
    ),
    types.Resource(
        uri=WATCHED_URI, name="watched", description="Can be subscribed", mime_type="text/plain"
    ),
]

_TEXTS: Final = {
    TEXT_URI: "This is the content of the static text resource.",
    WATCHED_URI: "Watched resource content",
}


async def list_resources(
    _context: RequestContext, _params: types.PaginatedRequestParams | None
) -> types.ListResourcesResult:
    """Answer `resources/list` on one page."""
    return types.ListResourcesResult(resources=RESOURCES)


async def list_templates(
    _context: RequestContext, _params: types.PaginatedRequestParams | None
) -> types.ListResourceTemplatesResult:
    """Answer `resources/templates/list` on one page."""
    template = types.ResourceTemplate(
        uri_template=TEMPLATE_URI,
        name="template",
        description="Data for an id",
        mime_type="application/json",
    )
    return types.ListResourceTemplatesResult(resource_templates=[template])


def _text(uri: str, mime_type: str, value: str) -> types.ReadResourceResult:
    """A read of one text resource."""
    part = types.TextResourceContents(uri=uri, mime_type=mime_type, text=value)
    return types.ReadResourceResult(contents=[part])


async def read_resource(
    _context: RequestContext, params: types.ReadResourceRequestParams
) -> types.ReadResourceResult:
    """Answer `resources/read`.

    Raises:
        MCPError: -32602 with the URI for a resource that does not exist (SEP-2164).
    """
    uri = str(params.uri)
    if uri in _TEXTS:
        return _text(uri, "text/plain", _TEXTS[uri])
    if uri == BINARY_URI:
        blob = base64.b64encode(content.PNG).decode("ascii")
        part = types.BlobResourceContents(uri=uri, mime_type="image/png", blob=blob)
        return types.ReadResourceResult(contents=[part])
    templated = _TEMPLATED.fullmatch(uri)
    if templated is None:
        raise MCPError(types.INVALID_PARAMS, "Resource not found", data={"uri": uri})
    number = templated["id"]
    body = {"id": number, "templateTest": True, "data": f"Data for ID: {number}"}
    return _text(uri, "application/json", json.dumps(body))


async def subscribe(
    _context: RequestContext, _params: types.SubscribeRequestParams
) -> types.EmptyResult:
    """Answer `resources/subscribe`; nothing ever changes, so nothing is kept."""
    return types.EmptyResult()


async def unsubscribe(
    _context: RequestContext, _params: types.UnsubscribeRequestParams
) -> types.EmptyResult:
    """Answer `resources/unsubscribe`."""
    return types.EmptyResult()
