"""A requester's credential is asked of whoever answers for its kind; an unknown kind is ended."""

import pytest

from portcullis.adapters.standing_credentials import (
    CredentialsByKind,
    NothingToRevoke,
    TokenStanding,
)
from portcullis.errors import GrantStoreError
from portcullis.gateway.approval_ports import Credentials


class Until(Credentials):
    """Stands until an instant."""

    def is_live(self, credential: str, *, now_seconds: int) -> bool:
        assert credential == "grant:d"
        return now_seconds < 100


class Down(Credentials):
    """Cannot tell."""

    def is_live(self, credential: str, *, now_seconds: int) -> bool:
        raise GrantStoreError(credential)


@pytest.mark.parametrize(
    ("credential", "now", "live"),
    [
        ("grant:d", 99, True),
        ("grant:d", 100, False),
        ("aws-iam:AROAEXAMPLEEXAMPLE01", 100, True),
        ("aws-iam:", 1, False),
        ("aws-iam", 1, False),
        ("jwt:x", 1, False),
        ("grant", 1, False),
        ("", 1, False),
    ],
)
def test_a_credential_stands_as_its_kind_says(credential: str, now: int, live: bool) -> None:
    kinds = CredentialsByKind({"grant:": Until(), "aws-iam:": NothingToRevoke()})
    assert kinds.is_live(credential, now_seconds=now) is live


def test_not_being_able_to_tell_is_an_error() -> None:
    with pytest.raises(GrantStoreError):
        CredentialsByKind({"grant:": Down()}).is_live("grant:d", now_seconds=1)


ISSUER = "https://id.example"


def token_stands(credential: str, *, now: int = 100, issuer: str = ISSUER) -> bool:
    return TokenStanding(issuer, seconds=50).is_live(credential, now_seconds=now)


def test_N25_a_token_s_word_counts_until_a_while_after_it_expired() -> None:
    assert token_stands(f"jwt:100:{ISSUER}", now=149)
    assert not token_stands(f"jwt:100:{ISSUER}", now=150)


@pytest.mark.parametrize(
    "credential",
    ["", "x", "jwt:", f"jwt:x:{ISSUER}", "jwt:100:https://other.example", f"jwt:100:{ISSUER}/"],
)
def test_N25_what_is_no_token_of_ours_does_not_stand(credential: str) -> None:
    assert not token_stands(credential)


def test_N25_no_token_stands_where_no_issuer_is_named() -> None:
    assert not token_stands("jwt:100:", issuer="")
