"""Access tokens as credentials of agents: for which servers they are, and with which scope.

A token is for a server when its audience is the server's URL, or an audience that is for all of
them. Sources: RFC 8707, section 2; Model Context Protocol 2025-11-25, basic/authorization
("Token Audience Binding and Validation", "Scope Challenge Handling").
"""

from collections.abc import Callable
from dataclasses import dataclass

from portcullis.adapters.access_token import AccessToken, read_access_token
from portcullis.adapters.issuer_keys import IssuerKeys
from portcullis.adapters.token_principal import ClaimNames, principal_of_token
from portcullis.entrypoints.authorizer import Admission, Credentials
from portcullis.errors import TokenError


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTerms:
    """What tokens must say.

    `audiences`: those that are for every server; () for the API's own URLs. `scope_prefix`: what
    stands before a server's name in the scope that opens it; "": no scope is asked for.
    """

    issuer: str
    base_url: str
    audiences: tuple[str, ...]
    scope_prefix: str
    names: ClaimNames


class AgentTokens(Credentials):
    """Access tokens of one issuer. `report` is told why one was refused, never with its text."""

    def __init__(
        self, terms: TokenTerms, keys: IssuerKeys, *, report: Callable[[str], None]
    ) -> None:
        self._terms = terms
        self._keys = keys
        self._report = report

    def admit(self, token: str, server: str, *, now_seconds: int) -> Admission | None:
        """Answer who a token speaks for, as the protocol says."""
        terms = self._terms
        try:
            read = read_access_token(
                token, self._keys, issuer=terms.issuer, now_seconds=now_seconds
            )
            self._require_ours(read, server)
            principal = principal_of_token(read.claims, terms.names)
        except TokenError as error:
            self._report(str(error))
            return None
        is_open = not terms.scope_prefix or f"{terms.scope_prefix}{server}" in read.scopes
        return Admission(principal=principal, is_open=is_open)

    def _require_ours(self, read: AccessToken, server: str) -> None:
        if read.audiences.isdisjoint(self._audiences(server)):
            raise TokenError("the token is for somebody else")

    def _audiences(self, server: str) -> frozenset[str]:
        terms = self._terms
        if terms.audiences:
            return frozenset(terms.audiences)
        base = terms.base_url
        # Clients write the URL of a host without a path with a slash and without one.
        return frozenset({base, f"{base}/", f"{base}/mcp", f"{base}/mcp/{server}"})
