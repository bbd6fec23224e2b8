"""Upstream replies: the one answer passes, everything else is dropped (2.L; A3, A5, K19)."""

import json
from typing import Any

import pytest

from portcullis.protocol.http import HttpReply
from portcullis.protocol.messages import Request
from portcullis.protocol.reply import Dropped
from portcullis.protocol.reply_messages import DropReason
from support.http_requests import modern_meta
from support.upstream_replies import (
    FORGED,
    JSON,
    RESULT,
    SSE,
    answer,
    dropped,
    legacy,
    modern,
    read,
    relayed,
    stream,
)

LOG_KEY = "io.modelcontextprotocol/logLevel"


# ---------------------------------------------------------------- what passes


@pytest.mark.parametrize("content_type", [JSON, "Application/JSON", f"{JSON}; charset=utf-8"])
@pytest.mark.parametrize("request_", [modern(), legacy()], ids=["modern", "legacy"])
def test_L01_a_json_answer_passes_byte_for_byte(content_type: str, request_: Request) -> None:
    body = b' {"jsonrpc": "2.0","id":1, "result":{"a": 1.50, "b":null}}\n'
    reply = relayed(body, content_type=content_type, request=request_)
    assert reply == HttpReply(
        status=200,
        headers=(("cache-control", "no-store"), ("content-type", JSON)),
        body=body,
    )


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["L02-LF", "L02-CRLF", "L02-CR"])
def test_an_event_stream_passes_byte_for_byte(end: bytes) -> None:
    request = modern(meta=modern_meta(progressToken="t", **{LOG_KEY: "info"}))
    progress = {
        "jsonrpc": "2.0",
        "method": "notifications/progress",
        "params": {"progressToken": "t", "progress": 1},
    }
    log = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info"}}
    lines: list[bytes] = [b": ping", b"", b"id: 0", b"data: ", b""]
    for message in (progress, log, answer()):
        lines += [b"event: message", b"id: 1", b"data: " + json.dumps(message).encode(), b""]
    body = b"".join(line + end for line in lines)
    reply = relayed(body, content_type=SSE, request=request)
    assert reply == HttpReply(
        status=200,
        headers=(
            ("cache-control", "no-store"),
            ("content-type", SSE),
            ("x-accel-buffering", "no"),
        ),
        body=body,
    )


def test_no_header_of_the_upstream_passes() -> None:
    headers = (("set-cookie", "a=b"), ("mcp-session-id", "theirs"), ("www-authenticate", "x"))
    assert [name for name, _ in relayed(answer(), headers=headers).headers] == [
        "cache-control",
        "content-type",
    ]


@pytest.mark.parametrize(
    "code, modern_status",
    [(-32601, 404), (-32602, 400), (-32603, 200), (-32021, 400), (40301, 200), (-32042, 200)],
)
def test_an_error_passes_with_the_status_of_its_code(code: int, modern_status: int) -> None:
    body = answer(error={"code": code, "message": "m", "data": {"x": 1}})
    assert relayed(body).status == modern_status
    assert relayed(body, request=legacy()).status == 200
    assert relayed(stream(body), content_type=SSE).status == 200
    assert json.loads(relayed(body).body) == body


# ---------------------------------------------------------------- heads

HEADS: dict[str, tuple[dict[str, Any], DropReason]] = {
    "L05-301": ({"status": 301}, DropReason.REDIRECT),
    "M07-308": ({"status": 308}, DropReason.REDIRECT),
    "L05-201": ({"status": 201}, DropReason.STATUS),
    "L05-202": ({"status": 202}, DropReason.STATUS),
    "L05-206": ({"status": 206}, DropReason.STATUS),
    "L05-299": ({"status": 299}, DropReason.STATUS),
    "L05-429": ({"status": 429}, DropReason.STATUS),
    "L05-500": ({"status": 500}, DropReason.STATUS),
    "L05-100": ({"status": 100}, DropReason.STATUS),
    "A1.5-401": ({"status": 401}, DropReason.CREDENTIAL_REFUSED),
    "A1.5-403": ({"status": 403}, DropReason.CREDENTIAL_REFUSED),
    "L06-gzip": ({"headers": (("Content-Encoding", "gzip"),)}, DropReason.ENCODING),
    "L06-br": ({"headers": (("content-encoding", "br"),)}, DropReason.ENCODING),
    "L04-text": ({"content_type": "text/plain"}, DropReason.MEDIA_TYPE),
    "L04-none": ({"content_type": None}, DropReason.MEDIA_TYPE),
    "L04-json-seq": ({"content_type": "application/json-seq"}, DropReason.MEDIA_TYPE),
    "L04-HTML": ({"content_type": "text/html"}, DropReason.MEDIA_TYPE),
    "L04-UTF-16": ({"content_type": f"{JSON}; charset=utf-16"}, DropReason.MEDIA_TYPE),
    "L04-two types": ({"headers": (("content-type", SSE),)}, DropReason.MEDIA_TYPE),
    "L12-too long": ({"max_bytes": 10}, DropReason.NOT_STRICT_JSON),
    "L12-too long a stream": (
        {"max_bytes": 10, "content_type": SSE},
        DropReason.NOT_STRICT_JSON,
    ),
}


