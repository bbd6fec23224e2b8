"""Event streams as the standard reads them, and streams that not every reader reads alike (L02)."""

import pytest

from portcullis.errors import StrictJsonError
from portcullis.protocol.sse import Event, parse, write

ONE = (Event(data=b"{}"),)

READ: dict[str, tuple[bytes, tuple[Event, ...], bool]] = {
    "LF": (b"data: {}\n\n", ONE, True),
    "CRLF": (b"data: {}\r\n\r\n", ONE, True),
    "CR": (b"data: {}\r\r", ONE, True),
    "mixed": (b"data: {}\r\n\ndata: {}\r\r\n", (*ONE, *ONE), True),
    "BOM": (b"\xef\xbb\xbfdata: {}\n\n", ONE, True),
    "comments": (b": hello\n\n:\ndata: {}\n: x\n\n", ONE, True),
    "no space": (b"data:{}\n\n", ONE, True),
    "one space only is dropped": (b"data:  {}\n\n", (Event(data=b" {}"),), True),
    "several data lines": (b"data: {\ndata: }\n\n", (Event(data=b"{\n}"),), True),
    "data without a colon": (b"data\ndata: {}\n\n", (Event(data=b"\n{}"),), True),
    "no data": (b"event: x\nid: 1\n\n", (), True),
    "empty data primes": (b"id: 1\ndata: \n\n", (), True),
    "all fields": (
        b"event: ping\nid: 7\nretry: 100\ndata: {}\n\n",
        (Event(data=b"{}", type="ping", id="7", retry="100"),),
        True,
    ),
    "empty type": (b"event:\ndata: {}\n\n", ONE, True),
    "id with NUL": (b"id: a\0b\ndata: {}\n\n", ONE, True),
    "retry of words": (b"retry: soon\ndata: {}\n\n", ONE, True),
    "unknown field": (b"foo: bar\ndata: {}\n\n", ONE, True),
    "field names have a case": (b"Data: {}\n\n", (), True),
    "unfinished": (b"data: {}\n", ONE, False),
    "unfinished line": (b"data: {}", ONE, False),
    "unfinished comment": (b"data: {}\n\n: x", ONE, False),
    "empty": (b"", (), True),
    "line separator": (
        'data: {"a":"\u2028"}\n\n'.encode(),
        (Event(data='{"a":"\u2028"}'.encode()),),
        False,
    ),
    "vertical tab": (b"data: {}\x0b\n\n", (Event(data=b"{}\x0b"),), False),
}


@pytest.mark.parametrize(
    "body, events, is_plain", [pytest.param(*row, id=f"L02-{name}") for name, row in READ.items()]
)
def test_a_stream_is_read_as_the_standard_says(
    body: bytes, events: tuple[Event, ...], is_plain: bool
) -> None:
    stream = parse(body)
    assert stream.events == tuple(stream) == events
    assert stream.is_plain is is_plain


def test_a_stream_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(StrictJsonError):
        parse(b"data: \xff\n\n")


def test_events_are_written_with_all_they_hold() -> None:
    events = (Event(data=b"{\n}", type="x", id="1", retry="5"), *ONE)
    text = b"event: x\nid: 1\nretry: 5\ndata: {\ndata: }\n\nevent: message\ndata: {}\n\n"
    assert write(events) == text
    assert parse(text).events == events


def test_what_lenient_readers_take_for_line_ends_is_written_escaped() -> None:
    text = write([Event(data='"\u2028\u2029\x85"'.encode())])
    assert text == b'event: message\ndata: "\\u2028\\u2029\\u0085"\n\n'
    assert parse(text).is_plain
