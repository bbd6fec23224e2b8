"""What an upstream's HTTP reply is: the one answer to our request, or a reason to drop it.

Every message of a reply is read strictly before a byte of it passes. Bytes pass untouched
when nothing must change; otherwise the reply is written again from what was read.
Sources: 2026-07-28 streamable-http (Receiving Messages), 2025-11-25 basic/transports
(Sending Messages to the Server), JSON-RPC 2.0 section 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, TypeAlias, cast

from portcullis import strictjson
from portcullis.errors import StrictJsonError
from portcullis.protocol import reserved, sse
from portcullis.protocol.codes import status_for
from portcullis.protocol.http import header_values, media_type
from portcullis.protocol.http_rules import JSON_MEDIA_TYPE, SSE_MEDIA_TYPE, has_utf8_parameters
from portcullis.protocol.legacy import SESSION_HEADER
from portcullis.protocol.messages import Request
from portcullis.protocol.reply_messages import DropReason, Part, is_error, sort_message
from portcullis.protocol.versions import Era
from portcullis.values import JsonObject, JsonValue

MAX_REPLY_BYTES: Final = 6 * 1024 * 1024

# With these a server of an older revision tells a modern client that it does not know the
# request; clients fall back on them (2026-07-28 basic/versioning, Backward Compatibility).
_FALLBACK_STATUSES: Final = frozenset((400, 404, 405, 406, 415))
_CREDENTIAL_STATUSES: Final = frozenset((401, 403, 407))


class Media(Enum):
    """How a reply carries its messages."""

    JSON = JSON_MEDIA_TYPE
    SSE = SSE_MEDIA_TYPE
    EMPTY = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """A reply that may be passed on.

    Attributes:
        status: the HTTP status for the client.
        body: the bytes for the client.
        message: the JSON-RPC response; None in an empty reply to a modern probe.
        events: the events of an SSE body, `message` being that of `events[answer_at]`.
        upstream_session: the session id the upstream assigned, None when it assigned none.
    """

    status: int
    media: Media
    body: bytes
    message: JsonObject | None = None
    events: tuple[sse.Event, ...] = ()
    answer_at: int = 0
    upstream_session: str | None = None

    @property
    def result(self) -> JsonObject | None:
        """The `result` of the response, None where it is an error or empty."""
        result = None if self.message is None else self.message.get("result")
        return result if isinstance(result, dict) else None

    @property
    def error(self) -> JsonObject | None:
        """The `error` of the response, None where it is a result or empty."""
        error = None if self.message is None else self.message.get("error")
        return error if isinstance(error, dict) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A reply of which nothing is passed on."""

    reason: DropReason
    status: int


ReadReply: TypeAlias = Relay | Dropped


def read_reply(
    status: int,
    headers: Sequence[tuple[str, str]],
    body: bytes,
    *,
    request: Request,
    max_bytes: int = MAX_REPLY_BYTES,
) -> ReadReply:
    """Read the reply to a request; never raises.

    Of the headers only the media type and the session id are taken over.
    """
    reason = _head_fault(status, headers, request)
    if reason is not None:
        return Dropped(reason=reason, status=status)
    found: Relay | DropReason
    if status == 200:
        found = _read_body(headers, body, request, max_bytes)
    else:
        found = _read_refusal(status, headers, body, request)
    if isinstance(found, DropReason):
        return Dropped(reason=found, status=status)
    sessions = header_values(headers, SESSION_HEADER)
    return replace(found, upstream_session=sessions[0] if len(sessions) == 1 else None)


def with_result(relay: Relay, result: JsonObject) -> Relay:
    """Answer the reply with another result, the messages around it kept in order."""
    return _rewritten(relay, {**(relay.message or {}), "result": result})


def _head_fault(
    status: int, headers: Sequence[tuple[str, str]], request: Request
) -> DropReason | None:
    if 300 <= status < 400:
        return DropReason.REDIRECT
    if status in _CREDENTIAL_STATUSES:
        return DropReason.CREDENTIAL_REFUSED
    if status == 404 and request.era is Era.LEGACY:
        return DropReason.SESSION_LOST
    if status != 200 and not 400 <= status < 500:
        return DropReason.STATUS
    if any(value.lower() != "identity" for value in header_values(headers, "content-encoding")):
        return DropReason.ENCODING
    return None


def _media(headers: Sequence[tuple[str, str]]) -> Media | None:
    stated = header_values(headers, "content-type")
    if len(stated) != 1 or not has_utf8_parameters(stated[0]):
        return None
    kinds = {JSON_MEDIA_TYPE: Media.JSON, SSE_MEDIA_TYPE: Media.SSE}
    return kinds.get(media_type(stated[0]))


