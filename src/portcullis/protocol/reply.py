"""An upstream's HTTP reply: what of it is passed on, or why nothing is.

The status and the headers are judged here and never copied: the client gets our own. What
the body says is read in `answer`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from portcullis.protocol.answer import Answer, Media, read_refusal, read_success, with_result
from portcullis.protocol.delivery import is_deliverable
from portcullis.protocol.http import HttpReply, header_values
from portcullis.protocol.messages import Request
from portcullis.protocol.reply_messages import DropReason
from portcullis.protocol.versions import Era
from portcullis.values import JsonObject

MAX_REPLY_BYTES: Final = 6 * 1024 * 1024
_ANSWERS: Final = frozenset(("result", "error"))
_CREDENTIAL_STATUSES: Final = frozenset((401, 403, 407))

# Answers the result to pass on instead, None when this one must not be passed on.
Rewrite: TypeAlias = Callable[[JsonObject], JsonObject | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A reply of which nothing is passed on."""

    reason: DropReason
    status: int


def read_reply(
    status: int,
    headers: Sequence[tuple[str, str]],
    body: bytes,
    *,
    request: Request,
    rewrite: Rewrite | None = None,
    max_bytes: int = MAX_REPLY_BYTES,
) -> HttpReply | Dropped:
    """Read the reply to a request into the reply for the client; never raises.

    Args:
        status: the upstream's status; only 200 and some 4xx are read.
        headers: the upstream's headers; none is passed on.
        body: the whole body.
        request: the request it answers.
        rewrite: changes the result where there is one; an error passes without it.
        max_bytes: the longest body read.
    """
    found = _head_fault(status, headers, request) or _read(
        status, headers, body, request=request, max_bytes=max_bytes
    )
    if isinstance(found, Answer) and rewrite is not None:
        found = _apply(rewrite, found)
    if isinstance(found, DropReason):
        return Dropped(reason=found, status=status)
    if not is_deliverable(found.body):
        return Dropped(reason=DropReason.TOO_LARGE, status=status)
    return _to_reply(found)


def read_message(
    status: int, headers: Sequence[tuple[str, str]], body: bytes, *, request: Request
) -> JsonObject | Dropped:
    """Read the reply to a request that nobody waits for into its answer; never raises.

    The answer is `{"result": …}` or `{"error": …}`, free of reserved keys, whether it came
    as JSON or in an event stream, whose notifications are dropped.
    """
    found = _head_fault(status, headers, request) or _read(
        status, headers, body, request=request, max_bytes=MAX_REPLY_BYTES
    )
    if isinstance(found, DropReason):
        return Dropped(reason=found, status=status)
    if found.message is None:  # an empty refusal: the server does not know the revision
        return Dropped(reason=DropReason.STATUS, status=status)
    return {key: value for key, value in found.message.items() if key in _ANSWERS}


def _read(
    status: int,
    headers: Sequence[tuple[str, str]],
    body: bytes,
    *,
    request: Request,
    max_bytes: int,
) -> Answer | DropReason:
    if status == 200:
        return read_success(headers, body, request=request, max_bytes=max_bytes)
    return read_refusal(status, headers, body, request=request)


def _apply(rewrite: Rewrite, answer: Answer) -> Answer | DropReason:
    if answer.result is None:
        return answer
    result = rewrite(answer.result)
    if result is None:
        return DropReason.UNUSABLE_RESULT
    return answer if result is answer.result else with_result(answer, result)


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


def _to_reply(answer: Answer) -> HttpReply:
    headers: list[tuple[str, str]] = [("cache-control", "no-store")]
    if answer.media is not Media.EMPTY:
        headers.append(("content-type", answer.media.value))
    if answer.media is Media.SSE:
        headers.append(("x-accel-buffering", "no"))
    return HttpReply(status=answer.status, headers=tuple(headers), body=answer.body)
