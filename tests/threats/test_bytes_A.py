"""Threat cases A: bytes that two readers read differently never pass.

Every row is refused at each revision, whichever of two tools the routing header names.
"""

import gzip
import json
from collections.abc import Iterator

import pytest

from threats.fixtures import (
    C0,
    F0,
    F1,
    F5,
    TARGET,
    TOOLS,
    Client,
    by_each_client,
    call_text,
    in_each_era,
)
from threats.gate import Answer, Gate, standing_gate
from threats.verdicts import (
    assert_denied,
    assert_executed_once,
    assert_refused,
    assert_rejected,
    assert_unknown_tool,
    the_record,
)

EQUAL = """\
version: "1"
default: deny
tools:
  transfer:
    rules:
      - {action: deny, when: [{path: args.amount, op: eq, value: 9007199254740992}]}
      - {action: allow}
"""


@pytest.fixture(scope="module")
def warm() -> Iterator[Gate]:
    with standing_gate(TOOLS, {"f0": F0, "f1": F1, "f5": F5, "equal": EQUAL}) as gate:
        yield gate


@pytest.fixture
def gate(warm: Gate) -> Gate:
    warm.clear()
    return warm


def whole(members: str) -> str:
    """A whole request with these members after the usual first two."""
    return f'{{"jsonrpc":"2.0","id":1,{members}}}'


def params(members: str) -> str:
    """A tools/call with these members of `params`, and `_meta`."""
    return whole(f'"method":"tools/call","params":{{{members},<meta>}}')


def argued(arguments: str) -> str:
    """A call of the allowed tool with raw arguments: refused for its bytes alone."""
    return call_text("get_info", arguments)


NAME = f'"name":"{TARGET}","arguments":{{}}'
CALL = f'"method":"tools/call","params":{{{NAME},<meta>}}'

TEXTS = [
    ("A01-duplicate name", params(f'"name":"get_info","name":"{TARGET}","arguments":{{}}')),
    ("A01-reversed order", params(f'"name":"{TARGET}","name":"get_info","arguments":{{}}')),
    ("A01-three of them", params('"name":"get_info",' + NAME + ',"name":"get_info"')),
    ("A01-duplicate params", whole(CALL + ',"params":{"name":"get_info",<meta>}')),
    ("A02-duplicate by escape", params(f'"name":"get_info","n\\u0061me":"{TARGET}"')),
    ("A02-escaped first", params(f'"n\\u0061me":"get_info",{NAME}')),
    ("A03-duplicate method", whole('"method":"ping",' + CALL)),
    ("A03-method after", whole(CALL + ',"method":"ping"')),
    ("A03-by escape", whole(CALL + ',"m\\u0065thod":"ping"')),
    ("A04-Method", whole('"Method":"ping",' + CALL)),
    ("A04-Name", params('"Name":"get_info",' + NAME)),
    ("A04-Name last", params(NAME + ',"Name":"get_info"')),
    ("A04-PARAMS", whole(CALL + ',"PARAMS":{"name":"get_info"}')),
    ("A04-ARGUMENTS", params(NAME + ',"ARGUMENTS":{"x":1}')),
    ("A04-Id", whole('"Id":2,' + CALL)),
    ("A05-long s in params", whole(CALL + ',"param\u017f":{"name":"get_info"}')),
    ("A05-long s in arguments", params(NAME + ',"argument\u017f":{"x":1}')),
    ("A05-long s in a known key", params(NAME.replace('"arg', '"inputRe\u017fponses":{},"arg'))),
    ("A05-full width", params(NAME + ',"\uff4eame":"get_info"')),
    ("A06-NUL after name", params('"name\\u0000":"get_info",' + NAME)),
    ("A06-NUL after method", whole('"method\\u0000":"ping",' + CALL)),
    ("A06-invisible sign", params('"na\\u200bme":"get_info",' + NAME)),
    ("A08-NaN", argued('{"x":NaN}')),
    ("A08-Infinity", argued('{"x":Infinity}')),
    ("A08-minus Infinity", argued('{"x":[-Infinity]}')),
    ("A08-NaN as id", call_text("get_info", id_text="NaN")),
    ("A09-1e400", argued('{"amount":1e400}')),
    ("A09-minus 1e400", argued('{"amount":-1e400}')),
    ("A09-1e-400", argued('{"amount":1e-400}')),
    ("A10-5000 digits", argued('{"amount":' + "9" * 5000 + "}")),
    ("A10-ten to the 400", argued(f'{{"amount":{10**400}}}')),
    ("A10-as id", call_text("get_info", id_text="1" * 5000)),
    ("A10-5000 decimals", argued('{"amount":0.' + "1" * 5000 + "}")),
    ("A16-half a pair in the name", params('"name":"delete\\ud800_broker","arguments":{}')),
    ("A16-half a pair in an argument", argued('{"x":"delete\\udc00_broker"}')),
    ("A16-half a pair in a key", argued('{"delete\\ud800_broker":1}')),
    ("A16-halves in wrong order", argued('{"x":"\\udc00\\ud800"}')),
    ("A17-NUL ends the name", params(f'"name":"{TARGET}\\u0000","arguments":{{}}')),
    ("A17-NUL and another name", params(f'"name":"{TARGET}\\u0000get_info","arguments":{{}}')),
    ("A18-two messages", "<c0><c0>"),
    ("A18-two lines", whole('"method":"ping","params":{<meta>}') + "\n<c0>\n"),
    ("A18-NUL after", "<c0>\x00"),
    ("A18-word after", "<c0>x"),
    ("A19-line comment", "// get_info\n<c0>"),
    ("A19-comment inside", params("/* */" + NAME)),
    ("A19-trailing comma", params(NAME).replace(",<meta>", ",<meta>,")),
    ("A19-trailing comma in a list", argued('{"x":[1,]}')),
    ("A19-single quotes", params(NAME).replace('"', "'")),
    ("A19-unquoted key", params(f'name:"{TARGET}","arguments":{{}}')),
    ("A19-plus sign", argued('{"x":+1}')),
    ("A19-leading zero", argued('{"x":01}')),
    ("A19-leading point", argued('{"x":.5}')),
    ("A19-trailing point", argued('{"x":5.}')),
    ("A19-hexadecimal", argued('{"x":0x10}')),
    ("A19-raw line break in text", argued('{"x":"a\nb"}')),
    ("A20-no-break space", "\u00a0<c0>"),
    ("A20-line separator", params("\u2028" + NAME)),
    ("A20-vertical tab", params("\x0b" + NAME)),
    ("A20-form feed at the end", "<c0>\x0c"),
    ("A20-next line", params("\x85" + NAME)),
    ("A21-empty", ""),
    ("A21-blank", " \r\n\t "),
    ("A21-null", "null"),
    ("A21-true", "true"),
    ("A21-number", "1"),
    ("A21-JSON in a text", json.dumps(C0)),
    ("A21-empty list", "[]"),
    ("A21-list in a list", "[[<c0>]]"),
    ("A25-extra", whole(CALL + ',"extra":1')),
    ("A25-result", whole(CALL + ',"result":{}')),
    ("A25-error", whole(CALL + ',"error":{}')),
    ("A25-params of another spelling", whole(CALL + ',"parameters":{"name":"get_info"}')),
]


