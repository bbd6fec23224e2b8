"""The one answer inside an upstream's HTTP reply, read strictly; how a reply becomes values.

Every message of a reply is read before a byte of it passes. Bytes stay untouched when
nothing must change; otherwise the body is written again from what was read. Sources:
2026-07-28 streamable-http (Receiving Messages), 2025-11-25 basic/transports (Sending
Messages to the Server), JSON-RPC 2.0 section 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, TypeAlias, cast

from portcullis import strictjson
from portcullis.errors import StrictJsonError
from portcullis.protocol import reserved, sse
from portcullis.protocol.http import header_values, media_type
from portcullis.protocol.http_rules import JSON_MEDIA_TYPE, SSE_MEDIA_TYPE, has_utf8_parameters
from portcullis.protocol.messages import Request
from portcullis.protocol.reply_messages import (
    DropReason,
    Part,
    is_error,
    sort_message,
    status_of,
)
from portcullis.protocol.versions import Era
from portcullis.values import JsonObject, JsonValue

Headers: TypeAlias = Sequence[tuple[str, str]]

# With these a server of an older revision tells a modern client that it does not know the
# request; clients fall back on them (2026-07-28 basic/versioning, Backward Compatibility).
_FALLBACK_STATUSES: Final = frozenset((400, 404, 405, 406, 415))


class Media(Enum):
    """How a reply carries its messages."""

    JSON = JSON_MEDIA_TYPE
    SSE = SSE_MEDIA_TYPE
    EMPTY = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that may be passed on.

    Attributes:
        status: the HTTP status for the client.
        body: the bytes for the client.
        message: the JSON-RPC response; None in an empty answer to a modern probe.
        events: the events of an SSE body; `events[answer_at]` carries `message`.
    """

    status: int
    media: Media
    body: bytes
    message: JsonObject | None = None
    events: tuple[sse.Event, ...] = ()
    answer_at: int = 0

    @property
    def result(self) -> JsonObject | None:
        """The `result` of the response, None where it is an error or empty."""
        result = None if self.message is None else self.message.get("result")
        return result if isinstance(result, dict) else None


def read_success(
    headers: Headers, body: bytes, *, request: Request, max_bytes: int
) -> Answer | DropReason:
    """Read the body of a 200; never raises."""
    media = _media(headers)
    if media is None:
        return DropReason.MEDIA_TYPE
    try:
        if media is Media.JSON:
            return _read_json(body, request, max_bytes)
        return _read_stream(body, request, max_bytes)
    except StrictJsonError:
        return DropReason.NOT_STRICT_JSON


def read_refusal(
    status: int, headers: Headers, body: bytes, *, request: Request
) -> Answer | DropReason:
    """Read a 4xx: a JSON-RPC error goes on under our id, else only what a probe needs."""
    error = _refusal_error(headers, body)
    if error is not None:
        message: JsonObject = {"jsonrpc": "2.0", "id": request.id, "error": reserved.strip(error)}
        by_table = status_of(message, request.era)
        keeps_status = request.era is Era.MODERN and by_table == 200
        return Answer(
            status=status if keeps_status else by_table,
            media=Media.JSON,
            body=strictjson.dump(message),
            message=message,
        )
    if request.era is Era.MODERN and status in _FALLBACK_STATUSES:
        return Answer(status=status, media=Media.EMPTY, body=b"")
    return DropReason.STATUS


def with_result(answer: Answer, result: JsonObject) -> Answer:
    """Answer the same with another result, the messages around it kept in order.

    Event ids go: no stream is resumed through the gateway, and an id is text of the
    upstream's that could say what the result no longer says.
    """
    events = tuple(replace(event, id=None) for event in answer.events)
    changed = replace(answer, events=events)
    return _rewritten(changed, {**(answer.message or {}), "result": result})


def _media(headers: Headers) -> Media | None:
    stated = header_values(headers, "content-type")
    if len(stated) != 1 or not has_utf8_parameters(stated[0]):
        return None
    kinds = {JSON_MEDIA_TYPE: Media.JSON, SSE_MEDIA_TYPE: Media.SSE}
    return kinds.get(media_type(stated[0]))


def _read_json(body: bytes, request: Request, max_bytes: int) -> Answer | DropReason:
    message = strictjson.parse(body, max_bytes=max_bytes)
    part = sort_message(message, request)
    if isinstance(part, DropReason):
        return part
    if part is not Part.RESPONSE:
        return DropReason.NO_RESPONSE
    response = cast("JsonObject", message)
    status = status_of(response, request.era)
    return _cleaned(Answer(status=status, media=Media.JSON, body=body, message=response))


def _read_stream(body: bytes, request: Request, max_bytes: int) -> Answer | DropReason:
    if len(body) > max_bytes:
        return DropReason.NOT_STRICT_JSON
    stream = sse.parse(body)
    kept: list[sse.Event] = []
    responses: list[tuple[int, JsonObject]] = []
    for event in stream.events:
        # Clients ignore events of other types; nothing in them was read, so none passes.
        part: Part | DropReason = Part.WITHHELD
        message: JsonValue = None
        if event.type == "message":
            message = strictjson.parse(event.data, max_bytes=max_bytes)
            part = sort_message(message, request)
        if isinstance(part, DropReason):
            return part
        if part is Part.RESPONSE:
            responses.append((len(kept), cast("JsonObject", message)))
        if part is not Part.WITHHELD:
            kept.append(event)
    if len(responses) != 1:
        return DropReason.REPEATED if responses else DropReason.NO_RESPONSE
    answer = _streamed(body, tuple(kept), *responses[0])
    is_untouched = stream.is_plain and len(kept) == len(stream.events)
    return _cleaned(answer if is_untouched else _rewritten(answer, responses[0][1]))


def _streamed(
    body: bytes, events: tuple[sse.Event, ...], answer_at: int, message: JsonObject
) -> Answer:
    """An event stream travels in 200, whatever it carries."""
    return Answer(
        status=200,
        media=Media.SSE,
        body=body,
        message=message,
        events=events,
        answer_at=answer_at,
    )


def _refusal_error(headers: Headers, body: bytes) -> JsonValue:
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


def _cleaned(answer: Answer) -> Answer:
    """Strip reserved keys from the response and from every notification around it."""
    if not reserved.may_occur(answer.body):
        return answer
    events = tuple(map(_cleaned_event, answer.events))
    message = cast("JsonObject", reserved.strip(answer.message))
    if message is answer.message and events == answer.events:
        return answer
    return _rewritten(replace(answer, events=events), message)


def _cleaned_event(event: sse.Event) -> sse.Event:
    message = strictjson.parse(event.data, max_bytes=len(event.data))
    cleaned = reserved.strip(message)
    return event if cleaned is message else replace(event, data=strictjson.dump(cleaned))


def _rewritten(answer: Answer, message: JsonObject) -> Answer:
    data = strictjson.dump(message)
    if answer.media is Media.JSON:
        return replace(answer, message=message, body=data)
    events = list(answer.events)
    events[answer.answer_at] = replace(events[answer.answer_at], data=data)
    return replace(answer, message=message, events=tuple(events), body=sse.write(events))
