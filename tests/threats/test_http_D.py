"""Threat cases D: routing headers, revisions, content types, through the real handler.

Events are what API Gateway hands over: header values are text, repeated headers a list.
"""

import gzip
import json
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from threats.fixtures import F0, F1, F5, TARGET, TOOLS, Client, call_text, in_each_era
from threats.gate import LEGACY, MODERN, Answer, Gate, standing_gate
from threats.verdicts import (
    assert_denied,
    assert_executed_once,
    assert_refused,
    assert_rejected,
    assert_unknown_tool,
)

Headers = Mapping[str, str | list[str]]
GOOD = call_text("get_info")
MISMATCH, UNSUPPORTED = -32020, -32022


@pytest.fixture(scope="module")
def warm() -> Iterator[Gate]:
    with standing_gate(TOOLS, {"f0": F0, "f1": F1, "f5": F5}) as gate:
        yield gate


@pytest.fixture
def gate(warm: Gate) -> Gate:
    warm.clear()
    return warm


def wrapped(text: str | bytes) -> str:
    """A header value in the protocol's encoding."""
    raw = text.encode() if isinstance(text, str) else text
    return f"=?base64?{b64encode(raw).decode()}?="


def without(name: str) -> dict[str, str | list[str]]:
    return {name: []}


# ---------------------------------------------------------------- routing headers

NAME = wrapped(TARGET)
PAYLOAD = b64encode(TARGET.encode()).decode()  # ends in `==`

MISMATCHED = [
    ("D01-get_info in the header", "<c0>", {"Mcp-Name": "get_info"}),
    ("D02-the target in the header", GOOD, {"Mcp-Name": TARGET}),
    ("D03-another method", "<c0>", {"Mcp-Method": "tools/list"}),
    ("D03-another method, allowed tool", GOOD, {"Mcp-Method": "tools/list"}),
    ("D03-method in capitals", "<c0>", {"Mcp-Method": "TOOLS/CALL"}),
    ("D04-no name", "<c0>", without("Mcp-Name")),
    ("D04-no name, allowed tool", GOOD, without("Mcp-Name")),
    ("D04-no method", "<c0>", without("Mcp-Method")),
    ("D04-no revision", "<c0>", without("MCP-Protocol-Version")),
    ("D04-empty name", "<c0>", {"Mcp-Name": ""}),
    ("D06-encoded target, get_info called", GOOD, {"Mcp-Name": NAME}),
    ("D06-encoded get_info, target called", "<c0>", {"Mcp-Name": wrapped("get_info")}),
    ("D07-marker in capitals", "<c0>", {"Mcp-Name": NAME.replace("base64", "BASE64")}),
    ("D07-no padding", "<c0>", {"Mcp-Name": f"=?base64?{PAYLOAD.rstrip('=')}?="}),
    ("D07-too much padding", "<c0>", {"Mcp-Name": f"=?base64?{PAYLOAD}=?="}),
    ("D07-URL-safe alphabet", "<c0>", {"Mcp-Name": "=?base64?ZGVsZXRl_2Jyb2tlcg==?="}),
    ("D07-stray bits", "<c0>", {"Mcp-Name": f"=?base64?{PAYLOAD.replace('cg==', 'ch==')}?="}),
    ("D07-blank inside", "<c0>", {"Mcp-Name": f"=?base64?{PAYLOAD[:8]} {PAYLOAD[8:]}?="}),
    ("D07-not UTF-8", "<c0>", {"Mcp-Name": wrapped(b"delete_broker\xff")}),
    ("D07-no end mark", "<c0>", {"Mcp-Name": f"=?base64?{PAYLOAD}"}),
    ("D07-encoded twice", "<c0>", {"Mcp-Name": wrapped(NAME)}),
    ("D07-blank encoded", "<c0>", {"Mcp-Name": wrapped("delete_broker ")}),
    ("D07-encoded method", "<c0>", {"Mcp-Method": wrapped("tools/call")}),
    ("D08-percent escape", GOOD, {"Mcp-Name": "%67et_info"}),
    ("D08-Latin-1", GOOD, {"Mcp-Name": "get_inf\u00f6"}),
    ("D08-no-break space", GOOD, {"Mcp-Name": "get_info\u00a0"}),
    ("D08-vertical tab", GOOD, {"Mcp-Name": "\x0bget_info"}),
    ("D08-quotes", GOOD, {"Mcp-Name": '"get_info"'}),
    ("D09-two names", "<c0>", {"Mcp-Name": ["get_info", TARGET]}),
    ("D09-other order", "<c0>", {"Mcp-Name": [TARGET, "get_info"]}),
    ("D09-two names, allowed tool", GOOD, {"Mcp-Name": [TARGET, "get_info"]}),
    ("D09-the same name twice", "<c0>", {"Mcp-Name": [TARGET, TARGET]}),
    ("D09-in two spellings", "<c0>", {"Mcp-Name": "get_info", "mcp-name": TARGET}),
    ("D09-in one line", GOOD, {"Mcp-Name": "get_info, get_info"}),
    ("D09-two methods", "<c0>", {"Mcp-Method": ["tools/call", "ping"]}),
    ("D09-two revisions", "<c0>", {"MCP-Protocol-Version": [MODERN, LEGACY]}),
    ("D11-revision absent", GOOD, without("MCP-Protocol-Version")),
    ("D11-2025-03-26", GOOD, {"MCP-Protocol-Version": "2025-03-26"}),
    ("D11-2025-11-25", GOOD, {"MCP-Protocol-Version": "2025-11-25"}),
    ("D11-of the target", "<c0>", {"MCP-Protocol-Version": "2025-03-26"}),
    ("D12-unknown in the header", GOOD, {"MCP-Protocol-Version": "2099-01-01"}),
    ("D12-full width", GOOD, {"MCP-Protocol-Version": "\uff12026-07-28"}),
    ("D12-empty", GOOD, {"MCP-Protocol-Version": ""}),
    ("D12-blank inside", GOOD, {"MCP-Protocol-Version": "2026-07 -28"}),
]


