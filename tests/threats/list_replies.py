"""What an upstream may answer to tools/list: framings, bodies, entries.

Data, and what reads an answer back. A row says whether the list is `FILTERED`, or the whole
reply `DROPPED` with an error.
"""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from threats.gate import LEGACY, MODERN, Answer, Json
from threats.recorder import Headers, Scripted

SHOWN = {"name": "get_info", "description": "Says what it knows", "inputSchema": {"type": "object"}}
HIDDEN = {
    "name": "delete_broker",
    "description": "Wipes a broker / for good\n\u00e9",
    "inputSchema": {"type": "object", "properties": {"wipe_it_all": {"type": "boolean"}}},
}
SECRETS = ("delete_broker", "Wipes a broker", "wipe_it_all")
JSON_TYPE, SSE_TYPE = "application/json", "text/event-stream"
FILTERED, DROPPED = True, False

Reply = Callable[[Json], Scripted]


def listing(message: Json, **changes: Any) -> Json:
    """The answer to a tools/list."""
    is_modern = "_meta" in message["params"]
    hints = {"resultType": "complete", "ttlMs": 1000, "cacheScope": "public"} if is_modern else {}
    result = {**hints, "tools": [SHOWN, HIDDEN], **changes}
    return {"jsonrpc": "2.0", "id": message["id"], "result": result}


def text(message: Json) -> str:
    return json.dumps(listing(message), ensure_ascii=False)


def scripted(
    body: bytes | str, media: str | None, *, status: int = 200, more: Headers = ()
) -> Scripted:
    head: Headers = () if media is None else (("Content-Type", media),)
    data = body.encode() if isinstance(body, str) else body
    return Scripted(status=status, headers=(*head, *more), body=data)


def as_json(media: str | None) -> Reply:
    return lambda message: scripted(text(message), media)


def as_stream(write: Callable[[str], bytes | str]) -> Reply:
    return lambda message: scripted(write(text(message)), SSE_TYPE)


def split(data: str, end: str = "\n") -> str:
    """The JSON over several `data:` lines."""
    pretty = json.dumps(json.loads(data), indent=1)
    return "".join(f"data: {line}{end}" for line in pretty.splitlines()) + end


def mixed(data: str) -> str:
    lines = split(data).splitlines()
    ends = ("\n", "\r\n", "\r")
    return "".join(line + ends[n % 3] for n, line in enumerate(lines)) + "\r\n\r"


def event(data: str, **fields: str) -> str:
    return "".join(f"{name}: {value}\n" for name, value in fields.items()) + f"data: {data}\n\n"


def with_status(status: int) -> Reply:
    more: Headers = (("Location", "/elsewhere"),) if status in REDIRECTS else ()
    return lambda message: scripted(text(message), JSON_TYPE, status=status, more=more)


def packed(coding: str, pack: Callable[[bytes], bytes]) -> Reply:
    more = (("Content-Encoding", coding),)
    return lambda message: scripted(pack(text(message).encode()), JSON_TYPE, more=more)


