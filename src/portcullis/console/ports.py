"""What the console needs from the outside besides the desk: who holds a credential.

Every method answers or raises an `UnavailableError`; whoever catches that lets nobody in.
"""

from dataclasses import dataclass
from typing import Protocol

from portcullis.gateway.deciding import Viewer
from portcullis.policy.model import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whom a live grant speaks for. `viewer` is None where the grant is an agent's.

    `digest` finds the grant again, so that a revoked one is void at once.
    """

    digest: str
    viewer: Viewer | None


class Grants(Protocol):
    """Looks live grants up."""

    def find(self, token: str, *, now_seconds: int) -> Holder | None:
        """Answer who holds a token; None where it is unknown, expired or revoked.

        Raises:
            GrantStoreError: it cannot be told.
        """
        ...

    def find_by_digest(self, digest: str, *, now_seconds: int) -> Holder | None:
        """Answer the same for the digest of a token."""
        ...


class Issuer(Protocol):
    """An OpenID Connect issuer that people sign in with (authorization code flow with PKCE)."""

    def authorization_url(
        self, *, redirect_uri: str, state: str, nonce: str, challenge: str
    ) -> str:
        """Answer where a browser goes to sign in.

        Raises:
            IssuerUnavailableError: the issuer did not say.
        """
        ...

    def redeem(self, *, code: str, redirect_uri: str, verifier: str, nonce: str) -> Principal:
        """Answer who signed in, for the code that a browser came back with.

        Raises:
            SignInError: the issuer gave no ID token for it, or one that proves nothing.
            IssuerUnavailableError: the issuer did not answer.
        """
        ...
