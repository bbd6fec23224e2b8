"""Envelopes that are refused in both eras (threat cases 2.A and 2.B)."""

import json
from typing import Any

import pytest

from portcullis.protocol.codes import Code
from portcullis.protocol.http import HttpRequest
from portcullis.protocol.inbound import classify
from portcullis.protocol.messages import Rejection, Request, RequestId
from support.http_requests import LEGACY, MODERN, http_post, legacy_request, modern_meta

ERAS = (MODERN, LEGACY)
BASE: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "delete_broker", "arguments": {}, "_meta": modern_meta()},
}


def send(body: bytes, era: str) -> Any:
    """Classify a body under the headers that would let it through."""
    headers = {"MCP-Protocol-Version": era, "Mcp-Method": "tools/call", "Mcp-Name": "delete_broker"}
    return classify(http_post(body, {**headers}))


def base(era: str, **members: Any) -> dict[str, Any]:
    message = {**BASE, **members}
    if era == LEGACY and isinstance(message.get("params"), dict):
        message["params"] = {k: v for k, v in message["params"].items() if k != "_meta"}
    return message


def with_params(params: dict[str, Any]) -> dict[str, Any]:
    return {**BASE["params"], **params}


def with_meta(meta: dict[str, Any]) -> dict[str, Any]:
    return with_params({"_meta": {**modern_meta(), **meta}})


def rejection(body: bytes, era: str) -> Rejection:
    refused = send(body, era)
    assert isinstance(refused, Rejection), refused
    assert 400 <= refused.status < 500
    return refused


@pytest.mark.parametrize("era", ERAS)
def test_the_base_request_is_admitted(era: str) -> None:
    assert isinstance(send(json.dumps(base(era)).encode(), era), Request)


TEXT = json.dumps(BASE)
NOT_ONE_VALUE = {
    "A01-duplicate name": TEXT.replace('"name":', '"name": "get_info", "name":').encode(),
    "A01-duplicate name reversed": TEXT.replace(
        '"arguments"', '"name": "get_info", "arguments"'
    ).encode(),
    "A02-escaped duplicate": TEXT.replace(
        '"arguments"', '"n\\u0061me": "get_info", "arguments"'
    ).encode(),
    "A03-duplicate method": TEXT.replace('"method":', '"method": "ping", "method":').encode(),
    "A08-NaN": TEXT.replace("{}, ", '{"a": NaN}, ', 1).encode(),
    "A09-infinite": TEXT.replace('"arguments": {}', '"arguments": {"amount": 1e400}').encode(),
    "A10-5000 digits": TEXT.replace('"id": 1', f'"id": {"9" * 5000}').encode(),
    "A12-deep": TEXT.replace('"arguments": {}', f'"arguments": {"[" * 70}{"]" * 70}').encode(),
    "A13-BOM": b"\xef\xbb\xbf" + TEXT.encode(),
    "A14-UTF-16": TEXT.encode("utf-16"),
    "A14-UTF-16LE": TEXT.encode("utf-16-le"),
    "A14-UTF-32": TEXT.encode("utf-32"),
    "A15-invalid UTF-8": TEXT.encode().replace(b"delete_broker", b"delete\xff"),
    "A15-overlong": TEXT.encode().replace(b"delete_broker", b"delete\xc0\xae"),
    "A16-lone surrogate": TEXT.replace("delete_broker", "delete\\ud800_broker").encode(),
    "A18-trailing message": (TEXT + TEXT).encode(),
    "A18-NDJSON": (TEXT + "\n" + TEXT).encode(),
    "A19-comment": ("/* x */" + TEXT).encode(),
    "A20-no-break space": ("\u00a0" + TEXT).encode(),
    "A21-empty": b"",
    "A21-whitespace": b"  \n",
}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("body", [pytest.param(b, id=n) for n, b in NOT_ONE_VALUE.items()])
def test_a_body_that_is_not_one_strict_value_is_a_parse_error(body: bytes, era: str) -> None:
    refused = rejection(body, era)
    assert (refused.status, refused.code, refused.id) == (400, Code.PARSE_ERROR, None)


@pytest.mark.parametrize("era", ERAS)
def test_A22_a_body_over_the_limit_is_refused_unparsed(era: str) -> None:
    body = json.dumps(base(era)).encode()
    request = http_post(body, {"MCP-Protocol-Version": era, "Mcp-Method": "tools/call"})
    refused = classify(request, max_body_bytes=len(body) - 1)
    assert isinstance(refused, Rejection)
    assert (refused.status, refused.code) == (413, Code.INVALID_REQUEST)
    at_limit = classify(request, max_body_bytes=len(body))
    assert not isinstance(at_limit, Rejection) or at_limit.status != 413


