"""What browsers keep for the console: theirs to read, nobody's to change."""

import pytest

from portcullis.console.sealed import Seals, Session, SignIn
from portcullis.policy.model import Principal
from portcullis.protocol.sealing import seal
from portcullis.values import JsonObject

KEY, OLD = b"k" * 32, b"o" * 32
BY_GRANT = Session(id="s", expires_at=2000, digest="d")
BY_ISSUER = Session(
    id="s",
    expires_at=2000,
    person=Principal(issuer="https://i", subject="1", person="bob@example.com", groups=("a", "b")),
)
SIGN_IN = SignIn(state="s", nonce="n", verifier="v", back_to="", expires_at=2000)


def seals(*keys: bytes) -> Seals:
    return Seals(lambda: keys or (KEY,))


@pytest.mark.parametrize("session", [BY_GRANT, BY_ISSUER])
def test_a_session_comes_back_until_it_is_over(session: Session) -> None:
    value = seals().session(session)
    assert seals().open_session(value, now_seconds=1999) == session
    assert seals().open_session(value, now_seconds=2000) is None


def test_a_sign_in_under_way_comes_back_until_it_is_over() -> None:
    value = seals().sign_in(SIGN_IN)
    assert seals().open_sign_in(value, now_seconds=1999) == SIGN_IN
    assert seals().open_sign_in(value, now_seconds=2000) is None


def test_what_an_older_key_sealed_opens_while_the_key_is_kept() -> None:
    value = seals(OLD).session(BY_GRANT)
    assert seals(KEY, OLD).open_session(value, now_seconds=1) == BY_GRANT
    assert seals(KEY).open_session(value, now_seconds=1) is None


def test_one_kind_is_never_taken_for_another() -> None:
    session, sign_in = seals().session(BY_GRANT), seals().sign_in(SIGN_IN)
    form = seals().form_token("u", holder="h")
    assert seals().open_session(sign_in, now_seconds=1) is None
    assert seals().open_session(form, now_seconds=1) is None
    assert seals().open_sign_in(session, now_seconds=1) is None
    assert not seals().is_form_token(session, "u", holder="h")


@pytest.mark.parametrize("position", range(0, 100, 7))
def test_a_changed_session_is_none(position: int) -> None:
    value = seals().session(BY_ISSUER)
    other = "A" if value[position] != "A" else "B"
    changed = value[:position] + other + value[position + 1 :]
    assert seals().open_session(changed, now_seconds=1) is None


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"sid": "s"},
        {"sid": "s", "exp": "2000", "grant": "d"},
        {"sid": 1, "exp": 2000, "grant": "d"},
        {"sid": "s", "exp": 2000},
        {"sid": "s", "exp": 2000, "iss": "i", "sub": "1"},
        {"sid": "s", "exp": 2000, "iss": "i", "sub": "1", "person": "p", "groups": [1]},
    ],
)
def test_a_sealed_text_of_another_shape_is_no_session(payload: JsonObject) -> None:
    assert seals().open_session(seal("pcs1", payload, KEY), now_seconds=1) is None


def test_a_sealed_text_of_another_shape_is_no_sign_in() -> None:
    value = seal("pci1", {"exp": 2000, "state": 1}, KEY)
    assert seals().open_sign_in(value, now_seconds=1) is None


def test_a_form_token_is_good_for_one_use_one_holder_one_version() -> None:
    token = seals().form_token("decide", holder="s 1", version=3)
    assert seals().is_form_token(token, "decide", holder="s 1", version=3)
    assert not seals().is_form_token(token, "decide", holder="s 1", version=4)
    assert not seals().is_form_token(token, "decide", holder="s 2", version=3)
    assert not seals().is_form_token(token, "sign out", holder="s 1", version=3)
    assert not seals(OLD).is_form_token(token, "decide", holder="s 1", version=3)
    assert not seals().is_form_token("", "decide", holder="s 1", version=3)
