"""One JSON-RPC frame from a client: bytes to a checked envelope, or the refusal.

Only the envelope is checked here (sections 2.A and 2.B of JSON-RPC 2.0 as MCP narrows it):
one object, known members, a usable id, an object of params. Eras and methods are not known.
"""

from dataclasses import dataclass
from typing import Final, TypeGuard, cast

from portcullis import strictjson
from portcullis.errors import StrictJsonError
from portcullis.protocol.codes import Code
from portcullis.protocol.known_keys import (
    CLIENT_CAPABILITIES_KEY,
    CLIENT_INFO_KEY,
    LOG_LEVEL_KEY,
    PROGRESS_TOKEN_KEY,
    PROTOCOL_VERSION_KEY,
    KnownKeys,
    is_reserved,
)
from portcullis.protocol.messages import Rejection, RequestId
from portcullis.protocol.methods import METHODS, NOTIFICATIONS
from portcullis.values import JsonObject, JsonValue

MAX_ID_LENGTH: Final = 1024

_MEMBERS: Final = frozenset(("jsonrpc", "id", "method", "params"))
_PARAMS: Final = KnownKeys(
    {"_meta"}.union(
        *(row.params | row.modern_params for row in METHODS.values()),
        *(row.params for row in NOTIFICATIONS.values()),
    )
)
_META: Final = KnownKeys(
    (
        PROTOCOL_VERSION_KEY,
        CLIENT_CAPABILITIES_KEY,
        CLIENT_INFO_KEY,
        LOG_LEVEL_KEY,
        PROGRESS_TOKEN_KEY,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A well-formed envelope: a notification, unless it is a `RequestFrame`."""

    method: str
    params: JsonObject

    @property
    def meta(self) -> JsonObject:
        """The `_meta` object of the params, empty where there is none."""
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFrame(Frame):
    """A well-formed envelope with an id."""

    id: RequestId


def read_frame(body: bytes, *, max_bytes: int) -> Frame | Rejection:
    """Read one request or notification; never raises.

    Batches, responses, unknown members and every text that is not strict JSON are refused
    at all revisions: two readers could take them for different calls.
    """
    if len(body) > max_bytes:
        return Rejection(
            status=413, code=Code.INVALID_REQUEST, message=f"body is over {max_bytes} bytes"
        )
    try:
        message = strictjson.parse(body, max_bytes=max_bytes)
    except StrictJsonError as fault:
        return Rejection(status=400, code=Code.PARSE_ERROR, message=f"parse error: {fault}")
    if not isinstance(message, dict):
        return _invalid("body must be one JSON-RPC request or notification object")
    known_id = message.get("id")
    request_id = known_id if is_request_id(known_id) else None
    fault_text = _envelope_fault(message) or _params_fault(message)
    if fault_text is not None:
        return _invalid(fault_text, request_id if "method" in message else None)
    params = cast("JsonObject", message.get("params", {}))  # _params_fault has looked
    method = str(message["method"])
    if request_id is None:
        return Frame(method=method, params=params)
    return RequestFrame(id=request_id, method=method, params=params)


def is_request_id(value: JsonValue) -> TypeGuard[RequestId]:
    """Tell whether a value can be an id: a whole number or a string of bounded length."""
    if isinstance(value, str):
        return len(value) <= MAX_ID_LENGTH
    return isinstance(value, int) and not isinstance(value, bool)


def _invalid(message: str, request_id: RequestId | None = None) -> Rejection:
    return Rejection(status=400, code=Code.INVALID_REQUEST, message=message, id=request_id)


def _envelope_fault(message: JsonObject) -> str | None:
    if "method" not in message:
        return "body must be one JSON-RPC request or notification object"
    if not _MEMBERS.issuperset(message):
        return "request has members that JSON-RPC does not define"
    if message.get("jsonrpc") != "2.0":
        return 'member `jsonrpc` must be "2.0"'
    if not isinstance(message["method"], str):
        return "member `method` must be a string"
    if "id" in message and not is_request_id(message["id"]):
        return "member `id` must be a string or an integer"
    return None


def _params_fault(message: JsonObject) -> str | None:
    params = message.get("params", {})
    if not isinstance(params, dict):
        return "member `params` must be an object"
    if _PARAMS.has_lookalike(params):
        return "member `params` has a key that could be read as another"
    meta = params.get("_meta")
    if not isinstance(meta, dict):
        return None
    if _META.has_lookalike(meta):
        return "`params._meta` has a key that could be read as another"
    if any(map(is_reserved, meta)):
        return "`params._meta` has a key that is reserved for the gateway"
    return None
