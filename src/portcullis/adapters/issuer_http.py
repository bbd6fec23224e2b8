"""HTTPS to an OpenID Connect issuer: strict JSON answers, no redirects, no retries, bounds on all.

Plain http is for an issuer on the loopback address alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from portcullis import strictjson
from portcullis.errors import IssuerUnavailableError, StrictJsonError
from portcullis.values import JsonObject

LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})
MAXIMUM_REPLY_BYTES: Final = 1 << 20
# An issuer is asked rarely, and a connection does not survive the time between in Lambda.
HEADERS: Final = {
    "accept": "application/json",
    "accept-encoding": "identity",
    "connection": "close",
    "user-agent": "portcullis",
}
_TIMEOUT = urllib3.Timeout(connect=2.0, read=4.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an issuer answers, whatever its status below 500."""

    status: int
    tree: JsonObject


class IssuerHttp:
    """Asks issuers. Every method raises `IssuerUnavailableError` where no answer is to be had."""

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(num_pools=4, maxsize=2, cert_reqs="CERT_REQUIRED")

    def get(self, url: str) -> JsonObject:
        """The object at a URL."""
        answer = self.ask("GET", url, HEADERS, None)
        if answer.status != 200:
            raise IssuerUnavailableError(f"the issuer answered {answer.status}")
        return answer.tree

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """One request, one answer."""
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
        return Answer(status=response.status, tree=_object(content))


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
