"""Events of the server's streams, kept so that a cut stream can be resumed."""

from dataclasses import dataclass

from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp_types import JSONRPCMessage


@dataclass(frozen=True)
class _Event:
    """One event; a priming event carries no message."""

    stream: str
    message: JSONRPCMessage | None


class EventLog(EventStore):
    """An append-only list; the id of an event is its position, counted from 1."""

    def __init__(self) -> None:
        self._events: list[_Event] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        """Keep an event and return its id."""
        self._events.append(_Event(stream_id, message))
        return str(len(self._events))

    async def replay_events_after(
        self, last_event_id: str, send_callback: EventCallback
    ) -> str | None:
        """Send what followed an event on its own stream; None for an id never given."""
        seen = int(last_event_id) if last_event_id.isdecimal() else 0
        if not 1 <= seen <= len(self._events):
            return None
        stream = self._events[seen - 1].stream
        for number, event in enumerate(self._events[seen:], start=seen + 1):
            if event.stream == stream and event.message is not None:
                await send_callback(EventMessage(event.message, str(number)))
        return stream