@pytest.mark.parametrize(
    "options, reason", [pytest.param(*row, id=name) for name, row in HEADS.items()]
)
def test_a_reply_that_is_not_an_answer_by_its_head_is_dropped(
    options: dict[str, Any], reason: DropReason
) -> None:
    assert read(answer(), **options) == Dropped(reason=reason, status=options.get("status", 200))


def test_identity_is_no_compression() -> None:
    relayed(answer(), headers=(("Content-Encoding", "identity"),))


# ---------------------------------------------------------------- bodies

MALFORMED: dict[str, tuple[Any, DropReason]] = {
    "L07-duplicate keys": (
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":[],"tools":[]}}',
        DropReason.NOT_STRICT_JSON,
    ),
    "L07-NaN": (b'{"jsonrpc":"2.0","id":1,"result":{"a":NaN}}', DropReason.NOT_STRICT_JSON),
    "L07-BOM": (b"\xef\xbb\xbf" + json.dumps(answer()).encode(), DropReason.NOT_STRICT_JSON),
    "L07-invalid UTF-8": (
        b'{"jsonrpc":"2.0","id":1,"result":{"a":"\xff"}}',
        DropReason.NOT_STRICT_JSON,
    ),
    "L07-case variant": (answer(Result={}, result={}), DropReason.MALFORMED),
    "L09-foreign id": (answer(2), DropReason.FOREIGN_ID),
    "L09-id of another type": (answer("1"), DropReason.FOREIGN_ID),
    "L09-id true": (answer(True), DropReason.FOREIGN_ID),
    "L09-id 1.0": (answer(1.0), DropReason.FOREIGN_ID),
    "L09-id null": (answer(None), DropReason.FOREIGN_ID),
    "L09-both": (answer(result={}, error={"code": 1, "message": "m"}), DropReason.MALFORMED),
    "L09-neither": ({"jsonrpc": "2.0", "id": 1}, DropReason.MALFORMED),
    "L09-method and result": (answer(method="x", result={}), DropReason.MALFORMED),
    "L09-request of the server": (answer(method="ping"), DropReason.NO_RESPONSE),
    "L09-notification": ({"jsonrpc": "2.0", "method": "notifications/x"}, DropReason.NO_RESPONSE),
    "L09-method of another type": (answer(method=1), DropReason.MALFORMED),
    "L09-params list": ({"jsonrpc": "2.0", "method": "x", "params": []}, DropReason.MALFORMED),
    "L09-batch": ([answer()], DropReason.MALFORMED),
    "L09-wrong jsonrpc": ({**answer(), "jsonrpc": "1.0"}, DropReason.MALFORMED),
    "L09-result a list": (answer(result=[]), DropReason.MALFORMED),
    "L09-error a string": (answer(error="x"), DropReason.MALFORMED),
    "L09-error code true": (answer(error={"code": True, "message": ""}), DropReason.MALFORMED),
    "L09-error without message": (answer(error={"code": 1}), DropReason.MALFORMED),
    "L03-list of another method": (
        answer(result={**RESULT, "tools": [{"name": "hidden"}]}),
        DropReason.UNUSABLE_RESULT,
    ),
    "A6-task": (answer(result={"resultType": "task", "taskId": "t"}), DropReason.TASK),
}


