"""The 2026-07-28 ladder, rung by rung, and the order of its rungs (A2; D01-D12, B06-B15, C)."""

import json
from typing import Any

import pytest

from portcullis.protocol.codes import Code
from portcullis.protocol.http import HttpRequest
from portcullis.protocol.inbound import classify
from portcullis.protocol.ladder import RUNGS
from portcullis.protocol.messages import Rejection, Subject
from portcullis.protocol.methods import METHODS, SubjectKind
from portcullis.protocol.versions import Era
from support.http_requests import MODERN, Headers, admitted, modern_meta, modern_request

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
LOG_KEY = "io.modelcontextprotocol/logLevel"
SENTINEL = "=?base64?ZGVsZXRlX2Jyb2tlcg==?="  # delete_broker


def refused(request: HttpRequest) -> Rejection:
    rejection = classify(request)
    assert isinstance(rejection, Rejection), rejection
    assert rejection.id == 1
    return rejection


def test_a_request_that_climbs_every_rung_is_admitted_whole() -> None:
    meta = modern_meta(**{CAPABILITIES_KEY: {"elicitation": {}}, LOG_KEY: "info", "x/y": 1})
    request = admitted(
        modern_request(
            params={"name": "get_info", "arguments": {"a": 1}, "inputResponses": {"k": {}}},
            meta=meta,
            headers={"Mcp-Param-Region": "eu", "mcp-param-REGION": "us", "X-Other": "x"},
        )
    )
    assert (request.era, request.version, request.id) == (Era.MODERN, MODERN, 1)
    assert request.method is METHODS["tools/call"]
    assert request.subject == Subject(kind=SubjectKind.TOOL, name="get_info")
    assert request.params == {
        "name": "get_info",
        "arguments": {"a": 1},
        "inputResponses": {"k": {}},
        "_meta": meta,
    }
    assert request.arguments == {"a": 1}
    assert request.client_capabilities == {"elicitation": {}}
    assert request.log_level == "info"
    assert request.session_token is None
    assert request.param_headers == {"mcp-param-region": ("eu", "us")}


def test_D28_a_session_header_is_ignored() -> None:
    assert admitted(modern_request(headers={"Mcp-Session-Id": "x"})).session_token is None


@pytest.mark.parametrize(
    "meta",
    [
        pytest.param({}, id="A2.8-empty"),
        pytest.param({VERSION_KEY: MODERN}, id="A2.8-no capabilities"),
        pytest.param({CAPABILITIES_KEY: {}}, id="A2.8-no version"),
        pytest.param({VERSION_KEY: MODERN, CAPABILITIES_KEY: []}, id="A2.8-capabilities a list"),
        pytest.param([], id="A2.8-list"),
        pytest.param("x", id="A2.8-string"),
    ],
)
def test_the_two_fields_of_each_request_are_required(meta: Any) -> None:
    rejection = refused(modern_request(params={"name": "x", "_meta": meta}, meta=meta or {}))
    assert (rejection.status, rejection.code) == (400, Code.INVALID_PARAMS)


@pytest.mark.parametrize(
    "headers, params",
    [
        pytest.param({"MCP-Protocol-Version": "2026-07-27"}, None, id="A2.9-other version"),
        pytest.param({"Mcp-Method": "tools/list"}, None, id="A2.10-D03-other method"),
        pytest.param({"Mcp-Method": None}, None, id="A2.10-D04-no method"),
        pytest.param({"Mcp-Method": "Tools/Call"}, None, id="A2.10-case of the value"),
        pytest.param({"Mcp-Name": "delete_broker"}, None, id="A2.11-D02-denied in the header"),
        pytest.param({"Mcp-Name": "get_info"}, {"name": "delete_broker"}, id="D01-allowed above"),
        pytest.param({"Mcp-Name": None}, None, id="A2.11-D04-no name"),
        pytest.param({"Mcp-Name": SENTINEL}, None, id="D06-wrapped other name"),
        pytest.param({"Mcp-Name": "get%5Finfo"}, None, id="D08-percent escape"),
        pytest.param({"Mcp-Name": "get_\u00efnfo"}, None, id="D08-Latin-1"),
        pytest.param({"Mcp-Name": "get_info\u00a0"}, None, id="D08-no-break space"),
    ],
)
def test_a_header_that_differs_from_the_body_is_refused(
    headers: Headers, params: dict[str, Any] | None
) -> None:
    rejection = refused(modern_request(params=params, headers=headers))
    assert (rejection.status, rejection.code) == (400, Code.HEADER_MISMATCH)


