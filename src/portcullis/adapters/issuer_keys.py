"""What an issuer says of itself, and the keys it signs with, kept and read anew in time.

Keys are read from the `jwks_uri` that the issuer's own metadata names, and from nowhere else: a
token says which key, never where it is. An issuer that does not answer leaves what was read
last in use for a day; a key that nobody knows has the keys read anew, at most every ten seconds.
Sources: OpenID Connect Discovery 1.0, section 4; RFC 7517; RFC 8725, section 3.10.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from portcullis.adapters.issuer_http import IssuerHttp, is_safe
from portcullis.adapters.refreshing import Refreshing
from portcullis.adapters.signed_token import fitting_keys
from portcullis.errors import IssuerUnavailableError, TokenError
from portcullis.policy.model import Instant
from portcullis.values import JsonObject

if TYPE_CHECKING:
    from jwt import PyJWK

METADATA_SECONDS: Final = 3600
KEYS_SECONDS: Final = 3600
KEYS_AGAIN_SECONDS: Final = 10  # keys that change are asked for again at most this often
MAXIMUM_AGE_SECONDS: Final = 86_400  # of what is used while the issuer does not answer

Keys = Sequence[Mapping[str, Any]]


class IssuerKeys:
    """One issuer's metadata and keys."""

    def __init__(
        self, issuer: str, *, clock: Callable[[], Instant], http: IssuerHttp | None = None
    ) -> None:
        self._issuer = issuer
        self._clock = clock
        self._http = http or IssuerHttp()
        self._metadata = Refreshing[JsonObject](
            lambda _last: self._read_metadata(),
            refresh_seconds=METADATA_SECONDS,
            max_age_seconds=MAXIMUM_AGE_SECONDS,
        )
        self._keys = Refreshing[Keys](
            lambda _last: self._read_keys(),
            refresh_seconds=KEYS_SECONDS,
            max_age_seconds=MAXIMUM_AGE_SECONDS,
        )

    def metadata(self) -> JsonObject:
        """What the issuer says of itself.

        Raises:
            IssuerUnavailableError: it does not say, and did not for a day.
        """
        return self._metadata.get(self._clock())

    def endpoint(self, name: str) -> str:
        """The URL of this name in the issuer's metadata.

        Raises:
            IssuerUnavailableError: there is none that we use.
        """
        url = self.metadata().get(name)
        is_local = not self._issuer.startswith("https:")
        if isinstance(url, str) and is_safe(url) and (url.startswith("https:") or is_local):
            return url
        raise IssuerUnavailableError(f"the issuer's {name} is not one that we use")

    def key_of(self, token: str) -> "PyJWK":
        """The issuer's key that a token says it is signed with.

        Raises:
            TokenError: it is no token that we accept, or the issuer has no such key.
            IssuerUnavailableError: the issuer did not name its keys.
        """
        fitting_keys(token, ())  # what is no token of ours has nobody asked for keys
        keys = fitting_keys(token, self._keys.get(self._clock()))
        if not keys:
            anew = self._keys.get_younger(self._clock(), seconds=KEYS_AGAIN_SECONDS)
            keys = fitting_keys(token, anew)
        if len(keys) != 1:  # several fit only where the token names none
            raise TokenError("the token is signed with a key that the issuer does not name")
        return keys[0]

    def _read_metadata(self) -> JsonObject:
        tree = self._http.get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if tree.get("issuer") != self._issuer:
            raise IssuerUnavailableError("the issuer calls itself by another name")
        return tree

    def _read_keys(self) -> Keys:
        keys = self._http.get(self.endpoint("jwks_uri")).get("keys")
        if not isinstance(keys, list):
            raise IssuerUnavailableError("the issuer named no keys")
        return [key for key in keys if isinstance(key, dict)]
