"""The 2026-07-28 request ladder: checks in the order of the specification, first failure wins.

Source: 2026-07-28 basic/transports/streamable-http (Server Validation, Protocol Version
Header, Standard Request Headers, Value Encoding), basic/index (Per-request protocol
fields), server/utilities/logging. The rungs about HTTP and the envelope are climbed
before (`inbound`, `frame`); the one that needs a tool's schema comes after
(`param_headers`).
"""

from collections.abc import Callable
from typing import Final, TypeAlias, cast

from portcullis.protocol import header_codec
from portcullis.protocol.capabilities import TASKS_EXTENSION, accepts_tasks
from portcullis.protocol.codes import Code, status_for
from portcullis.protocol.frame import RequestFrame
from portcullis.protocol.http import HttpRequest
from portcullis.protocol.known_keys import (
    CLIENT_CAPABILITIES_KEY,
    LOG_LEVEL_KEY,
    PROTOCOL_VERSION_KEY,
)
from portcullis.protocol.messages import Rejection, Request, RequestId
from portcullis.protocol.methods import METHODS, MethodKind, offered
from portcullis.protocol.params import LOG_LEVELS, ParamsFault, read_params
from portcullis.protocol.versions import MODERN_VERSIONS, Era
from portcullis.values import JsonObject

VERSION_HEADER: Final = "mcp-protocol-version"
METHOD_HEADER: Final = "mcp-method"
NAME_HEADER: Final = "mcp-name"
PARAM_HEADER_PREFIX: Final = "mcp-param-"

Rung: TypeAlias = Callable[[RequestFrame, HttpRequest], Rejection | None]


def climb(frame: RequestFrame, request: HttpRequest) -> Request | Rejection:
    """Check a modern request on every rung; never raises."""
    for rung in RUNGS:
        rejection = rung(frame, request)
        if rejection is not None:
            return rejection
    return _admit(frame, request)


def _refuse(frame: RequestFrame, code: Code, message: str) -> Rejection:
    return Rejection(status=status_for(code, Era.MODERN), code=code, message=message, id=frame.id)


def unsupported(requested: str, request_id: RequestId | None = None) -> Rejection:
    """Build the refusal of a revision that is not served (-32022)."""
    return Rejection(
        status=status_for(Code.UNSUPPORTED_VERSION, Era.MODERN),
        code=Code.UNSUPPORTED_VERSION,
        message="Unsupported protocol version",
        id=request_id,
        data={"supported": [*MODERN_VERSIONS], "requested": requested},
    )


def _meta_pair(frame: RequestFrame, _: HttpRequest) -> Rejection | None:
    """A2.8: the two fields each request carries."""
    if not isinstance(frame.params.get("_meta"), dict):
        return _refuse(frame, Code.INVALID_PARAMS, "`params._meta` must be an object")
    for key in (PROTOCOL_VERSION_KEY, CLIENT_CAPABILITIES_KEY):
        if key not in frame.meta:
            return _refuse(frame, Code.INVALID_PARAMS, f"`params._meta` lacks `{key}`")
    if not isinstance(frame.meta[CLIENT_CAPABILITIES_KEY], dict):
        message = f"`params._meta` key `{CLIENT_CAPABILITIES_KEY}` must be an object"
        return _refuse(frame, Code.INVALID_PARAMS, message)
    return None


def _version_header(frame: RequestFrame, request: HttpRequest) -> Rejection | None:
    """A2.9: the header is present and says what the body says."""
    stated = request.single(VERSION_HEADER)
    if stated is None or stated != frame.meta[PROTOCOL_VERSION_KEY]:
        return _mismatch(frame, VERSION_HEADER, "protocol version")
    return None


def _method_header(frame: RequestFrame, request: HttpRequest) -> Rejection | None:
    """A2.10."""
    if request.single(METHOD_HEADER) != frame.method:
        return _mismatch(frame, METHOD_HEADER, "method")
    return None


def _name_header(frame: RequestFrame, request: HttpRequest) -> Rejection | None:
    """A2.11 and A2.12; a body without a usable name is left to the rung for params."""
    row = METHODS.get(frame.method)
    key = None if row is None else row.subject_key
    named = None if key is None else frame.params.get(key)
    if not isinstance(named, str):
        return None
    stated = request.single(NAME_HEADER)
    if stated is None or header_codec.decode(stated) != named:
        return _mismatch(frame, NAME_HEADER, f"`params.{key}`")
    return None


def _version_served(frame: RequestFrame, request: HttpRequest) -> Rejection | None:
    """A2.14."""
    stated = request.single(VERSION_HEADER)
    return None if stated in MODERN_VERSIONS else unsupported(str(stated), frame.id)


def _method_offered(frame: RequestFrame, _: HttpRequest) -> Rejection | None:
    """A2.15."""
    if offered(frame.method, Era.MODERN) is None:
        return _refuse(frame, Code.METHOD_NOT_FOUND, "Method not found")
    return None


def _capability_declared(frame: RequestFrame, _: HttpRequest) -> Rejection | None:
    """A2.16: tasks are for requests that declare the extension, each time."""
    if METHODS[frame.method].kind is not MethodKind.TASK or accepts_tasks(_declared(frame)):
        return None
    return Rejection(
        status=status_for(Code.MISSING_CLIENT_CAPABILITY, Era.MODERN),
        code=Code.MISSING_CLIENT_CAPABILITY,
        message="Missing required client capability",
        id=frame.id,
        data={"requiredCapabilities": {"extensions": {TASKS_EXTENSION: {}}}},
    )


def _log_level(frame: RequestFrame, _: HttpRequest) -> Rejection | None:
    """A2.17."""
    if LOG_LEVEL_KEY not in frame.meta:
        return None
    level = frame.meta[LOG_LEVEL_KEY]
    if isinstance(level, str) and level in LOG_LEVELS:
        return None
    return _refuse(frame, Code.INVALID_PARAMS, f"`params._meta` key `{LOG_LEVEL_KEY}` is unknown")


RUNGS: Final[tuple[Rung, ...]] = (
    _meta_pair,
    _version_header,
    _method_header,
    _name_header,
    _version_served,
    _method_offered,
    _capability_declared,
    _log_level,
)


def _admit(frame: RequestFrame, request: HttpRequest) -> Request | Rejection:
    method = METHODS[frame.method]
    checked = read_params(method, Era.MODERN, frame.params)
    if isinstance(checked, ParamsFault):
        return _refuse(frame, Code.INVALID_PARAMS, checked.message)
    level = frame.meta.get(LOG_LEVEL_KEY)
    return Request(
        era=Era.MODERN,
        version=str(frame.meta[PROTOCOL_VERSION_KEY]),
        id=frame.id,
        method=method,
        params=checked.params,
        subject=checked.subject,
        client_capabilities=_declared(frame),
        log_level=level if isinstance(level, str) else None,
        param_headers=_param_headers(request),
    )


def _declared(frame: RequestFrame) -> JsonObject:
    """What the client declares in this request; `_meta_pair` has looked."""
    return cast("JsonObject", frame.meta[CLIENT_CAPABILITIES_KEY])


def _param_headers(request: HttpRequest) -> dict[str, tuple[str, ...]]:
    return {
        name: values
        for name, values in request.by_name.items()
        if name.startswith(PARAM_HEADER_PREFIX)
    }


def _mismatch(frame: RequestFrame, header: str, what: str) -> Rejection:
    message = f"header `{header}` is missing or differs from the body's {what}"
    return _refuse(frame, Code.HEADER_MISMATCH, message)
