"""Takes what functions write to the emulated CloudWatch Logs, as Lambda does: a little later.

Nothing waits for it. What comes faster than it can be taken there is left out, and told.

Source: CloudWatch Logs API reference, PutLogEvents (limits, order of a batch's events).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

MAXIMUM_WAITING: Final = 10_000  # lines
_BATCH_EVENTS: Final = 10_000
_BATCH_BYTES: Final = 1 << 20
_EVENT_BYTES: Final = 26  # what each counts besides its text
_PAUSE_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of one environment; `at_ms` is when it was written."""

    group: str
    stream: str
    at_ms: int
    text: str

    @property
    def size(self) -> int:
        """What it counts in a batch."""
        return len(self.text.encode("utf-8")) + _EVENT_BYTES


Put: TypeAlias = Callable[[Sequence[Line]], None]


class LogDelivery:
    """Lines on their way. `put` takes lines of one stream, may block, and runs in a thread."""

    def __init__(
        self, put: Put, *, report: Callable[[str], None], maximum: int = MAXIMUM_WAITING
    ) -> None:
        self._put = put
        self._report = report
        self._maximum = maximum
        self._waiting: list[Line] = []
        self._lost = 0
        self._ends = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def take(self, group: str, stream: str, text: str) -> None:
        """Take one line; never waits. CloudWatch takes no empty ones."""
        if not text:
            return
        if len(self._waiting) >= self._maximum:
            self._lost += 1
            return
        at_ms = time.time_ns() // 1_000_000
        self._waiting.append(Line(group=group, stream=stream, at_ms=at_ms, text=text))

    def start(self) -> None:
        """Begin to deliver."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Deliver what is on its way and what waits, and end."""
        self._ends.set()
        if self._task is not None:
            await self._task
        await self._deliver()

    async def _run(self) -> None:
        while not self._ends.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ends.wait(), _PAUSE_SECONDS)
            await self._deliver()

    async def _deliver(self) -> None:
        waiting, self._waiting = self._waiting, []
        for batch in batches(waiting):
            try:
                await asyncio.to_thread(self._put, batch)
            except (BotoCoreError, ClientError):
                self._lost += len(batch)
        if self._lost:
            self._report(f"the emulated logs lack {self._lost} lines; stderr has them")
            self._lost = 0


def batches(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines by stream, in their order, each batch within what one request may hold."""
    open_ones: dict[tuple[str, str], list[Line]] = {}
    found: list[list[Line]] = []
    sizes: dict[tuple[str, str], int] = {}
    for line in lines:
        key = (line.group, line.stream)
        batch = open_ones.get(key)
        is_full = batch is None or (
            len(batch) >= _BATCH_EVENTS or sizes[key] + line.size > _BATCH_BYTES
        )
        if batch is None or is_full:
            batch = open_ones[key] = []
            sizes[key] = 0
            found.append(batch)
        batch.append(line)
        sizes[key] += line.size
    return found


class CloudWatch:
    """Puts lines into log streams, which it makes when they are first written to."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._made: set[tuple[str, str]] = set()

    def put(self, lines: Sequence[Line]) -> None:
        """Put lines of one stream.

        Raises:
            ClientError, BotoCoreError: they were not taken.
        """
        group, stream = lines[0].group, lines[0].stream
        if (group, stream) not in self._made:
            self._client.create_log_stream(logGroupName=group, logStreamName=stream)
            self._made.add((group, stream))
        self._client.put_log_events(
            logGroupName=group,
            logStreamName=stream,
            logEvents=[{"timestamp": one.at_ms, "message": one.text} for one in lines],
        )
