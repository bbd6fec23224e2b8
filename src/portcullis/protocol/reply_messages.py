"""The messages inside an upstream's reply: which one answers us, which pass, which do not.

Only single, already parsed JSON values are judged here; how they were carried is not known.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Final

from portcullis.protocol.codes import status_for
from portcullis.protocol.known_keys import PROGRESS_TOKEN_KEY, KnownKeys
from portcullis.protocol.messages import Request
from portcullis.protocol.methods import METHODS
from portcullis.protocol.versions import Era
from portcullis.values import JsonObject, JsonValue


class DropReason(StrEnum):
    """Why an upstream's reply is not passed on; the value is text for a log."""

    REDIRECT = "upstream answered with a redirect"
    CREDENTIAL_REFUSED = "upstream refused the gateway's credential"
    SESSION_LOST = "upstream does not know its session"
    STATUS = "upstream answered with an unusable status"
    ENCODING = "upstream reply is compressed"
    MEDIA_TYPE = "upstream reply is neither JSON nor an event stream"
    NOT_STRICT_JSON = "upstream reply is not strict JSON"
    MALFORMED = "upstream reply holds a malformed message"
    FOREIGN_ID = "upstream reply answers another request"
    NO_RESPONSE = "upstream reply does not answer the request"
    REPEATED = "upstream reply answers the request more than once"
    UNUSABLE_RESULT = "upstream result is not of the kind that was asked for"
    TOO_LARGE = "upstream reply is too large to be delivered"
    TASK = "upstream reply is a task, and only the gateway's own are offered"


class Part(Enum):
    """What one message of a reply is to the client."""

    RESPONSE = "response"
    NOTIFICATION = "notification"
    WITHHELD = "withheld"  # server requests and undeliverable notifications


_LIST_KEYS: Final = frozenset(row.list_key for row in METHODS.values() if row.list_key)
_MEMBERS: Final = KnownKeys(("jsonrpc", "id", "method", "params", "result", "error"))


def sort_message(message: JsonValue, request: Request) -> Part | DropReason:
    """Tell what a message is to the client whose request is answered; never raises."""
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return DropReason.MALFORMED
    if _MEMBERS.has_lookalike(message):
        return DropReason.MALFORMED
    if "method" in message:
        return _from_server(message, request)
    return _response(message, request)


def is_error(error: JsonValue) -> bool:
    """Tell whether a value is a JSON-RPC error object."""
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return False
    code = error.get("code")
    return isinstance(code, int) and not isinstance(code, bool)


def status_of(message: JsonObject, era: Era) -> int:
    """Answer the HTTP status of a JSON-RPC response: that of its error's code, else 200."""
    error = message.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return status_for(code, era) if isinstance(code, int) else 200


def _response(message: JsonObject, request: Request) -> Part | DropReason:
    has_result, has_error = "result" in message, "error" in message
    if has_result == has_error:
        return DropReason.MALFORMED
    answered = message.get("id")
    if type(answered) is not type(request.id) or answered != request.id:
        return DropReason.FOREIGN_ID
    if has_error:
        return Part.RESPONSE if is_error(message["error"]) else DropReason.MALFORMED
    result = message["result"]
    if not isinstance(result, dict):
        return DropReason.MALFORMED
    if _holds_another_list(result, request):
        return DropReason.UNUSABLE_RESULT
    is_task = request.era is Era.MODERN and result.get("resultType") == "task"
    return DropReason.TASK if is_task else Part.RESPONSE


def _holds_another_list(result: JsonObject, request: Request) -> bool:
    """A list that answers something else than its own method would pass unfiltered."""
    others = (key for key in _LIST_KEYS & result.keys() if key != request.method.list_key)
    return any(isinstance(result[key], list) for key in others)


def _from_server(message: JsonObject, request: Request) -> Part | DropReason:
    """Judge a request or notification of the server.

    Its requests cannot be answered through a buffered reply. Of its notifications only
    those about this request are passed; the others were never declared to the client.
    """
    if "result" in message or "error" in message or not isinstance(message["method"], str):
        return DropReason.MALFORMED
    params = message.get("params", {})
    if not isinstance(params, dict):
        return DropReason.MALFORMED
    if "id" in message:
        return Part.WITHHELD
    is_ours = _is_about(message["method"], params, request)
    return Part.NOTIFICATION if is_ours else Part.WITHHELD


def _is_about(method: str, params: Mapping[str, JsonValue], request: Request) -> bool:
    if method == "notifications/progress":
        token, asked = params.get(PROGRESS_TOKEN_KEY), request.meta.get(PROGRESS_TOKEN_KEY)
        return asked is not None and type(token) is type(asked) and token == asked
    if method == "notifications/message":  # modern: only when the request asked for it
        return request.era is Era.LEGACY or request.log_level is not None
    return False
