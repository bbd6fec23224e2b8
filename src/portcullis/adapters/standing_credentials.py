"""Whether the credential behind a request for approval still stands, by its kind.

A kind that is not known here, or no longer accepted, does not stand.
"""

from collections.abc import Mapping

from portcullis.gateway.approval_ports import Credentials


class CredentialsByKind(Credentials):
    """Asks the port that answers for a credential's prefix (`grant:`, `aws-iam:`)."""

    def __init__(self, kinds: Mapping[str, Credentials]) -> None:
        self._kinds = kinds

    def is_live(self, credential: str, *, now_seconds: int) -> bool:
        """As the port says."""
        kind, colon, rest = credential.partition(":")
        port = self._kinds.get(kind + colon)
        return port is not None and bool(rest) and port.is_live(credential, now_seconds=now_seconds)


class NothingToRevoke(Credentials):
    """Credentials that only their issuer can end, and whose end it does not tell us.

    IAM: a session ends by itself, and whether its role may still call is IAM's own answer to the
    next request. What the gateway can still refuse, the policy refuses.
    """

    def is_live(self, credential: str, *, now_seconds: int) -> bool:  # noqa: ARG002 - the port's
        """Answer that nothing is known against it."""
        return True