def _read_body(
    headers: Sequence[tuple[str, str]], body: bytes, request: Request, max_bytes: int
) -> Relay | DropReason:
    media = _media(headers)
    if media is None:
        return DropReason.MEDIA_TYPE
    try:
        if media is Media.JSON:
            return _read_json(body, request, max_bytes)
        return _read_stream(body, request, max_bytes)
    except (StrictJsonError, UnicodeDecodeError):
        return DropReason.NOT_STRICT_JSON


def _read_json(body: bytes, request: Request, max_bytes: int) -> Relay | DropReason:
    message = strictjson.parse(body, max_bytes=max_bytes)
    part = sort_message(message, request)
    if isinstance(part, DropReason):
        return part
    if part is not Part.RESPONSE:
        return DropReason.NO_RESPONSE
    read = cast("JsonObject", message)
    relay = Relay(status=_status(read, request.era), media=Media.JSON, body=body, message=read)
    return _cleaned(relay, body)


def _read_stream(body: bytes, request: Request, max_bytes: int) -> Relay | DropReason:
    if len(body) > max_bytes:
        return DropReason.NOT_STRICT_JSON
    stream = sse.parse(body)
    kept: list[sse.Event] = []
    answers: list[tuple[int, JsonObject]] = []
    for event in stream.events:
        # Clients ignore events of other types; nothing in them was read, so none passes.
        if event.type != "message":
            continue
        message = strictjson.parse(event.data.encode("utf-8"), max_bytes=max_bytes)
        part = sort_message(message, request)
        if isinstance(part, DropReason):
            return part
        if part is Part.WITHHELD:
            continue
        if part is Part.RESPONSE:
            answers.append((len(kept), cast("JsonObject", message)))
        kept.append(event)
    if len(answers) != 1:
        return DropReason.REPEATED if answers else DropReason.NO_RESPONSE
    ((answer_at, answer),) = answers
    relay = Relay(
        status=200,
        media=Media.SSE,
        body=body,
        message=answer,
        events=tuple(kept),
        answer_at=answer_at,
    )
    is_untouched = stream.is_plain and len(kept) == len(stream.events)
    return _cleaned(relay if is_untouched else _rewritten(relay, answer), body)


def _read_refusal(
    status: int, headers: Sequence[tuple[str, str]], body: bytes, request: Request
) -> Relay | DropReason:
    """Read a 4xx: a JSON-RPC error goes on under our id, else only what a probe needs."""
    error = _refusal_error(headers, body)
    if error is None:
        is_fallback = request.era is Era.MODERN and status in _FALLBACK_STATUSES
        return (
            Relay(status=status, media=Media.EMPTY, body=b"") if is_fallback else DropReason.STATUS
        )
    message: JsonObject = {"jsonrpc": "2.0", "id": request.id, "error": reserved.strip(error)}
    by_table = _status(message, request.era)
    keeps_status = request.era is Era.MODERN and by_table == 200
    return Relay(
        status=status if keeps_status else by_table,
        media=Media.JSON,
        body=strictjson.dump(message),
        message=message,
    )


def _refusal_error(headers: Sequence[tuple[str, str]], body: bytes) -> JsonValue:
    """Answer the error object of a 4xx body, None where it has none."""
    if _media(headers) is not Media.JSON:
        return None
    try:
        message = strictjson.parse(body)
    except StrictJsonError:
        return None
    if not isinstance(message, dict) or "result" in message or "method" in message:
        return None
    error = message.get("error")
    return error if is_error(error) else None


def _status(message: JsonObject, era: Era) -> int:
    error = message.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return status_for(code, era) if isinstance(code, int) else 200


def _cleaned(relay: Relay, body: bytes) -> Relay:
    """Strip reserved keys from the answer and from every notification around it."""
    if not reserved.may_occur(body):
        return relay
    events = tuple(map(_cleaned_event, relay.events))
    answer = cast("JsonObject", reserved.strip(relay.message))
    if answer is relay.message and all(
        new is old for new, old in zip(events, relay.events, strict=True)
    ):
        return relay
    return _rewritten(replace(relay, events=events), answer)


def _cleaned_event(event: sse.Event) -> sse.Event:
    message = strictjson.parse(event.data.encode("utf-8"), max_bytes=MAX_REPLY_BYTES)
    cleaned = reserved.strip(message)
    return event if cleaned is message else _carrying(event, cleaned)


def _rewritten(relay: Relay, message: JsonObject) -> Relay:
    if relay.media is Media.JSON:
        return replace(relay, message=message, body=strictjson.dump(message))
    events = list(relay.events)
    events[relay.answer_at] = _carrying(events[relay.answer_at], message)
    return replace(relay, message=message, events=tuple(events), body=sse.write(events))


def _carrying(event: sse.Event, message: JsonValue) -> sse.Event:
    return replace(event, data=strictjson.dump(message).decode("utf-8"))
