"""A stand-in for Lambda's placement: the environments of one function.

Cold starts happen on demand and at the same time, a call takes whichever environment is free
first, a dead one is replaced, and a call beyond the limit is throttled.

Source: Lambda developer guide, "Understanding Lambda function scaling".
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from local_stack.errors import InitError, ThrottledError
from local_stack.runtime_api import ExecutionEnvironment, Launch, Outcome
from local_stack.template import Function


class EnvironmentPool:
    """The environments of one function: started on demand, up to a limit, replaced when dead."""

    def __init__(
        self,
        function: Function,
        launch: Launch,
        *,
        maximum: int,
        report: Callable[[str], None],
    ) -> None:
        self.function = function
        self._launch = launch
        self._maximum = maximum
        self._report = report
        self._all: set[ExecutionEnvironment] = set()
        self._idle: list[ExecutionEnvironment] = []
        self._waiting: deque[asyncio.Future[ExecutionEnvironment]] = deque()
        self._boots: set[asyncio.Task[None]] = set()
        self._kills: set[asyncio.Task[None]] = set()
        self._closed = False

    async def warm(self) -> None:
        """Start one environment.

        Raises:
            InitError: it did not start.
        """
        self._release(await self._acquire())

    async def invoke(self, event: bytes) -> Outcome:
        """Run the function once, in whichever environment is free first.

        Raises:
            ThrottledError: as many environments as may be are busy.
        """
        try:
            environment = await self._acquire()
        except InitError as error:
            return Outcome(payload=error.payload, error="Unhandled")
        try:
            return await environment.invoke(event)
        finally:
            self._release(environment)

    def pids(self) -> tuple[int, ...]:
        """The process ids of the environments that run."""
        return tuple(pid for one in self._all if (pid := one.pid) is not None)

    async def close(self) -> None:
        """End every environment."""
        self._closed = True
        for task in self._boots:
            task.cancel()
        await asyncio.gather(*self._boots, return_exceptions=True)
        for waiting in self._waiting:
            waiting.cancel()
        await asyncio.gather(*self._kills, *(environment.stop() for environment in self._all))
        self._all.clear()

    def _acquire(self) -> Awaitable[ExecutionEnvironment]:
        future: asyncio.Future[ExecutionEnvironment] = asyncio.get_running_loop().create_future()
        while self._idle:
            environment = self._idle.pop()
            if environment.is_alive:
                future.set_result(environment)
                return future
            self._discard(environment)
        if len(self._all) >= self._maximum:
            raise ThrottledError(f"`{self.function.logical_id}` has no free environment")
        self._waiting.append(future)
        self._boot()
        return future

    def _boot(self) -> None:
        environment = ExecutionEnvironment(self.function, self._launch)
        self._all.add(environment)
        task = asyncio.create_task(self._start(environment))
        self._boots.add(task)
        task.add_done_callback(self._boots.discard)

    async def _start(self, environment: ExecutionEnvironment) -> None:
        try:
            await environment.start()
        except InitError as error:
            self._report(f"{error}: {error.payload.decode('utf-8', 'replace')}")
            self._discard(environment)
            waiting = self._next_waiting()
            if waiting is not None:
                waiting.set_exception(error)
            return
        self._release(environment)

    def _release(self, environment: ExecutionEnvironment) -> None:
        if self._closed:
            return
        if not environment.is_alive:
            self._discard(environment)
            return
        waiting = self._next_waiting()
        if waiting is None:
            self._idle.append(environment)
        else:
            waiting.set_result(environment)

    def _next_waiting(self) -> asyncio.Future[ExecutionEnvironment] | None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                return waiting
        return None

    def _discard(self, environment: ExecutionEnvironment) -> None:
        self._all.discard(environment)
        task = asyncio.create_task(environment.kill())
        self._kills.add(task)
        task.add_done_callback(self._kills.discard)
