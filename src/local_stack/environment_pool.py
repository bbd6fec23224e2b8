"""A stand-in for Lambda's placement: the environments of one function.

Cold starts happen on demand and at the same time, a call takes whichever environment is free
first, and a dead one is replaced. A call beyond the limit waits: one machine has room for fewer
environments than Lambda, which would start another. It is throttled where none is free in time.

Source: Lambda developer guide, "Understanding Lambda function scaling".
"""

import asyncio
from collections import deque
from collections.abc import Callable

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
        patience_seconds: float,
        report: Callable[[str], None],
    ) -> None:
        self.function = function
        self._launch = launch
        self._maximum = maximum
        self._patience_seconds = patience_seconds
        self._report = report
        self._all: set[ExecutionEnvironment] = set()
        self._idle: list[ExecutionEnvironment] = []
        self._waiting: deque[asyncio.Future[ExecutionEnvironment]] = deque()
        self._boots: set[asyncio.Task[None]] = set()
        self._starting = 0
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
            ThrottledError: as many environments as may be were busy for too long.
        """
        try:
            environment = await self._acquire()
        except InitError as error:
            self._report(str(error))
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

    async def _acquire(self) -> ExecutionEnvironment:
        while self._idle:
            environment = self._idle.pop()
            if environment.is_alive:
                return environment
            self._discard(environment)
        future: asyncio.Future[ExecutionEnvironment] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        if len(self._all) < self._maximum:
            self._boot()
            return await future
        try:
            return await asyncio.wait_for(future, self._patience_seconds)
        except TimeoutError as error:
            message = f"`{self.function.logical_id}` has no free environment"
            raise ThrottledError(message) from error

    def _boot(self) -> None:
        environment = ExecutionEnvironment(self.function, self._launch)
        self._all.add(environment)
        self._starting += 1
        task = asyncio.create_task(self._start(environment))
        self._boots.add(task)
        task.add_done_callback(self._boots.discard)

    async def _start(self, environment: ExecutionEnvironment) -> None:
        try:
            await environment.start()
        except InitError as error:
            self._starting -= 1
            self._discard(environment)
            waiting = self._next_waiting()
            if waiting is None:
                self._report(str(error))
            else:
                waiting.set_exception(error)
            self._replace()
            return
        self._starting -= 1
        self._release(environment)

    def _release(self, environment: ExecutionEnvironment) -> None:
        if self._closed:
            return
        if not environment.is_alive:
            self._discard(environment)
            self._replace()
            return
        waiting = self._next_waiting()
        if waiting is None:
            self._idle.append(environment)
        else:
            waiting.set_result(environment)

    def _replace(self) -> None:
        """Start another environment where more calls wait than environments are starting."""
        waiting = sum(not one.done() for one in self._waiting)
        if not self._closed and waiting > self._starting and len(self._all) < self._maximum:
            self._boot()

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
