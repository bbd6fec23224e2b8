"""Whether the credential behind a request for approval still stands, by its kind.

A kind that is not known here, or no longer accepted, does not stand.
"""

import re
from collections.abc import Mapping
from typing import Final

from portcullis.gateway.approval_ports import Credentials

_TOKEN: Final = re.compile(r"jwt:([0-9]{1,15}):(.+)", re.DOTALL)


class CredentialsByKind(Credentials):
    """Asks the port that answers for a credential's prefix (`grant:`, `jwt:`, `aws-iam:`)."""

    def __init__(self, kinds: Mapping[str, Credentials]) -> None:
        self._kinds = kinds

    def is_live(self, credential: str, *, now_seconds: int) -> bool:
        """As the port says."""
        kind, colon, rest = credential.partition(":")
        port = self._kinds.get(kind + colon)
        return port is not None and bool(rest) and port.is_live(credential, now_seconds=now_seconds)


class TokenStanding(Credentials):
    """Access tokens of one issuer: `jwt:<exp>:<issuer>`.

    Nobody tells us that a token's holder left. So its word counts until `seconds` after it
    expired, and only of the issuer that is accepted now.
    """

    def __init__(self, issuer: str, *, seconds: int) -> None:
        self._issuer = issuer
        self._seconds = seconds

    def is_live(self, credential: str, *, now_seconds: int) -> bool:
        """As the port says."""
        token = _TOKEN.fullmatch(credential)
        if token is None or not self._issuer or token[2] != self._issuer:
            return False
        return now_seconds < int(token[1]) + self._seconds


class NothingToRevoke(Credentials):
    """Credentials that only their issuer can end, and whose end it does not tell us.

    IAM: a session ends by itself, and whether its role may still call is IAM's own answer to the
    next request. What the gateway can still refuse, the policy refuses.
    """

    def is_live(self, credential: str, *, now_seconds: int) -> bool:  # noqa: ARG002 - the port's
        """Answer that nothing is known against it."""
        return True
