"""One hosted server in one Lambda environment: an event in, a result out, never an exception."""

import json
import logging
from collections.abc import Callable
from typing import Final, Protocol, runtime_checkable

from mcp_host.asgi_host import AsgiHost
from mcp_host.credentials import DefaultProfile
from mcp_host.exchange import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    HostReply,
    MalformedEventError,
    parse_event,
    rejection,
    to_result,
)

_LOG = logging.getLogger(__name__)
_DEFAULT_CALL_SECONDS: Final = 30.0
_SECONDS_TO_REPLY: Final = 0.5
# Lambda takes at most 6 MB back, and counts the body escaped as a JSON string.
_MAXIMUM_RESULT_CHARS: Final = 5_900_000


@runtime_checkable
class LambdaContext(Protocol):
    """What the host uses of the context object Lambda passes."""

    def get_remaining_time_in_millis(self) -> int:
        """How long the invocation may still run."""


class Host:
    """A hosted server, started."""

    def __init__(
        self, server: AsgiHost, profile: DefaultProfile, *, forget_clients: Callable[[], None]
    ) -> None:
        self._server = server
        self._profile = profile
        self._forget_clients = forget_clients

    def answer(self, event: object, context: object) -> dict[str, object]:
        """Answer one Lambda invocation.

        Args:
            event: see `mcp_host.exchange`; anything else is answered 400.
            context: the Lambda context, for the time that is left.
        """
        try:
            return self._sendable(self._reply(event, context))
        except MalformedEventError:
            reply = rejection(400, INVALID_REQUEST, "malformed host event")
        except Exception as error:  # noqa: BLE001 - no text of ours may reach a caller
            _LOG.error("call failed: %s", type(error).__name__)
            reply = rejection(500, INTERNAL_ERROR, "internal error")
        return to_result(reply)

    def close(self) -> None:
        """Stop the server."""
        self._server.close()

    def _reply(self, event: object, context: object) -> HostReply:
        request = parse_event(event)
        if self._profile.refresh():
            self._forget_clients()
        return self._server.call(request, timeout_seconds=_seconds_left(context))

    @staticmethod
    def _sendable(reply: HostReply) -> dict[str, object]:
        result = to_result(reply)
        longest = len(reply.body) * 6  # every character as a \u escape
        if longest > _MAXIMUM_RESULT_CHARS and len(json.dumps(result)) > _MAXIMUM_RESULT_CHARS:
            return to_result(rejection(502, INTERNAL_ERROR, "the reply is too large to return"))
        return result


def _seconds_left(context: object) -> float:
    if not isinstance(context, LambdaContext):
        return _DEFAULT_CALL_SECONDS
    left = context.get_remaining_time_in_millis() / 1000 - _SECONDS_TO_REPLY
    return max(left, 0.05)
