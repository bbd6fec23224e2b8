"""What goes upstream: our own serialisation of evaluated values, headers from an allow-list.

Nothing of the client's HTTP message passes: no header, no byte of the body. Whatever is
not written here is not sent (2026-07-28 streamable-http, Standard Request Headers;
2025-11-25 basic/transports).
"""

from typing import Final, TypeAlias

from portcullis import strictjson
from portcullis.protocol import header_codec
from portcullis.protocol.capabilities import forwarded_params
from portcullis.protocol.http_rules import JSON_MEDIA_TYPE, SSE_MEDIA_TYPE
from portcullis.protocol.identity import GATEWAY_INFO
from portcullis.protocol.known_keys import (
    CLIENT_CAPABILITIES_KEY,
    CLIENT_INFO_KEY,
    PROTOCOL_VERSION_KEY,
)
from portcullis.protocol.ladder import METHOD_HEADER, NAME_HEADER, VERSION_HEADER
from portcullis.protocol.legacy import SESSION_HEADER
from portcullis.protocol.messages import Notification, Request, RequestId
from portcullis.protocol.methods import METHODS, MethodKind
from portcullis.protocol.param_headers import param_headers
from portcullis.protocol.versions import MODERN_VERSIONS, Era
from portcullis.values import JsonObject, JsonValue

Headers: TypeAlias = tuple[tuple[str, str], ...]

_ALWAYS: Final[Headers] = (
    ("content-type", JSON_MEDIA_TYPE),
    ("accept", f"{JSON_MEDIA_TYPE}, {SSE_MEDIA_TYPE}"),
    ("accept-encoding", "identity"),
)


def to_upstream(
    request: Request,
    *,
    params: JsonObject,
    upstream_session: str | None = None,
    upstream_version: str | None = None,
    input_schema: JsonValue = None,
) -> tuple[Headers, bytes]:
    """Build the upstream call of a request.

    Args:
        request: the request that was admitted.
        params: the params that were evaluated; keys its method does not have are left out.
        upstream_session: the upstream's own session id, legacy only.
        upstream_version: the revision negotiated with the upstream, legacy only.
        input_schema: the called tool's schema, for the headers that mirror arguments.
    """
    allowed = request.method.allowed(request.era) | {"_meta"}
    kept = {key: value for key, value in params.items() if key in allowed}
    kept = forwarded_params(request, kept)
    body: JsonObject = {
        "jsonrpc": "2.0",
        "id": request.id,
        "method": request.method.name,
        "params": kept,
    }
    if request.era is Era.MODERN:
        headers = _modern_headers(request, kept, input_schema)
    else:
        headers = _legacy_headers(upstream_session, upstream_version)
    return _ALWAYS + headers, strictjson.dump(body)


def notification_to_upstream(
    notification: Notification, *, upstream_session: str, upstream_version: str | None = None
) -> tuple[Headers, bytes]:
    """Build the upstream call of a notification its row says to forward."""
    body: JsonObject = {"jsonrpc": "2.0", "method": notification.name}
    if notification.params:
        body["params"] = notification.params
    headers = _ALWAYS + _legacy_headers(upstream_session, upstream_version)
    return headers, strictjson.dump(body)


def session_end_to_upstream(
    *, upstream_session: str, upstream_version: str | None = None
) -> Headers:
    """Build the headers of the DELETE that ends the upstream's session."""
    return _legacy_headers(upstream_session, upstream_version)


def own_request(
    method: str, *, version: str, request_id: RequestId = 1, params: JsonObject | None = None
) -> Request:
    """Build a request the gateway itself makes, for instance for a server's tool list.

    It declares no capability: an upstream has nothing to ask the gateway for.
    """
    era = Era.MODERN if version in MODERN_VERSIONS else Era.LEGACY
    own: JsonObject = dict(params or {})
    if era is Era.MODERN:
        own["_meta"] = {
            PROTOCOL_VERSION_KEY: version,
            CLIENT_CAPABILITIES_KEY: {},
            CLIENT_INFO_KEY: dict(GATEWAY_INFO),
        }
    elif METHODS[method].kind is MethodKind.HANDSHAKE:
        own["protocolVersion"] = version
        own["capabilities"] = {}
        own["clientInfo"] = dict(GATEWAY_INFO)
    return Request(era=era, version=version, id=request_id, method=METHODS[method], params=own)


def _modern_headers(request: Request, params: JsonObject, input_schema: JsonValue) -> Headers:
    method = request.method
    headers: Headers = ((VERSION_HEADER, request.version), (METHOD_HEADER, method.name))
    if method.subject_key is not None:
        named = header_codec.encode(str(params[method.subject_key]))
        headers += ((NAME_HEADER, named),)
    if method.kind is MethodKind.TOOL_CALL:
        arguments = params.get("arguments")
        headers += param_headers(input_schema, arguments if isinstance(arguments, dict) else {})
    return headers


def _legacy_headers(session: str | None, version: str | None) -> Headers:
    stated = ((VERSION_HEADER, version), (SESSION_HEADER, session))
    return tuple((name, value) for name, value in stated if value is not None)
