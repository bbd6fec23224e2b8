"""A small OpenID Connect provider over HTTP, with real keys, that can be told to misbehave."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

CLIENT_ID, CLIENT_SECRET = "console client", "s:e/c+r&e t"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass
class Person:
    """Who signs in at the provider."""

    subject: str = "7"
    email: str = "bob@example.com"
    email_verified: object = True
    groups: object = field(default_factory=lambda: ["platform"])


@dataclass
class SigningKey:
    """A key of the provider, and the algorithm it signs with."""

    key: PrivateKey
    kid: str
    algorithm: str = "RS256"

    def public(self) -> dict[str, Any]:
        """The key as the provider publishes it."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            jwk = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        else:
            jwk = ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {**jwk, "kid": self.kid, "use": "sig", "alg": self.algorithm}


def new_rsa_key(kid: str = "one", *, bits: int = 2048) -> SigningKey:
    """A new RSA key."""
    return SigningKey(key=rsa.generate_private_key(public_exponent=65537, key_size=bits), kid=kid)


def new_ec_key(kid: str = "curve") -> SigningKey:
    """A new key on the curve P-256."""
    return SigningKey(key=ec.generate_private_key(ec.SECP256R1()), kid=kid, algorithm="ES256")


class OidcProvider(ThreadingHTTPServer):
    """The provider. `forge` replaces the token that it would give, `metadata` what it says."""

    daemon_threads = True

    def __init__(self, key: SigningKey) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.now = 0
        self.person = Person()
        self.keys = [key]
        self.metadata: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}  # over those that are true
        self.forge: Callable[[dict[str, Any]], str] | None = None
        self.status: dict[str, int] = {}  # path → what it answers instead
        self.raw = ""  # said instead of everything else
        self.needs_secret = True
        self.requests: list[str] = []
        self.authorized: list[dict[str, str]] = []
        self.machines: dict[str, str] = {}  # client id → secret, of clients that act for themselves
        self.tokens: list[str] = []  # the access tokens that machines were given
        self._codes: dict[str, dict[str, str]] = {}

    def authorize(self, query: str) -> str:
        """Sign the person in; answer where their browser is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        self.authorized.append(asked)
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"]})
        return f"{asked['redirect_uri']}?{back}"

    def redeem(self, fields: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Answer a code with tokens, once; or a machine's own credentials with its token."""
        if fields.get("grant_type") == "client_credentials":
            return self._machine(fields, authorization)
        asked = self._codes.pop(fields.get("code", ""), None)
        digest = hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        is_good = (
            asked is not None
            and self._is_client(fields, authorization)
            and asked["redirect_uri"] == fields.get("redirect_uri")
            and asked["code_challenge"] == challenge
            and asked["code_challenge_method"] == "S256"
        )
        if not is_good or asked is None:
            return 400, {"error": "invalid_grant"}
        return 200, {"id_token": self.id_token(asked["nonce"]), "access_token": "a", "x": 1}

    def id_token(self, nonce: str) -> str:
        """A token for the person."""
        true: dict[str, Any] = {
            "iss": self.url,
            "sub": self.person.subject,
            "aud": CLIENT_ID,
            "exp": self.now + 300,
            "iat": self.now,
            "nonce": nonce,
            "email": self.person.email,
            "email_verified": self.person.email_verified,
            "groups": self.person.groups,
        }
        claims = {name: value for name, value in {**true, **self.claims}.items() if value != ...}
        if self.forge is not None:
            return self.forge(claims)
        return signed(claims, self.keys[0])

    def sign(self, claims: dict[str, Any]) -> str:
        """An access token that says this."""
        return signed(claims, self.keys[0], typ="at+jwt")

    def _machine(self, fields: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """A token for the resource that was asked for (RFC 8707), and a clock of the wall."""
        given = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        client_id, _, secret = given.partition(":")
        if not secret or self.machines.get(client_id) != secret:
            return 401, {"error": "invalid_client"}
        now, scope = int(time.time()), fields.get("scope", "")
        true = {
            "iss": self.url,
            "sub": client_id,
            "client_id": client_id,
            "aud": fields.get("resource", "nobody"),
            "iat": now,
            "exp": now + 300,
            "scope": scope,
        }
        claims = {name: value for name, value in {**true, **self.claims}.items() if value != ...}
        self.tokens.append(signed(claims, self.keys[0], typ="at+jwt"))
        told = {"access_token": self.tokens[-1], "token_type": "Bearer", "expires_in": 300}
        return 200, {**told, "scope": scope} if scope else told

    def _is_client(self, fields: dict[str, str], authorization: str) -> bool:
        if not self.needs_secret:
            return fields.get("client_id") == CLIENT_ID and not authorization
        pair = urlencode([(CLIENT_ID, CLIENT_SECRET)]).replace("+", "%20").replace("=", ":", 1)
        return authorization == "Basic " + base64.b64encode(pair.encode()).decode()

    def describe(self) -> dict[str, Any]:
        """What the provider says of itself."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "scopes_supported": ["openid", "email", "groups"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            **self.metadata,
        }


def signed(claims: dict[str, Any], key: SigningKey, **header: Any) -> str:
    """A token signed with a key; `header` is over the one that is true, None: not there."""
    told = {"kid": key.kid, **header}
    headers = {name: value for name, value in told.items() if value is not None}
    return jwt.encode(claims, key.key, algorithm=key.algorithm, headers=headers)


@contextmanager
def oidc_provider(key: SigningKey) -> Iterator[OidcProvider]:
    """A provider that answers until the block ends."""
    provider = OidcProvider(key)
    thread = threading.Thread(target=provider.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.shutdown()
        thread.join()
        provider.server_close()


class _Request(BaseHTTPRequestHandler):
    server: OidcProvider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.requests.append(parts.path)
        if parts.path == "/authorize":
            self._send(303, b"", location=self.server.authorize(parts.query))
        elif parts.path == "/keys":
            self._answer(parts.path, {"keys": [key.public() for key in self.server.keys]})
        elif parts.path == "/.well-known/openid-configuration":
            self._answer(parts.path, self.server.describe())
        else:
            self._send(404, b"{}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        self.server.requests.append(self.path)
        fields = dict(parse_qsl(body))
        status, tree = self.server.redeem(fields, self.headers.get("Authorization", ""))
        self._answer(self.path, tree, status=status)

    def _answer(self, path: str, tree: dict[str, Any], *, status: int = 200) -> None:
        said = self.server.raw or json.dumps(tree)
        self._send(self.server.status.get(path, status), said.encode())

    def _send(self, status: int, body: bytes, *, location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its own name
        """Say nothing."""