STATUSES = (201, 202, 203, 206, 226, 299, 400, 401, 403, 404, 409, 429, 500, 502, 503)
REDIRECTS = (300, 301, 302, 303, 304, 307, 308)
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "GZIP": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": bytes,
    "identity, gzip": gzip.compress,
}
REPLIES: dict[str, tuple[Reply, bool]] = {
    "L01-plain": (as_json(JSON_TYPE), FILTERED),
    "L01-charset": (as_json("application/json; charset=utf-8"), FILTERED),
    "L01-case": (as_json("Application/JSON"), FILTERED),
    "L01-quoted charset": (as_json('APPLICATION/json;CHARSET="UTF-8"'), FILTERED),
    "L02-LF": (as_stream(lambda data: f"data: {data}\n\n"), FILTERED),
    "L02-CRLF": (as_stream(lambda data: f"data: {data}\r\n\r\n"), FILTERED),
    "L02-CR": (as_stream(lambda data: f"data: {data}\r\r"), FILTERED),
    "L02-mixed": (as_stream(mixed), FILTERED),
    "L02-BOM": (as_stream(lambda data: f"\ufeffdata: {data}\n\n"), FILTERED),
    "L02-two BOMs": (as_stream(lambda data: f"\ufeff\ufeffdata: {data}\n\n"), DROPPED),
    "L02-comments": (as_stream(lambda data: f": hi\n:\ndata: {data}\n: bye\n\n:\n\n"), FILTERED),
    "L02-comment holds it": (as_stream(lambda data: f": {data}\n\n{event(data)}"), FILTERED),
    "L02-id and retry": (as_stream(lambda data: event(data, id="7", retry="10")), FILTERED),
    "L02-id holds it": (as_stream(lambda data: event(data, id="delete_broker")), FILTERED),
    "L02-event message": (as_stream(lambda data: event(data, event="message")), FILTERED),
    "L02-event empty": (as_stream(lambda data: event(data, event="")), FILTERED),
    "L02-event other": (as_stream(lambda data: event(data, event="tools")), DROPPED),
    "L02-event other first": (
        as_stream(lambda data: event(data, event="tools") + event(data)),
        FILTERED,
    ),
    "L02-event case": (as_stream(lambda data: event(data, event="Message")), DROPPED),
    "L02-data lines": (as_stream(split), FILTERED),
    "L02-data lines CR": (as_stream(lambda data: split(data, "\r")), FILTERED),
    "L02-data without space": (as_stream(lambda data: f"data:{data}\n\n"), FILTERED),
    "L02-data with tab": (as_stream(lambda data: f"data:\t{data}\n\n"), FILTERED),
    "L02-data first empty": (as_stream(lambda data: f"data\ndata: {data}\n\n"), FILTERED),
    "L02-data cut in a word": (
        as_stream(lambda data: "data: " + data.replace("delete", "del\ndata: ete") + "\n\n"),
        DROPPED,
    ),
    "L02-DATA": (as_stream(lambda data: f"DATA: {data}\n\n"), DROPPED),
    "L02-data space": (as_stream(lambda data: f"data : {data}\n\n"), DROPPED),
    "L02-unknown field": (as_stream(lambda data: f"xdata: {data}\ndata: {data}\n\n"), FILTERED),
    "L02-line separator": (as_stream(lambda data: f"data: {data}\u2028\u2028"), DROPPED),
    "L02-next line": (as_stream(lambda data: f"data: {data}\x85\x85"), DROPPED),
    "L02-form feed": (as_stream(lambda data: f"data: {data}\x0c\x0c"), DROPPED),
    "L02-NUL": (as_stream(lambda data: f"data: {data}\0\n\n"), DROPPED),
    "L02-UTF-16": (as_stream(lambda data: f"data: {data}\n\n".encode("utf-16")), DROPPED),
    "L02-no UTF-8": (as_stream(lambda data: event(data).encode() + b"data: \xff\n\n"), DROPPED),
    "L02-escaped": (
        as_stream(lambda data: event(data.replace("delete", "\\u0064elete"))),
        FILTERED,
    ),
    "L03-twice": (as_stream(lambda data: event(data) * 2), DROPPED),
    "L03-twice, once for another": (
        as_stream(lambda data: event(data) + event(data.replace('"id": ', '"id": 9'))),
        DROPPED,
    ),
    "L03-another id": (
        lambda message: scripted(text({**message, "id": "other"}), JSON_TYPE),
        DROPPED,
    ),
    "L03-id of another type": (
        lambda message: scripted(text({**message, "id": str(message["id"])}), JSON_TYPE),
        DROPPED,
    ),
    "L03-id by another spelling": (
        as_stream(lambda data: event(data.replace('"id": 1,', '"id": 1e0,'))),
        DROPPED,
    ),
    "L03-batch": (lambda message: scripted(f"[{text(message)}]", JSON_TYPE), DROPPED),
    "L03-in a notification": (
        as_stream(
            lambda data: (
                event(json.dumps({"jsonrpc": "2.0", "method": "x", "params": json.loads(data)}))
                + event(data)
            )
        ),
        FILTERED,
    ),
    "L04-text": (as_json("text/plain"), DROPPED),
    "L04-none": (as_json(None), DROPPED),
    "L04-json-seq": (as_json("application/json-seq"), DROPPED),
    "L04-ndjson": (as_json("application/x-ndjson"), DROPPED),
    "L04-html": (as_json("text/html"), DROPPED),
    "L04-vendor": (as_json("application/vnd.mcp+json"), DROPPED),
    "L04-two": (as_json("application/json, text/event-stream"), DROPPED),
    "L04-other charset": (as_json("application/json; charset=utf-16"), DROPPED),
    "L04-JSON said to be a stream": (as_json(SSE_TYPE), DROPPED),
    "L04-stream said to be JSON": (
        lambda message: scripted(f"data: {text(message)}\n\n", JSON_TYPE),
        DROPPED,
    ),
    "L04-sent twice": (
        lambda message: scripted(text(message), JSON_TYPE, more=(("Content-Type", SSE_TYPE),)),
        DROPPED,
    ),
    **{f"L05-{status}": (with_status(status), DROPPED) for status in STATUSES},
    **{f"L05-{status} elsewhere": (with_status(status), DROPPED) for status in REDIRECTS},
    **{f"L06-{coding}": (packed(coding, pack), DROPPED) for coding, pack in CODINGS.items()},
    "L06-unsaid": (
        lambda message: scripted(gzip.compress(text(message).encode()), JSON_TYPE),
        DROPPED,
    ),
    "L06-stream": (
        lambda message: scripted(gzip.compress(event(text(message)).encode()), SSE_TYPE),
        DROPPED,
    ),
}


