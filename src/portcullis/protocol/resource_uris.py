"""Resource URIs that every reader takes for the same one.

The official MCP SDKs read a URI with a URL parser and look up what that writes:
`DOC://a`, `doc://b/../a` and `file:/a` reach `doc://a` and `file:///a`. A rule names one
spelling, so a URI is served in its normal form only. Sources: RFC 3986 section 6.2.2, the
URL standard (url.spec.whatwg.org), sections 3.5, 4.1 and 4.4.
"""

import re
from typing import Final

# All else is percent-encoded by some reader, or is no part of a URI.
_CHARACTERS: Final = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-F]{2})+")
_NEEDLESSLY_ENCODED: Final = re.compile(
    r"%(?:2[DE]|5F|7E|3[0-9]|4[1-9A-F]|5[0-9A]|6[1-9A-F]|7[0-9A])"
)
_SEGMENT_END: Final = re.compile(r"[/?#]|%2F|%5C")  # the encoded ones are ends once decoded
_DOTS: Final = frozenset((".", ".."))

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_SPECIAL_SCHEMES: Final = frozenset(("file", "ftp", "http", "https", "ws", "wss"))

_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_NAME: Final = r"(?:[a-z0-9_\-]+\.)*[a-z][a-z0-9_\-]*"
_HOST: Final = rf"(?:{_OCTET}(?:\.{_OCTET}){{3}}|{_NAME})"
_PORT: Final = r"(?::[1-9][0-9]{0,4})?"
# Schemes whose hosts, ports and slashes URL parsers rewrite; the quote they encode in queries.
_SPECIAL: Final = re.compile(
    rf"(?:file://(?:(?!localhost/){_HOST})?|ftp://{_HOST}(?!:21/){_PORT}"
    rf"|(?:http|ws)://{_HOST}(?!:80/){_PORT}|(?:https|wss)://{_HOST}(?!:443/){_PORT})/[^']*"
)
_USER: Final = r"[A-Za-z0-9\-._~!$&()*+,%]+"
_OTHER: Final = re.compile(
    rf"[a-z][a-z0-9+.\-]*:(?://(?:{_USER}(?::{_USER})?@)?[A-Za-z0-9\-._~!$&'()*+,;=%]*"
    rf"{_PORT}(?:[/?#].*)?|(?!//).*)"
)


def is_normal(uri: str) -> bool:
    """Tell whether a URI is spelled as every reader would write it; never raises.

    A text without a scheme is no URL to any of them, and is judged by its characters alone.
    """
    if not _CHARACTERS.fullmatch(uri) or _NEEDLESSLY_ENCODED.search(uri):
        return False
    scheme = _SCHEME.match(uri)
    rest = uri if scheme is None else uri[scheme.end() :]
    if not _DOTS.isdisjoint(_SEGMENT_END.split(rest)):
        return False
    if scheme is None:
        return True
    form = _SPECIAL if scheme[1].lower() in _SPECIAL_SCHEMES else _OTHER
    return form.fullmatch(uri) is not None
