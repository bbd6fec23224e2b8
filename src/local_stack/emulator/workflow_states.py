"""Step Functions in the emulator: the states of a workflow that reads the clock and loops.

Where moto's interpreter differs from Step Functions:
- `$$.State.EnteredTime` has microseconds and an offset; AWS writes milliseconds and `Z`;
- a timestamp with a fraction or an offset compares as no timestamp; AWS takes all that
  RFC 3339 allows with an upper-case T and Z;
- the attempts of a Retry are counted over the whole execution, and its interval goes on
  growing; AWS counts anew each time a state is entered.

Sources: Step Functions guide, "Accessing execution data from the Context object", "Handling
errors in Step Functions workflows" (retry counts are reset on a transition); Amazon States
Language specification, "Timestamps".
"""

import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.component.state.choice.comparison.operator.implementations import (  # noqa: E501 - moto's own path
    is_operator,
)
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.state_parallel import (
    StateParallel,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment

_TIMESTAMP = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})", re.ASCII
)
_installed = False


def install() -> None:
    """Correct the interpreter from here on; calling it again changes nothing."""
    global _installed  # noqa: PLW0603 - moto's classes are patched once
    if _installed:
        return
    _installed = True
    setattr(state, "StateData", _entered)  # noqa: B010 - moto's modules and
    setattr(  # noqa: B010 - classes are untyped
        is_operator.IsTimestamp, "string_to_timestamp", staticmethod(instant)
    )
    for kind in (ExecutionState, StateParallel):
        counted_anew = _counting_anew(kind._eval_state)  # noqa: SLF001 - moto's own
        setattr(kind, "_eval_state", counted_anew)  # noqa: B010


def instant(text: object) -> datetime | None:
    """The instant that a timestamp names; None where it is none."""
    if not (isinstance(text, str) and _TIMESTAMP.fullmatch(text)):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _entered(**data: Any) -> Any:
    """What the context object says of a state that is entered."""
    moment = datetime.fromisoformat(data["EnteredTime"]).astimezone(UTC)
    written = moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    return {**data, "EnteredTime": written}


def _counting_anew(evaluate: Callable[[Any, Environment], None]) -> Callable[..., None]:
    @functools.wraps(evaluate)
    def corrected(entered: Any, environment: Environment) -> None:
        for retrier in entered.retry.retriers if entered.retry else ():
            attempts, backoff = retrier.max_attempts, retrier.backoff_rate
            environment.heap.pop(attempts._attempt_number_key(), None)  # noqa: SLF001
            environment.heap.pop(backoff._next_multiplier_key(), None)  # noqa: SLF001
        evaluate(entered, environment)

    return corrected
