"""A stand-in for Lambda's execution environment: one process, one request at a time.

Each environment is the real runtime client (`python -m awslambdaric <handler>`) with a
Runtime API of its own. Time-outs, crashes and init errors are told as Lambda tells them.

Sources: Lambda developer guide, "Runtime API", "Execution environment lifecycle"; Lambda API
reference, Invoke (FunctionError).
"""

import asyncio
import functools
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local_stack.children import kill_child, start_child, stop_child, sweep_group
from local_stack.errors import InitError
from local_stack.http_server import HttpServer, Request, Response, json_response, listen
from local_stack.intrinsics import ACCOUNT_ID, REGION
from local_stack.log_lines import LinePipe
from local_stack.template import Function

MAXIMUM_PAYLOAD_BYTES = 6_291_556  # Lambda quotas: synchronous invocation payload
_INVOCATION = "/2018-06-01/runtime/invocation/"
_INIT_ERROR = "/2018-06-01/runtime/init/error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an invocation came to; `error` is Lambda's FunctionError, None on success."""

    payload: bytes
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How environments are started: variables every function gets, and where the code lies.

    `logs` is given each line a function writes to stdout, with its log group and stream; without
    it they go to stderr.
    """

    variables: Mapping[str, str]
    directory: Path
    logs: Callable[[str, str, str], None] | None = None


@dataclass(slots=True, kw_only=True)
class _Invocation:
    request_id: str
    event: bytes
    deadline_milliseconds: int
    outcome: asyncio.Future[Outcome]

    def end(self, outcome: Outcome) -> None:
        if not self.outcome.done():
            self.outcome.set_result(outcome)


class ExecutionEnvironment:
    """One process that runs one function, one request at a time."""

    def __init__(self, function: Function, launch: Launch) -> None:
        self._function = function
        self._launch = launch
        self._server = HttpServer(self._answer, maximum_body_bytes=4 * MAXIMUM_PAYLOAD_BYTES)
        self._queue: asyncio.Queue[_Invocation] = asyncio.Queue()
        self._current: _Invocation | None = None
        self._ready = asyncio.Event()
        self._init_error: bytes | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._output: LinePipe | None = None
        # As Lambda names them: the day, the version and something random.
        self._stream = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[$LATEST]{uuid.uuid4().hex}"

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self.is_alive and self._process is not None else None

    @property
    def is_alive(self) -> bool:
        """Whether it can take another request."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the process and wait until the handler's module is imported.

        Raises:
            InitError: the module raised, the process ended, or neither happened in time.
        """
        await self._server.start(listen("127.0.0.1", 0))
        self._process = await self._start_process()
        self._watch = asyncio.create_task(self._watch_end(self._process))
        try:
            await asyncio.wait_for(self._ready.wait(), max(10.0, self._function.timeout_seconds))
        except TimeoutError:
            self._init_error = _error("Sandbox.Timedout", "the function did not start in time")
        if self._init_error is not None:
            await self.kill()
            name, reason = self._function.logical_id, _reason(self._init_error)
            raise InitError(f"`{name}` did not start: {reason}", self._init_error)

    async def invoke(self, event: bytes) -> Outcome:
        """Run the handler once; after a time-out or a crash the environment is dead."""
        timeout = self._function.timeout_seconds
        invocation = _Invocation(
            request_id=str(uuid.uuid4()),
            event=event,
            deadline_milliseconds=int((time.time() + timeout) * 1000),
            outcome=asyncio.get_running_loop().create_future(),
        )
        self._current = invocation
        self._queue.put_nowait(invocation)
        if not self.is_alive:
            self._tell_exit()
        try:
            return await asyncio.wait_for(asyncio.shield(invocation.outcome), timeout)
        except TimeoutError:
            await self.kill()
            message = f"{invocation.request_id} Task timed out after {timeout:.2f} seconds"
            return Outcome(payload=_error("Sandbox.Timedout", message), error="Unhandled")
        finally:
            self._current = None

    async def kill(self) -> None:
        """End the process and its Runtime API."""
        if self._process is not None:
            await kill_child(self._process)
        if self._watch is not None:
            await self._watch
        if self._output is not None:
            await self._output.close()
        await self._server.close()

    async def stop(self) -> None:
        """Ask the process to end; it notices when its Runtime API is gone."""
        process = self._process
        await asyncio.gather(
            self._server.close(), *(() if process is None else (stop_child(process),))
        )
        await self.kill()

    async def _start_process(self) -> asyncio.subprocess.Process:
        program = [sys.executable, "-m", "awslambdaric", self._function.handler]
        variables, directory = self._variables(), self._launch.directory
        if self._launch.logs is None:
            return await start_child(program, environment=variables, directory=directory)
        self._output = LinePipe(
            functools.partial(self._launch.logs, self._function.log_group, self._stream)
        )
        writing = await self._output.open()
        try:
            return await start_child(
                program, environment=variables, directory=directory, stdout=writing
            )
        finally:
            os.close(writing)

    async def _watch_end(self, process: asyncio.subprocess.Process) -> None:
        await process.wait()
        sweep_group(process)
        if not self._ready.is_set():
            message = f"runtime exited with error: exit status {process.returncode}"
            self._init_error = self._init_error or _error("Runtime.ExitError", message)
            self._ready.set()
        self._tell_exit()

    def _tell_exit(self) -> None:
        if self._current is not None and self._process is not None:
            status = self._process.returncode
            message = (
                f"RequestId: {self._current.request_id} Error: "
                f"Runtime exited with error: exit status {status}"
            )
            payload = _error("Runtime.ExitError", message)
            self._current.end(Outcome(payload=payload, error="Unhandled"))

    async def _answer(self, request: Request) -> Response:
        if request.target == _INVOCATION + "next":
            return await self._next()
        if request.target == _INIT_ERROR:
            self._init_error = request.body
            self._ready.set()
            return json_response(202, {"status": "OK"})
        request_id, _, kind = request.target.removeprefix(_INVOCATION).partition("/")
        current = self._current
        if current is None or current.request_id != request_id:
            return json_response(400, {"errorType": "InvalidRequestID"})
        current.end(_outcome(kind, request.body))
        return json_response(202, {"status": "OK"})

    async def _next(self) -> Response:
        self._ready.set()
        invocation = await self._queue.get()
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{self._function.name}"
        return Response(
            status=200,
            headers=(
                ("Content-Type", "application/json"),
                ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
                ("Lambda-Runtime-Deadline-Ms", str(invocation.deadline_milliseconds)),
                ("Lambda-Runtime-Invoked-Function-Arn", arn),
                ("Lambda-Runtime-Trace-Id", f"Root=1-{int(time.time()):08x}-{'0' * 24};Sampled=0"),
            ),
            body=invocation.event,
        )

    def _variables(self) -> dict[str, str]:
        """Source: Lambda developer guide, "Defined runtime environment variables"."""
        function = self._function
        return {
            **self._launch.variables,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_megabytes),
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": function.log_format,
            "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self._stream,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.port}",
            "LAMBDA_TASK_ROOT": str(self._launch.directory),
            "_HANDLER": function.handler,
            **function.environment,
        }


def _outcome(kind: str, body: bytes) -> Outcome:
    if kind != "response":
        return Outcome(payload=body, error="Unhandled")
    if len(body) > MAXIMUM_PAYLOAD_BYTES:
        message = (
            "Response payload size exceeded maximum allowed payload size "
            f"({MAXIMUM_PAYLOAD_BYTES} bytes)."
        )
        payload = _error("Function.ResponseSizeTooLarge", message)
        return Outcome(payload=payload, error="Unhandled")
    return Outcome(payload=body)


def _reason(payload: bytes) -> str:
    """The message of an error as a runtime tells it; any process may have sent it."""
    try:
        tree = json.loads(payload)
    except ValueError:
        return "it did not say why"
    message = tree.get("errorMessage") if isinstance(tree, dict) else None
    lines = str(message or "").splitlines()
    return lines[0] if lines else "it did not say why"


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
