"""Threat cases A, continued: depth, size, cost; and the law of what is forwarded (A24)."""

import json
import time
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portcullis import strictjson
from portcullis.policy.drift import decide
from threats.fixtures import (
    C0,
    F0,
    F1,
    TARGET,
    TOOLS,
    Client,
    by_each_client,
    call_text,
    in_each_era,
)
from threats.gate import Gate, standing_gate
from threats.verdicts import (
    assert_executed_once,
    assert_read_alike,
    assert_rejected,
    assert_unknown_tool,
)

LIMIT = strictjson.MAX_BYTES
BUDGET_SECONDS = 5.0  # of CPU, most of it the recorder's four readings


@pytest.fixture(scope="module")
def warm() -> Iterator[Gate]:
    with standing_gate(TOOLS, {"f0": F0, "f1": F1}) as gate:
        yield gate


@pytest.fixture
def gate(warm: Gate) -> Gate:
    warm.clear()
    return warm


def nested(levels: int, tool: str = TARGET, *, pair: str = "[]") -> str:
    """A call whose whole text is nested so deep: request, params, arguments, then `pair`s."""
    inner = levels - 3
    return call_text(tool, '{"x":' + pair[:-1] * inner + pair[-1] * inner + "}")


# ---------------------------------------------------------------- depth


@by_each_client()
@pytest.mark.parametrize(
    "row",
    [
        *(pytest.param(nested(n), id=f"A12-{n} lists") for n in (65, 200, 201, 1000, 100_000)),
        *(
            pytest.param(
                call_text(TARGET, '{"x":' * (n - 3) + "1" + "}" * (n - 3)), id=f"A12-{n} objects"
            )
            for n in (66, 1000, 100_000)
        ),
        pytest.param(nested(65, "get_info"), id="A12-65 lists for the allowed tool"),
        pytest.param("[" * 100_000, id="A12-never closed"),
        pytest.param("]" * 100_000, id="A12-never opened"),
        pytest.param('{"a":' * 100_000, id="A12-objects never closed"),
        pytest.param("[]" * 100_000, id="A12-side by side"),
    ],
)
def test_deep_nesting_is_rejected(gate: Gate, client: Client, row: str) -> None:
    began = time.process_time()
    answer = client.send(gate, "f0", row)
    assert time.process_time() - began < BUDGET_SECONDS
    assert_rejected(gate, answer, status=400, code=-32700)
    assert b"Recursion" not in answer.body


@in_each_era("A12-nesting up to the limit passes")
def test_nesting_up_to_the_limit_passes(gate: Gate, client: Client) -> None:
    headers = {"Mcp-Name": "get_info"}
    answer = client.send(gate, "f0", nested(strictjson.MAX_DEPTH, "get_info"), headers=headers)
    deep = json.loads(nested(strictjson.MAX_DEPTH).replace(",<meta>", ""))["params"]["arguments"]
    assert_executed_once(gate, answer, "get_info", deep)


@pytest.mark.parametrize("levels", [pytest.param(1_000_000, id="A12-memory")])
def test_absurd_nesting_takes_memory_in_proportion_to_its_text(gate: Gate, levels: int) -> None:
    text = Client().text(nested(levels))
    tracemalloc.start()
    try:
        answer = Client().send(gate, "f0", text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert_rejected(gate, answer, status=400)
    assert peak < 12 * len(text)


# ---------------------------------------------------------------- size


def padded(text: str, size: int) -> bytes:
    return b" " * (size - len(text.encode())) + text.encode()


@in_each_era()
@pytest.mark.parametrize(
    "size",
    [pytest.param(LIMIT - 1, id="A22-limit minus 1"), pytest.param(LIMIT, id="A22-limit")],
)
def test_a_body_within_the_limit_is_evaluated(gate: Gate, client: Client, size: int) -> None:
    assert_unknown_tool(gate, client.send(gate, "f0", padded(client.text(C0), size)))
    gate.clear()
    body = padded(client.text(call_text("get_info")), size)
    answer = client.send(gate, "f0", body, headers={"Mcp-Name": "get_info"})
    assert_executed_once(gate, answer, "get_info", {})


@in_each_era()
@pytest.mark.parametrize("tool", [TARGET, "get_info"])
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda text: padded(text, LIMIT + 1), id="A22-limit plus 1"),
        pytest.param(lambda text: padded(text, 6_000_000), id="A22-6 MB of spaces"),
        pytest.param(lambda _: b"\xff" * (LIMIT + 1), id="A22-too long and not UTF-8"),
        pytest.param(lambda _: b"[" * (LIMIT + 1), id="A22-too long and too deep"),
    ],
)
def test_a_body_over_the_limit_is_rejected(
    gate: Gate, client: Client, tool: str, make: Any
) -> None:
    body = make(client.text(call_text(tool)))
    assert_rejected(gate, client.send(gate, "f0", body), status=413)


