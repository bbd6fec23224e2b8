"""The front door: HTTP rules, era routing, notifications and DELETE (2.B, 2.D; A1, A2, A4, A5)."""

import json
from typing import Any

import pytest

from portcullis.protocol.codes import Code
from portcullis.protocol.http import HttpRequest
from portcullis.protocol.inbound import classify
from portcullis.protocol.messages import Notification, Rejection, Request, SessionEnd
from portcullis.protocol.versions import Era
from support.http_requests import (
    LEGACY,
    MODERN,
    Headers,
    admitted,
    http_post,
    legacy_request,
    modern_meta,
    modern_request,
)

ERAS = (Era.MODERN, Era.LEGACY)


def request_of(era: Era, headers: Headers) -> HttpRequest:
    if era is Era.MODERN:
        return modern_request(headers=headers)
    return legacy_request(headers=headers)


def with_header(request: HttpRequest, name: str, value: str) -> HttpRequest:
    return HttpRequest(
        method=request.method, headers=(*request.headers, (name, value)), body=request.body
    )


def refused(request: HttpRequest) -> Rejection:
    rejection = classify(request)
    assert isinstance(rejection, Rejection), rejection
    return rejection


# ---------------------------------------------------------------- HTTP

OTHER_VERBS = ["GET", "PUT", "PATCH", "OPTIONS", "TRACE", "HEAD", "post"]


@pytest.mark.parametrize("verb", OTHER_VERBS)
@pytest.mark.parametrize(
    "headers, allow",
    [
        pytest.param((("mcp-protocol-version", MODERN),), "POST", id="A2.1-modern"),
        pytest.param((("mcp-protocol-version", LEGACY),), "POST, DELETE", id="A4.4-legacy"),
        pytest.param((), "POST, DELETE", id="D22-no version"),
    ],
)
def test_a_verb_that_is_not_served_is_answered_405(
    verb: str, headers: tuple[tuple[str, str], ...], allow: str
) -> None:
    rejection = refused(HttpRequest(method=verb, headers=headers))
    assert rejection.status == 405
    assert rejection.headers == (("allow", allow),)


ACCEPTS = [
    pytest.param("application/json, text/event-stream", True, id="A2.2-both"),
    pytest.param("text/event-stream;q=0.5,application/json;q=0.9", True, id="D24-qualities"),
    pytest.param("*/*", True, id="D24-anything"),
    pytest.param("application/*, text/*", True, id="D24-families"),
    pytest.param("APPLICATION/JSON, Text/Event-Stream", True, id="D24-case"),
    pytest.param(None, True, id="D24-absent"),
    pytest.param("application/json", False, id="A2.2-JSON only"),
    pytest.param("text/event-stream", False, id="A2.2-SSE only"),
    pytest.param("text/html", False, id="D24-HTML"),
    pytest.param("application/json;q=0, */*", False, id="D24-JSON unwelcome"),
    pytest.param("application/json;q=0.000, text/event-stream", False, id="D24-long zero"),
    pytest.param("", False, id="D24-empty"),
]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("accept, is_welcome", ACCEPTS)
def test_both_reply_types_must_be_acceptable(
    accept: str | None, is_welcome: bool, era: Era
) -> None:
    answer = classify(request_of(era, {"Accept": accept}))
    if is_welcome:
        assert isinstance(answer, Request)
    else:
        assert isinstance(answer, Rejection)
        assert answer.status == 406


def test_accept_headers_count_together() -> None:
    request = modern_request(headers={"Accept": "application/json"})
    assert isinstance(classify(with_header(request, "accept", "text/event-stream")), Request)


CONTENT_TYPES = [
    pytest.param("application/json", True, id="A2.3-JSON"),
    pytest.param("APPLICATION/JSON", True, id="D14-case"),
    pytest.param("application/json; charset=utf-8", True, id="D14-charset"),
    pytest.param('application/json;charset="UTF-8"', True, id="D14-quoted charset"),
    pytest.param("application/json; charset=utf-16", False, id="D14-UTF-16"),
    pytest.param("application/json; profile=x", False, id="D14-other parameter"),
    pytest.param("text/plain", False, id="D14-plain"),
    pytest.param("application/json, text/plain", False, id="D14-two types"),
    pytest.param("application/x-www-form-urlencoded", False, id="D14-form"),
    pytest.param("multipart/form-data", False, id="D14-multipart"),
    pytest.param("application/json-patch+json", False, id="D14-patch"),
    pytest.param("", False, id="D14-empty"),
    pytest.param(None, False, id="D14-absent"),
]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("content_type, is_json", CONTENT_TYPES)
def test_only_json_in_utf8_is_read(content_type: str | None, is_json: bool, era: Era) -> None:
    answer = classify(request_of(era, {"Content-Type": content_type}))
    if is_json:
        assert isinstance(answer, Request)
    else:
        assert isinstance(answer, Rejection)
        assert answer.status == 415


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "gzip, gzip", "identity, gzip", ""])
def test_D15_a_compressed_body_is_refused(coding: str, era: Era) -> None:
    assert refused(request_of(era, {"Content-Encoding": coding})).status == 415


