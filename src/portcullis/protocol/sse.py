"""Event streams: bytes to events and back (WHATWG HTML, Server-sent events).

Nothing here knows what the events carry. `is_plain` says whether a stream reads the same
in a lenient client, which splits lines at more characters than the standard or takes an
unfinished last event; only such a stream may be passed on as bytes.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_LINE_END: Final = re.compile(r"\r\n|\n|\r")
# Line ends for `str.splitlines` and some clients, though not for the standard.
_FOREIGN_LINE_ENDS: Final = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_HAS_FOREIGN_LINE_END: Final = re.compile(f"[{_FOREIGN_LINE_ENDS}]")
_ESCAPES: Final = {ord(c): f"\\u{ord(c):04x}" for c in _FOREIGN_LINE_ENDS}
_BOM: Final = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One dispatched event; `retry` as its digits stood, None where it had none."""

    data: str
    type: str = "message"
    id: str | None = None
    retry: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The events of a whole body; `is_plain`: every reader sees these and no others."""

    events: tuple[Event, ...]
    is_plain: bool


def parse(body: bytes) -> Stream:
    """Read a whole event stream.

    An unfinished last event is read too, since some clients do; events without data are
    left out, as the standard says.

    Raises:
        UnicodeDecodeError: the body is not UTF-8.
    """
    text = body.decode("utf-8")
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
    return Stream(
        events=tuple(events), is_plain=is_finished and not _HAS_FOREIGN_LINE_END.search(text)
    )


def write(events: Iterable[Event]) -> bytes:
    """Write events so that every reader sees the same ones; data must be JSON text.

    Characters that only lenient readers take for line ends are written as JSON escapes.
    """
    return "".join(map(_text, events)).encode("utf-8")


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
            data=text,
            type=fields.get("event") or "message",
            id=fields.get("id"),
            retry=fields.get("retry"),
        )
    ]


def _is_field(name: str, value: str) -> bool:
    if name == "retry":
        return value.isascii() and value.isdigit()
    return name == "event" or (name == "id" and "\0" not in value)


def _text(event: Event) -> str:
    fields = [f"event: {event.type}"]
    if event.id is not None:
        fields.append(f"id: {event.id}")
    if event.retry is not None:
        fields.append(f"retry: {event.retry}")
    fields.extend(f"data: {line}" for line in event.data.translate(_ESCAPES).split("\n"))
    return "\n".join(fields) + "\n\n"