def test_A2_9_a_body_version_of_another_type_never_equals_the_header() -> None:
    rejection = refused(modern_request(meta=modern_meta(**{VERSION_KEY: None})))
    assert rejection.code == Code.HEADER_MISMATCH


WRONG_SENTINELS = {
    "marker in capitals": "=?BASE64?ZGVsZXRlX2Jyb2tlcg==?=",
    "no padding": "=?base64?ZGVsZXRlX2Jyb2tlcg?=",
    "short padding": "=?base64?ZGVsZXRlX2Jyb2tlcg=?=",
    "stray bits": "=?base64?ZGVsZXRlX2Jyb2tlch==?=",
    "space inside": "=?base64?ZGVsZXRl X2Jyb2tlcg==?=",
    "not UTF-8": "=?base64?/w==?=",
    "URL-safe alphabet": "=?base64?_w==?=",
}


@pytest.mark.parametrize(
    "value", [pytest.param(v, id=f"A2.12-D07-{name}") for name, v in WRONG_SENTINELS.items()]
)
def test_a_malformed_sentinel_equals_nothing(value: str) -> None:
    request = modern_request(params={"name": "delete_broker"}, headers={"Mcp-Name": value})
    assert refused(request).code == Code.HEADER_MISMATCH


def test_A2_12_D05_a_wrapped_name_is_decoded_before_it_is_compared() -> None:
    request = modern_request(params={"name": "delete_broker"}, headers={"Mcp-Name": SENTINEL})
    assert admitted(request).subject == Subject(kind=SubjectKind.TOOL, name="delete_broker")


@pytest.mark.parametrize("padding", [" ", "\t", " \t "])
def test_D08_spaces_and_tabs_around_a_header_value_are_trimmed(padding: str) -> None:
    headers = {
        "Mcp-Name": f"{padding}get_info{padding}",
        "Mcp-Method": f"{padding}tools/call{padding}",
        "MCP-Protocol-Version": f"{padding}{MODERN}{padding}",
    }
    admitted(modern_request(headers={**headers}))


@pytest.mark.parametrize(
    "method, params",
    [("resources/read", {"uri": "file:///%C3%A9"}), ("prompts/get", {"name": "a b "})],
)
def test_A2_11_the_name_header_is_checked_for_every_method_that_names(
    method: str, params: dict[str, Any]
) -> None:
    assert admitted(modern_request(method, params)).subject is not None
    rejection = refused(modern_request(method, params, headers={"Mcp-Name": "x"}))
    assert rejection.code == Code.HEADER_MISMATCH


def test_A2_11_methods_that_name_nothing_need_no_name_header() -> None:
    assert admitted(modern_request("tools/list", {})).subject is None


def test_A2_14_a_revision_that_agrees_with_itself_but_is_not_served() -> None:
    request = modern_request(
        headers={"MCP-Protocol-Version": "2099-01-01"},
        meta=modern_meta(**{VERSION_KEY: "2099-01-01"}),
    )
    rejection = refused(request)
    assert (rejection.status, rejection.code) == (400, Code.UNSUPPORTED_VERSION)
    assert rejection.data == {"supported": [MODERN], "requested": "2099-01-01"}


