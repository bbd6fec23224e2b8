"""The Lambda stand-in, with the real runtime client in real processes."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local_stack.environment_pool import EnvironmentPool
from local_stack.errors import InitError, ThrottledError
from local_stack.functions import Functions
from local_stack.runtime_api import Launch, Outcome
from local_stack.template import Function
from support.http_calls import post
from support.waiting import until

TESTS = Path(__file__).parents[1]
LAUNCH = Launch(
    variables={
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_REGION": "us-east-1",
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(TESTS),
    },
    directory=TESTS,
)


def make_function(handler: str, *, timeout_seconds: float = 20) -> Function:
    return Function(
        logical_id="Tested",
        name="stack-Tested",
        handler=handler,
        runtime="python3.13",
        memory_megabytes=128,
        timeout_seconds=timeout_seconds,
        environment={"SOME_VARIABLE": "some value"},
        log_format="JSON",
        log_group="tested",
    )


@asynccontextmanager
async def a_pool(
    handler: str,
    *,
    maximum: int = 2,
    timeout_seconds: float = 20,
    patience_seconds: float = 20,
    report: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[EnvironmentPool]:
    pool = EnvironmentPool(
        make_function(handler, timeout_seconds=timeout_seconds),
        LAUNCH,
        maximum=maximum,
        patience_seconds=patience_seconds,
        report=report,
    )
    try:
        yield pool
    finally:
        await pool.close()


def answer(outcome: Outcome) -> Any:
    assert outcome.error is None, outcome.payload
    return json.loads(outcome.payload)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text("ascii").split(") ")[1][0] == "Z"


def test_a_handler_sees_its_event_its_context_and_the_template_s_variables() -> None:
    async def run() -> Any:
        async with a_pool("support.lambda_handlers.echo") as pool:
            return answer(await pool.invoke(b'{"a": [1, "\xc3\xa9"]}'))

    told = asyncio.run(run())
    assert told["event"] == {"a": [1, "é"]}
    assert told["function"] == "stack-Tested"
    assert 0 < told["milliseconds_left"] <= 20_000
    assert told["variable"] == "some value"
    assert told["endpoint"] == "http://127.0.0.1:1"


def test_a_warm_environment_is_used_again() -> None:
    async def run() -> tuple[int, ...]:
        async with a_pool("support.lambda_handlers.echo") as pool:
            await pool.warm()
            return tuple([answer(await pool.invoke(b"{}"))["pid"] for _ in range(3)])

    assert len(set(asyncio.run(run()))) == 1


def test_calls_at_once_run_in_environments_of_their_own(tmp_path: Path) -> None:
    async def run() -> set[int]:
        async with a_pool("support.lambda_handlers.meet", maximum=3) as pool:
            events = [
                json.dumps({"folder": str(tmp_path), "name": str(i), "party": 3}).encode()
                for i in range(3)
            ]
            outcomes = await asyncio.gather(*(pool.invoke(event) for event in events))
            return {answer(outcome)["pid"] for outcome in outcomes}

    assert len(asyncio.run(run())) == 3


def test_a_call_that_finds_every_environment_busy_waits_for_one() -> None:
    async def run() -> list[int]:
        async with a_pool("support.lambda_handlers.echo") as pool:
            outcomes = await asyncio.gather(*(pool.invoke(b"{}") for _ in range(20)))
            return [answer(outcome)["pid"] for outcome in outcomes]

    pids = asyncio.run(run())
    assert len(pids) == 20
    assert len(set(pids)) <= 2


def test_a_call_that_waits_outlives_the_environment_it_waits_for() -> None:
    async def run() -> tuple[Outcome, ...]:
        async with a_pool("support.lambda_handlers.misbehave", maximum=1) as pool:
            await pool.warm()
            crash, fail = json.dumps({"do": "exit"}), json.dumps({"do": "raise"})
            return tuple(
                await asyncio.gather(pool.invoke(crash.encode()), pool.invoke(fail.encode()))
            )

    first, second = asyncio.run(run())
    assert b"Runtime.ExitError" in first.payload
    assert b"Runtime.ExitError" not in second.payload


def test_a_call_beyond_the_last_environment_is_throttled(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_pool("support.lambda_handlers.meet", maximum=1, patience_seconds=0) as pool:
            event = json.dumps({"folder": str(tmp_path), "name": "a", "party": 2}).encode()
            first = asyncio.create_task(pool.invoke(event))
            await asyncio.sleep(0)
            with pytest.raises(ThrottledError):
                await pool.invoke(b"{}")
            (tmp_path / "b").touch()
            answer(await first)

    asyncio.run(run())


def test_an_exception_is_an_unhandled_error_and_the_environment_lives_on() -> None:
    async def run() -> tuple[Outcome, Outcome, tuple[int, ...]]:
        async with a_pool("support.lambda_handlers.misbehave") as pool:
            await pool.warm()
            before = pool.pids()
            failed = await pool.invoke(b'{"do": "raise"}')
            after = await pool.invoke(b'{"do": "nothing"}')
            assert pool.pids() == before
            return failed, after, before

    failed, after, pids = asyncio.run(run())
    assert failed.error == "Unhandled"
    assert json.loads(failed.payload)["errorType"] == "ValueError"
    assert json.loads(failed.payload)["errorMessage"] == "no"
    assert answer(after)["pid"] == pids[0]


@pytest.mark.parametrize(
    ("do", "kind"),
    [("exit", "Runtime.ExitError"), ("hang", "Sandbox.Timedout")],
)
def test_an_environment_that_crashed_or_hung_is_replaced(do: str, kind: str) -> None:
    async def run() -> tuple[Outcome, tuple[int, ...], Outcome]:
        handler = "support.lambda_handlers.misbehave"
        async with a_pool(handler, maximum=1, timeout_seconds=1) as pool:
            await pool.warm()
            pids = pool.pids()
            failed = await pool.invoke(json.dumps({"do": do}).encode())
            return failed, pids, await pool.invoke(b'{"do": "nothing"}')

    failed, pids, after = asyncio.run(run())
    assert failed.error == "Unhandled"
    assert json.loads(failed.payload)["errorType"] == kind
    assert answer(after)["pid"] not in pids
    assert is_gone(pids[0])


def test_an_environment_killed_while_idle_is_replaced() -> None:
    async def run() -> tuple[int, int]:
        async with a_pool("support.lambda_handlers.echo", maximum=1) as pool:
            first = answer(await pool.invoke(b"{}"))["pid"]
            os.kill(first, signal.SIGKILL)
            assert await asyncio.to_thread(until, lambda: not pool.pids())
            return first, answer(await pool.invoke(b"{}"))["pid"]

    first, second = asyncio.run(run())
    assert first != second


def test_an_answer_above_the_limit_is_an_error() -> None:
    async def run() -> Outcome:
        async with a_pool("support.lambda_handlers.misbehave") as pool:
            return await pool.invoke(b'{"do": "flood"}')

    outcome = asyncio.run(run())
    assert outcome.error == "Unhandled"
    assert json.loads(outcome.payload)["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_module_that_does_not_import_is_reported_to_whoever_calls() -> None:
    async def run() -> Outcome:
        async with a_pool("support.handler_that_fails_to_start.handler") as pool:
            with pytest.raises(InitError):
                await pool.warm()
            return await pool.invoke(b"{}")

    outcome = asyncio.run(run())
    assert outcome.error == "Unhandled"
    assert json.loads(outcome.payload)["errorMessage"] == "not today"


def test_closing_a_pool_leaves_no_process() -> None:
    async def run() -> tuple[int, ...]:
        async with a_pool("support.lambda_handlers.misbehave") as pool:
            await pool.warm()
            task = asyncio.create_task(pool.invoke(b'{"do": "hang"}'))
            await asyncio.sleep(0.1)
            pids = pool.pids()
        await asyncio.gather(task, return_exceptions=True)
        return pids

    pids = asyncio.run(run())
    assert pids
    assert all(is_gone(pid) for pid in pids)


_SCRIPT = """
import asyncio, sys
from integration.test_runtime_api import a_pool
async def main():
    async with a_pool("support.lambda_handlers.misbehave") as pool:
        await pool.warm()
        print(*pool.pids(), flush=True)
        await pool.invoke(b'{"do": "hang"}')