@pytest.mark.parametrize(
    "row,headers", [pytest.param(row, headers, id=case) for case, row, headers in MISMATCHED]
)
def test_a_header_that_differs_from_the_body_is_rejected(
    gate: Gate, row: str, headers: Headers
) -> None:
    name = "get_info" if row == GOOD else TARGET
    answer = Client(name=name).send(gate, "f0", row, headers=headers)
    assert_rejected(gate, answer, status=400, code=MISMATCH)


@pytest.mark.parametrize("row", [GOOD, "<c0>"], ids=["allowed", "target"])
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"MCP-Protocol-Version": [LEGACY, "2025-03-26"]}, id="D09-two old revisions"),
        pytest.param({"MCP-Protocol-Version": ["2025-03-26", MODERN]}, id="D09-old and new"),
        pytest.param({"Mcp-Name": ["get_info", TARGET]}, id="D09-names nobody asked for"),
        pytest.param({"Mcp-Method": ["ping", "tools/call"]}, id="D09-methods nobody asked for"),
    ],
)
def test_a_repeated_routing_header_is_rejected_in_a_legacy_request_too(
    gate: Gate, row: str, headers: Headers
) -> None:
    answer = Client(era=LEGACY).send(gate, "f0", row, headers=headers)
    assert_rejected(gate, answer, status=400, code=MISMATCH)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(NAME, id="D05-encoded"),
        pytest.param(f" \t{TARGET}\t ", id="D08-blanks around"),
        pytest.param(TARGET, id="D05-plain"),
    ],
)
def test_a_header_that_says_the_same_leaves_it_to_the_policy(gate: Gate, name: str) -> None:
    assert_denied(gate, Client(name=name).send(gate, "f1", "<c0>"))
    gate.clear()
    assert_unknown_tool(gate, Client(name=name).send(gate, "f0", "<c0>"))


# ---------------------------------------------------------------- argument headers


def transfer(gate: Gate, amount: str, headers: Headers) -> Answer:
    row = call_text("transfer", f'{{"amount":{amount}}}')
    return Client(name="transfer").send(gate, "f5", row, headers=headers)


@pytest.mark.parametrize(
    "amount,headers",
    [
        pytest.param("5000", {"Mcp-Param-Amount": "5"}, id="D10-small in the header"),
        pytest.param("5", {"Mcp-Param-Amount": "5000"}, id="D10-small in the body"),
        pytest.param("5", {}, id="D10-absent"),
        pytest.param("5", {"Mcp-Param-Amount": ["5", "5000"]}, id="D10-twice"),
        pytest.param("5", {"Mcp-Param-Amount": "5", "mcp-param-amount": "6"}, id="D10-two names"),
        pytest.param("5", {"Mcp-Param-Amount": "5", "Mcp-Param-Key": "k"}, id="D10-unasked"),
        pytest.param("5", {"Mcp-Param-Amount": "\uff15"}, id="D10-full width"),
        pytest.param("5", {"Mcp-Param-Amount": "0x5"}, id="D10-hexadecimal"),
        pytest.param("5", {"Mcp-Param-Amount": "5,6"}, id="D10-list"),
        pytest.param("5", {"Mcp-Param-Amount": ""}, id="D10-empty"),
        pytest.param("5", {"Mcp-Param-Amount": "=?base64?NR==?="}, id="D10-stray bits"),
    ],
)
def test_an_argument_header_that_differs_is_rejected(
    gate: Gate, amount: str, headers: Headers
) -> None:
    assert_rejected(gate, transfer(gate, amount, headers), status=400, code=MISMATCH)


