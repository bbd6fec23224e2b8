"""An OpenID Connect issuer over HTTPS: where it signs people in, and what it says of them.

No redirects, no retries, bounds on bytes and on time. Plain http is for an issuer on the
loopback address alone. Sources: OpenID Connect Discovery 1.0, section 4; OpenID Connect Core
1.0, section 3.1; RFC 6749, sections 2.3.1 and 4.1.3; RFC 7636.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from portcullis import strictjson
from portcullis.adapters.id_token import Expected, read_id_token, signing_keys
from portcullis.errors import IssuerUnavailableError, SignInError, StrictJsonError
from portcullis.policy.model import Instant, Principal
from portcullis.values import JsonObject

LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})
METADATA_SECONDS: Final = 3600
KEYS_SECONDS: Final = 3600
KEYS_AGAIN_SECONDS: Final = 10  # keys that change are asked for again at most this often
MAXIMUM_REPLY_BYTES: Final = 1 << 20

_TIMEOUT = urllib3.Timeout(connect=2.0, read=4.0)
# Sign-ins are rare, and a connection does not survive the time between two of them in Lambda.
_HEADERS = {
    "accept": "application/json",
    "accept-encoding": "identity",
    "connection": "close",
    "user-agent": "portcullis",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Metadata:
    """What the issuer says of itself."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    tree: JsonObject


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
        self._pool = urllib3.PoolManager(num_pools=4, maxsize=2, cert_reqs="CERT_REQUIRED")
        self._metadata: tuple[int, _Metadata] | None = None
        self._keys: tuple[int, Sequence[Mapping[str, Any]]] | None = None

    def authorization_url(
        self, *, redirect_uri: str, state: str, nonce: str, challenge: str
    ) -> str:
        """Answer where a browser goes to sign in.

        Raises:
            IssuerUnavailableError: the issuer did not say.
        """
        metadata = self._read_metadata()
        scopes = ["openid", "email"]
        if self._groups_claim and "groups" in metadata.scopes:
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
        joint = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
        return f"{metadata.authorization_endpoint}{joint}{query}"

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
            now_seconds=self._now(),
        )
        keys = signing_keys(token, self._read_keys(max_age=KEYS_SECONDS))
        if not keys:
            keys = signing_keys(token, self._read_keys(max_age=KEYS_AGAIN_SECONDS))
        if len(keys) != 1:  # several fit only where the token names none
            raise SignInError("the id token is signed with a key that the issuer does not name")
        return read_id_token(token, keys[0], expected, groups_claim=self._groups_claim)

    def _id_token(self, code: str, redirect_uri: str, verifier: str) -> str:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers = dict(_HEADERS)
        if self._client_secret is None:
            fields["client_id"] = self._client_id
        else:
            headers["authorization"] = _basic(self._client_id, self._client_secret())
        headers["content-type"] = "application/x-www-form-urlencoded"
        body = urlencode(fields).encode("ascii")
        answer = self._ask("POST", self._read_metadata().token_endpoint, headers, body)
        token = answer.tree.get("id_token")
        if answer.status != 200 or not isinstance(token, str):
            raise SignInError("the issuer gave no id token")
        return token

    def _read_metadata(self) -> _Metadata:
        now = self._now()
        if self._metadata is None or now - self._metadata[0] >= METADATA_SECONDS:
            url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
            self._metadata = (now, self._to_metadata(self._get(url)))
        return self._metadata[1]

    def _to_metadata(self, tree: JsonObject) -> _Metadata:
        if tree.get("issuer") != self._issuer:
            raise IssuerUnavailableError("the issuer calls itself by another name")
        scopes = tree.get("scopes_supported")
        return _Metadata(
            authorization_endpoint=self._endpoint(tree, "authorization_endpoint"),
            token_endpoint=self._endpoint(tree, "token_endpoint"),
            jwks_uri=self._endpoint(tree, "jwks_uri"),
            scopes=frozenset(map(str, scopes)) if isinstance(scopes, list) else frozenset(),
        )

    def _endpoint(self, tree: JsonObject, name: str) -> str:
        url = tree.get(name)
        if isinstance(url, str) and (is_safe(url) and (url.startswith("https:") or self._is_local)):
            return url
        raise IssuerUnavailableError(f"the issuer's {name} is not one that we use")

    @property
    def _is_local(self) -> bool:
        return not self._issuer.startswith("https:")

    def _read_keys(self, *, max_age: int) -> Sequence[Mapping[str, Any]]:
        now = self._now()
        if self._keys is None or now - self._keys[0] >= max_age:
            keys = self._get(self._read_metadata().jwks_uri).get("keys")
            if not isinstance(keys, list):
                raise IssuerUnavailableError("the issuer named no keys")
            self._keys = (now, [key for key in keys if isinstance(key, dict)])
        return self._keys[1]

    def _get(self, url: str) -> JsonObject:
        answer = self._ask("GET", url, _HEADERS, None)
        if answer.status != 200:
            raise IssuerUnavailableError(f"the issuer answered {answer.status}")
        return answer.tree

    def _ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> _Answer:
        try:
            response = self._pool.request(
                method,
                url,
                body=body,
                headers=headers,
                redirect=False,
                retries=False,
                timeout=_TIMEOUT,
                preload_content=False,
                decode_content=False,
            )
            try:
                content = response.read(MAXIMUM_REPLY_BYTES + 1)
            finally:
                response.close()
        except (HTTPError, OSError) as error:
            raise IssuerUnavailableError("the issuer did not answer") from error
        if response.status >= 500 or response.status == 429:
            raise IssuerUnavailableError(f"the issuer answered {response.status}")
        return _Answer(status=response.status, tree=_object(content))

    def _now(self) -> int:
        return self._clock().micros // 1_000_000


def is_safe(url: str) -> bool:
    """Whether a URL is https, or http on the loopback address, without user info or fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if not parts.hostname or "@" in parts.netloc or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS)


def _object(content: bytes) -> JsonObject:
    try:
        tree = strictjson.parse(content, max_bytes=MAXIMUM_REPLY_BYTES)
    except StrictJsonError as error:
        raise IssuerUnavailableError("the issuer's answer cannot be read") from error
    if not isinstance(tree, dict):
        raise IssuerUnavailableError("the issuer's answer cannot be read")
    return tree


def _basic(client_id: str, client_secret: str) -> str:
    """HTTP Basic with both parts form-encoded first (RFC 6749 section 2.3.1)."""
    pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")
