"""The words in the names of arguments."""

import pytest

from portcullis.approvals.key_words import words_of


@pytest.mark.parametrize(
    "name, words",
    [
        ("user_name", ("user", "name")),
        ("DBMasterPassword", ("db", "master", "password")),
        ("publiclyAccessible", ("publicly", "accessible")),
        ("X-Api-Key", ("x", "api", "key")),
        ("APIKey2", ("api", "key", "2")),
        ("naïve name", ("na", "ïve", "name")),
        ("\uff46orce", ("force",)),
        ("пароль", ("пароль",)),
        ("", ()),
        ("--", ()),
    ],
)
def test_a_name_is_read_in_its_words(name: str, words: tuple[str, ...]) -> None:
    assert words_of(name) == words
