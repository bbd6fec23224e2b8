"""Session tokens hold for who got them, where and until when, and for nobody else (A1.7, A4.2)."""

import base64
import hashlib
import hmac
import string
from dataclasses import replace

import pytest

from portcullis.protocol.session_token import MAX_TOKEN_LENGTH, SessionClaims, seal, unseal

KEY = b"k" * 32
CLAIMS = SessionClaims(
    session_id="s-1",
    server="mq",
    principal="digest-of-alice",
    version="2025-11-25",
    slot=3,
    capabilities=5,
    has_upstream=True,
    issued_at=1_000,
    expires_at=2_000,
)


def opened(
    token: str,
    *keys: bytes,
    now: int = 1_500,
    principal: str = "digest-of-alice",
    server: str = "mq",
) -> SessionClaims | None:
    return unseal(token, keys or (KEY,), now_seconds=now, principal_digest=principal, server=server)


def signed(payload: bytes) -> str:
    """A token of any payload under the right key."""
    text = "v1." + base64.urlsafe_b64encode(payload).decode().rstrip("=")
    tag = hmac.new(KEY, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(tag).decode().rstrip('=')}"


def test_a_token_gives_back_its_claims() -> None:
    token = seal(CLAIMS, KEY)
    assert opened(token) == CLAIMS
    assert set(token) <= set(string.ascii_letters + string.digits + "-_.")


def test_a_token_of_an_older_key_holds_while_the_key_is_kept() -> None:
    token = seal(CLAIMS, b"old" * 11)
    assert opened(token, KEY, b"old" * 11) == CLAIMS
    assert opened(token, KEY) is None
    assert unseal(token, (), now_seconds=1, principal_digest="", server="") is None


@pytest.mark.parametrize("now, holds", [(999, True), (1_000, True), (1_999, True), (2_000, False)])
def test_a_token_holds_until_it_expires(now: int, holds: bool) -> None:
    assert (opened(seal(CLAIMS, KEY), now=now) is not None) is holds


def test_a_token_is_bound_to_its_principal_and_server() -> None:
    token = seal(CLAIMS, KEY)
    assert opened(token, principal="digest-of-bob") is None
    assert opened(token, server="iam") is None


def test_a_changed_token_is_void() -> None:
    token = seal(CLAIMS, KEY)
    for position in range(len(token)):
        other = "A" if token[position] != "A" else "B"
        changed = token[:position] + other + token[position + 1 :]
        assert opened(changed) is None


def test_parts_of_two_tokens_do_not_fit_together() -> None:
    mine, other = seal(CLAIMS, KEY), seal(replace(CLAIMS, slot=9), KEY)
    assert opened(mine.rpartition(".")[0] + "." + other.rpartition(".")[2]) is None


@pytest.mark.parametrize(
    "token",
    [
        "",
        "v1",
        "v1..",
        "v2" + seal(CLAIMS, KEY)[2:],
        seal(CLAIMS, KEY) + ".",
        "\u00e9",
        "x" * 3000,
        " " + seal(CLAIMS, KEY),
        seal(CLAIMS, KEY) + "\n",
    ],
)
def test_text_that_is_no_token_is_void(token: str) -> None:
    assert opened(token) is None


def test_a_long_text_is_void_before_it_is_read() -> None:
    long = replace(CLAIMS, session_id="s" * MAX_TOKEN_LENGTH)
    assert opened(seal(long, KEY)) is None


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"x",
        b"[]",
        b"{}",
        b'{"sid":1}',
        b'{"sid":"s","server":"mq","principal":"p","version":"v","slot":"1"}',
        b'{"sid":"s","server":"mq","principal":"p","version":"v","slot":true}',
        b"\xff",
        b"aaaa" * 3 + b"a",
    ],
)
def test_a_payload_of_another_form_is_void_even_when_signed(payload: bytes) -> None:
    assert opened(signed(payload)) is None


def test_a_signed_payload_that_is_no_base64_is_void() -> None:
    tag = hmac.new(KEY, b"v1.a", hashlib.sha256).digest()
    assert opened(f"v1.a.{base64.urlsafe_b64encode(tag).decode().rstrip('=')}") is None