@pytest.mark.parametrize(
    "stated",
    [
        pytest.param("5", id="D10-same"),
        pytest.param("5.0", id="D10-numerically equal"),
        pytest.param("=?base64?NQ==?=", id="D10-encoded"),
    ],
)
def test_an_argument_header_that_says_the_same_is_accepted(gate: Gate, stated: str) -> None:
    answer = transfer(gate, "5", {"Mcp-Param-Amount": stated})
    sent = assert_executed_once(gate, answer, "transfer", {"amount": 5})
    assert sent.header("mcp-param-amount") == ["5"]  # ours, from the body


@pytest.mark.parametrize("stated", [pytest.param("5000", id="D10-decided by the body")])
def test_an_equal_argument_header_opens_nothing(gate: Gate, stated: str) -> None:
    assert_denied(gate, transfer(gate, "5000", {"Mcp-Param-Amount": stated}))


# ---------------------------------------------------------------- revisions


def test_D12_a_revision_that_does_not_exist_is_unsupported(gate: Gate) -> None:
    row = Client().text(GOOD).replace(MODERN, "2099-01-01")
    headers = {"MCP-Protocol-Version": "2099-01-01"}
    answer = Client(name="get_info").send(gate, "f0", row, headers=headers)
    assert_rejected(gate, answer, status=400, code=UNSUPPORTED)
    assert MODERN in answer.json["error"]["data"]["supported"]


def test_D12_blanks_around_a_revision_are_none_of_its_value(gate: Gate) -> None:
    """The catalogue asks for a refusal. HTTP says that blanks around a field value are no part
    of it (RFC 9110, section 5.5), so every hop may have trimmed them; what is left is equal.
    """
    headers = {"MCP-Protocol-Version": f"{MODERN} "}
    answer = Client(name="get_info").send(gate, "f0", GOOD, headers=headers)
    assert_executed_once(gate, answer, "get_info", {})


@pytest.mark.parametrize("row", [GOOD, "<c0>"], ids=["allowed", "target"])
@pytest.mark.parametrize(
    "version",
    [
        pytest.param("2024-11-05", id="D11-never served"),
        pytest.param("2024-11-05 ", id="D11-never served, blank"),
    ],
)
def test_an_old_revision_is_rejected_with_either_body(gate: Gate, version: str, row: str) -> None:
    """A handshake revision: its errors have the codes of its time, so -32600 in a 400."""
    for client in (Client(), Client(era=LEGACY)):
        gate.clear()
        text = client.text(row)
        headers = {"MCP-Protocol-Version": version}
        assert_rejected(gate, client.send(gate, "f0", text, headers=headers), status=400)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(without("MCP-Protocol-Version"), id="D11-legacy body, no revision"),
        pytest.param({"MCP-Protocol-Version": "2025-03-26"}, id="D11-legacy body, oldest"),
        pytest.param({"MCP-Protocol-Version": "2025-06-18"}, id="D11-legacy body, middle"),
    ],
)
def test_under_a_lower_revision_the_policy_is_the_same(gate: Gate, headers: Headers) -> None:
    token = gate.open_session("f1")
    gate.clear()
    everything = {**headers, "Mcp-Session-Id": token, "Mcp-Name": "get_info"}
    row = Client(era=LEGACY).text("<c0>")
    answer = Client(era=LEGACY).send(gate, "f1", row, headers=everything)
    assert_denied(gate, answer)


@pytest.mark.parametrize(
    "version",
    [pytest.param(v, id=f"D13-opened at {v}") for v in ("2025-03-26", "2025-06-18", LEGACY)],
)
def test_changing_the_revision_within_a_session_skips_nothing(gate: Gate, version: str) -> None:
    token = {"Mcp-Session-Id": gate.open_session("f1", version=version)}
    for client in (Client(), *(Client(era=era) for era in (LEGACY, "2025-06-18", "2025-03-26"))):
        gate.clear()
        assert_denied(gate, client.send(gate, "f1", "<c0>", headers=token))
        gate.clear()
        batch = client.send(gate, "f1", "[<c0>]", headers=token)
        assert_rejected(gate, batch, status=400)
        gate.clear()
        lying = replace(client, name="get_info").send(gate, "f1", "<c0>", headers=token)
        assert_refused(gate, lying)


