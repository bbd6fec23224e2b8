"""The gateway's own replies, in the shape each revision expects.

A decision about a call reaches the agent as a tool result with `isError`, whose text a
model can act on (2026-07-28 server/tools, Error Handling); JSON-RPC errors are for broken
messages. Texts and data come from the caller and must not hold argument values.
"""

from typing import Final

from portcullis import strictjson
from portcullis.protocol.codes import Code, status_for
from portcullis.protocol.delivery import is_deliverable
from portcullis.protocol.http import HttpReply
from portcullis.protocol.http_rules import JSON_MEDIA_TYPE
from portcullis.protocol.identity import GATEWAY_INFO
from portcullis.protocol.known_keys import DECISION_KEY, SERVER_INFO_KEY
from portcullis.protocol.messages import Inbound, Rejection, Request, RequestId
from portcullis.protocol.methods import MethodKind, SubjectKind
from portcullis.protocol.reply_messages import status_of
from portcullis.protocol.versions import Era
from portcullis.values import JsonObject, JsonValue

TOO_LARGE: Final = "This call was executed, but its result is too large to be handed over."
UNKNOWN_TASK: Final = "Unknown task"

_RESULT_TYPES: Final = ("complete", "input_required")
_NO_STORE: Final = ("cache-control", "no-store")


def result(
    request: Request,
    value: JsonObject,
    *,
    result_type: str = "complete",
    decision: JsonObject | None = None,
) -> HttpReply:
    """Answer a request with a result of our own.

    Args:
        request: what is answered.
        value: the result, without what every modern one carries.
        result_type: what kind of result a modern client reads (2026-07-28 basic, ResultType).
        decision: what machines read, under `_meta["portcullis/decision"]`.
    """
    told = value if decision is None else _with_meta(value, DECISION_KEY, decision)
    if request.era is Era.MODERN:
        told = _with_meta(told, SERVER_INFO_KEY, dict(GATEWAY_INFO))
        told = {**told, "resultType": result_type}
    return _answer(request, {"result": told})


def ping(request: Request) -> HttpReply:
    """Answer a legacy ping (2025-11-25 basic/utilities/ping)."""
    return result(request, {})


def tool_error(request: Request, text: str, *, decision: JsonObject | None = None) -> HttpReply:
    """Answer a tools/call that was not carried out.

    Args:
        request: the call.
        text: what the model reads.
        decision: what machines read, under `_meta["portcullis/decision"]`.
    """
    return result(request, error_result(text, decision=decision))


def error_result(text: str, *, decision: JsonObject | None = None) -> JsonObject:
    """The result of a tools/call that was not carried out, as a value."""
    value: JsonObject = {"content": [{"text": text, "type": "text"}], "isError": True}
    return value if decision is None else _with_meta(value, DECISION_KEY, decision)


def refusal(request: Request, text: str, *, decision: JsonObject | None = None) -> HttpReply:
    """Answer any governed request that is not carried out: a tool result, else an error."""
    if request.method.kind is MethodKind.TOOL_CALL:
        return tool_error(request, text, decision=decision)
    data: JsonValue = None if decision is None else {DECISION_KEY: decision}
    return error(request, Code.FORBIDDEN, text, data=data)


def unknown_tool(request: Request) -> HttpReply:
    """Answer a call of a tool that is hidden or does not exist, as the MCP SDK's servers do."""
    name = "" if request.subject is None else request.subject.name
    return tool_error(request, f"Unknown tool: {name}")


def unknown_subject(request: Request) -> HttpReply:
    """Answer a request for something hidden or absent, alike for both."""
    subject = request.subject
    if subject is None or subject.kind is SubjectKind.TOOL:
        return unknown_tool(request)
    if subject.kind is SubjectKind.PROMPT:
        return error(request, Code.INVALID_PARAMS, f"Unknown prompt: {subject.name}")
    if subject.kind is SubjectKind.TASK:
        return error(request, Code.INVALID_PARAMS, UNKNOWN_TASK)
    is_legacy = request.era is Era.LEGACY
    code = Code.RESOURCE_NOT_FOUND if is_legacy else Code.INVALID_PARAMS
    message = f"Unknown resource: {subject.name}"
    return error(request, code, message, data={"uri": subject.name})