NOT_OFFERED = [
    *(f"A2.15 {name}" for name in ("initialize", "ping", "logging/setLevel", "tasks/result")),
    *(f"A2.15 {name}" for name in ("resources/subscribe", "subscriptions/listen", "tasks/list")),
    *(f"B08 {name}" for name in ("tools/execute", "tools/callBatch", "x/y", "rpc.discover")),
    *(f"B06 {name}" for name in ("Tools/Call", "tools//call", "tools\u2044call")),
    "K05 sampling/createMessage",
    "K05 roots/list",
    "K05 elicitation/create",
    "A2.15 notifications/initialized",
]


@pytest.mark.parametrize("named", NOT_OFFERED)
def test_a_method_that_is_not_offered_is_404(named: str) -> None:
    method = named.partition(" ")[2]
    headers: Headers = {"Mcp-Method": method}
    rejection = refused(modern_request(method, {}, headers=headers))
    assert (rejection.status, rejection.code) == (404, Code.METHOD_NOT_FOUND)


@pytest.mark.parametrize(
    "method", ["tools/call ", " tools/call", "tools/call\0", "\uff54ools/call"]
)
def test_B06_a_method_in_another_spelling_is_refused(method: str) -> None:
    rejection = refused(modern_request(method, headers={"Mcp-Method": "tools/call"}))
    assert rejection.code == Code.HEADER_MISMATCH


TASKS = "io.modelcontextprotocol/tasks"
ACCEPTS_TASKS = modern_meta(**{CAPABILITIES_KEY: {"extensions": {TASKS: {}}}})
TASK_ID = "uLklzQfR0e7aB1_6-cvdjQ"
TASK_PARAMS: dict[str, dict[str, Any]] = {
    "tasks/get": {"taskId": TASK_ID},
    "tasks/update": {"taskId": TASK_ID, "inputResponses": {"approval": {"action": "accept"}}},
    "tasks/cancel": {"taskId": TASK_ID},
}
each_task_method = pytest.mark.parametrize("method", TASK_PARAMS)


@each_task_method
def test_a_task_is_asked_for_by_its_id(method: str) -> None:
    request = admitted(modern_request(method, TASK_PARAMS[method], meta=ACCEPTS_TASKS))
    assert request.method is METHODS[method]
    assert request.subject == Subject(kind=SubjectKind.TASK, name=TASK_ID)
    assert request.params == {**TASK_PARAMS[method], "_meta": ACCEPTS_TASKS}


@each_task_method
@pytest.mark.parametrize(
    "declared",
    [
        {},
        {"extensions": {}},
        {"extensions": {TASKS: None}},
        {"extensions": {TASKS: True}},
        {"extensions": [TASKS]},
        {"tasks": {}},
    ],
)
def test_A2_16_a_task_method_needs_the_extension_declared_in_its_own_request(
    method: str, declared: dict[str, Any]
) -> None:
    meta = modern_meta(**{CAPABILITIES_KEY: declared})
    rejection = refused(modern_request(method, TASK_PARAMS[method], meta=meta))
    assert (rejection.status, rejection.code) == (400, Code.MISSING_CLIENT_CAPABILITY)
    assert rejection.data == {"requiredCapabilities": {"extensions": {TASKS: {}}}}


@each_task_method
@pytest.mark.parametrize("named", [None, "x", TASK_ID.lower(), TASK_ID + "="])
def test_A2_11_the_name_header_of_a_task_method_is_the_id_of_the_task(
    method: str, named: str | None
) -> None:
    request = modern_request(
        method, TASK_PARAMS[method], meta=ACCEPTS_TASKS, headers={"Mcp-Name": named}
    )
    assert refused(request).code == Code.HEADER_MISMATCH


@each_task_method
@pytest.mark.parametrize(
    "task_id", [None, 3, [], "", "a b", "a/b", "a.b", "../x", "\u00e9", "a\n", "x" * 129]
)
def test_a_task_id_that_can_be_none_is_refused(method: str, task_id: Any) -> None:
    params = {**TASK_PARAMS[method], "taskId": task_id}
    rejection = refused(modern_request(method, params, meta=ACCEPTS_TASKS))
    assert (rejection.status, rejection.code) == (400, Code.INVALID_PARAMS)