# ---------------------------------------------------------------- content type and encoding


@in_each_era()
@pytest.mark.parametrize(
    "stated",
    [
        pytest.param("application/json; charset=utf-16", id="D14-UTF-16"),
        pytest.param("application/json; charset=latin1", id="D14-Latin-1"),
        pytest.param("text/plain", id="D14-plain text"),
        pytest.param("application/json, text/plain", id="D14-two in a line"),
        pytest.param("text/plain, application/json", id="D14-two in another order"),
        pytest.param(["application/json", "text/plain"], id="D14-two headers"),
        pytest.param(["application/json", "application/json"], id="D14-one twice"),
        pytest.param("application/x-www-form-urlencoded", id="D14-form"),
        pytest.param("multipart/form-data; boundary=x", id="D14-multipart"),
        pytest.param("application/json-patch+json", id="D14-patch"),
        pytest.param("application/jsonp", id="D14-longer"),
        pytest.param("application/json; profile=x", id="D14-unknown parameter"),
        pytest.param("", id="D14-empty"),
        pytest.param([], id="D14-absent"),
    ],
)
def test_another_content_type_is_rejected(
    gate: Gate, client: Client, stated: str | list[str]
) -> None:
    for row, name in ((GOOD, "get_info"), ("<c0>", TARGET)):
        gate.clear()
        headers = {"Content-Type": stated, "Mcp-Name": name}
        answer = client.send(gate, "f0", row, headers=headers)
        assert_rejected(gate, answer, status=400 if _is_two(stated) else 415)


def _is_two(stated: str | list[str]) -> bool:
    return isinstance(stated, list) and len(stated) > 1


@in_each_era()
@pytest.mark.parametrize(
    "stated",
    [
        pytest.param("APPLICATION/JSON", id="D14-capitals"),
        pytest.param("application/json;charset=UTF-8", id="D14-UTF-8"),
        pytest.param(' application/json ; charset="utf-8"', id="D14-UTF-8 in quotes"),
    ],
)
def test_json_by_another_spelling_is_evaluated(gate: Gate, client: Client, stated: str) -> None:
    assert_denied(gate, client.send(gate, "f1", "<c0>", headers={"Content-Type": stated}))


def bomb(size: int) -> bytes:
    return gzip.compress(bytes(size), compresslevel=1)


@pytest.mark.parametrize("tool", ["get_info", TARGET])
@pytest.mark.parametrize(
    "encoding,make",
    [
        pytest.param("gzip", gzip.compress, id="D15-gzip"),
        pytest.param("GZIP", gzip.compress, id="D15-gzip in capitals"),
        pytest.param("deflate", zlib.compress, id="D15-deflate"),
        pytest.param("br", bytes, id="D15-brotli"),
        pytest.param("gzip, gzip", lambda b: gzip.compress(gzip.compress(b)), id="D15-twice"),
        pytest.param("gzip", bytes, id="D15-gzip stated, plain sent"),
        pytest.param("identity, gzip", gzip.compress, id="D15-identity first"),
        pytest.param(["identity", "gzip"], gzip.compress, id="D15-two headers"),
        pytest.param("gzip", lambda _: bomb(10_000_000), id="D15-10 MB of zeros"),
        pytest.param("gzip", lambda _: bomb(200_000_000), id="D15-200 MB of zeros"),
    ],
)
def test_a_compressed_body_is_rejected_unopened(
    gate: Gate, tool: str, encoding: str, make: object
) -> None:
    """Nothing is inflated, so a bomb costs nothing. A stage with `minimumCompressionSize` would
    inflate by itself; our template sets none, which only a deployed API can show.
    """
    assert callable(make)
    client = Client(name=tool)
    body = make(client.text(call_text(tool)).encode())
    answer = client.send(gate, "f0", body, headers={"Content-Encoding": encoding})
    assert_rejected(gate, answer, status=415)


@in_each_era("D15-identity")
def test_identity_is_no_encoding(gate: Gate, client: Client) -> None:
    assert_denied(gate, client.send(gate, "f1", "<c0>", headers={"Content-Encoding": "identity"}))


def test_every_mismatch_row_was_sent_as_json() -> None:
    for _, row, _headers in MISMATCHED:
        json.loads(Client().text(row))