@by_each_client()
@pytest.mark.parametrize("row", [pytest.param(row, id=case) for case, row in TEXTS])
def test_an_ambiguous_text_is_rejected(gate: Gate, client: Client, row: str) -> None:
    assert_rejected(gate, client.send(gate, "f0", row), status=400)


@in_each_era("A21-a missing body is rejected")
def test_a_missing_body_is_rejected(gate: Gate, client: Client) -> None:
    assert_rejected(gate, client.send(gate, "f0", "", changed={"body": None}), status=400)


# ---------------------------------------------------------------- encodings


def foreign(case: str, encoding: str, *, bom: bytes = b"") -> object:
    return pytest.param(lambda text: bom + text.encode(encoding), id=case)


@by_each_client()
@pytest.mark.parametrize("base64", [False, True], ids=["as text", "in base64"])
@pytest.mark.parametrize(
    "encode",
    [
        foreign("A13-byte order mark", "utf-8-sig"),
        foreign("A14-UTF-16LE", "utf-16-le"),
        foreign("A14-UTF-16BE", "utf-16-be"),
        foreign("A14-UTF-16LE with mark", "utf-16-le", bom=b"\xff\xfe"),
        foreign("A14-UTF-16BE with mark", "utf-16-be", bom=b"\xfe\xff"),
        foreign("A14-UTF-32LE", "utf-32-le"),
        foreign("A14-UTF-32BE", "utf-32-be"),
        foreign("A14-UTF-32 with mark", "utf-32"),
        foreign("A14-UTF-7 mark", "utf-8", bom=b"+/v8-"),
        pytest.param(lambda text: gzip.compress(text.encode()), id="A14-gzip without a header"),
    ],
)
def test_a_body_in_another_encoding_is_rejected(
    gate: Gate, client: Client, base64: bool, encode: object
) -> None:
    assert callable(encode)
    body = encode(client.text(C0))
    answer = gate.send("f0", body, headers=client.headers(), base64=base64)
    assert_rejected(gate, answer, status=400)


