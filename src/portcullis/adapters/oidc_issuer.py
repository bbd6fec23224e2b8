"""An OpenID Connect issuer over HTTPS: where it signs people in, and what it says of them.

Sources: OpenID Connect Core 1.0, section 3.1; RFC 6749, sections 2.3.1 and 4.1.3; RFC 7636.
"""

import base64
from collections.abc import Callable
from urllib.parse import quote, urlencode, urlsplit

from portcullis.adapters.id_token import Expected, read_id_token
from portcullis.adapters.issuer_http import HEADERS, IssuerHttp
from portcullis.adapters.issuer_keys import IssuerKeys
from portcullis.adapters.signed_token import read_signed
from portcullis.errors import SignInError, TokenError
from portcullis.policy.model import Instant, Principal


class OidcIssuer:
    """One issuer, and our registration there. `client_secret` None: a public client."""

    def __init__(
        self,
        issuer: str,
        *,
        client_id: str,
        client_secret: Callable[[], str] | None,
        groups_claim: str,
        clock: Callable[[], Instant],
    ) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._groups_claim = groups_claim
        self._clock = clock
        self._http = IssuerHttp()
        self._keys = IssuerKeys(issuer, clock=clock, http=self._http)

    def authorization_url(
        self, *, redirect_uri: str, state: str, nonce: str, challenge: str
    ) -> str:
        """Answer where a browser goes to sign in.

        Raises:
            IssuerUnavailableError: the issuer did not say.
        """
        endpoint = self._keys.endpoint("authorization_endpoint")
        for name in ("token_endpoint", "jwks_uri"):  # nobody is sent where there is no way back
            self._keys.endpoint(name)
        scopes = ["openid", "email"]
        supported = self._keys.metadata().get("scopes_supported")
        if self._groups_claim and isinstance(supported, list) and "groups" in supported:
            scopes.append("groups")
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._client_id,
                "redirect_uri": redirect_uri,
                "scope": " ".join(scopes),
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
        )
        joint = "&" if urlsplit(endpoint).query else "?"
        return f"{endpoint}{joint}{query}"

    def redeem(self, *, code: str, redirect_uri: str, verifier: str, nonce: str) -> Principal:
        """Answer who signed in, for the code that a browser came back with.

        Raises:
            SignInError: the issuer gave no ID token for it, or one that proves nothing.
            IssuerUnavailableError: the issuer did not answer.
        """
        token = self._id_token(code, redirect_uri, verifier)
        expected = Expected(
            issuer=self._issuer,
            client_id=self._client_id,
            nonce=nonce,
            now_seconds=self._clock().micros // 1_000_000,
        )
        try:
            claims = read_signed(token, self._keys.key_of(token)).payload
            return read_id_token(claims, expected, groups_claim=self._groups_claim)
        except TokenError as error:
            raise SignInError(str(error)) from error

    def _id_token(self, code: str, redirect_uri: str, verifier: str) -> str:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers = dict(HEADERS)
        if self._client_secret is None:
            fields["client_id"] = self._client_id
        else:
            headers["authorization"] = _basic(self._client_id, self._client_secret())
        headers["content-type"] = "application/x-www-form-urlencoded"
        body = urlencode(fields).encode("ascii")
        answer = self._http.ask("POST", self._keys.endpoint("token_endpoint"), headers, body)
        token = answer.tree.get("id_token")
        if answer.status != 200 or not isinstance(token, str):
            raise SignInError("the issuer gave no id token")
        return token


def _basic(client_id: str, client_secret: str) -> str:
    """HTTP Basic with both parts form-encoded first (RFC 6749 section 2.3.1)."""
    pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")
