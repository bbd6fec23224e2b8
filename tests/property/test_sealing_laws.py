"""Laws of what clients keep for us: it opens as it was sealed, or not at all (A3.9, K08)."""

import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portcullis.protocol.request_state import StateClaims, is_own_state, seal_state, unseal_state
from portcullis.protocol.sealing import seal, unseal

pytestmark = pytest.mark.property

KEYS = st.binary(min_size=1, max_size=40)
# No longer than in truth: an id, digests of 64 digits, the names of a server and a tool.
TEXTS = st.text(st.characters(codec="utf-8"), max_size=64)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
NUMBERS = st.integers(min_value=0, max_value=2**40)
CLAIMS = st.builds(
    StateClaims,
    approval=st.text(string.ascii_letters, max_size=32),
    server=st.text(string.ascii_lowercase, max_size=32),
    principal=DIGESTS,
    tool=st.text(string.ascii_letters, max_size=128),
    arguments=DIGESTS,
    issued_at=NUMBERS,
    expires_at=NUMBERS.map(lambda seconds: seconds + 1),
    round=st.integers(min_value=0, max_value=9),
)
BOUND = ("principal", "server", "tool", "arguments")


def opened(
    text: str, claims: StateClaims, *keys: bytes, now: int | None = None, **other: Any
) -> StateClaims | None:
    """Open a state for the call it was sealed for, or for one that differs in `other`."""
    call: dict[str, Any] = {name: getattr(claims, name) for name in BOUND}
    at = claims.expires_at - 1 if now is None else now
    return unseal_state(text, keys, now_seconds=at, **{**call, **other})


@given(CLAIMS, KEYS)
def test_a_state_opens_as_it_was_sealed(claims: StateClaims, key: bytes) -> None:
    text = seal_state(claims, key)
    assert is_own_state(text)
    assert opened(text, claims, key) == claims


@given(CLAIMS, KEYS, st.data())
def test_K08_a_state_with_any_character_changed_never_opens(
    claims: StateClaims, key: bytes, data: st.DataObject
) -> None:
    text = seal_state(claims, key)
    at = data.draw(st.integers(min_value=0, max_value=len(text) - 1))
    other = data.draw(st.characters(codec="utf-8"))
    assume(other != text[at])
    assert opened(text[:at] + other + text[at + 1 :], claims, key) is None


@given(CLAIMS, KEYS, st.data())
def test_K08_a_state_cut_short_or_longer_never_opens(
    claims: StateClaims, key: bytes, data: st.DataObject
) -> None:
    text = seal_state(claims, key)
    at = data.draw(st.integers(min_value=0, max_value=len(text)))
    more = data.draw(st.text(max_size=5))
    changed = data.draw(st.sampled_from([text[:at], text[at:], text[:at] + more + text[at:]]))
    assume(changed != text)
    assert opened(changed, claims, key) is None


@given(CLAIMS, KEYS, st.lists(KEYS, max_size=3))
def test_K08_a_state_never_opens_with_other_keys(
    claims: StateClaims, key: bytes, others: list[bytes]
) -> None:
    # HMAC fills a short key up with zeros: such keys are one.
    assume(all(other.rstrip(b"\0") != key.rstrip(b"\0") for other in others))
    assert opened(seal_state(claims, key), claims, *others) is None
    assert opened(seal_state(claims, key), claims, *others, key) == claims


@given(CLAIMS, KEYS, st.sampled_from(BOUND), TEXTS)
def test_K08_N05_a_state_never_opens_for_another_caller_or_call(
    claims: StateClaims, key: bytes, bound: str, other: str
) -> None:
    assume(other != getattr(claims, bound))
    changed: dict[str, Any] = {bound: other}
    assert opened(seal_state(claims, key), claims, key, **changed) is None


@given(CLAIMS, KEYS, NUMBERS)
def test_K08_a_state_never_opens_after_it_expired(
    claims: StateClaims, key: bytes, later: int
) -> None:
    assert opened(seal_state(claims, key), claims, key, now=claims.expires_at + later) is None


@given(CLAIMS, CLAIMS, KEYS)
def test_K08_parts_of_two_states_do_not_fit_together(
    claims: StateClaims, other: StateClaims, key: bytes
) -> None:
    assume(claims != other)
    mine, theirs = seal_state(claims, key), seal_state(other, key)
    mixed = mine.rpartition(".")[0] + "." + theirs.rpartition(".")[2]
    assert opened(mixed, claims, key) is None


@given(CLAIMS, KEYS)
def test_K08_a_state_with_another_round_was_sealed_anew(claims: StateClaims, key: bytes) -> None:
    later = replace(claims, round=claims.round + 1)
    assert seal_state(later, key) != seal_state(claims, key)


PREFIXES = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(PREFIXES, PREFIXES, st.dictionaries(TEXTS, JSON, max_size=4), KEYS)
def test_what_is_sealed_opens_under_its_own_prefix_alone(
    prefix: str, other: str, payload: dict[str, Any], key: bytes
) -> None:
    token = seal(prefix, payload, key)
    assert token.isascii()
    assert token.isprintable()
    assert unseal(prefix, token, (key,), max_length=10_000) == payload
    if other != prefix:
        assert unseal(other, token, (key,), max_length=10_000) is None
        assert unseal(other, other + token[len(prefix) :], (key,), max_length=10_000) is None


@given(st.text() | st.from_regex(r"\Apcs1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}\Z"), KEYS)
def test_any_text_is_told_apart_without_an_exception(text: str, key: bytes) -> None:
    assert unseal("pcs1", text, (key,), max_length=1_000) is None
