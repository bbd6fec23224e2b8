"""A person is asked to open a page in the words of the client's revision (D3, D6; N38)."""

import json
from typing import Any

import pytest
from mcp.shared.exceptions import UrlElicitationRequiredError
from mcp_types import ErrorData, InputRequiredResult

from portcullis.protocol import elicitation
from portcullis.protocol.codes import Code
from portcullis.protocol.http import HttpReply
from portcullis.protocol.messages import Request
from portcullis.values import JsonObject
from support.http_requests import admitted, legacy_request, modern_meta, modern_request

CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
GATE = {"io.modelcontextprotocol/serverInfo": {"name": "portcullis", "version": "0.1.0"}}
URL = "https://gate.example/approvals/a-1"
MESSAGE = "`delete_broker` on mq needs an approval"
DECISION: JsonObject = {"outcome": "approval_required"}

DECLARED: list[tuple[Any, bool]] = [
    ({"elicitation": {"url": {}}}, True),
    ({"elicitation": {"url": {"x": 1}, "form": {}}}, True),
    ({"elicitation": {}}, False),
    ({"elicitation": {"form": {}}}, False),
    ({"elicitation": {"url": True}}, False),
    ({"elicitation": {"url": None}}, False),
    ({"elicitation": ["url"]}, False),
    ({"url": {}}, False),
    ({}, False),
]


def modern(capabilities: dict[str, Any], **params: Any) -> Request:
    meta = modern_meta(**{CAPABILITIES_KEY: capabilities})
    return admitted(modern_request(params={"name": "x", **params}, meta=meta))


def body(reply: HttpReply) -> Any:
    return json.loads(reply.body)


@pytest.mark.parametrize("declared, accepts", DECLARED)
def test_A3_8_links_are_for_clients_that_declare_them(
    declared: dict[str, Any], accepts: bool
) -> None:
    assert elicitation.declares_url(declared) is accepts
    assert elicitation.accepts_url(modern(declared)) is accepts


def test_a_legacy_request_declares_nothing_of_its_own() -> None:
    capabilities: dict[str, Any] = {"elicitation": {"url": {}}}
    params = {"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": {}}
    request = admitted(legacy_request("initialize", params))
    assert elicitation.declares_url(request.client_capabilities)
    assert not elicitation.accepts_url(request)


@pytest.mark.parametrize("action", ["accept", "decline", "cancel"])
def test_the_users_word_is_read_beside_whatever_else_a_client_sends(action: str) -> None:
    responses = {"approval": {"action": action, "content": {}}, "other": 3}
    assert elicitation.response_of(modern({}, inputResponses=responses)) == action


@pytest.mark.parametrize(
    "responses",
    [
        {},
        {"approval": None},
        {"approval": "accept"},
        {"approval": {}},
        {"approval": {"action": "ACCEPT"}},
        {"approval": {"action": "approve"}},
        {"approval": {"action": ["accept"]}},
        {"approval": {"action": True}},
        {"other": {"action": "accept"}},
    ],
)
def test_a_word_that_is_missing_or_malformed_is_none(responses: dict[str, Any]) -> None:
    assert elicitation.response_of(modern({}, inputResponses=responses)) is None


def test_a_first_call_brings_no_word() -> None:
    assert elicitation.response_of(modern({})) is None


def test_a_client_is_shown_the_link_and_given_the_state() -> None:
    reply = elicitation.input_required(
        modern({}), state="s", url=URL, message=MESSAGE, decision=DECISION
    )
    assert reply.status == 200
    result = body(reply)["result"]
    assert result == {
        "resultType": "input_required",
        "inputRequests": {
            "approval": {
                "method": "elicitation/create",
                "params": {"mode": "url", "url": URL, "message": MESSAGE},
            }
        },
        "requestState": "s",
        "_meta": {"portcullis/decision": DECISION, **GATE},
    }
    read = InputRequiredResult.model_validate(result)
    assert read.request_state == "s"


def test_a_client_that_has_the_link_gets_the_state_alone() -> None:
    reply = elicitation.input_required(modern({}), state="s", url=None, message=MESSAGE)
    assert body(reply)["result"] == {
        "resultType": "input_required",
        "requestState": "s",
        "_meta": GATE,
    }


def test_D6_a_legacy_client_gets_the_error_its_sdk_reads() -> None:
    reply = elicitation.url_required(
        admitted(legacy_request()), approval_id="a-1", url=URL, message=MESSAGE
    )
    assert reply.status == 200
    error = body(reply)["error"]
    asked = {"mode": "url", "elicitationId": "a-1", "url": URL, "message": MESSAGE}
    assert error == {
        "code": Code.URL_ELICITATION_REQUIRED,
        "message": MESSAGE,
        "data": {"elicitations": [asked]},
    }
    read = UrlElicitationRequiredError.from_error(ErrorData.model_validate(error))
    assert [one.url for one in read.elicitations] == [URL]
