"""The answer of a server to a call that nobody waits for, read as strictly as any other."""

import json
from typing import Any

import pytest

from portcullis.protocol.messages import Request
from portcullis.protocol.reply import Dropped, read_message
from portcullis.protocol.reply_messages import DropReason
from portcullis.values import JsonObject
from support.upstream_replies import FORGED, JSON, RESULT, SSE, answer, legacy, modern, stream

LOG = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info"}}


def read(
    body: Any, *, content_type: str = JSON, status: int = 200, request: Request | None = None
) -> JsonObject | Dropped:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = (("content-type", content_type),)
    return read_message(status, headers, raw, request=request or modern())


@pytest.mark.parametrize("request_", [modern(), legacy()], ids=["modern", "legacy"])
def test_a_result_is_read_alike_from_json_and_from_a_stream(request_: Request) -> None:
    body = {**answer(), "extra": 1}
    assert read(body, request=request_) == {"result": RESULT}
    events = stream(LOG, body, LOG)
    assert read(events, content_type=SSE, request=request_) == {"result": RESULT}


@pytest.mark.parametrize("status", [200, 400])
def test_an_error_is_an_answer_too(status: int) -> None:
    error = {"code": -32602, "message": "m", "data": {"x": 1}}
    assert read(answer(error=error), status=status) == {"error": error}


@pytest.mark.parametrize("content_type", [JSON, SSE])
@pytest.mark.parametrize(
    "members, told",
    [
        ({"result": {"_meta": FORGED}}, {"result": {"_meta": {"kept": 1}}}),
        (
            {"error": {"code": 1, "message": "m", "data": {"_meta": FORGED}}},
            {"error": {"code": 1, "message": "m", "data": {"_meta": {"kept": 1}}}},
        ),
    ],
)
def test_L11_reserved_keys_are_not_kept(members: Any, told: Any, content_type: str) -> None:
    body = answer(**members)
    assert read(stream(body) if content_type == SSE else body, content_type=content_type) == told


@pytest.mark.parametrize(
    "options, reason",
    [
        ({"body": answer(2)}, DropReason.FOREIGN_ID),
        ({"body": stream(answer(), answer()), "content_type": SSE}, DropReason.REPEATED),
        ({"body": answer(result={"resultType": "task"})}, DropReason.TASK),
        ({"body": answer(), "status": 302}, DropReason.REDIRECT),
        ({"body": answer(), "status": 503}, DropReason.STATUS),
        ({"body": answer(), "content_type": "text/html"}, DropReason.MEDIA_TYPE),
        ({"body": b"", "status": 404}, DropReason.STATUS),
        ({"body": b"", "status": 404, "request": legacy()}, DropReason.SESSION_LOST),
    ],
)
def test_what_is_no_answer_is_dropped_with_its_reason(
    options: dict[str, Any], reason: DropReason
) -> None:
    assert read(**options) == Dropped(reason=reason, status=options.get("status", 200))