@pytest.mark.parametrize(
    "method, params",
    [
        ("tasks/get", {}),
        ("tasks/cancel", {}),
        ("tasks/update", {"taskId": TASK_ID}),
        ("tasks/update", {"inputResponses": {}}),
        ("tasks/update", {"taskId": TASK_ID, "inputResponses": []}),
    ],
)
def test_an_incomplete_task_request_is_refused(method: str, params: dict[str, Any]) -> None:
    rejection = refused(modern_request(method, params, meta=ACCEPTS_TASKS))
    assert (rejection.status, rejection.code) == (400, Code.INVALID_PARAMS)


@pytest.mark.parametrize("level", ["verbose", "Info", "", None, 3, []])
def test_A2_17_an_unknown_log_level_is_refused(level: Any) -> None:
    rejection = refused(modern_request(meta=modern_meta(**{LOG_KEY: level})))
    assert (rejection.status, rejection.code) == (400, Code.INVALID_PARAMS)


def test_params_of_the_wrong_shape_are_refused_last() -> None:
    rejection = refused(modern_request(params={"name": "x", "arguments": []}))
    assert (rejection.status, rejection.code) == (400, Code.INVALID_PARAMS)


# Each row breaks one rung more than the row before it; the first broken rung answers.
CUMULATIVE: list[tuple[str, dict[str, Any], Code]] = [
    ("A2.17", {"level": "x"}, Code.INVALID_PARAMS),
    ("A2.16", {"method": "tasks/get"}, Code.MISSING_CLIENT_CAPABILITY),
    ("A2.15", {"method": "x/y"}, Code.METHOD_NOT_FOUND),
    ("A2.14", {"version": "2099-01-01"}, Code.UNSUPPORTED_VERSION),
    ("A2.10", {"method_header": "z"}, Code.HEADER_MISMATCH),
    ("A2.8", {"capabilities": []}, Code.INVALID_PARAMS),
]


@pytest.mark.parametrize("broken", range(1, len(CUMULATIVE) + 1))
def test_the_first_broken_rung_answers(broken: int) -> None:
    faults: dict[str, Any] = {}
    for _, fault, _ in CUMULATIVE[:broken]:
        faults.update(fault)
    version = faults.get("version", MODERN)
    method = faults.get("method", "tools/list")
    meta = {
        VERSION_KEY: version,
        CAPABILITIES_KEY: faults.get("capabilities", {}),
        LOG_KEY: faults["level"],
    }
    headers: Headers = {
        "MCP-Protocol-Version": version,
        "Mcp-Method": faults.get("method_header", method),
    }
    rejection = refused(modern_request(method, {}, meta=meta, headers=headers))
    assert rejection.code == CUMULATIVE[broken - 1][2]


def test_the_rungs_stand_in_the_order_of_the_specification() -> None:
    assert [rung.__name__ for rung in RUNGS] == [
        "_meta_pair",
        "_version_header",
        "_method_header",
        "_name_header",
        "_version_served",
        "_method_offered",
        "_capability_declared",
        "_log_level",
    ]


def test_B14_params_that_the_method_does_not_have_are_not_kept() -> None:
    params = {
        "name": "get_info",
        "tool": "x",
        "names": [],
        "server": "y",
        "task": {},
        "cursor": "c",
    }
    kept = admitted(modern_request(params=params)).params
    assert sorted(kept) == ["_meta", "arguments", "name"]


def test_a_request_reads_the_same_whatever_the_order_of_its_members() -> None:
    request = modern_request()
    message = json.loads(request.body)
    turned = json.dumps(dict(reversed(message.items()))).encode()
    assert classify(HttpRequest(method="POST", headers=request.headers, body=turned)) == classify(
        request
    )
