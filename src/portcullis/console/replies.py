"""The replies the console gives; every one carries the same protections.

No page runs a script, loads anything, can be framed, cached, or leaves a trace of its address
in another site's log. Sources: CSP Level 3; Fetch, "CORB/CORP"; RFC 6797; RFC 9111.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from portcullis import strictjson
from portcullis.console.templating import STYLE
from portcullis.protocol.http import HttpReply
from portcullis.values import JsonObject

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode("utf-8")).digest()).decode("ascii")

CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; img-src 'none'; script-src 'none'"
)
PROTECTION: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
}
TRANSPORT: Final = ("strict-transport-security", "max-age=31536000")


def page(html: str, *, status: int = 200, cookies: Sequence[str] = ()) -> HttpReply:
    """A web page."""
    return _reply(status, "text/html; charset=utf-8", html.encode("utf-8"), cookies)


def document(tree: JsonObject, *, status: int = 200) -> HttpReply:
    """A JSON document."""
    return _reply(status, "application/json", strictjson.dump(tree), ())


def fault(code: str, message: str, *, status: int, state: str | None = None) -> HttpReply:
    """A JSON error. `state`: the state of the request that it is about."""
    error: JsonObject = {"code": code, "message": message}
    if state is not None:
        error["state"] = state
    reply = document({"error": error}, status=status)
    if status != 401:
        return reply
    return _with(reply, ("www-authenticate", 'Bearer realm="portcullis approvals"'))


def see_other(location: str, *, cookies: Sequence[str] = ()) -> HttpReply:
    """Send a browser to another page, by GET."""
    return _with(_reply(303, "text/plain; charset=utf-8", b"", cookies), ("location", location))


def with_header(reply: HttpReply, name: str, value: str) -> HttpReply:
    """The same reply with one header more."""
    return _with(reply, (name, value))


def without_body(reply: HttpReply) -> HttpReply:
    """What HEAD is answered with."""
    return HttpReply(status=reply.status, headers=reply.headers)


def _reply(status: int, content_type: str, body: bytes, cookies: Sequence[str]) -> HttpReply:
    headers = (
        ("content-type", content_type),
        *PROTECTION.items(),
        *(("set-cookie", cookie) for cookie in cookies),
    )
    return HttpReply(status=status, headers=headers, body=body)


def _with(reply: HttpReply, *headers: tuple[str, str]) -> HttpReply:
    return HttpReply(status=reply.status, headers=(*reply.headers, *headers), body=reply.body)