each_era = pytest.mark.parametrize("era", [MODERN, LEGACY])


def answered(answer: Answer) -> Json:
    """The response, out of JSON or out of the one event."""
    (media,) = answer.headers["content-type"]
    if media == JSON_TYPE:
        return dict(answer.json)
    assert media == SSE_TYPE
    data = [line[5:] for line in answer.body.decode().split("\n") if line.startswith("data:")]
    return dict(json.loads("\n".join(data)))


BODIES: dict[str, tuple[Callable[[str], bytes | str], bool]] = {
    "L07-tools twice": (lambda t: t.replace('"tools"', '"tools": [], "tools"'), DROPPED),
    "L07-result twice": (lambda t: t.replace('"result"', '"result": {}, "result"'), DROPPED),
    "L07-name twice": (lambda t: t.replace('"name"', '"name": "get_info", "name"'), DROPPED),
    "L07-Tools": (lambda t: t.replace('"tools"', '"tools": [], "Tools"'), DROPPED),
    "L07-only Tools": (lambda t: t.replace('"tools"', '"Tools"'), DROPPED),
    "L07-long s": (lambda t: t.replace('"tools"', '"tools": [], "tool\u017f"'), DROPPED),
    "L07-NUL": (lambda t: t.replace('"tools"', '"tools": [], "tools\\u0000"'), DROPPED),
    "L07-Result": (lambda t: t.replace('"result"', '"Result"'), DROPPED),
    "L07-NaN": (lambda t: t.replace('"tools"', '"x": NaN, "tools"'), DROPPED),
    "L07-Infinity": (lambda t: t.replace('"tools"', '"x": 1e999, "tools"'), DROPPED),
    "L07-BOM": (lambda t: b"\xef\xbb\xbf" + t.encode(), DROPPED),
    "L07-UTF-16": (lambda t: t.encode("utf-16"), DROPPED),
    "L07-UTF-32": (lambda t: t.encode("utf-32-le"), DROPPED),
    "L07-no UTF-8": (lambda t: t.encode().replace(b"Says", b"\xff"), DROPPED),
    "L07-overlong": (lambda t: t.encode().replace(b"Says", b"\xc0\xaf"), DROPPED),
    "L07-half a character": (lambda t: t.replace("Says", "\\ud800"), DROPPED),
    "L07-trailing comma": (lambda t: t[:-1] + ",}", DROPPED),
    "L07-comment": (lambda t: t + "// end", DROPPED),
    "L07-two values": (lambda t: t + t, DROPPED),
    "L07-cut off": (lambda t: t[:-2], DROPPED),
    "L07-deep": (lambda t: t.replace('"tools"', f'"x": {"[" * 99}{"]" * 99}, "tools"'), DROPPED),
    "L07-escaped": (lambda t: t.replace("delete", "\\u0064elet\\u0065"), FILTERED),
}
ENTRIES: dict[str, tuple[object, bool]] = {
    "L08-object": ({"0": HIDDEN}, DROPPED),
    "L08-text": (json.dumps([HIDDEN]), DROPPED),
    "L08-null": (None, DROPPED),
    "L08-nested": ([SHOWN, [HIDDEN]], FILTERED),
    "L08-a text": ([SHOWN, json.dumps(HIDDEN)], FILTERED),
    "L08-a name only": ([SHOWN, "delete_broker"], FILTERED),
    "L08-no name": ([SHOWN, {**HIDDEN, "name": None}], FILTERED),
    "L08-name missing": ([SHOWN, {k: v for k, v in HIDDEN.items() if k != "name"}], FILTERED),
    "L08-name a list": ([SHOWN, {**HIDDEN, "name": ["delete_broker"]}], FILTERED),
    "L08-name a number": ([SHOWN, {**HIDDEN, "name": 1}], FILTERED),
    "L08-Name": ([SHOWN, {**HIDDEN, "name": "other", "Name": "delete_broker"}], FILTERED),
    "L08-name with space": ([SHOWN, {**HIDDEN, "name": "delete_broker "}], FILTERED),
    "L08-name invisible": ([SHOWN, {**HIDDEN, "name": "delete_\u200bbroker"}], FILTERED),
    "L08-name in other letters": ([SHOWN, {**HIDDEN, "name": "d\u0435lete_broker"}], FILTERED),
    "L08-name empty": ([SHOWN, {**HIDDEN, "name": ""}], FILTERED),
    "L08-twice": ([SHOWN, HIDDEN, HIDDEN], FILTERED),
}