# id of the row: members that replace or join those of the base request; the id to echo.
INVALID_ENVELOPES: dict[str, tuple[Any, RequestId | None]] = {
    "A21-null": (None, None),
    "A21-true": (True, None),
    "A21-JSON in a string": (TEXT, None),
    "A21-empty list": ([], None),
    "A21-nested list": ([[BASE]], None),
    "A04-case variant of method": ({"Method": "ping"}, 1),
    "A04-case variant of params": ({"PARAMS": {}}, 1),
    "A04-case variant of name": ({"params": with_params({"Name": "get_info"})}, 1),
    "A05-long s": ({"param\u017f": {}}, 1),
    "A05-long s in params": ({"params": with_params({"argument\u017f": {}})}, 1),
    "A05-Kelvin sign": ({"params": with_meta({"progressTo\u212aen": 1})}, 1),
    "A05-fullwidth": ({"params": with_params({"\uff4eame": "get_info"})}, 1),
    "A06-NUL suffix": ({"params": with_params({"name\0": "get_info"})}, 1),
    "A06-zero width": ({"params": with_params({"na\u200bme": "get_info"})}, 1),
    "A04-variant of a meta key": (
        {"params": with_meta({"IO.modelcontextprotocol/protocolVersion": "x"})},
        1,
    ),
    "A25-unknown member": ({"extra": 1}, 1),
    "A25-result beside method": ({"result": {}}, 1),
    "B11-error beside method": ({"error": {}}, 1),
    "B01-batch": ([BASE], None),
    "B01-batch with ping": ([{"jsonrpc": "2.0", "id": 2, "method": "ping"}, BASE], None),
    "B02-batch of 1000": ([BASE] * 1000, None),
    "B04-id null": ({"id": None}, None),
    "B04-id list": ({"id": []}, None),
    "B04-id object": ({"id": {}}, None),
    "B04-id true": ({"id": True}, None),
    "B04-id fraction": ({"id": 1.5}, None),
    "B04-id whole fraction": ({"id": 1.0}, None),
    "B04-id of 10 KB": ({"id": "x" * 10_000}, None),
    "B07-method null": ({"method": None}, 1),
    "B07-method number": ({"method": 1}, 1),
    "B07-method list": ({"method": []}, 1),
    "B09-version number": ({"jsonrpc": 2.0}, 1),
    "B09-version 1.0": ({"jsonrpc": "1.0"}, 1),
    "B09-version with a space": ({"jsonrpc": "2.0 "}, 1),
    "B12-params null": ({"params": None}, 1),
    "B12-params list": ({"params": []}, 1),
    "B12-params by position": ({"params": ["delete_broker", {}]}, 1),
    "B12-params string": ({"params": "x"}, 1),
    "B15-reserved meta key": ({"params": with_meta({"portcullis/approved": True})}, 1),
    "B15-reserved in another spelling": (
        {"params": with_meta({"PORT\u200bcullis/decision": 1})},
        1,
    ),
}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "change, echoed", [pytest.param(c, i, id=name) for name, (c, i) in INVALID_ENVELOPES.items()]
)
def test_an_envelope_that_is_not_one_request_is_refused(
    change: Any, echoed: RequestId | None, era: str
) -> None:
    message = {**BASE, **change} if isinstance(change, dict) else change
    refused = rejection(json.dumps(message).encode(), era)
    assert (refused.status, refused.code, refused.id) == (400, Code.INVALID_REQUEST, echoed)


@pytest.mark.parametrize("member", ["jsonrpc", "method"])
@pytest.mark.parametrize("era", ERAS)
def test_B07_B09_an_envelope_without_a_required_member_is_refused(member: str, era: str) -> None:
    message = {key: value for key, value in BASE.items() if key != member}
    assert rejection(json.dumps(message).encode(), era).code == Code.INVALID_REQUEST


@pytest.mark.parametrize("answer", [{"result": {}}, {"error": {"code": 1, "message": "x"}}])
@pytest.mark.parametrize("era", ERAS)
def test_B10_a_response_from_a_client_is_refused_without_an_id(
    answer: dict[str, Any], era: str
) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, **answer}).encode()
    refused = rejection(body, era)
    assert (refused.status, refused.code, refused.id) == (400, Code.INVALID_REQUEST, None)


@pytest.mark.parametrize("request_id", [0, -5, 2**70, "", "abc", "\u00e9", "x" * 1024])
@pytest.mark.parametrize("era", ERAS)
def test_B04_ids_that_are_strings_or_integers_are_kept_exactly(
    request_id: RequestId, era: str
) -> None:
    admitted = send(json.dumps(base(era, id=request_id)).encode(), era)
    assert isinstance(admitted, Request)
    assert admitted.id == request_id
    assert type(admitted.id) is type(request_id)


def test_B04_an_escaped_id_is_the_string_it_spells() -> None:
    body = TEXT.replace('"id": 1', '"id": "\\u0061"').encode()
    admitted = send(body, MODERN)
    assert isinstance(admitted, Request)
    assert admitted.id == "a"


def test_B04_an_exponent_is_no_integer() -> None:
    assert rejection(TEXT.replace('"id": 1', '"id": 1e0').encode(), MODERN).id is None


def test_B06_an_escaped_slash_is_the_same_method() -> None:
    admitted = send(TEXT.replace("tools/call", "tools\\/call").encode(), MODERN)
    assert isinstance(admitted, Request)
    assert admitted.method.name == "tools/call"


@pytest.mark.parametrize("era", ERAS)
def test_unknown_meta_keys_pass_untouched(era: str) -> None:
    meta = {"progressToken": 7, "traceparent": "00-x", "com.example/x": {"portcullis/inner": 1}}
    if era == MODERN:
        meta = modern_meta(**meta)
    body = json.dumps({**BASE, "params": {**BASE["params"], "_meta": meta}}).encode()
    admitted = send(body, era)
    assert isinstance(admitted, Request)
    assert admitted.meta == meta
    assert admitted.params["_meta"] == meta


def test_params_may_be_absent_where_nothing_is_required() -> None:
    request = legacy_request("tools/list")
    message = {k: v for k, v in json.loads(request.body).items() if k != "params"}
    bare = HttpRequest(method="POST", headers=request.headers, body=json.dumps(message).encode())
    admitted = classify(bare)
    assert isinstance(admitted, Request)
    assert (admitted.params, admitted.meta, admitted.arguments) == ({}, {}, {})
