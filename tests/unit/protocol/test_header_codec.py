"""Header values: what passes plain, what is wrapped, what equals nothing (A2.12, D07)."""

import pytest
from mcp.shared import inbound as sdk

from portcullis.protocol.header_codec import decode, encode

VALUES = [
    "get_info",
    "",
    "a b",
    " edge",
    "edge ",
    "tab\t",
    "\u00e9",
    "a\nb",
    "\0",
    "=?base64?eA==?=",
    "=?base64??=",
    "=?BASE64?eA==?=",
    "x" * 5000,
]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_survives_the_header_and_is_written_as_the_sdk_writes_it(value: str) -> None:
    assert decode(encode(value)) == value
    assert encode(value) == sdk.encode_header_value(value)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("=?base64?eB==?=", id="D07-stray bits"),
        pytest.param("=?base64?eA=?=", id="D07-short padding"),
        pytest.param("=?base64?eA?=", id="D07-no padding"),
        pytest.param("=?base64?e A==?=", id="D07-space"),
        pytest.param("=?base64?/w==?=", id="D07-not UTF-8"),
        pytest.param("=?base64?_w==?=", id="D07-URL-safe"),
        pytest.param("caf\u00e9", id="D08-Latin-1"),
        pytest.param("a\tb", id="D26-control character"),
        pytest.param("a\r\nX: y", id="D26-line break"),
    ],
)
def test_a_malformed_value_equals_nothing(text: str) -> None:
    assert decode(text) is None


def test_markers_are_exact() -> None:
    assert decode("=?BASE64?eA==?=") == "=?BASE64?eA==?="
    assert decode("x=?base64?eA==?=") == "x=?base64?eA==?="