def error(request: Request, code: Code, message: str, *, data: JsonValue = None) -> HttpReply:
    """Answer a request with a JSON-RPC error, its HTTP status by the table."""
    return _json(status_for(code, request.era), _error(code, message, request.id, data))


def delivered(request: Request, message: JsonObject) -> HttpReply:
    """Hand over a server's stored answer, `{"result": …}` or `{"error": …}`.

    The request may be of another era than the one the server was called in. What the front
    door cannot carry is told as an error, not cut short.
    """
    reply = _answer(request, for_era(request, message))
    return reply if is_deliverable(reply.body) else tool_error(request, TOO_LARGE)


def for_era(request: Request, message: JsonObject) -> JsonObject:
    """A stored answer in the words of this request's era; what it says of itself stays.

    No stored answer is a task: the era it was given in may have had no such word.
    """
    told = message.get("result")
    if not isinstance(told, dict):
        return message
    meta = told.get("_meta")
    known = meta if isinstance(meta, dict) else {}
    if request.era is Era.MODERN:
        type_ = told.get("resultType")
        named: JsonObject = {SERVER_INFO_KEY: dict(GATEWAY_INFO), **known}
        is_known = type_ in _RESULT_TYPES
        return {"result": {**told, "resultType": type_ if is_known else "complete", "_meta": named}}
    kept = {key: value for key, value in told.items() if key != "resultType"}
    if SERVER_INFO_KEY in known:
        kept["_meta"] = {key: value for key, value in known.items() if key != SERVER_INFO_KEY}
    return {"result": kept}


def internal_error(inbound: Inbound | None, *, correlation_id: str) -> HttpReply:
    """Answer when the gateway itself failed: 500, which alarms see, and no detail but the id."""
    message = f"Internal error; the outcome of the call is unknown ({correlation_id})"
    request_id = inbound.id if isinstance(inbound, Request) else None
    data: JsonObject = {"correlation_id": correlation_id}
    return _json(500, _error(Code.INTERNAL_ERROR, message, request_id, data))


def unknown_session(request: Request | None) -> HttpReply:
    """Answer a request with a void session: 404, so that the client opens a new one.

    Source: 2025-11-25 basic/transports, Session Management 3 and 4.
    """
    request_id = None if request is None else request.id
    return _json(404, _error(Code.INVALID_REQUEST, "session not found", request_id, None))


def rejection(refused: Rejection) -> HttpReply:
    """Answer a request that was refused before any policy was asked."""
    message = _error(refused.code, refused.message, refused.id, refused.data)
    return _json(refused.status, message, refused.headers)


def accepted() -> HttpReply:
    """Answer a notification."""
    return HttpReply(status=202, headers=(_NO_STORE,))


def ended() -> HttpReply:
    """Answer the DELETE of a session (2025-11-25 basic/transports, Session Management 5)."""
    return HttpReply(status=204, headers=(_NO_STORE,))


def session_end_declined() -> HttpReply:
    """Answer the DELETE of a session that clients cannot end (same place)."""
    message = _error(Code.INVALID_REQUEST, "this session ends by expiring", None, None)
    return _json(405, message, (("allow", "POST"),))


def _with_meta(value: JsonObject, key: str, entry: JsonValue) -> JsonObject:
    meta = value.get("_meta")
    known = meta if isinstance(meta, dict) else {}
    return {**value, "_meta": {**known, key: entry}}


def _answer(request: Request, answer: JsonObject) -> HttpReply:
    message: JsonObject = {"jsonrpc": "2.0", "id": request.id, **answer}
    return _json(status_of(message, request.era), message)


def _error(code: int, message: str, request_id: RequestId | None, data: JsonValue) -> JsonObject:
    body: JsonObject = {"code": int(code), "message": message}
    if data is not None:
        body["data"] = data
    return {"jsonrpc": "2.0", "id": request_id, "error": body}


def _json(status: int, message: JsonObject, headers: tuple[tuple[str, str], ...] = ()) -> HttpReply:
    own = (_NO_STORE, ("content-type", JSON_MEDIA_TYPE), *headers)
    return HttpReply(status=status, headers=own, body=strictjson.dump(message))
