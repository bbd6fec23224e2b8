import asyncio
from typing import Any, cast

import pytest

from local_stack import functions
from local_stack.environment_pool import EnvironmentPool
from local_stack.errors import ThrottledError
from local_stack.functions import ATTEMPTS, Functions
from local_stack.runtime_api import Outcome
from support.http_calls import post

FINE = Outcome(payload=b"1")
FAILED = Outcome(payload=b"{}", error="Unhandled")
BUSY = ThrottledError("busy")


class ScriptedPool:
    """Answers what it is told, one after another, and remembers the events."""

    def __init__(self, *outcomes: Outcome | ThrottledError) -> None:
        self.outcomes = list(outcomes)
        self.events: list[bytes] = []
        self.exhausted = asyncio.Event()

    async def invoke(self, event: bytes) -> Outcome:
        self.events.append(event)
        outcome = self.outcomes.pop(0)
        if not self.outcomes:
            self.exhausted.set()
        if isinstance(outcome, ThrottledError):
            raise outcome
        return outcome


def call(pool: ScriptedPool, headers: dict[str, str]) -> tuple[int, list[str]]:
    reports: list[str] = []

    async def run() -> int:
        pools: Any = {"f": cast("EnvironmentPool", pool)}
        served = Functions(pools, report=reports.append)
        await served.start()
        try:
            url = f"{served.url}/2015-03-31/functions/f/invocations"
            status, _, _ = await asyncio.to_thread(post, url, b'{"a":1}', headers)
            await asyncio.wait_for(pool.exhausted.wait(), 10)
            await asyncio.gather(*served.background)
            return status
        finally:
            await served.close()

    return asyncio.run(run()), reports


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "_PAUSE_SECONDS", 0)


def test_a_busy_function_is_throttled() -> None:
    assert call(ScriptedPool(BUSY), {})[0] == 429


def test_an_event_is_tried_again_until_it_is_taken() -> None:
    pool = ScriptedPool(FAILED, BUSY, FINE)
    headers = {"X-Amz-Invocation-Type": "Event"}
    status, reports = call(pool, headers)
    assert status == 202
    assert pool.events == [b'{"a":1}'] * 3
    assert reports == []


def test_an_event_that_is_never_taken_is_reported() -> None:
    pool = ScriptedPool(*[FAILED] * ATTEMPTS)
    headers = {"X-Amz-Invocation-Type": "Event"}
    _, reports = call(pool, headers)
    assert len(reports) == 1
    assert pool.outcomes == []
