"""Replies that cannot pass as they are: what is left out, stripped and written again (2.L)."""

import json
from typing import Any

import pytest

from portcullis.protocol.reply_messages import DropReason
from portcullis.strictjson import dump
from portcullis.values import JsonObject
from support.upstream_replies import (
    FORGED,
    RESULT,
    SSE,
    answer,
    dropped,
    legacy,
    messages,
    relayed,
    stream,
)

# ---------------------------------------------------------------- streams that are rewritten

SAMPLING = {"jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": {}}
CHANGED = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
LOG = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}}


def progress(token: Any) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "method": "notifications/progress",
        "params": {"progressToken": token, "progress": 1},
    }


def test_L10_requests_of_the_server_are_left_out() -> None:
    reply = relayed(stream(SAMPLING, LOG, answer()), content_type=SSE, request=legacy())
    assert messages(reply) == [LOG, answer()]


@pytest.mark.parametrize("token", [1, "other", None, True])
def test_progress_of_another_call_is_left_out(token: Any) -> None:
    request = legacy(params={"name": "x", "_meta": {"progressToken": "mine"}})
    body = stream(progress(token), progress("mine"), CHANGED, answer())
    reply = relayed(body, content_type=SSE, request=request)
    assert messages(reply) == [progress("mine"), answer()]


def test_progress_nobody_asked_for_is_left_out() -> None:
    reply = relayed(stream(progress("x"), answer()), content_type=SSE, request=legacy())
    assert messages(reply) == [answer()]


def test_A3_11_log_messages_need_a_log_level_in_the_modern_era() -> None:
    assert messages(relayed(stream(LOG, answer()), content_type=SSE)) == [answer()]


def test_L02_events_of_another_type_are_left_out_unread() -> None:
    body = b"event: endpoint\ndata: http://evil\n\n" + stream(answer())
    assert messages(relayed(body, content_type=SSE)) == [answer()]


def test_L13_an_unfinished_stream_is_finished_before_it_passes() -> None:
    body = stream(answer()).rstrip(b"\n")
    finished = b"event: message\ndata: " + dump(answer()) + b"\n\n"
    assert relayed(body, content_type=SSE).body == finished


def test_L02_line_ends_of_lenient_readers_are_escaped() -> None:
    text = json.dumps(answer(result={"a": "\u2028data: {}"}), ensure_ascii=False)
    reply = relayed(b"data: " + text.encode() + b"\n\n", content_type=SSE)
    assert "\u2028".encode() not in reply.body
    assert messages(reply) == [answer(result={"a": "\u2028data: {}"})]


# ---------------------------------------------------------------- the gateway's own keys


@pytest.mark.parametrize(
    "key",
    [
        "portcullis/decision",
        "Portcullis/x",
        "portcullis\u200b/x",
        "\uff50ortcullis/x",
        "port\ncullis/x",
        "port\x7fcullis/x",
    ],
)
@pytest.mark.parametrize("is_ascii", [True, False])
def test_L11_reserved_keys_of_an_upstream_are_stripped_everywhere(key: str, is_ascii: bool) -> None:
    forged = {key: 1, "kept": 1}
    result = {
        "_meta": forged,
        "content": [{"type": "text", "text": "t", "_meta": forged}, {"type": "text"}],
        "portcullis/other": "not in _meta",
        "inner": {"_meta": [forged]},
    }
    cleaned = {
        "_meta": {"kept": 1},
        "content": [{"type": "text", "text": "t", "_meta": {"kept": 1}}, {"type": "text"}],
        "portcullis/other": "not in _meta",
        "inner": {"_meta": [forged]},
    }
    body = json.dumps(answer(result=result), ensure_ascii=is_ascii).encode()
    assert json.loads(relayed(body).body) == answer(result=cleaned)


def test_L11_reserved_keys_are_stripped_from_notifications_and_errors() -> None:
    log = {**LOG, "params": {"_meta": FORGED}}
    error = answer(error={"code": 1, "message": "m", "data": {"_meta": FORGED}})
    reply = relayed(stream(log, error, LOG), content_type=SSE, request=legacy())
    assert messages(reply) == [
        {**LOG, "params": {"_meta": {"kept": 1}}},
        answer(error={"code": 1, "message": "m", "data": {"_meta": {"kept": 1}}}),
        LOG,
    ]


def test_a_text_that_only_speaks_of_the_gateway_passes_byte_for_byte() -> None:
    body = json.dumps(answer(result={"_meta": {"a": 1}, "text": "portcullis/ \u00e9"})).encode()
    assert relayed(body).body == body
    assert relayed(stream(json.loads(body)), content_type=SSE).body == stream(json.loads(body))


# ---------------------------------------------------------------- rewriting


def test_a_rewritten_result_keeps_what_stands_around_it() -> None:
    def rewrite(result: JsonObject) -> JsonObject:
        return {**result, "added": True}

    body = stream(LOG, answer(), LOG)
    reply = relayed(body, content_type=SSE, request=legacy(), rewrite=rewrite)
    assert messages(reply) == [LOG, answer(result={**RESULT, "added": True}), LOG]
    plain = relayed({**answer(), "extra": 1}, rewrite=rewrite)
    assert json.loads(plain.body) == {**answer(result={**RESULT, "added": True}), "extra": 1}


def test_L02_an_event_id_does_not_outlive_the_result_it_came_with() -> None:
    body = stream(LOG, answer()).replace(b"event: message", b"event: message\nid: hidden_tool")
    reply = relayed(body, content_type=SSE, request=legacy(), rewrite=lambda _: {"tools": []})
    assert messages(reply) == [LOG, answer(result={"tools": []})]
    assert b"hidden_tool" not in reply.body


def test_a_rewrite_that_changes_nothing_leaves_the_bytes() -> None:
    body = b'{ "jsonrpc":"2.0", "id":1, "result":{} }'
    assert relayed(body, rewrite=lambda result: result).body == body


def test_a_result_that_cannot_be_rewritten_is_dropped() -> None:
    assert dropped(answer(), rewrite=lambda _: None) is DropReason.UNUSABLE_RESULT


def test_an_error_is_not_rewritten() -> None:
    body = answer(error={"code": -32603, "message": "m"})
    assert json.loads(relayed(body, rewrite=lambda _: None).body) == body