MANY = {str(number): 0 for number in range(100_000)}
# Two families of keys that small hash tables put into one slot.
COLLIDING = {str(number << 20): 0 for number in range(100_000)}


@in_each_era()
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"k" * 1_000_000: 1}, id="A22-key of 1 MB"),
        pytest.param({f"key {number}": 0 for number in range(100_000)}, id="A22-100000 keys"),
        pytest.param(MANY, id="A23-whole numbers as keys"),
        pytest.param(COLLIDING, id="A23-keys of one slot"),
    ],
)
def test_large_arguments_end_in_time(gate: Gate, client: Client, arguments: dict[str, Any]) -> None:
    began = time.process_time()
    answer = client.send(gate, "f0", call_text(TARGET, json.dumps(arguments)))
    assert time.process_time() - began < BUDGET_SECONDS
    assert_unknown_tool(gate, answer)


@pytest.mark.parametrize("arguments", [pytest.param(MANY, id="A23-forwarded whole")])
def test_what_was_evaluated_is_forwarded_whole(gate: Gate, arguments: dict[str, Any]) -> None:
    began = time.process_time()
    answer = gate.call("f0", "get_info", arguments)
    assert time.process_time() - began < BUDGET_SECONDS
    assert_executed_once(gate, answer, "get_info", arguments)


# ---------------------------------------------------------------- what is forwarded

_KEYS = st.one_of(
    st.sampled_from(["amount", "Amount", "a", "\u212aey", "key", "name", "n\u0000", "", "\u00e9"]),
    st.text(max_size=5),
)
_NUMBERS = st.one_of(
    st.integers(-(10**40), 10**40).map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.sampled_from(["1e5", "-0", "-0.0", "1E+2", "0.10", "1e308", "1e309", "NaN", "01", "0e9999"]),
)


def _text(characters: str) -> st.SearchStrategy[str]:
    """A JSON text by hand or by `json`: the same character, escaped or not."""
    return st.sampled_from(
        [json.dumps(characters), json.dumps(characters, ensure_ascii=False), _escaped(characters)]
    )


def _escaped(characters: str) -> str:
    units = characters.encode("utf-16-be", "surrogatepass")
    return '"' + "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2)) + '"'


def _joined(parts: list[str], pair: str) -> str:
    return pair[0] + ",".join(parts) + pair[1]


_CHARACTERS = st.text(st.characters(), max_size=8)  # halves of pairs included
_MEMBERS = st.tuples(_KEYS.flatmap(_text), st.sampled_from([":", " :\n", ":\t"]))
_VALUES = st.recursive(
    st.one_of(_NUMBERS, _CHARACTERS.flatmap(_text), st.sampled_from(["true", "false", "null"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda parts: _joined(parts, "[]")),
        st.lists(st.tuples(_MEMBERS, inner).map(lambda m: "".join((*m[0], m[1]))), max_size=4).map(
            lambda parts: _joined(parts, "{}")
        ),
    ),
    max_leaves=8,
)
_ARGUMENTS = st.lists(
    st.tuples(_MEMBERS, _VALUES).map(lambda m: "".join((*m[0], m[1]))), max_size=5
).map(lambda parts: _joined(parts, "{}"))


@pytest.mark.property
@pytest.mark.parametrize("tool", [pytest.param("get_info", id="A24-any arguments")])
def test_what_is_forwarded_is_what_was_evaluated(warm: Gate, tool: str) -> None:
    """At least 500 random bodies, duplicate keys and odd numbers among them."""
    seen = {"accepted": 0, "refused": 0}

    @settings(
        max_examples=500,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(arguments=_ARGUMENTS, client=st.sampled_from([Client(), Client(era="2025-11-25")]))
    def law(arguments: str, client: Client) -> None:
        warm.clear()
        row = call_text(tool, arguments)
        with mock.patch("portcullis.gateway.enforce.decide", wraps=decide) as evaluated:
            body = client.text(row).encode("utf-8", "surrogatepass")
            answer = client.send(warm, "f0", body, headers={"Mcp-Name": tool})
        if not warm.recorder.received:
            assert_rejected(warm, answer, status=400)
            seen["refused"] += 1
            return
        seen["accepted"] += 1
        (sent,) = warm.recorder.received
        assert_read_alike(sent.body)
        call = evaluated.call_args.args[1]
        forwarded = json.loads(sent.body, parse_float=Decimal)["params"]
        assert (forwarded["name"], forwarded["arguments"]) == (call.name, call.arguments)
        client_meant = json.loads(client.text(row), parse_float=Decimal)["params"]["arguments"]
        assert forwarded["arguments"] == client_meant

    law()
    assert min(seen.values()) > 50, seen  # the law was asked of both kinds
