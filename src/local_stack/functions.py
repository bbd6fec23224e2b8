"""The functions by name, and the endpoint by which the emulator reaches them.

Source: Lambda API reference, Invoke; Lambda developer guide, "Asynchronous invocation".
"""

import asyncio
import urllib.parse
from collections.abc import Callable, Mapping

from local_stack.environment_pool import EnvironmentPool
from local_stack.errors import ThrottledError
from local_stack.http_server import HttpServer, Request, Response, json_response, listen
from local_stack.runtime_api import MAXIMUM_PAYLOAD_BYTES, Outcome

_PREFIX = "/2015-03-31/functions/"
_SUFFIX = "/invocations"
ATTEMPTS = 3  # an asynchronous invocation is tried again twice
_PAUSE_SECONDS = 1.0  # Lambda waits one minute, then two; nobody waits that long here


class Functions:
    """Every pool under its function's name, behind an endpoint like Lambda's Invoke."""

    def __init__(
        self, pools: Mapping[str, EnvironmentPool], *, report: Callable[[str], None]
    ) -> None:
        self._pools = pools
        self._report = report
        self._server = HttpServer(self._answer, maximum_body_bytes=MAXIMUM_PAYLOAD_BYTES)
        self.background: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where the emulator sends invocations."""
        return f"http://127.0.0.1:{self._server.port}"

    async def start(self) -> None:
        """Open the endpoint on a free port."""
        await self._server.start(listen("127.0.0.1", 0))

    async def close(self) -> None:
        """Close the endpoint and give up what is still to be delivered."""
        for task in tuple(self.background):
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)
        await self._server.close()

    async def _answer(self, request: Request) -> Response:
        path = urllib.parse.unquote(request.target.partition("?")[0])
        name = path.removeprefix(_PREFIX).removesuffix(_SUFFIX)
        if name not in self._pools:
            return json_response(404, {"Type": "User", "Message": f"no function `{name}`"})
        headers = {key.lower(): value for key, value in request.headers}
        if headers.get("x-amz-invocation-type") == "Event":
            task = asyncio.create_task(self._deliver(name, request.body))
            self.background.add(task)
            task.add_done_callback(self.background.discard)
            return json_response(202, {})
        try:
            outcome = await self._pools[name].invoke(request.body or b"{}")
        except ThrottledError:
            return json_response(429, {"Type": "User", "Message": "Rate Exceeded."})
        return _invoked(outcome)

    async def _deliver(self, name: str, event: bytes) -> None:
        """Invoke without anybody waiting: again after an error, then give up."""
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(_PAUSE_SECONDS)
            try:
                outcome = await self._pools[name].invoke(event)
            except ThrottledError:
                continue
            if outcome.error is None:
                return
        self._report(f"`{name}` did not take an event after {ATTEMPTS} attempts")


def _invoked(outcome: Outcome) -> Response:
    headers = [("Content-Type", "application/json")]
    if outcome.error is not None:
        headers.append(("X-Amz-Function-Error", outcome.error))
    return Response(status=200, headers=tuple(headers), body=outcome.payload)
