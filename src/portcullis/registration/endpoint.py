"""Which URLs and addresses an upstream may have.

The address table is RFC 6890's special-purpose registries by way of `ipaddress`. A name is
only checked for its form here; its addresses are checked each time it is resolved.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

MAXIMUM_URL = 2048
_PORTS: Final = {"https": 443, "http": 80}
_LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_PRINTABLE: Final = re.compile(r"[!-~]+")
# A last label of digits, or one that is hexadecimal, would be an address in disguise.
_NAME: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)
_TRANSLATED: Final = tuple(
    ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A checked upstream URL, in parts."""

    scheme: str
    host: str
    port: int
    target: str  # path and query

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL as it is asked for."""
        return f"{self.scheme}://{self.authority}{self.target}"


@dataclass(frozen=True, slots=True)
class EndpointFault:
    """Why a URL cannot be an upstream's; it completes "the url …"."""

    message: str
    suggestion: str | None = None


def parse_endpoint(url: str, *, allow_loopback: bool) -> Endpoint | EndpointFault:
    """Read a URL: https, or http to a loopback address where that is allowed. Never raises."""
    if len(url) > MAXIMUM_URL or not _PRINTABLE.fullmatch(url) or "\\" in url:
        return EndpointFault("is not one of printable ASCII", f"at most {MAXIMUM_URL} characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return EndpointFault("cannot be read", "write `https://host/path`")
    host = parts.hostname or ""
    fault = _fault(parts, host, port, url, allow_loopback=allow_loopback)
    if fault is not None:
        return fault
    path = parts.path or "/"
    return Endpoint(
        scheme=parts.scheme,
        host=host,
        port=port or _PORTS[parts.scheme],
        target=f"{path}?{parts.query}" if parts.query else path,
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


def _fault(
    parts: SplitResult, host: str, port: int | None, url: str, *, allow_loopback: bool
) -> EndpointFault | None:
    loopback = allow_loopback and host in _LOOPBACK_HOSTS
    if not host or "@" in parts.netloc or "#" in url:
        return EndpointFault(
            "needs a host, and no user info or fragment", "a credential has a place of its own"
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        return EndpointFault("does not use https", "write `https://...`")
    if port == 0:
        return EndpointFault("has port 0")
    if any(unquote(step) in {".", ".."} for step in parts.path.split("/")):
        return EndpointFault("has a path with `.` or `..`", "write the path it comes to")
    return None if loopback else _host_fault(host)


def _host_fault(host: str) -> EndpointFault | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if _NAME.fullmatch(host):
            return None
        return EndpointFault("does not name a public host", "write its whole name")
    if is_refused(address, allow_loopback=False):
        return EndpointFault("names a private or special address", "servers are reached publicly")
    return None
