"""Step Functions in the emulator: task tokens that one caller wins, executions that stop.

Where moto differs from Step Functions:
- several SendTask* calls with one token can all succeed; AWS takes the first and answers
  TaskTimedOut to every later one;
- StopExecution leaves a waiting task running and its token usable; AWS aborts it at once;
- SendTaskFailure loses the cause;
- StartExecution without a name uses the name "None"; AWS makes a new one.

Workflows are written in JSONPath, which moto's interpreter carries out.

Source: Step Functions API reference, SendTaskSuccess, SendTaskFailure, StopExecution,
StartExecution.
"""

import functools
import threading
import uuid
from collections.abc import Callable
from typing import Any

from moto.core.responses import EmptyResult
from moto.stepfunctions.parser.api import TaskDoesNotExist, TaskTimedOut
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackConsumerTimeout,
    CallbackEndpoint,
    CallbackNotifyConsumerError,
    CallbackPoolManager,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

_STOP_SECONDS = 2.0

_lock = threading.RLock()
_spent: set[str] = set()
_moto_notify = CallbackPoolManager.notify
_moto_interrupt = CallbackEndpoint.interrupt_all
_moto_start = StepFunctionsParserBackend.start_execution
_moto_stop = StepFunctionsParserBackend.stop_execution
_installed = False


def install() -> None:
    """Correct the interpreter from here on; calling it again changes nothing."""
    global _installed  # noqa: PLW0603 - moto's classes are patched once
    if _installed:
        return
    _installed = True
    _patch(CallbackPoolManager, "notify", _notify)
    _patch(CallbackEndpoint, "interrupt_all", _interrupt_all)
    for name in ("send_task_success", "send_task_failure", "send_task_heartbeat"):
        _patch(
            StepFunctionsParserBackend,
            name,
            _one_winner(getattr(StepFunctionsParserBackend, name)),
        )
    for name in ("set_error", "set_timed_out", "set_ended"):
        _patch(Environment, name, _unless_stopped(getattr(Environment, name)))
    _patch(StepFunctionsParserBackend, "start_execution", _start_execution)
    _patch(StepFunctionsParserBackend, "stop_execution", _stop_execution)
    _patch(StepFunctionResponse, "send_task_failure", _send_task_failure)


def _patch(owner: type, name: str, replacement: Callable[..., Any]) -> None:
    setattr(owner, name, replacement)


def _timed_out() -> TaskTimedOut:
    message = "Task Timed Out: 'Provided task does not exist anymore'"
    return TaskTimedOut(message, "TaskTimedOut", 400)


def _notify(pool: CallbackPoolManager, callback_id: str, outcome: Any) -> bool:
    """Take the first outcome of a token; a spent token has no consumer any more."""
    with _lock:
        if pool.get(callback_id) is None:
            return False
        if callback_id in _spent:
            raise CallbackNotifyConsumerError(CallbackConsumerTimeout())
        _spent.add(callback_id)
        return bool(_moto_notify(pool, callback_id, outcome))


def _interrupt_all(endpoint: CallbackEndpoint) -> None:
    """A task that has ended, by whatever, leaves its token spent."""
    with _lock:
        _spent.add(endpoint.callback_id)
    _moto_interrupt(endpoint)


def _one_winner(send: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(send)
    def corrected(
        backend: StepFunctionsParserBackend, task_token: str, *arguments: Any, **options: Any
    ) -> Any:
        if task_token in _spent:
            raise _timed_out()
        try:
            return send(backend, task_token, *arguments, **options)
        except (TaskTimedOut, TaskDoesNotExist):
            raise _timed_out() from None

    return corrected


def _unless_stopped(change: Callable[..., Any]) -> Callable[..., Any]:
    """What a stopped program still does changes its state no more."""

    @functools.wraps(change)
    def corrected(environment: Environment, *arguments: Any, **options: Any) -> Any:
        if isinstance(environment._program_state, ProgramStopped):  # noqa: SLF001 - moto's own
            environment.program_state_event.set()
            environment.program_state_event.clear()
            return None
        return change(environment, *arguments, **options)

    return corrected


def _start_execution(
    backend: StepFunctionsParserBackend,
    state_machine_arn: str,
    name: str | None = None,
    *arguments: Any,
    **options: Any,
) -> Any:
    return _moto_start(backend, state_machine_arn, name or str(uuid.uuid4()), *arguments, **options)


def _stop_execution(backend: StepFunctionsParserBackend, execution_arn: str) -> Any:
    """Stop, wake every waiting task, and answer when the execution has ended."""
    execution: Any = backend.describe_execution(execution_arn)
    answer = _moto_stop(backend, execution_arn)
    environment = execution.exec_worker.env
    for endpoint in tuple(environment.callback_pool_manager._pool.values()):  # noqa: SLF001
        endpoint.interrupt_all()
    pause = threading.Event()
    for _ in range(int(_STOP_SECONDS * 100)):
        if execution.exec_status.value != "RUNNING":
            break
        pause.wait(0.01)
    return answer


def _send_task_failure(response: StepFunctionResponse) -> Any:
    backend: Any = response.stepfunction_backend
    backend.send_task_failure(
        response._get_param("taskToken"),  # noqa: SLF001 - how moto's responses read
        error=response._get_param("error"),  # noqa: SLF001
        cause=response._get_param("cause"),  # noqa: SLF001
    )
    return EmptyResult()
