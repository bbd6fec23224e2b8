"""Calls the gateway makes on its own account: no client waits, and none of its words pass.

A server of the 2026-07-28 revision is asked without a handshake; one that is talked to in an
earlier one is asked through `initialize` (2025-11-25 basic/lifecycle). No capability is
declared, so a server has nothing to ask the gateway for.
"""

from portcullis.errors import UpstreamError, UpstreamNotSentError, UpstreamUncertainError
from portcullis.gateway.ports import Upstream, UpstreamReply, UpstreamRequest
from portcullis.protocol.capabilities import negotiated_version
from portcullis.protocol.http import header_values
from portcullis.protocol.legacy import SESSION_HEADER
from portcullis.protocol.messages import Notification, Request
from portcullis.protocol.methods import NOTIFICATIONS
from portcullis.protocol.reply import Dropped, read_message
from portcullis.protocol.upstream_request import (
    Headers,
    notification_to_upstream,
    own_request,
    to_upstream,
)
from portcullis.protocol.versions import LATEST_LEGACY_VERSION, LATEST_VERSION, Era
from portcullis.values import JsonObject


class Conversation:
    """Talks to one server, with the session that a handshake gave it, if there was one.

    `scope` is what a hosted server keeps state under; `maximum_bytes` bounds all it answers.
    """

    def __init__(
        self, upstream: Upstream, *, scope: str, timeout_seconds: float, maximum_bytes: int
    ) -> None:
        self._upstream = upstream
        self._scope = scope
        self._timeout = timeout_seconds
        self._bytes_left = maximum_bytes
        self._session: str | None = None
        self._version: str | None = None

    def shake_hands(self) -> None:
        """Open the conversation as the handshake revisions do.

        Raises:
            UpstreamError: the server did not agree.
        """
        message, sent = self._ask(own_request("initialize", version=LATEST_LEGACY_VERSION))
        result = message.get("result")
        self._version = negotiated_version(result) if isinstance(result, dict) else None
        if self._version is None:
            raise UpstreamUncertainError("the server's handshake cannot be used")
        opened = header_values(sent.headers, SESSION_HEADER)
        self._session = opened[0] if len(opened) == 1 else None
        if self._session is not None:
            self._tell_initialized(self._session)

    def ask(
        self, method: str, params: JsonObject, *, input_schema: JsonObject | None = None
    ) -> JsonObject:
        """Send one request, once; answer the response: `{"result": …}` or `{"error": …}`.

        Raises:
            UpstreamNotSentError: provably no byte of it reached the server.
            UpstreamUncertainError: it may have; nothing usable came back.
        """
        version = LATEST_VERSION if self._version is None else self._version
        request = own_request(method, version=version, params=params)
        return self._ask(request, input_schema)[0]

    def _ask(
        self, request: Request, input_schema: JsonObject | None = None
    ) -> tuple[JsonObject, UpstreamReply]:
        headers, body = to_upstream(
            request,
            params=request.params,
            upstream_session=self._session,
            upstream_version=self._version,
            input_schema=input_schema,
        )
        sent = self._send(headers, body)
        read = read_message(sent.status, sent.headers, sent.body, request=request)
        if isinstance(read, Dropped):
            raise UpstreamUncertainError(f"the server's answer was dropped: {read.reason.value}")
        return read, sent

    def _tell_initialized(self, session: str) -> None:
        name = "notifications/initialized"
        initialized = Notification(
            era=Era.LEGACY,
            version=LATEST_LEGACY_VERSION,
            name=name,
            method=NOTIFICATIONS[name],
            params={},
        )
        headers, body = notification_to_upstream(
            initialized, upstream_session=session, upstream_version=self._version
        )
        self._send(headers, body)

    def _send(self, headers: Headers, body: bytes) -> UpstreamReply:
        request = UpstreamRequest(method="POST", headers=headers, body=body, scope=self._scope)
        sent = self._upstream.send(request, timeout_seconds=self._timeout)
        self._bytes_left -= len(sent.body)
        if self._bytes_left < 0:
            raise UpstreamUncertainError("the server's answers are too large")
        return sent


def open_conversation(conversation: Conversation, era: Era) -> None:
    """Shake hands where the era has it; a failure means that nothing further was sent.

    Raises:
        UpstreamNotSentError: the conversation could not be opened.
    """
    if era is Era.MODERN:
        return
    try:
        conversation.shake_hands()
    except UpstreamError as error:
        raise UpstreamNotSentError(f"the server did not take a handshake: {error}") from error
