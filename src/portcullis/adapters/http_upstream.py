"""An MCP server at a streamable-HTTP URL that the operator configured.

The connection goes to an address that was checked, with the certificate checked against the
name; there are no redirects, no retries, no proxies, and bounds on bytes and on time. The
address table is RFC 6890's special-purpose registries by way of `ipaddress`.
"""

import ipaddress
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError

from portcullis.errors import (
    CredentialError,
    SettingsError,
    UpstreamNotSentError,
    UpstreamUncertainError,
)
from portcullis.gateway.ports import Upstream, UpstreamReply, UpstreamRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]

MAXIMUM_REPLY_BYTES = 6 << 20
CONNECT_SECONDS = 3.0
_CHUNK = 1 << 16
_TRANSLATED = tuple(
    ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A checked upstream URL, in parts."""

    scheme: str
    host: str
    port: int
    target: str


def parse_endpoint(url: str, *, allow_loopback: bool) -> Endpoint:
    """Read an operator's URL: https, or http to a loopback address where that is allowed.

    Raises:
        SettingsError: the URL has another scheme, user info, a fragment or no host.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SettingsError("an upstream url cannot be read") from error
    host = parts.hostname
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise SettingsError("an upstream url needs a host, and no user info or fragment")
    loopback = allow_loopback and host in {"127.0.0.1", "::1", "localhost"}
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise SettingsError("an upstream url must use https")
    target = parts.path or "/"
    return Endpoint(
        scheme=parts.scheme,
        host=host,
        port=port or (443 if parts.scheme == "https" else 80),
        target=f"{target}?{parts.query}" if parts.query else target,
    )


def is_refused(address: Address, *, allow_loopback: bool) -> bool:
    """Whether an upstream may not live at this address (private, link-local, reserved, …)."""
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return is_refused(mapped, allow_loopback=allow_loopback)
    if address.is_loopback:
        return not allow_loopback
    if any(address in net for net in _TRANSLATED if net.version == address.version):
        return True
    # `ipaddress` calls two blocks global that nothing public lives in: `::/8`, where old stacks
    # looked for IPv4 addresses, and site-local ones.
    odd = address.is_reserved or getattr(address, "is_site_local", False)
    return odd or not address.is_global or address.is_multicast


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system's resolver gives them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class HttpUpstream(Upstream):
    """Sends to one URL. `credential` answers the header value of the upstream's own secret."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        allow_loopback: bool,
        credential: Callable[[], tuple[str, str] | None],
        resolve: Resolve = resolve,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = endpoint
        self._allow_loopback = allow_loopback
        self._credential = credential
        self._resolve = resolve
        self._monotonic = monotonic
        self._pools: dict[str, urllib3.HTTPConnectionPool] = {}

    def send(self, request: UpstreamRequest, *, timeout_seconds: float) -> UpstreamReply:
        """See `Upstream.send`."""
        deadline = self._monotonic() + timeout_seconds
        headers = self._headers(request)
        pool = self._pool(self._checked_address())
        try:
            response = pool.urlopen(
                request.method,
                self._endpoint.target,
                body=request.body,
                headers=headers,
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=timeout_seconds),
            )
        except (NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            raise UpstreamNotSentError("the server cannot be reached") from error
        except (HTTPError, OSError) as error:
            raise UpstreamUncertainError("the server did not answer") from error
        return self._read(response, deadline)

    def _headers(self, request: UpstreamRequest) -> dict[str, str]:
        default_port = {"https": 443, "http": 80}[self._endpoint.scheme]
        host = f"[{self._endpoint.host}]" if ":" in self._endpoint.host else self._endpoint.host
        suffix = "" if self._endpoint.port == default_port else f":{self._endpoint.port}"
        headers = {
            **{name.lower(): value for name, value in request.headers},
            "host": host + suffix,
            "accept-encoding": "identity",
            "user-agent": "portcullis",
        }
        try:
            credential = self._credential()
        except CredentialError as error:
            raise UpstreamNotSentError("the server's credential cannot be read") from error
        if credential is not None:
            headers[credential[0].lower()] = credential[1]
        return headers

    def _checked_address(self) -> str:
        """One address of the host, after all of them passed the check (no rebinding)."""
        try:
            found = self._resolve(self._endpoint.host, self._endpoint.port)
            addresses = [ipaddress.ip_address(text.partition("%")[0]) for text in found]
        except (OSError, ValueError) as error:
            raise UpstreamNotSentError("the server's name cannot be resolved") from error
        refused = [a for a in addresses if is_refused(a, allow_loopback=self._allow_loopback)]
        if refused or not addresses:
            raise UpstreamNotSentError("the server's address is not allowed")
        return str(addresses[0])

    def _pool(self, address: str) -> urllib3.HTTPConnectionPool:
        pool = self._pools.get(address)
        if pool is None:
            pool = self._pools[address] = self._new_pool(address)
        return pool

    def _new_pool(self, address: str) -> urllib3.HTTPConnectionPool:
        if self._endpoint.scheme == "http":
            return urllib3.HTTPConnectionPool(address, self._endpoint.port, maxsize=4)
        return urllib3.HTTPSConnectionPool(
            address,
            self._endpoint.port,
            maxsize=4,
            server_hostname=self._endpoint.host,
            assert_hostname=self._endpoint.host,
            cert_reqs="CERT_REQUIRED",
        )

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: float) -> UpstreamReply:
        body = bytearray()
        try:
            while chunk := response.read1(_CHUNK):
                body += chunk
                if len(body) > MAXIMUM_REPLY_BYTES:
                    raise UpstreamUncertainError("the server's answer is too large")
                if self._monotonic() > deadline:
                    raise UpstreamUncertainError("the server's answer took too long")
        except (HTTPError, OSError) as error:
            raise UpstreamUncertainError("the server's answer broke off") from error
        finally:
            response.close()  # a reply read to its end has given its connection back already
        return UpstreamReply(
            status=response.status, headers=tuple(response.headers.items()), body=bytes(body)
        )
