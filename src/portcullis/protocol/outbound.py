"""The gateway's own replies, in the shape each revision expects.

A decision about a call reaches the agent as a tool result with `isError`, whose text a
model can act on (2026-07-28 server/tools, Error Handling); JSON-RPC errors are for broken
messages. Texts and data come from the caller and must not hold argument values.
"""

from typing import Final

from portcullis import strictjson
from portcullis.protocol.codes import Code, status_for
from portcullis.protocol.http import HttpReply
from portcullis.protocol.http_rules import JSON_MEDIA_TYPE
from portcullis.protocol.identity import GATEWAY_INFO
from portcullis.protocol.known_keys import DECISION_KEY, SERVER_INFO_KEY
from portcullis.protocol.legacy import SESSION_HEADER
from portcullis.protocol.messages import Rejection, Request, RequestId
from portcullis.protocol.methods import MethodKind, SubjectKind
from portcullis.protocol.reply import Media, Relay
from portcullis.protocol.versions import Era
from portcullis.values import JsonObject, JsonValue

_NO_STORE: Final = ("cache-control", "no-store")


def relay(read: Relay, *, session_token: str | None = None) -> HttpReply:
    """Pass an upstream's reply on, under our own headers.

    Args:
        read: the reply as read, rewritten where it had to be.
        session_token: the gateway's session token, on the reply to a legacy initialize.
    """
    headers: list[tuple[str, str]] = [_NO_STORE]
    if read.media is not Media.EMPTY:
        headers.append(("content-type", read.media.value))
    if read.media is Media.SSE:
        headers.append(("x-accel-buffering", "no"))
    if session_token is not None:
        headers.append((SESSION_HEADER, session_token))
    return HttpReply(status=read.status, headers=tuple(headers), body=read.body)


def result(request: Request, value: JsonObject, *, session_token: str | None = None) -> HttpReply:
    """Answer a request with a result of our own."""
    message: JsonObject = {"jsonrpc": "2.0", "id": request.id, "result": _own(request, value)}
    extra = () if session_token is None else ((SESSION_HEADER, session_token),)
    return _json(200, message, extra)


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
    value: JsonObject = {"content": [{"text": text, "type": "text"}], "isError": True}
    if decision is not None:
        value["_meta"] = {DECISION_KEY: decision}
    return result(request, value)


def refusal(request: Request, text: str, *, decision: JsonObject | None = None) -> HttpReply:
    """Answer any governed request that is not carried out: a tool result, else an error."""
    if request.method.kind is MethodKind.TOOL_CALL:
        return tool_error(request, text, decision=decision)
    data: JsonValue = None if decision is None else {DECISION_KEY: decision}
    return error(Code.FORBIDDEN, text, era=request.era, request_id=request.id, data=data)


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
        code, message, data = Code.INVALID_PARAMS, f"Unknown prompt: {subject.name}", None
        return error(code, message, era=request.era, request_id=request.id, data=data)
    is_legacy = request.era is Era.LEGACY
    return error(
        Code.RESOURCE_NOT_FOUND if is_legacy else Code.INVALID_PARAMS,
        f"Unknown resource: {subject.name}",
        era=request.era,
        request_id=request.id,
        data={"uri": subject.name},
    )


def error(
    code: int,
    message: str,
    *,
    era: Era,
    request_id: RequestId | None = None,
    data: JsonValue = None,
) -> HttpReply:
    """Answer with a JSON-RPC error, its HTTP status by the table."""
    return _json(status_for(code, era), _error(code, message, request_id, data))


def rejection(refused: Rejection) -> HttpReply:
    """Answer a request that was refused before any policy was asked."""
    message = _error(refused.code, refused.message, refused.id, refused.data)
    return _json(refused.status, message, refused.headers)


def http_error(status: int, message: str, *, request_id: RequestId | None = None) -> HttpReply:
    """Answer with a status that no JSON-RPC code has, for instance 404 for a lost session."""
    return _json(status, _error(Code.INVALID_REQUEST, message, request_id, None))


def accepted() -> HttpReply:
    """Answer a notification."""
    return HttpReply(status=202, headers=(_NO_STORE,))


def session_ended() -> HttpReply:
    """Answer the DELETE of a session (2025-11-25 basic/transports, Session Management 5)."""
    return HttpReply(status=204, headers=(_NO_STORE,))


def _own(request: Request, value: JsonObject) -> JsonObject:
    """Add what every modern result carries: its type and who answers."""
    if request.era is Era.LEGACY:
        return value
    meta = value.get("_meta")
    known = meta if isinstance(meta, dict) else {}
    return {
        **value,
        "resultType": "complete",
        "_meta": {**known, SERVER_INFO_KEY: dict(GATEWAY_INFO)},
    }


def _error(code: int, message: str, request_id: RequestId | None, data: JsonValue) -> JsonObject:
    body: JsonObject = {"code": int(code), "message": message}
    if data is not None:
        body["data"] = data
    return {"jsonrpc": "2.0", "id": request_id, "error": body}


def _json(status: int, message: JsonObject, headers: tuple[tuple[str, str], ...] = ()) -> HttpReply:
    own = (_NO_STORE, ("content-type", JSON_MEDIA_TYPE), *headers)
    return HttpReply(status=status, headers=own, body=strictjson.dump(message))