@pytest.mark.parametrize("content_type", [JSON, SSE])
@pytest.mark.parametrize(
    "body, reason", [pytest.param(*row, id=name) for name, row in MALFORMED.items()]
)
def test_a_body_that_is_not_the_one_answer_is_dropped(
    body: Any, reason: DropReason, content_type: str
) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    if content_type == SSE:
        raw = b"data: " + raw + b"\n\n"
    assert dropped(raw, content_type=content_type) is reason


def test_L03_a_member_that_only_shares_a_lists_name_passes() -> None:
    body = answer(result={**RESULT, "tools": "none", "resources": {}})
    assert json.loads(relayed(body).body) == body


def test_L03_a_repeated_answer_is_dropped() -> None:
    assert dropped(stream(answer(), answer()), content_type=SSE) is DropReason.REPEATED


def test_L03_an_answer_to_another_call_drops_the_whole_stream() -> None:
    assert dropped(stream(answer(9), answer()), content_type=SSE) is DropReason.FOREIGN_ID


def test_an_empty_stream_is_no_answer() -> None:
    assert dropped(b"", content_type=SSE) is DropReason.NO_RESPONSE


def test_a_task_result_is_no_word_of_the_legacy_protocol() -> None:
    relayed(answer(result={"resultType": "task"}), request=legacy())


# ---------------------------------------------------------------- 4xx


@pytest.mark.parametrize("request_id", [1, None, "server-error"])
def test_L05_an_error_in_a_4xx_goes_on_under_our_id(request_id: Any) -> None:
    error = {"code": -32600, "message": "Bad Request", "data": {"_meta": FORGED}}
    reply = relayed(answer(request_id, error=error), status=400)
    assert reply.status == 400
    told = {**error, "data": {"_meta": {"kept": 1}}}
    assert json.loads(reply.body) == answer(error=told)


def test_A4_7_a_legacy_client_gets_the_error_of_a_4xx_in_200() -> None:
    body = answer(error={"code": -32600, "message": "m"})
    assert relayed(body, status=400, request=legacy()).status == 200


def test_an_error_code_the_table_does_not_know_keeps_the_status_of_its_4xx() -> None:
    body = answer(error={"code": -32000, "message": "m"})
    assert relayed(body, status=400).status == 400


@pytest.mark.parametrize("status", [400, 404, 405, 406, 415])
@pytest.mark.parametrize(
    "body, content_type",
    [
        (b"", None),
        (b"<html>", "text/html"),
        (b"not json", JSON),
        (b"[]", JSON),
        (answer(result={"tools": []}), JSON),
        ({"error": "legacy"}, JSON),
        (answer(method="x", error={"code": 1, "message": ""}), JSON),
    ],
)
def test_A5_a_refusal_of_an_older_server_reaches_a_modern_probe_empty(
    status: int, body: Any, content_type: str | None
) -> None:
    reply = relayed(body, status=status, content_type=content_type)
    assert reply == HttpReply(status=status, headers=(("cache-control", "no-store"),))
    reason = dropped(body, status=status, content_type=content_type, request=legacy())
    assert reason is (DropReason.SESSION_LOST if status == 404 else DropReason.STATUS)


def test_an_empty_refusal_has_no_result_to_rewrite() -> None:
    reply = relayed(b"", status=404, content_type=None, rewrite=lambda _: None)
    assert (reply.status, reply.body) == (404, b"")


def test_M03_a_lost_upstream_session_has_its_own_reason() -> None:
    body = answer(error={"code": -32600, "message": "Session not found"})
    assert dropped(body, status=404, request=legacy()) is DropReason.SESSION_LOST


# ---------------------------------------------------------------- what the front door carries


@pytest.mark.parametrize("content_type", [JSON, SSE])
@pytest.mark.parametrize("quotes, is_delivered", [(1_500_000, True), (1_600_000, False)])
def test_E16_a_reply_that_the_front_door_cannot_carry_is_dropped(
    content_type: str, quotes: int, is_delivered: bool
) -> None:
    """A quote in JSON text takes two bytes, and four in the answer that carries the text."""
    body = answer(result={"text": '"' * quotes})
    read_ = read(stream(body) if content_type == SSE else body, content_type=content_type)
    assert isinstance(read_, HttpReply) is is_delivered
    if isinstance(read_, HttpReply):
        assert len(json.dumps(read_.body.decode(), ensure_ascii=False)) < 6_291_556
    else:
        assert read_.reason is DropReason.TOO_LARGE
