"""An MCP server at a streamable-HTTP URL that the operator configured.

The connection goes to an address that was checked, with the certificate checked against the
name; there are no redirects, no retries, no proxies, and bounds on bytes and on time.
"""

import ipaddress
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError

from portcullis.errors import (
    CredentialError,
    UpstreamNotSentError,
    UpstreamUncertainError,
)
from portcullis.gateway.ports import Upstream, UpstreamReply, UpstreamRequest
from portcullis.registration.endpoint import Endpoint, is_refused

Resolve = Callable[[str, int], list[str]]

MAXIMUM_REPLY_BYTES = 6 << 20
CONNECT_SECONDS = 3.0
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A call as it will be sent, before its credential: what a signature is made over."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


# Answers the headers by which the server knows the gateway; raises `CredentialError`.
Authorise = Callable[[Outgoing], Mapping[str, str]]


def without_credential(_outgoing: Outgoing) -> Mapping[str, str]:
    """Tell the server nothing."""
    return {}


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system's resolver gives them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class HttpUpstream(Upstream):
    """Sends to one URL. `authorise` answers the headers of the upstream's own credential."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        allow_loopback: bool,
        authorise: Authorise = without_credential,
        resolve: Resolve = resolve,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = endpoint
        self._allow_loopback = allow_loopback
        self._authorise = authorise
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
        headers = {
            **{name.lower(): value for name, value in request.headers},
            "host": self._endpoint.authority,
            "accept-encoding": "identity",
            "user-agent": "portcullis",
        }
        outgoing = Outgoing(
            method=request.method, url=self._endpoint.url, headers=headers, body=request.body
        )
        try:
            return {**headers, **self._authorise(outgoing)}
        except CredentialError as error:
            raise UpstreamNotSentError("the server's credential cannot be read") from error

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