@pytest.mark.parametrize("era", ERAS)
def test_D15_identity_is_no_compression(era: Era) -> None:
    assert isinstance(classify(request_of(era, {"Content-Encoding": "Identity"})), Request)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", ["Authorization", "Host", "Origin", "Content-Type"])
def test_E06_two_values_of_a_security_header_are_refused(name: str, era: Era) -> None:
    request = request_of(era, {"authorization": "a", "host": "h", "origin": "o"})
    rejection = refused(with_header(request, name, "application/json"))
    assert (rejection.status, rejection.code) == (400, Code.INVALID_REQUEST)


@pytest.mark.parametrize("name", ["MCP-Protocol-Version", "mcp-method", "Mcp-Name"])
@pytest.mark.parametrize("is_first", [True, False])
def test_A2_7_D09_two_values_of_a_routing_header_are_a_mismatch(name: str, is_first: bool) -> None:
    request = modern_request()
    extra = ((name, request.values(name)[0]),)
    headers = extra + request.headers if is_first else request.headers + extra
    rejection = refused(HttpRequest(method="POST", headers=headers, body=request.body))
    assert (rejection.status, rejection.code, rejection.id) == (400, Code.HEADER_MISMATCH, 1)


def test_a_folded_routing_header_is_a_mismatch() -> None:
    rejection = refused(modern_request(headers={"Mcp-Name": "get_info, delete_broker"}))
    assert rejection.code == Code.HEADER_MISMATCH


# ---------------------------------------------------------------- eras

UNSTATED: Headers = {"MCP-Protocol-Version": None}
NO_SESSION: Headers = {"MCP-Protocol-Version": None, "Mcp-Session-Id": None}
INITIALIZE = {
    "protocolVersion": LEGACY,
    "capabilities": {"sampling": {}},
    "clientInfo": {"name": "c", "version": "1"},
}


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", "2025-11-25"])
def test_A5_1_a_handshake_revision_in_the_header_is_legacy(version: str) -> None:
    request = admitted(legacy_request(headers={"MCP-Protocol-Version": version}))
    assert (request.era, request.version) == (Era.LEGACY, version)


def test_A5_2_a_revision_in_the_body_alone_is_modern_and_a_mismatch() -> None:
    rejection = refused(modern_request(headers=UNSTATED))
    assert (rejection.status, rejection.code, rejection.id) == (400, Code.HEADER_MISMATCH, 1)


@pytest.mark.parametrize("stated", ["2099-01-01", "\uff12026-07-28", "", "x"])
def test_A5_2_D12_any_other_revision_in_the_header_is_modern(stated: str) -> None:
    rejection = refused(legacy_request(headers={"MCP-Protocol-Version": stated}))
    assert (rejection.status, rejection.code) == (400, Code.INVALID_PARAMS)


def test_A5_3_initialize_without_a_header_is_legacy() -> None:
    request = admitted(legacy_request("initialize", INITIALIZE, headers=NO_SESSION))
    assert (request.era, request.version) == (Era.LEGACY, LEGACY)
    assert request.session_token is None
    assert request.client_capabilities == {"sampling": {}}


def test_A5_3_A4_5_a_session_without_a_version_is_2025_03_26() -> None:
    request = admitted(legacy_request(headers=UNSTATED))
    assert (request.version, request.session_token) == ("2025-03-26", "v1.session")


@pytest.mark.parametrize("method", ["tools/call", "ping", "notifications/initialized"])
def test_A5_4_a_request_that_states_nothing_is_a_mismatch(method: str) -> None:
    rejection = refused(legacy_request(method, headers=NO_SESSION))
    assert (rejection.status, rejection.code) == (400, Code.HEADER_MISMATCH)


@pytest.mark.parametrize("version", ["2025-03-26", "2025-11-25"])
def test_D11_a_modern_body_under_a_legacy_header_is_a_mismatch(version: str) -> None:
    rejection = refused(modern_request(headers={"MCP-Protocol-Version": version}))
    assert (rejection.status, rejection.code) == (400, Code.HEADER_MISMATCH)


def test_D11_a_revision_that_was_never_served_is_refused() -> None:
    request = modern_request(headers={"MCP-Protocol-Version": "2024-11-05"})
    assert refused(request).status == 400


