"""Requests of the handshake revisions: 2025-03-26, 2025-06-18, 2025-11-25.

Source: 2025-11-25 basic/transports (Session Management, Protocol Version Header, Sending
Messages to the Server) and basic/lifecycle (Version Negotiation). Whether the session is
live is not known here; the token is handed on unchecked.
"""

from typing import Final

from portcullis.protocol.codes import Code, status_for
from portcullis.protocol.frame import Frame, RequestFrame
from portcullis.protocol.http import HttpRequest
from portcullis.protocol.known_keys import PROTOCOL_VERSION_KEY
from portcullis.protocol.ladder import VERSION_HEADER
from portcullis.protocol.messages import Rejection, Request, RequestId
from portcullis.protocol.methods import Method, MethodKind, offered
from portcullis.protocol.params import ParamsFault, read_params
from portcullis.protocol.versions import (
    LATEST_LEGACY_VERSION,
    LEGACY_VERSIONS,
    UNSTATED_VERSION,
    Era,
)
from portcullis.values import JsonObject

SESSION_HEADER: Final = "mcp-session-id"


def admit(frame: RequestFrame, request: HttpRequest) -> Request | Rejection:
    """Check a legacy request; never raises."""
    rejection = state_fault(frame, request, frame.id)
    if rejection is not None:
        return rejection
    method = offered(frame.method, Era.LEGACY)
    if method is None:
        status = status_for(Code.METHOD_NOT_FOUND, Era.LEGACY)
        return _refuse(status, Code.METHOD_NOT_FOUND, "Method not found", frame.id)
    checked = read_params(method, Era.LEGACY, frame.params)
    if isinstance(checked, ParamsFault):
        return _refuse(400, Code.INVALID_PARAMS, checked.message, frame.id)
    capabilities = checked.params.get("capabilities")
    return Request(
        era=Era.LEGACY,
        version=_version(method, request, checked.params),
        id=frame.id,
        method=method,
        params=checked.params,
        subject=checked.subject,
        client_capabilities=capabilities if isinstance(capabilities, dict) else {},
        session_token=request.single(SESSION_HEADER),
    )


def state_fault(
    frame: Frame, request: HttpRequest, request_id: RequestId | None = None
) -> Rejection | None:
    """Refuse headers that state no one session or no served revision, or not the body's."""
    if len(request.values(SESSION_HEADER)) > 1:
        message = f"header `{SESSION_HEADER}` appears more than once"
        return _refuse(400, Code.INVALID_REQUEST, message, request_id)
    stated = request.single(VERSION_HEADER)
    if stated is not None and stated not in LEGACY_VERSIONS:
        return _refuse(400, Code.INVALID_REQUEST, "unsupported protocol version", request_id)
    if PROTOCOL_VERSION_KEY in frame.meta and frame.meta[PROTOCOL_VERSION_KEY] != stated:
        message = f"header `{VERSION_HEADER}` is missing or differs from the body's"
        return _refuse(400, Code.HEADER_MISMATCH, message, request_id)
    return None


def stated_version(request: HttpRequest) -> str:
    """Answer the revision a legacy request states, else the one the specification assumes."""
    return request.single(VERSION_HEADER) or UNSTATED_VERSION


def _version(method: Method, request: HttpRequest, params: JsonObject) -> str:
    if method.kind is not MethodKind.HANDSHAKE:
        return stated_version(request)
    asked = params["protocolVersion"]
    if isinstance(asked, str) and asked in LEGACY_VERSIONS:
        return asked
    return LATEST_LEGACY_VERSION


def _refuse(status: int, code: Code, message: str, request_id: RequestId | None) -> Rejection:
    return Rejection(status=status, code=code, message=message, id=request_id)
