"""What a child process writes, line by line, over a pipe of its own.

The pipe is not the process's transport: a grandchild that keeps it open must not keep anybody
waiting for the process's end.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable
from typing import Final

MAXIMUM_BYTES: Final = (1 << 20) - 26  # of one log event (CloudWatch Logs API, PutLogEvents)
_END_SECONDS: Final = 1.0


class LinePipe(asyncio.Protocol):
    """Gives each line to `take`, without its end; one that is too long comes in pieces."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._rest = b""
        self._ended = asyncio.Event()
        self._transport: asyncio.BaseTransport | None = None

    async def open(self) -> int:
        """Start to read; answers the end to write to, which the caller closes."""
        reading, writing = os.pipe()
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.connect_read_pipe(
            lambda: self, os.fdopen(reading, "rb", buffering=0)
        )
        return writing

    async def close(self) -> None:
        """Take what was still written, when the process has ended."""
        with contextlib.suppress(TimeoutError):  # something that was started still holds it
            await asyncio.wait_for(self._ended.wait(), _END_SECONDS)
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol.data_received`."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._give(line)
        while len(self._rest) > MAXIMUM_BYTES:
            piece, self._rest = self._rest[:MAXIMUM_BYTES], self._rest[MAXIMUM_BYTES:]
            self._give(piece)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol.connection_lost`."""
        del exc
        self._give(self._rest)
        self._rest = b""
        self._ended.set()

    def _give(self, line: bytes) -> None:
        for start in range(0, len(line), MAXIMUM_BYTES):
            self._take(line[start : start + MAXIMUM_BYTES].decode("utf-8", "replace"))
