"""Threat cases B: the JSON-RPC envelope, through the real handler."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from threats.fixtures import F0, F1, F2, TARGET, TOOLS, Client, call_text, in_each_era
from threats.gate import ALICE, BOB, MODERN, Answer, Gate, standing_gate
from threats.recorder import Scripted, reply
from threats.verdicts import (
    assert_denied,
    assert_executed_once,
    assert_no_trace_of,
    assert_rejected,
    assert_unknown_method,
    assert_unknown_tool,
    the_record,
)

PING = '{"jsonrpc":"2.0","id":2,"method":"ping","params":{<meta>}}'
GOOD = call_text("get_info")


@pytest.fixture(scope="module")
def warm() -> Iterator[Gate]:
    with standing_gate(TOOLS, {"f0": F0, "f1": F1, "f2": F2}) as gate:
        yield gate


@pytest.fixture
def gate(warm: Gate) -> Gate:
    warm.clear()
    return warm


def envelope(members: str, *, version: str = '"2.0"') -> str:
    """A call of the target with these members instead of the usual `jsonrpc`, `id`, `method`."""
    start = f'"jsonrpc":{version},' if version else ""
    return f'{{{start}{members},"params":{{"name":"{TARGET}","arguments":{{}},<meta>}}}}'


def with_id(text: str) -> str:
    return envelope(f'"id":{text},"method":"tools/call"')


CALL = '"id":1,"method":"tools/call"'

REJECTED = [
    ("B01-one call", "[<c0>]"),
    ("B01-ping and a call", f"[{PING},<c0>]"),
    ("B01-arguments a list", f"[{call_text(TARGET, '[]')}]"),
    ("B01-an allowed call", f"[{GOOD}]"),
    ("B01-a notification", '[{"jsonrpc":"2.0","method":"notifications/initialized"},<c0>]'),
    ("B03-without id", envelope('"method":"tools/call"')),
    ("B03-the allowed tool", GOOD.replace('"id":1,', "")),
    ("B04-null", with_id("null")),
    ("B04-list", with_id("[]")),
    ("B04-list of one", with_id("[1]")),
    ("B04-object", with_id("{}")),
    ("B04-true", with_id("true")),
    ("B04-fraction", with_id("1.5")),
    ("B04-exponent", with_id("1e0")),
    ("B04-1.0", with_id("1.0")),
    ("B04-text of 10 KB", with_id(f'"{"x" * 10_000}"')),
    ("B04-the allowed tool", call_text("get_info", id_text="1e0")),
    ("B07-null", envelope('"id":1,"method":null')),
    ("B07-number", envelope('"id":1,"method":1')),
    ("B07-list", envelope('"id":1,"method":["tools/call"]')),
    ("B07-absent", envelope('"id":1')),
    ("B09-number", envelope(CALL, version="2.0")),
    ("B09-1.0", envelope(CALL, version='"1.0"')),
    ("B09-blank after", envelope(CALL, version='"2.0 "')),
    ("B09-null", envelope(CALL, version="null")),
    ("B09-list", envelope(CALL, version='["2.0"]')),
    ("B09-absent", envelope(CALL, version="")),
    ("B10-result", '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'),
    ("B10-error", '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}'),
    ("B10-without id", '{"jsonrpc":"2.0","result":{}}'),
    ("B11-method and result", '{"jsonrpc":"2.0","result":{},' + envelope(CALL, version="")[1:]),
    ("B11-method and error", '{"jsonrpc":"2.0","error":null,' + envelope(CALL, version="")[1:]),
    ("B12-absent", f'{{"jsonrpc":"2.0",{CALL}}}'),
    ("B12-null", f'{{"jsonrpc":"2.0",{CALL},"params":null}}'),
    ("B12-empty list", f'{{"jsonrpc":"2.0",{CALL},"params":[]}}'),
    ("B12-list", f'{{"jsonrpc":"2.0",{CALL},"params":["{TARGET}",{{}}]}}'),
    ("B12-text", f'{{"jsonrpc":"2.0",{CALL},"params":"{TARGET}"}}'),
    ("B12-no name", f'{{"jsonrpc":"2.0",{CALL},"params":{{"arguments":{{}},<meta>}}}}'),
    *(
        (f"B13-{word}", call_text(tool, text))
        for tool in (TARGET, "get_info")
        for word, text in [
            (f"null for {tool}", "null"),
            (f"list for {tool}", "[]"),
            (f"text for {tool}", '"{}"'),
            (f"zero for {tool}", "0"),
            (f"false for {tool}", "false"),
        ]
    ),
]


@in_each_era()
@pytest.mark.parametrize("row", [pytest.param(row, id=case) for case, row in REJECTED])
def test_a_broken_envelope_is_rejected(gate: Gate, client: Client, row: str) -> None:
    headers = {"Mcp-Name": "get_info"} if "get_info" in row else None
    assert_rejected(gate, client.send(gate, "f0", row, headers=headers), status=400)


@in_each_era("B02-a thousand limited calls in a batch")
def test_a_batch_takes_nothing_from_a_limit(gate: Gate, client: Client) -> None:
    client = replace(client, name="describe_broker")
    row = f"[{','.join([call_text('describe_broker')] * 1000)}]"
    assert_rejected(gate, client.send(gate, "f2", row), status=400)


@pytest.mark.parametrize("total", [pytest.param(12, id="B02-one by one")])
def test_of_many_single_calls_the_limit_lets_three_through(gate: Gate, total: int) -> None:
    answers = [gate.call("f2", "describe_broker") for _ in range(total)]
    assert [answer.is_success for answer in answers] == [True] * 3 + [False] * (total - 3)
    assert answers[-1].decision["outcome"] == "limit_reached"
    assert len(gate.recorder.calls()) == 3


# ---------------------------------------------------------------- ids


@in_each_era()
@pytest.mark.parametrize(
    "written,value",
    [
        pytest.param('""', "", id="B04-empty text"),
        pytest.param('"\\u0061"', "a", id="B04-escaped text"),
        pytest.param("-1", -1, id="B04-negative"),
        pytest.param(str(2**53 + 1), 2**53 + 1, id="B04-beyond doubles"),
    ],
)
def test_with_any_accepted_id_the_list_is_filtered(
    gate: Gate, client: Client, written: str, value: int | str
) -> None:
    """A text is a legal id, the empty one too, so these are no REJ; what counts is HID."""
    row = f'{{"jsonrpc":"2.0","id":{written},"method":"tools/list","params":{{<meta>}}}}'
    answer = replace(client, method="tools/list", name=None).send(gate, "f0", row)
    names = [tool["name"] for tool in answer.json["result"]["tools"]]
    assert (answer.json["id"], names) == (value, ["get_info", "describe_broker", "transfer"])
    assert_no_trace_of(TARGET, answer)


@in_each_era()
@pytest.mark.parametrize(
    "asked,answered",
    [
        pytest.param("1", b"1e0", id="B04-answered 1e0"),
        pytest.param("1", b"1.0", id="B04-answered 1.0"),
        pytest.param("1", b'"1"', id="B04-answered in quotes"),
        pytest.param('"a"', b'"\\u0061"', id="B04-answered escaped"),
        pytest.param("1", b'1,"id":1', id="B04-answered twice"),
    ],
)
def test_an_id_spelled_anew_upstream_hides_as_well(
    gate: Gate, client: Client, asked: str, answered: bytes
) -> None:
    tools = json.dumps({"resultType": "complete", "tools": TOOLS}).encode()
    body = b'{"jsonrpc":"2.0","id":' + answered + b',"result":' + tools + b"}"
    gate.recorder.scripts["tools/list"] = lambda _: Scripted(body=body)
    row = f'{{"jsonrpc":"2.0","id":{asked},"method":"tools/list","params":{{<meta>}}}}'
    answer = replace(client, method="tools/list", name=None).send(gate, "f0", row)
    assert_no_trace_of(TARGET, answer)
    the_record(gate)


@in_each_era("B05-one id, two callers at once")
def test_callers_who_use_one_id_get_their_own_results(gate: Gate, client: Client) -> None:
    both_arrived = Barrier(2)

    def echo(message: dict[str, Any]) -> Scripted:
        both_arrived.wait(timeout=20)
        text = message["params"]["arguments"]["secret"]
        modern = {"resultType": "complete"} if client.era == MODERN else {}
        return reply(message, {**modern, "content": [{"type": "text", "text": text}]})

    gate.recorder.scripts["tools/call"] = echo

    def ask(principal: Any) -> Answer:
        arguments = {"secret": f"of {principal.subject}"}
        return gate.call("f0", "get_info", arguments, principal=principal, era=client.era)

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(ask, (ALICE, BOB)))
    texts = [answer.json["result"]["content"][0]["text"] for answer in answers]
    assert texts == ["of alice", "of bob"]
    assert [answer.json["id"] for answer in answers] == [1, 1]
    assert {record.principal for record in gate.records} == {ALICE.key, BOB.key}


# ---------------------------------------------------------------- methods


@in_each_era()
@pytest.mark.parametrize(
    "written",
    [
        pytest.param("Tools/Call", id="B06-capitals"),
        pytest.param("tools/call ", id="B06-blank after"),
        pytest.param(" tools/call", id="B06-blank before"),
        pytest.param("tools/call\\u0000", id="B06-NUL after"),
        pytest.param("tools//call", id="B06-two slashes"),
        pytest.param("tools\u2044call", id="B06-fraction slash"),
        pytest.param("\uff54ools/call", id="B06-full width"),
        pytest.param("tools/call\\u200b", id="B06-invisible sign"),
        pytest.param("tools/execute", id="B08-execute"),
        pytest.param("tools/callBatch", id="B08-callBatch"),
        pytest.param("x/y", id="B08-x/y"),
        pytest.param("rpc.discover", id="B08-rpc.discover"),
        pytest.param("tasks/result", id="B08-tasks/result"),
        pytest.param("subscriptions/listen", id="B08-subscriptions/listen"),
        pytest.param("", id="B08-empty"),
    ],
)
def test_a_method_that_is_almost_or_not_known_is_rejected(
    gate: Gate, client: Client, written: str
) -> None:
    """Legacy clients read an unknown method from a 200; the modern ones get 404, or 400 where
    no header can say the name. None of them is sent on.
    """
    row = envelope(f'"id":1,"method":"{written}"')
    answer = replace(client, method=json.loads(f'"{written}"')).send(gate, "f0", row)
    if client.era == MODERN and answer.status == 400:
        assert_rejected(gate, answer, code=-32020)
    else:
        assert_unknown_method(gate, answer, era=client.era)


@in_each_era()
@pytest.mark.parametrize("written", [pytest.param("tools\\/call", id="B06-legal escape")])
def test_a_legal_escape_is_the_same_method(gate: Gate, client: Client, written: str) -> None:
    row = envelope(f'"id":1,"method":"{written}"')
    assert_denied(gate, client.send(gate, "f1", row))
    gate.clear()
    assert_unknown_tool(gate, client.send(gate, "f0", row))


# ---------------------------------------------------------------- params


@in_each_era("B13-absent")
def test_absent_arguments_are_forwarded_as_an_empty_object(gate: Gate, client: Client) -> None:
    row = GOOD.replace('"arguments":{},', "")
    answer = client.send(gate, "f0", row, headers={"Mcp-Name": "get_info"})
    sent = assert_executed_once(gate, answer, "get_info", {})
    assert b'"arguments":{}' in sent.body


@in_each_era()
@pytest.mark.parametrize(
    "extra",
    [
        pytest.param(f'"tool":"{TARGET}"', id="B14-tool"),
        pytest.param(f'"names":["{TARGET}"]', id="B14-names"),
        pytest.param('"server":"other"', id="B14-server"),
        pytest.param(f'"params":{{"name":"{TARGET}"}}', id="B14-params in params"),
        pytest.param('"task":{"ttl":60000}', id="B14-task"),
        pytest.param(f'"uri":"{TARGET}","cursor":"x"', id="B14-keys of other methods"),
    ],
)
def test_extra_params_are_dropped(gate: Gate, client: Client, extra: str) -> None:
    row = GOOD.replace('"arguments"', f'{extra},"arguments"')
    answer = client.send(gate, "f0", row, headers={"Mcp-Name": "get_info"})
    sent = assert_executed_once(gate, answer, "get_info", {})
    assert set(json.loads(sent.body)["params"]) == {"name", "arguments", "_meta"}


def with_meta(client: Client, member: str) -> str:
    """The allowed call with one more member of `_meta`."""
    text = client.text(GOOD)
    comma = "" if '"_meta":{}' in text else ","
    return text.replace('"_meta":{', f'"_meta":{{{member}{comma}')


@in_each_era()
@pytest.mark.parametrize(
    "key",
    [
        pytest.param("portcullis/approved", id="B15-own prefix"),
        pytest.param("portcullis\\u002fapproved", id="B15-own prefix by escape"),
        pytest.param("PortCullis/approved", id="B15-own prefix in capitals"),
        pytest.param("\uff50ortcullis/decision", id="B15-own prefix in full width"),
        pytest.param("portcullis\\u0000/approved", id="B15-own prefix with NUL"),
        pytest.param("portcullis\u200b/approved", id="B15-own prefix with an invisible sign"),
    ],
)
def test_the_gateways_own_meta_is_rejected(gate: Gate, client: Client, key: str) -> None:
    row = with_meta(client, f'"{key}":true')
    answer = client.send(gate, "f0", row, headers={"Mcp-Name": "get_info"})
    assert_rejected(gate, answer, status=400)


@in_each_era()
@pytest.mark.parametrize("key", [pytest.param("com.example/trace", id="B15-vendor key")])
def test_a_vendor_key_passes_as_it_was_read(gate: Gate, client: Client, key: str) -> None:
    """Of the catalogue's "dropped, or passed by allow-list" ours is neither: `_meta` is the
    protocol's place for what others add, and a gateway that dropped it would break clients and
    servers that agree on a key. It is re-serialised like the rest; only our own prefix is shut.
    """
    row = with_meta(client, f'"{key}":"t"')
    answer = client.send(gate, "f0", row, headers={"Mcp-Name": "get_info"})
    sent = assert_executed_once(gate, answer, "get_info", {})
    assert json.loads(sent.body)["params"]["_meta"][key] == "t"
