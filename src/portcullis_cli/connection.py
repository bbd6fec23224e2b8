"""Where the console is and who asks: an address and a token, checked before anything is sent."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx2

from portcullis.console.routes import ID
from portcullis_cli.errors import usage_error

TOKEN_VARIABLE: Final = "PORTCULLIS_TOKEN"  # noqa: S105 - the name of a variable
URL_VARIABLE: Final = "PORTCULLIS_CONSOLE_URL"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,4096}")


def checked_url(text: str) -> str:
    """An address of the gateway or of a server, as it is asked.

    Raises:
        CommandError: it is none that a token may be sent to. The text may hold a password, so no
            message repeats it.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise usage_error("this is no address") from error
    if parts.scheme not in ("https", "http") or not host or not text.isascii():
        raise usage_error("this is no https address")
    if not text.isprintable() or " " in text or parts.username is not None:
        raise usage_error("the address holds what an address of a gateway never does")
    if parts.query or parts.fragment:
        raise usage_error("the address ends with its path: no `?` or `#` follows it")
    if parts.scheme == "http" and not is_loopback(host):
        raise usage_error(
            "the address must be https: over http anybody on the way could read the token "
            "(http is for this machine only)"
        )
    _require_askable(text, host)
    return text.rstrip("/")


def _require_askable(text: str, host: str) -> None:
    """Refuse what would fail only once it is asked (RFC 1123 §2.1, a name's labels)."""
    try:
        host.encode("idna")
        httpx2.URL(text)
    except (UnicodeError, httpx2.InvalidURL) as error:
        raise usage_error("the address names no host") from error


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def approval_id(text: str, url: str) -> str:
    """The id of a request, given as such or as its link.

    The token goes to `url` whatever the link says: a link comes from a message, and a message
    may come from anybody.

    Raises:
        CommandError: it is no id, or a link to another console.
    """
    name = text.removeprefix(f"{url}/")
    if "/" in name:
        raise usage_error(f"this link does not lead to the console at {url}")
    if not ID.fullmatch(name):
        raise usage_error("a request's id is 32 hexadecimal digits, the end of its link")
    return name


def find_token(file: Path | None, environment: Mapping[str, str]) -> str:
    """The token from a file, or from the environment.

    Raises:
        CommandError: there is none, or it cannot be one.
    """
    token = environment.get(TOKEN_VARIABLE, "") if file is None else _read(file)
    token = token.strip()
    if not token:
        raise usage_error(f"no token: give --token-file, or set {TOKEN_VARIABLE}")
    if not _TOKEN.fullmatch(token):
        where = TOKEN_VARIABLE if file is None else "the token file"
        raise usage_error(f"what {where} holds is no token")
    return token


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(8192).decode("ascii")
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise usage_error(f"the token file: {reason.lower()}") from error
    except UnicodeDecodeError as error:
        raise usage_error("what the token file holds is no token") from error
