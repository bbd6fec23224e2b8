"""IP networks: whether a text names an address or network inside given ones.

Only the reading of addresses and networks may live here. Spellings that other readers
may take differently are not guessed at: a netmask after the slash, host bits beside a
prefix, a zone, and IPv4 in IPv6 clothing are "cannot tell".
"""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeAlias

from portcullis.policy.compile_error import OperandError, shown

Network: TypeAlias = IPv4Network | IPv6Network

_IPV4_MAPPED = IPv6Network("::ffff:0:0/96")


def compile_networks(texts: Sequence[str]) -> Callable[[str], bool | None]:
    """Compile networks to a test of one text.

    The test answers None where it cannot tell: the text is no address or network, or
    none of the networks is of its IP version.

    Raises:
        OperandError: a text is no network, or has bits set behind its prefix.
    """
    networks = [_network(text) for text in texts]

    def test(text: str) -> bool | None:
        value = _parsed(text)
        if isinstance(value, IPv4Network):
            same = [one for one in networks if isinstance(one, IPv4Network)]
            return any(value.subnet_of(one) for one in same) if same else None
        if isinstance(value, IPv6Network) and not value.subnet_of(_IPV4_MAPPED):
            others = [one for one in networks if isinstance(one, IPv6Network)]
            return any(value.subnet_of(one) for one in others) if others else None
        return None

    return test


def _network(text: str) -> Network:
    network = _parsed(text)
    if network is not None:
        return network
    try:
        meant = ip_network(text, strict=False)
    except ValueError as cause:
        raise OperandError(f"{shown(text)} is no network", "write 10.0.0.0/8") from cause
    raise OperandError(f"{shown(text)} is no network in its plain spelling", f"write {meant}")


def _parsed(text: str) -> Network | None:
    _, slash, prefix = text.partition("/")
    if "%" in text or (slash and not (prefix.isascii() and prefix.isdecimal())):
        return None
    try:
        return ip_network(text)
    except ValueError:
        return None
