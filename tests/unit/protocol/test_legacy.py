"""Requests of the handshake revisions (A4; B08, D11, D13)."""

from typing import Any

import pytest

from portcullis.protocol.codes import Code
from portcullis.protocol.http import HttpRequest
from portcullis.protocol.inbound import classify
from portcullis.protocol.messages import Rejection, Subject
from portcullis.protocol.methods import SubjectKind
from portcullis.protocol.versions import Era
from support.http_requests import LEGACY, admitted, legacy_request

CLIENT = {"name": "c", "version": "1"}


def refused(request: HttpRequest) -> Rejection:
    rejection = classify(request)
    assert isinstance(rejection, Rejection), rejection
    return rejection


def test_a_call_within_a_session_is_admitted_whole() -> None:
    request = admitted(legacy_request(params={"name": "get_info", "_meta": {"progressToken": 1}}))
    assert (request.era, request.version, request.id) == (Era.LEGACY, LEGACY, 1)
    assert request.subject == Subject(kind=SubjectKind.TOOL, name="get_info")
    assert request.params == {"name": "get_info", "arguments": {}, "_meta": {"progressToken": 1}}
    assert request.session_token == "v1.session"
    assert request.log_level is None


@pytest.mark.parametrize(
    "asked, negotiated",
    [
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2024-11-05", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ],
)
def test_A4_1_initialize_negotiates_the_asked_revision_or_the_latest(
    asked: str, negotiated: str
) -> None:
    params = {"protocolVersion": asked, "capabilities": {"roots": {}}, "clientInfo": CLIENT}
    request = admitted(legacy_request("initialize", params))
    assert request.version == negotiated
    assert request.client_capabilities == {"roots": {}}


@pytest.mark.parametrize("missing", ["protocolVersion", "capabilities", "clientInfo"])
def test_A4_1_an_incomplete_initialize_is_refused(missing: str) -> None:
    params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": CLIENT}
    del params[missing]
    rejection = refused(legacy_request("initialize", params))
    assert (rejection.status, rejection.code, rejection.id) == (400, Code.INVALID_PARAMS, 1)


def test_A4_2_two_session_ids_are_refused() -> None:
    request = legacy_request()
    headers = (*request.headers, ("mcp-session-id", "other"))
    rejection = refused(HttpRequest(method="POST", headers=headers, body=request.body))
    assert (rejection.status, rejection.code, rejection.id) == (400, Code.INVALID_REQUEST, 1)


def test_A4_5_a_revision_that_is_not_served_is_400() -> None:
    rejection = refused(legacy_request(headers={"MCP-Protocol-Version": "2024-11-05"}))
    assert (rejection.status, rejection.code, rejection.id) == (400, Code.INVALID_REQUEST, 1)


@pytest.mark.parametrize(
    "method",
    ["server/discover", "subscriptions/listen", "tasks/get", "x/y", "Tools/Call", "tools/call "],
)
def test_A4_7_B08_an_unknown_method_is_an_error_in_200(method: str) -> None:
    rejection = refused(legacy_request(method, {}))
    assert (rejection.status, rejection.code, rejection.id) == (200, Code.METHOD_NOT_FOUND, 1)


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", "2025-11-25"])
def test_A4_8_B01_a_batch_is_refused_at_every_revision(version: str) -> None:
    request = legacy_request(headers={"MCP-Protocol-Version": version})
    batch = HttpRequest(method="POST", headers=request.headers, body=b"[" + request.body + b"]")
    rejection = refused(batch)
    assert (rejection.status, rejection.code) == (400, Code.INVALID_REQUEST)


def test_A4_9_ping_is_offered() -> None:
    assert admitted(legacy_request("ping", {})).subject is None


def test_A4_12_K04_the_task_parameter_is_dropped() -> None:
    assert "task" not in admitted(legacy_request(params={"name": "x", "task": {"ttl": 1}})).params


def test_the_headers_of_the_modern_era_mean_nothing() -> None:
    headers: dict[str, Any] = {"Mcp-Method": "tools/list", "Mcp-Name": "other", "Mcp-Param-X": "y"}
    request = admitted(legacy_request(headers=headers))
    assert request.param_headers == {}


def test_a_body_that_states_the_revision_of_its_header_is_admitted() -> None:
    meta = {"io.modelcontextprotocol/protocolVersion": LEGACY}
    assert admitted(legacy_request(params={"name": "x", "_meta": meta})).meta == meta


def test_meta_that_is_no_object_is_refused() -> None:
    assert refused(legacy_request(params={"name": "x", "_meta": []})).code == Code.INVALID_PARAMS


@pytest.mark.parametrize(
    "more, arguments",
    [
        ({}, {"region": "eu"}),
        ({"context": {}}, {"region": "eu"}),
        ({"context": {"arguments": {"name": "b"}}}, {"name": "b", "region": "eu"}),
    ],
)
def test_a_completion_speaks_of_the_arguments_it_is_given(
    more: dict[str, Any], arguments: dict[str, Any]
) -> None:
    argument = {"name": "region", "value": "eu"}
    params = {"ref": {"type": "ref/prompt", "name": "p"}, "argument": argument, **more}
    assert admitted(legacy_request("completion/complete", params)).arguments == arguments