@by_each_client()
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(b"delete_broker\xff", id="A15-stray byte"),
        pytest.param(b"delete\xc0\xaebroker", id="A15-overlong point"),
        pytest.param(b"delete_broker\xed\xa0\x80", id="A15-surrogate in CESU-8"),
        pytest.param(b"delete_broker\xc3", id="A15-cut character"),
        pytest.param(b"delete_broker\xf4\x90\x80\x80", id="A15-beyond Unicode"),
        # An API without binary media types hands over text in which such bytes were replaced.
        pytest.param(
            "delete_broker\ufffd".encode(), id="A15-already replaced by who handed it over"
        ),
    ],
)
def test_invalid_utf8_is_rejected(gate: Gate, client: Client, name: bytes) -> None:
    body = client.text(C0).encode().replace(TARGET.encode(), name)
    assert_rejected(gate, client.send(gate, "f0", body), status=400)


@in_each_era("A16-a raw half of a pair is rejected")
def test_a_raw_half_of_a_pair_is_rejected(gate: Gate, client: Client) -> None:
    text = client.text(C0).replace(TARGET, "delete\ud800_broker")
    assert_rejected(gate, client.send(gate, "f0", "", changed={"body": text}), status=400)


# ---------------------------------------------------------------- arguments


@in_each_era()
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param('{"amount":5,"amount":5000}', id="A07-small first"),
        pytest.param('{"amount":5000,"amount":5}', id="A07-large first"),
        pytest.param('{"amount":5,"am\\u006funt":5000}', id="A07-by escape"),
        pytest.param('{"amount":5,"x":{"y":[{"a":1,"a":2}]}}', id="A07-far inside"),
    ],
)
def test_a_duplicate_argument_is_rejected(gate: Gate, client: Client, arguments: str) -> None:
    row = call_text("transfer", arguments)
    answer = client.send(gate, "f5", row, headers={"Mcp-Name": "transfer"})
    assert_rejected(gate, answer, status=400)


@in_each_era()
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param('{"amount":5,"Amount":5000}', id="A04-another case of an argument"),
        pytest.param('{"\u212aey":"x"}', id="A05-Kelvin sign in an argument"),
        pytest.param('{"amount":5,"amount\\u0000":5000}', id="A06-NUL after an argument"),
    ],
)
def test_a_lookalike_of_an_argument_is_denied(gate: Gate, client: Client, arguments: str) -> None:
    """Keys of `arguments` are the tool's, so its schema says which look alike; no REJ but DEN."""
    headers: dict[str, str | list[str]] = {"Mcp-Name": "transfer"}
    if '"amount"' in arguments:
        headers["Mcp-Param-Amount"] = "5"
    row = call_text("transfer", arguments)
    assert_denied(gate, client.send(gate, "f5", row, headers=headers), "invalid_arguments")


@in_each_era("A11-integers beyond doubles are compared exactly")
def test_integers_beyond_doubles_are_compared_exactly(gate: Gate, client: Client) -> None:
    """Of the two ways the catalogue leaves open, ours is: exact integers, all the way."""

    def transfer(amount: int) -> Answer:
        row = call_text("transfer", f'{{"amount":{amount}}}')
        headers = {"Mcp-Name": "transfer", "Mcp-Param-Amount": str(amount)}
        return client.send(gate, "equal", row, headers=headers)

    assert_denied(gate, transfer(9007199254740992))
    gate.clear()
    answer = transfer(9007199254740993)
    sent = assert_executed_once(gate, answer, "transfer", {"amount": 9007199254740993})
    assert b"9007199254740993" in sent.body


@in_each_era("A17-a nul in an argument passes whole")
def test_a_nul_in_an_argument_passes_whole(gate: Gate, client: Client) -> None:
    row = call_text("get_info", '{"x":"a\\u0000b"}')
    answer = client.send(gate, "f0", row, headers={"Mcp-Name": "get_info"})
    sent = assert_executed_once(gate, answer, "get_info", {"x": "a\0b"})
    assert b'"a\\u0000b"' in sent.body


@pytest.mark.parametrize("value", [pytest.param("canary-4711\0", id="A17-not in the log")])
def test_no_argument_value_is_recorded(gate: Gate, value: str) -> None:
    gate.call("f0", "get_info", {"x": value})
    assert "canary-4711" not in repr(the_record(gate))


@in_each_era()
def test_the_base_call_itself_is_refused(gate: Gate, client: Client) -> None:
    """Without this, the rows above might be refused for a reason they do not mean."""
    assert_unknown_tool(gate, client.send(gate, "f0", "<c0>"))
    gate.clear()
    assert_denied(gate, client.send(gate, "f1", "<c0>"))
    gate.clear()
    assert_refused(gate, client.send(gate, "f5", "<c0>"))
