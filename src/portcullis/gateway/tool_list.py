"""The gateway's own reading of a server's tools, for the snapshot that calls are checked by.

A server of the 2026-07-28 revision is asked without a handshake; one that does not speak it
is asked through `initialize` (2025-11-25 basic/lifecycle).
"""

from portcullis.errors import UpstreamError, UpstreamUncertainError
from portcullis.gateway.ports import Upstream, UpstreamReply, UpstreamRequest
from portcullis.protocol import lists
from portcullis.protocol.capabilities import negotiated_version
from portcullis.protocol.http import header_values
from portcullis.protocol.legacy import SESSION_HEADER
from portcullis.protocol.messages import Notification, Request
from portcullis.protocol.methods import NOTIFICATIONS
from portcullis.protocol.reply import Dropped, read_reply
from portcullis.protocol.upstream_request import (
    Headers,
    notification_to_upstream,
    own_request,
    to_upstream,
)
from portcullis.protocol.versions import LATEST_LEGACY_VERSION, LATEST_VERSION, Era
from portcullis.values import JsonObject

MAXIMUM_PAGES = 100
MAXIMUM_BYTES = 8 << 20  # of all pages together
SCOPE = "0" * 64  # no caller's scope: nothing that a host keeps for a caller is reached


def fetch_tools(upstream: Upstream, *, timeout_seconds: float) -> dict[str, JsonObject]:
    """Read all pages of `tools/list`; answer name to definition, unsound entries left out.

    Raises:
        UpstreamError: the server did not answer with a list.
    """
    reader = _Reader(upstream, timeout_seconds)
    try:
        pages = reader.pages(LATEST_VERSION)
    except UpstreamError:
        reader.shake_hands()
        pages = reader.pages(LATEST_LEGACY_VERSION)
    tools = lists.tools_of(pages)
    if tools is None:
        raise UpstreamUncertainError("the server's tool list cannot be read")
    return tools


class _Reader:
    """Asks one server, with the session that a handshake gave it, if there was one."""

    def __init__(self, upstream: Upstream, timeout_seconds: float) -> None:
        self._upstream = upstream
        self._timeout = timeout_seconds
        self._session: str | None = None
        self._version: str | None = None
        self._bytes_left = MAXIMUM_BYTES

    def pages(self, version: str) -> list[JsonObject]:
        pages: list[JsonObject] = []
        params: JsonObject = {}
        for number in range(1, MAXIMUM_PAGES + 1):
            request = own_request("tools/list", version=version, request_id=number, params=params)
            page, _ = self._ask(request)
            pages.append(page)
            cursor = lists.next_cursor(page)
            if cursor is None:
                return pages
            params = {"cursor": cursor}
        raise UpstreamUncertainError("the server's tool list does not end")

    def shake_hands(self) -> None:
        result, opened = self._ask(own_request("initialize", version=LATEST_LEGACY_VERSION))
        self._version = negotiated_version(result)
        self._session = opened[0] if len(opened) == 1 else None
        if self._session is not None:
            name = "notifications/initialized"
            initialized = Notification(
                era=Era.LEGACY,
                version=LATEST_LEGACY_VERSION,
                name=name,
                method=NOTIFICATIONS[name],
                params={},
            )
            headers, body = notification_to_upstream(
                initialized, upstream_session=self._session, upstream_version=self._version
            )
            self._send(headers, body)

    def _ask(self, request: Request) -> tuple[JsonObject, tuple[str, ...]]:
        """Answer the result, and the session ids the server opened with it."""
        headers, body = to_upstream(
            request,
            params=request.params,
            upstream_session=self._session,
            upstream_version=self._version,
        )
        results: list[JsonObject] = []

        def keep(result: JsonObject) -> JsonObject:
            results.append(result)
            return result

        sent = self._send(headers, body)
        read = read_reply(sent.status, sent.headers, sent.body, request=request, rewrite=keep)
        if isinstance(read, Dropped):
            raise UpstreamUncertainError(f"the server's answer was dropped: {read.reason.value}")
        if not results:
            raise UpstreamUncertainError("the server answered with an error")
        return results[0], header_values(sent.headers, SESSION_HEADER)

    def _send(self, headers: Headers, body: bytes) -> UpstreamReply:
        request = UpstreamRequest(method="POST", headers=headers, body=body, scope=SCOPE)
        sent = self._upstream.send(request, timeout_seconds=self._timeout)
        self._bytes_left -= len(sent.body)
        if self._bytes_left < 0:
            raise UpstreamUncertainError("the server's tool list is too large")
        return sent
