"""What a client's HTTP request is: the first thing the gateway asks, the law of the front door.

`classify` climbs one ladder: HTTP, then the envelope, then the rules of the era. Anything
ambiguous is refused, never guessed, and no input makes it raise. Sources: 2026-07-28
basic/transports/streamable-http and basic/versioning (Backward Compatibility);
2025-11-25 basic/transports.
"""

from typing import Final

from portcullis import strictjson
from portcullis.protocol import http_rules, ladder, legacy
from portcullis.protocol.codes import Code
from portcullis.protocol.frame import Frame, RequestFrame, read_frame
from portcullis.protocol.http import HttpRequest
from portcullis.protocol.known_keys import PROTOCOL_VERSION_KEY
from portcullis.protocol.messages import Inbound, Notification, Rejection, RequestId, SessionEnd
from portcullis.protocol.methods import NOTIFICATIONS
from portcullis.protocol.params import ParamsFault, keep
from portcullis.protocol.versions import HANDSHAKE_VERSIONS, MODERN_VERSIONS, Era

_ROUTING_HEADERS: Final = (ladder.VERSION_HEADER, ladder.METHOD_HEADER, ladder.NAME_HEADER)
_NOTIFICATION_PREFIX: Final = "notifications/"


def classify(request: HttpRequest, *, max_body_bytes: int = strictjson.MAX_BYTES) -> Inbound:
    """Tell what a request is, or why it is refused; never raises."""
    if request.method == "DELETE":
        return _session_end(request)
    if request.method != "POST":
        return _method_not_allowed(request)
    rejection = http_rules.fault(request)
    if rejection is not None:
        return rejection
    frame = read_frame(request.body, max_bytes=max_body_bytes)
    if isinstance(frame, Rejection):
        return frame
    era = _era(frame, request)
    if isinstance(era, Rejection):
        return era
    if not isinstance(frame, RequestFrame):
        return _notification(frame, request, era)
    if era is Era.MODERN:
        return ladder.climb(frame, request)
    return legacy.admit(frame, request)


def _era(frame: Frame, request: HttpRequest) -> Era | Rejection:
    """Route by header, then by body (2026-07-28 basic/versioning, Backward Compatibility)."""
    for name in _ROUTING_HEADERS:
        if len(request.values(name)) > 1:
            return _mismatch(f"header `{name}` appears more than once", frame)
    stated = request.single(ladder.VERSION_HEADER)
    if stated in HANDSHAKE_VERSIONS:
        return Era.LEGACY
    if stated is not None or PROTOCOL_VERSION_KEY in frame.meta:
        return Era.MODERN
    if frame.method == "initialize" or request.values(legacy.SESSION_HEADER):
        return Era.LEGACY
    return _mismatch(f"neither `{ladder.VERSION_HEADER}` nor a session states a revision", frame)


def _notification(frame: Frame, request: HttpRequest, era: Era) -> Notification | Rejection:
    if not frame.method.startswith(_NOTIFICATION_PREFIX):
        return _invalid("a request needs an `id`")
    if era is Era.MODERN:
        stated = request.single(ladder.VERSION_HEADER)
        fault = None if stated in MODERN_VERSIONS else ladder.unsupported(stated or "")
        version = stated or ""
    else:
        fault = legacy.state_fault(frame, request)
        version = legacy.stated_version(request)
    if fault is not None:
        return fault
    row = NOTIFICATIONS.get(frame.method)
    params = keep(frame.params, frozenset() if row is None else row.params)
    if isinstance(params, ParamsFault):
        return _invalid(params.message, code=Code.INVALID_PARAMS)
    return Notification(
        era=era,
        version=version,
        name=frame.method,
        method=row,
        params=params,
        session_token=None if era is Era.MODERN else request.single(legacy.SESSION_HEADER),
    )


def _session_end(request: HttpRequest) -> SessionEnd | Rejection:
    """Only a legacy session can be ended (2025-11-25 basic/transports, Session Management 5)."""
    stated = request.values(ladder.VERSION_HEADER)
    tokens = request.values(legacy.SESSION_HEADER)
    if not HANDSHAKE_VERSIONS.issuperset(stated) or not tokens:
        return _method_not_allowed(request)
    if len(tokens) > 1 or len(stated) > 1:
        return _invalid("the session to end is named more than once")
    return SessionEnd(session_token=tokens[0], version=legacy.stated_version(request))


def _method_not_allowed(request: HttpRequest) -> Rejection:
    stated = request.values(ladder.VERSION_HEADER)
    allow = "POST, DELETE" if HANDSHAKE_VERSIONS.issuperset(stated) else "POST"
    return Rejection(
        status=405,
        code=Code.INVALID_REQUEST,
        message="HTTP method not allowed",
        headers=(("allow", allow),),
    )


def _invalid(message: str, code: Code = Code.INVALID_REQUEST) -> Rejection:
    return Rejection(status=400, code=code, message=message)


def _mismatch(message: str, frame: Frame) -> Rejection:
    request_id: RequestId | None = frame.id if isinstance(frame, RequestFrame) else None
    return Rejection(status=400, code=Code.HEADER_MISMATCH, message=message, id=request_id)
