"""What is sealed opens under its own prefix and key, and as nothing else."""

import base64
import hashlib
import hmac
from typing import Any
from unittest import mock

import pytest

from portcullis.protocol.sealing import number_of, seal, text_of, unseal
from portcullis.values import JsonObject

KEY = b"k" * 32
PAYLOAD: JsonObject = {"a": 1, "b": "\u00e9"}


def opened(token: str, *keys: bytes, prefix: str = "p1") -> JsonObject | None:
    return unseal(prefix, token, keys or (KEY,), max_length=500)


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed(payload: str) -> str:
    """Any text as a payload, under the right key."""
    text = f"p1.{payload}"
    return f"{text}.{encoded(hmac.new(KEY, text.encode(), hashlib.sha256).digest())}"


def test_the_form_is_prefix_payload_tag() -> None:
    assert seal("p1", PAYLOAD, KEY) == signed(encoded('{"a":1,"b":"\u00e9"}'.encode()))


def test_F09_every_tag_is_compared_in_constant_time_whichever_key_fits() -> None:
    token = seal("p1", PAYLOAD, KEY)
    for keys in ((KEY, b"b", b"c"), (b"b", b"c", KEY), (b"b", b"c", b"d")):
        with mock.patch.object(hmac, "compare_digest", wraps=hmac.compare_digest) as compared:
            opened(token, *keys)
        assert compared.call_count == 3


def test_what_was_sealed_opens_with_any_of_the_keys() -> None:
    token = seal("p1", PAYLOAD, KEY)
    assert opened(token) == PAYLOAD
    assert opened(token, b"other", KEY) == PAYLOAD
    assert opened(token, b"other") is None
    assert unseal("p1", token, (), max_length=500) is None


def test_what_was_sealed_for_one_purpose_is_nothing_for_another() -> None:
    token = seal("p1", PAYLOAD, KEY)
    assert opened(token, prefix="p2") is None
    assert opened("p2" + token[2:], prefix="p2") is None


@pytest.mark.parametrize(
    "token",
    ["", "p1", "p1..", "p1.e30", "p1.e30.", "\u00e9.e30." + "A" * 43, "p1.e30." + "A" * 43],
)
def test_text_that_was_not_sealed_opens_nothing(token: str) -> None:
    assert opened(token) is None


def test_a_text_over_the_length_is_not_looked_at() -> None:
    token = seal("p1", PAYLOAD, KEY)
    assert unseal("p1", token, (KEY,), max_length=len(token)) == PAYLOAD
    assert unseal("p1", token, (KEY,), max_length=len(token) - 1) is None


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param("a", id="no base64"),
        pytest.param("e31", id="stray bits"),
        pytest.param("W10", id="a list"),
        pytest.param("eA", id="no JSON"),
        pytest.param(encoded(b'{"a":1,"a":2}'), id="a name twice"),
    ],
)
def test_a_signed_payload_of_another_form_opens_nothing(payload: str) -> None:
    assert opened(signed("e30")) == {}
    assert opened(signed(payload)) is None


@pytest.mark.parametrize("value", [None, 1, True, [], {}])
def test_a_claim_that_is_no_text_is_missing(value: Any) -> None:
    assert text_of({"a": "x"}, "a") == "x"
    with pytest.raises(LookupError):
        text_of({"a": value}, "a")
    with pytest.raises(LookupError):
        text_of({}, "a")


@pytest.mark.parametrize("value", [None, "1", True, [], {}])
def test_a_claim_that_is_no_number_is_missing(value: Any) -> None:
    assert number_of({"a": 3}, "a") == 3
    with pytest.raises(LookupError):
        number_of({"a": value}, "a")
    with pytest.raises(LookupError):
        number_of({}, "a")