asyncio.run(main())
"""


def test_environments_die_with_a_supervisor_that_is_killed() -> None:
    path = os.pathsep.join([str(TESTS.parent / "src"), str(TESTS)])
    with subprocess.Popen(
        [sys.executable, "-c", _SCRIPT],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        text=True,
    ) as supervisor:
        assert supervisor.stdout is not None
        pids = [int(word) for word in supervisor.stdout.readline().split()]
        assert pids
        supervisor.kill()
    assert until(lambda: all(is_gone(pid) for pid in pids))


def test_the_functions_endpoint_answers_like_lambda() -> None:
    async def run() -> list[tuple[int, dict[str, str], bytes]]:
        async with a_pool("support.lambda_handlers.misbehave") as pool:
            functions = Functions({"f": pool}, report=lambda _: None)
            await functions.start()
            base = f"{functions.url}/2015-03-31/functions"
            try:
                return [
                    await asyncio.to_thread(post, f"{base}/f/invocations", b'{"do": "nothing"}'),
                    await asyncio.to_thread(post, f"{base}/f/invocations", b'{"do": "raise"}'),
                    await asyncio.to_thread(post, f"{base}/g/invocations", b"{}"),
                ]
            finally:
                await functions.close()

    fine, failed, unknown = asyncio.run(run())
    assert fine[0] == 200
    assert "x-amz-function-error" not in fine[1]
    assert failed[0] == 200
    assert failed[1]["x-amz-function-error"] == "Unhandled"
    assert unknown[0] == 404


def test_what_a_function_writes_is_told_with_its_group_and_stream_also_when_it_dies() -> None:
    told: list[tuple[str, str, str]] = []

    async def run() -> list[Outcome]:
        pool = EnvironmentPool(
            make_function("support.lambda_handlers.say"),
            replace(LAUNCH, logs=lambda *line: told.append(line)),
            maximum=1,
            patience_seconds=20,
            report=lambda _: None,
        )
        events = ({"text": "one"}, {"text": "two", "then": "exit"}, {"text": "three"})
        outcomes = [await pool.invoke(json.dumps(event).encode()) for event in events]
        await pool.close()
        return outcomes

    first, second, third = asyncio.run(run())
    assert second.error is not None
    mine = [line for line in told if line[2] in {"one", "two", "three"}]
    assert [text for _, _, text in mine] == ["one", "two", "three"]
    assert {group for group, _, _ in mine} == {"tested"}
    streams = [stream for _, stream, _ in mine]
    assert streams == [answer(first), answer(first), answer(third)]
    assert streams[0] != streams[2], "each environment has a stream of its own"
