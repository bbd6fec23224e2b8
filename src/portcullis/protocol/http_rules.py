"""The rules of a POST before its body is read: which headers it must and must not carry.

Sources: RFC 9110 sections 8.3, 8.4, 12.5.1; 2026-07-28 streamable-http, Sending Messages.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from portcullis.protocol.codes import Code
from portcullis.protocol.http import HttpRequest, media_type
from portcullis.protocol.messages import Rejection

JSON_MEDIA_TYPE: Final = "application/json"
SSE_MEDIA_TYPE: Final = "text/event-stream"

# Headers on which a decision rests: of two values, two readers take different ones.
_SINGLE: Final = ("authorization", "host", "origin", "content-type", "content-length")
_CHARSET: Final = re.compile(r'[ \t]*charset="?utf-8"?[ \t]*', re.IGNORECASE)
_ZERO_QUALITY: Final = re.compile(r"[ \t]*q=0(\.0{0,3})?[ \t]*", re.IGNORECASE)

Rule: TypeAlias = Callable[[HttpRequest], Rejection | None]


def fault(request: HttpRequest) -> Rejection | None:
    """Answer the first rule a POST breaks, else None; never raises."""
    for rule in RULES:
        rejection = rule(request)
        if rejection is not None:
            return rejection
    return None


def is_utf8_json(content_type: str) -> bool:
    """Tell whether a Content-Type says JSON, in the one encoding JSON has."""
    return media_type(content_type) == JSON_MEDIA_TYPE and has_utf8_parameters(content_type)


def has_utf8_parameters(content_type: str) -> bool:
    """Tell whether a Content-Type has no parameter but `charset=utf-8`."""
    parameters = content_type.split(";")[1:]
    return all(_CHARSET.fullmatch(parameter) for parameter in parameters)


def _single_headers(request: HttpRequest) -> Rejection | None:
    for name in _SINGLE:
        if len(request.values(name)) > 1:
            return _refuse(400, f"header `{name}` appears more than once")
    return None


def _accept(request: HttpRequest) -> Rejection | None:
    """Both reply types must be welcome; no Accept header welcomes everything."""
    values = request.values("accept")
    if not values:
        return None
    welcome = dict(_media_ranges(",".join(values)))
    if _welcomes(welcome, JSON_MEDIA_TYPE) and _welcomes(welcome, SSE_MEDIA_TYPE):
        return None
    return _refuse(406, f"client must accept {JSON_MEDIA_TYPE} and {SSE_MEDIA_TYPE}")


def _media_ranges(accept: str) -> Iterator[tuple[str, bool]]:
    for part in accept.split(","):
        parameters = part.split(";")[1:]
        yield media_type(part), not any(map(_ZERO_QUALITY.fullmatch, parameters))


def _welcomes(welcome: dict[str, bool], wanted: str) -> bool:
    """The most specific range decides (RFC 9110 section 12.5.1)."""
    family = wanted.partition("/")[0] + "/*"
    for media_range in (wanted, family, "*/*"):
        if media_range in welcome:
            return welcome[media_range]
    return False


def _content_type(request: HttpRequest) -> Rejection | None:
    stated = request.single("content-type")
    if stated is None or not is_utf8_json(stated):
        return _refuse(415, f"content type must be {JSON_MEDIA_TYPE}")
    return None


def _content_encoding(request: HttpRequest) -> Rejection | None:
    """A compressed body is refused: what would be read is not what was sent."""
    if any(value.lower() != "identity" for value in request.values("content-encoding")):
        return _refuse(415, "content encoding must be identity")
    return None


RULES: Final[tuple[Rule, ...]] = (_single_headers, _accept, _content_type, _content_encoding)


def _refuse(status: int, message: str) -> Rejection:
    return Rejection(status=status, code=Code.INVALID_REQUEST, message=message)
