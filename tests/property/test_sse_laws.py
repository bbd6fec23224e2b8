"""Laws of event streams: read as the standard's own algorithm reads, alike for lenient readers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.errors import StrictJsonError
from portcullis.protocol.http import HttpReply
from portcullis.protocol.reply import Dropped, read_reply
from portcullis.protocol.sse import Event, parse, write
from support.http_requests import admitted, legacy_request, modern_request

pytestmark = pytest.mark.property

TERMINATORS = st.sampled_from(["\n", "\r\n", "\r"])
LINES = st.one_of(
    st.sampled_from(
        [
            "",
            "",
            "data: {}",
            "data:{}",
            "data",
            "data: ",
            ": c",
            "event: ping",
            "event: message",
            "id: 1",
            "id",
            "retry: 5",
            "retry: x",
            "event",
            "foo: bar",
            "Data: x",
            " data: x",
            "data: a:b",
            "\ufeffdata: x",
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=8),
)


@st.composite
def streams(draw: st.DrawFn) -> str:
    lines = draw(st.lists(LINES, max_size=12))
    ended = "".join(line + draw(TERMINATORS) for line in lines)
    return draw(st.sampled_from(["", "\ufeff"])) + ended + draw(LINES)


def reference_lines(text: str) -> Iterator[str]:
    """The finished lines, found one character at a time."""
    line, position = "", 0
    while position < len(text):
        character = text[position]
        position += 1
        if character not in "\r\n":
            line += character
            continue
        if character == "\r" and text[position : position + 1] == "\n":
            position += 1
        yield line
        line = ""


def reference(text: str) -> list[tuple[str, str]]:
    """The standard's algorithm: (type, data) of each event it dispatches."""
    events: list[tuple[str, str]] = []
    data, kind = "", ""
    for line in reference_lines(text[1:] if text.startswith("\ufeff") else text):
        if not line:
            if data not in ("", "\n"):
                events.append((kind or "message", data[:-1]))
            data, kind = "", ""
            continue
        at = line.index(":") if ":" in line else len(line)
        field, value = line[:at], line[at + 1 :]
        value = value[1:] if value.startswith(" ") else value
        if field == "data":
            data += value + "\n"
        elif field == "event":
            kind = value
    return events


@given(streams())
def test_L02_a_stream_is_read_as_the_standard_reads_it(text: str) -> None:
    stream = parse(text.encode())
    read = [(event.type, event.data.decode()) for event in stream]
    standard = reference(text)
    assert read[: len(standard)] == standard
    # One more event at most: the unfinished one, and then the stream is not plain.
    assert len(read) == len(standard) or (len(read) == len(standard) + 1 and not stream.is_plain)


@given(streams())
def test_a_plain_stream_reads_the_same_when_lines_are_split_leniently(text: str) -> None:
    stream = parse(text.encode())
    if not stream.is_plain:
        return
    lenient = "".join(line + "\n" for line in text.removeprefix("\ufeff").splitlines())
    assert parse(lenient.encode()).events == stream.events


JSON_TEXTS = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(st.characters(codec="utf-8"))),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(max_size=3), inner)),
    max_leaves=5,
).map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "ignore"))
EVENTS = st.lists(
    st.builds(
        Event,
        data=JSON_TEXTS,
        id=st.sampled_from([None, "", "7", "a b"]),
        retry=st.sampled_from([None, "0", "100"]),
    ),
    max_size=4,
)


@given(EVENTS)
def test_what_is_written_is_plain_and_carries_the_same_values(events: list[Event]) -> None:
    stream = parse(write(events))
    assert stream.is_plain
    assert [(e.type, e.id, e.retry, json.loads(e.data)) for e in stream] == [
        (e.type, e.id, e.retry, json.loads(e.data)) for e in events
    ]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_stream_or_refused(body: bytes) -> None:
    try:
        parse(body)
    except StrictJsonError:
        with pytest.raises(UnicodeDecodeError):
            body.decode()


SECRET = "delete_broker"
PARTS: st.SearchStrategy[Any] = st.sampled_from(
    [
        {"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "ok"}]}},
        {"jsonrpc": "2.0", "id": 2, "result": {"tools": [{"name": SECRET}]}},
        {"jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": {"x": SECRET}},
        {"jsonrpc": "2.0", "method": "notifications/tools/list_changed", "params": {"x": SECRET}},
        {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"x": SECRET}},
        {"jsonrpc": "2.0", "id": 1, "result": {}, "error": {"code": 1, "message": SECRET}},
        [SECRET],
        SECRET,
    ]
)


@given(
    st.lists(st.tuples(PARTS, st.sampled_from(["message", "other", ""]), TERMINATORS), max_size=4),
    st.sampled_from(["modern", "legacy"]),
)
def test_nothing_but_the_answer_to_the_request_passes_a_stream(
    parts: list[tuple[Any, str, str]], era: str
) -> None:
    make = modern_request if era == "modern" else legacy_request
    body = "".join(
        f"event: {kind}{end}data: {json.dumps(part)}{end}{end}" for part, kind, end in parts
    )
    reply = read_reply(
        200,
        (("content-type", "text/event-stream"),),
        body.encode(),
        request=admitted(make("tools/list", {})),
    )
    assert isinstance(reply, HttpReply | Dropped)
    if isinstance(reply, HttpReply):
        assert SECRET.encode() not in reply.body


@given(
    st.integers(0, 999),
    st.lists(
        st.tuples(
            st.sampled_from(["content-type", "content-encoding", "mcp-session-id"]),
            st.sampled_from(["application/json", "text/event-stream", "gzip", "", ";", "x"]),
        ),
        max_size=3,
    ),
    st.binary(max_size=100),
)
def test_any_reply_is_relayed_or_dropped_without_an_exception(
    status: int, headers: list[tuple[str, str]], body: bytes
) -> None:
    reply = read_reply(status, headers, body, request=admitted(modern_request()))
    assert isinstance(reply, HttpReply | Dropped)
