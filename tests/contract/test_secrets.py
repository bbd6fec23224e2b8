"""Secrets: read rarely, never empty, and an error where they cannot be read."""

from typing import Any

import pytest

from portcullis.adapters.secrets import Secrets
from portcullis.errors import CredentialError
from portcullis.policy.model import Instant
from support.aws_faults import FAULTS


def at(seconds: float) -> Instant:
    return Instant(micros=int(seconds * 1_000_000))


class OneSecret:
    """Answers one value, or raises."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked = 0

    def get_secret_value(self, **_arguments: Any) -> Any:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_a_secret_is_read_once_in_five_minutes() -> None:
    client, now = OneSecret({"SecretString": "s"}), [0.0]
    secrets = Secrets(lambda: client, lambda: at(now[0]))
    assert [secrets.read("a"), secrets.read("a")] == ["s", "s"]
    assert client.asked == 1
    now[0] = 301
    assert secrets.read("a") == "s"
    assert client.asked == 2


@pytest.mark.parametrize("error", FAULTS)
def test_P08_a_secret_that_cannot_be_read_is_no_secret(error: Exception) -> None:
    with pytest.raises(CredentialError):
        Secrets(lambda: OneSecret(error), lambda: at(0)).read("a")


@pytest.mark.parametrize("answer", [{}, {"SecretString": ""}, {"SecretBinary": b"x"}])
def test_P08_an_empty_secret_is_no_secret(answer: dict[str, Any]) -> None:
    with pytest.raises(CredentialError, match="empty"):
        Secrets(lambda: OneSecret(answer), lambda: at(0)).read("a")
