"""Event streams: bytes to events and back (WHATWG HTML, Server-sent events).

Nothing here knows what the events carry. `is_plain` says whether a stream reads the same
in a lenient client, which splits lines at more characters than the standard or takes an
unfinished last event; only such a stream may be passed on as bytes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from portcullis.errors import StrictJsonError

_LINE_END: Final = re.compile(r"\r\n|\n|\r")
# Line ends for `str.splitlines` and some clients, though not for the standard. Those below
# U+0020 cannot stand in JSON text; the others can, inside strings.
_FOREIGN_LINE_END: Final = re.compile("[\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]")
_ESCAPES: Final = tuple(
    (c.encode("utf-8"), f"\\u{ord(c):04x}".encode("ascii")) for c in "\x85\u2028\u2029"
)
_BOM: Final = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One dispatched event; `retry` as its digits stood, None where it had none."""

    data: bytes
    type: str = "message"
    id: str | None = None
    retry: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The events of a whole body; `is_plain`: every reader sees these and no others."""

    events: tuple[Event, ...]
    is_plain: bool

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)


def parse(body: bytes) -> Stream:
    """Read a whole event stream.

    An unfinished last event is read too, since some clients do; events without data are
    left out, as the standard says.

    Raises:
        StrictJsonError: the body is not UTF-8.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as cause:
        raise StrictJsonError("event stream is not UTF-8") from cause
    lines = _LINE_END.split(text.removeprefix(_BOM))
    tail = lines.pop()
    events: list[Event] = []
    block: list[str] = []
    for line in lines:
        if line:
            block.append(line)
        else:
            events.extend(_dispatch(block))
            block = []
    is_finished = not block and not tail
    if not is_finished:
        events.extend(_dispatch([*block, tail]))
    is_plain = is_finished and not _FOREIGN_LINE_END.search(text)
    return Stream(events=tuple(events), is_plain=is_plain)


def write(events: Iterable[Event]) -> bytes:
    """Write events so that every reader sees the same ones; data must be JSON text.

    Characters that only lenient readers take for line ends are written as JSON escapes.
    """
    return b"".join(map(_bytes, events))


def _dispatch(lines: list[str]) -> list[Event]:
    """Read the lines of one event; empty when there is nothing to dispatch."""
    fields: dict[str, str] = {}
    data: list[str] = []
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif _is_field(name, value):
            fields[name] = value
    text = "\n".join(data)
    if not text:
        return []
    return [
        Event(
            data=text.encode("utf-8"),
            type=fields.get("event") or "message",
            id=fields.get("id"),
            retry=fields.get("retry"),
        )
    ]


def _is_field(name: str, value: str) -> bool:
    if name == "retry":
        return value.isascii() and value.isdigit()
    return name == "event" or (name == "id" and "\0" not in value)


def _bytes(event: Event) -> bytes:
    fields = [f"event: {event.type}"]
    if event.id is not None:
        fields.append(f"id: {event.id}")
    if event.retry is not None:
        fields.append(f"retry: {event.retry}")
    data = event.data
    for raw, escape in _ESCAPES:
        data = data.replace(raw, escape)
    lines = [field.encode("utf-8") for field in fields]
    lines.extend(b"data: " + line for line in data.split(b"\n"))
    return b"\n".join(lines) + b"\n\n"