def test_D13_a_session_does_not_soften_the_modern_ladder() -> None:
    session: Headers = {"Mcp-Session-Id": "v1.session"}
    assert admitted(modern_request(headers=session)).session_token is None
    mismatch = refused(modern_request(headers={**session, "Mcp-Name": "other"}))
    assert mismatch.code == Code.HEADER_MISMATCH


# ---------------------------------------------------------------- notifications


def notification(method: str, params: Any = None, headers: Headers | None = None) -> HttpRequest:
    message = {"jsonrpc": "2.0", "method": method}
    if params is not None:
        message["params"] = params
    stated: Headers = {"MCP-Protocol-Version": LEGACY, "Mcp-Session-Id": "s"}
    return http_post(json.dumps(message).encode(), {**stated, **(headers or {})})


@pytest.mark.parametrize(
    "method, params, is_forwarded",
    [
        ("notifications/initialized", {}, True),
        ("notifications/cancelled", {"requestId": 3, "reason": "late"}, True),
        ("notifications/progress", {}, False),
        ("notifications/roots/list_changed", {}, False),
    ],
)
def test_A4_1_A4_6_known_notifications_are_accepted(
    method: str, params: dict[str, Any], is_forwarded: bool
) -> None:
    note = classify(notification(method, {**params, "extra": 1}))
    assert isinstance(note, Notification)
    assert note.method is not None
    assert (note.name, note.params, note.method.forwarded) == (method, params, is_forwarded)
    assert (note.era, note.version, note.session_token) == (Era.LEGACY, LEGACY, "s")


def test_B17_an_unknown_notification_is_accepted_and_has_no_row() -> None:
    note = classify(notification("notifications/anything", {"x": 1}))
    assert isinstance(note, Notification)
    assert (note.method, note.params) == (None, {})


def test_A2_5_a_modern_notification_is_accepted_without_a_session() -> None:
    headers: Headers = {"MCP-Protocol-Version": MODERN}
    note = classify(notification("notifications/cancelled", {"requestId": 1}, headers))
    assert isinstance(note, Notification)
    assert (note.era, note.version, note.session_token) == (Era.MODERN, MODERN, None)


def test_A2_5_a_modern_notification_of_another_revision_is_refused() -> None:
    rejection = refused(
        notification("notifications/x", headers={"MCP-Protocol-Version": "2099-01-01"})
    )
    assert (rejection.status, rejection.code) == (400, Code.UNSUPPORTED_VERSION)
    assert rejection.data == {"supported": [MODERN], "requested": "2099-01-01"}


def test_a_modern_notification_that_states_its_revision_in_the_body_alone_is_refused() -> None:
    request = notification("notifications/x", {"_meta": modern_meta()}, UNSTATED)
    assert refused(request).code == Code.UNSUPPORTED_VERSION


def test_a_legacy_notification_of_a_revision_not_served_is_refused() -> None:
    request = notification("notifications/x", headers={"MCP-Protocol-Version": "2024-11-05"})
    assert refused(request).status == 400


def test_a_cancellation_of_no_id_is_refused() -> None:
    rejection = refused(notification("notifications/cancelled", {"requestId": [1]}))
    assert (rejection.status, rejection.code) == (400, Code.INVALID_PARAMS)


@pytest.mark.parametrize("method", ["tools/call", "ping", "x/y", "Notifications/x"])
@pytest.mark.parametrize("version", [MODERN, LEGACY])
def test_B03_a_method_without_an_id_is_refused(method: str, version: str) -> None:
    request = notification(method, {"name": "delete_broker"}, {"MCP-Protocol-Version": version})
    assert refused(request).code == Code.INVALID_REQUEST


# ---------------------------------------------------------------- DELETE


def delete(*headers: tuple[str, str]) -> HttpRequest:
    return HttpRequest(method="DELETE", headers=headers)


def test_A4_3_a_delete_names_the_session_to_end() -> None:
    end = classify(delete(("Mcp-Session-Id", "s"), ("MCP-Protocol-Version", LEGACY)))
    assert end == SessionEnd(session_token="s", version=LEGACY)
    assert classify(delete(("mcp-session-id", "s"))) == SessionEnd(
        session_token="s", version="2025-03-26"
    )


@pytest.mark.parametrize(
    "headers, status",
    [
        pytest.param((("mcp-protocol-version", MODERN), ("mcp-session-id", "s")), 405, id="A2.1"),
        pytest.param((), 405, id="no session"),
        pytest.param((("mcp-protocol-version", LEGACY),), 405, id="legacy without session"),
        pytest.param((("mcp-session-id", "s"), ("mcp-session-id", "t")), 400, id="two sessions"),
    ],
)
def test_a_delete_of_no_one_session_is_refused(
    headers: tuple[tuple[str, str], ...], status: int
) -> None:
    assert refused(delete(*headers)).status == status
