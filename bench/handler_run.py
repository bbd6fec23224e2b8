"""The handler in a process of its own: `handler_run OUTPUT CALLS KINDS [RATE SECONDS]`.

Calls go straight into `portcullis.entrypoints.lambda_mcp.handler`, as API Gateway's events;
its log goes to the null device. OUTPUT gets one JSON object: microseconds by series. KINDS are
names of `KINDS`, with commas. The upstream's time is taken from the decision record of the
call it belongs to.
"""

import importlib
import io
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from bench.account import TABLE, client
from bench.calls import ALLOWED, COUNTED, DENIED, LIMIT, event

WARM_UP = 20
FULL = "agent-without-room"  # a caller that has used its limit up

Handler = Callable[[dict[str, Any], object], dict[str, Any]]


class KeptLog(io.TextIOBase):
    """Standard output of the function: written to the null device, the last lines kept."""

    def __init__(self, sink: TextIO) -> None:
        self._sink = sink
        self._lines: list[str] = []

    def write(self, text: str, /) -> int:
        """Write and keep."""
        self._lines.append(text)
        return self._sink.write(text)

    def flush(self) -> None:
        """Hand what was written to the system."""
        self._sink.flush()

    def take_latencies(self) -> dict[str, int]:
        """The parts of the one decision record since the last time, in microseconds."""
        lines, self._lines = self._lines, []
        record = next(line for line in lines if '"latency_micros"' in line)
        latencies: dict[str, int] = json.loads(record)["decision"]["latency_micros"]
        return latencies


@dataclass(frozen=True, slots=True)
class Planned:
    """A call to be made, and the outcome without which its time is of no use."""

    event: dict[str, Any]
    outcome: str


@dataclass(frozen=True, slots=True)
class Made:
    """A call that was made: instants of the performance counter, and the upstream's part."""

    began: int
    ended: int
    upstream: int

    @property
    def added(self) -> int:
        """Nanoseconds without the upstream's."""
        return self.ended - self.began - self.upstream


class Environment:
    """One warm execution environment, and the calls that are made of it."""

    def __init__(self, handler: Handler, log: KeptLog) -> None:
        self._handler = handler
        self._log = log
        self._counted = 0

    def make(self, planned: Planned) -> Made:
        """Make one call."""
        began = time.perf_counter_ns()
        response = self._handler(planned.event, None)
        ended = time.perf_counter_ns()
        result = json.loads(response["body"])["result"]
        found = result.get("_meta", {}).get("portcullis/decision", {}).get("outcome", "allowed")
        if found != planned.outcome:
            raise RuntimeError(f"expected {planned.outcome}: {response['body'][:500]}")
        upstream = self._log.take_latencies().get("upstream", 0) * 1000
        return Made(began, ended, upstream)

    def allowed(self) -> Planned:
        """A call without limits."""
        return Planned(event(ALLOWED, subject="agent"), "allowed")

    def counted(self) -> Planned:
        """A call of a caller that has room under its limit."""
        self._counted += 1
        subject = f"agent-{self._counted // LIMIT}"
        return Planned(event(COUNTED, subject=subject), "allowed")

    def denied(self) -> Planned:
        """A call that a rule denies."""
        return Planned(event(DENIED, subject="agent"), "denied_by_rule")

    def limited(self) -> Planned:
        """A call over its limit."""
        return Planned(event(COUNTED, subject=FULL), "limit_reached")

    def warm_up(self) -> None:
        """Load policy and tools, open connections, and use one caller's limit up."""
        for _ in range(LIMIT):
            self.make(Planned(event(COUNTED, subject=FULL), "allowed"))
        for _ in range(WARM_UP):
            self.make(self.allowed())


KINDS: dict[str, Callable[[Environment], Planned]] = {
    "allowed": Environment.allowed,
    "counted": Environment.counted,
    "denied": Environment.denied,
    "limited": Environment.limited,
}


class Series:
    """Samples in microseconds, by name."""

    def __init__(self) -> None:
        self.micros: dict[str, list[float]] = {}

    def keep(self, name: str, nanoseconds: int) -> None:
        """Add one sample."""
        self.micros.setdefault(name, []).append(nanoseconds / 1000)


def closed_loop(environment: Environment, series: Series, kinds: list[str], *, calls: int) -> None:
    """One call after the other, the kinds of calls and the floor in turn."""
    floor = bare_update(os.environ["AWS_ENDPOINT_URL_DYNAMODB"])
    floor()
    for _ in range(calls):
        for name in kinds:
            series.keep(name, environment.make(KINDS[name](environment)).added)
        began = time.perf_counter_ns()
        floor()
        series.keep("floor", time.perf_counter_ns() - began)


def open_loop(environment: Environment, series: Series, *, seconds: float, rate: float) -> None:
    """Calls due at fixed instants, whatever the last one took; time counts from the instant.

    Of five calls three are counted and allowed, one is denied, one is over its limit.
    """
    counted, denied, limited = environment.counted, environment.denied, environment.limited
    mix = (counted, counted, counted, denied, limited)
    verdicts: Counter[str] = Counter()
    start = time.perf_counter_ns()
    for number in range(int(seconds * rate)):
        due = start + int(number * 1e9 / rate)
        planned = mix[number % len(mix)]()
        time.sleep(max(0, due - time.perf_counter_ns()) / 1e9)
        series.keep("open", environment.make(planned).ended - due)
        verdicts[planned.outcome] += 1
    if len(verdicts) != 3:
        raise RuntimeError(f"the verdicts are not mixed: {verdicts}")


def bare_update(endpoint: str) -> Callable[[], None]:
    """The floor: one conditional UpdateItem through boto3, and nothing else."""
    dynamodb = client("dynamodb", endpoint)

    def update() -> None:
        dynamodb.update_item(
            TableName=TABLE,
            Key={"pk": {"S": "FLOOR"}, "sk": {"S": "FLOOR"}},
            UpdateExpression="SET v = if_not_exists(v, :zero) + :one",
            ConditionExpression="attribute_not_exists(v) OR v >= :zero",
            ExpressionAttributeValues={":zero": {"N": "0"}, ":one": {"N": "1"}},
            ReturnValues="ALL_NEW",
        )

    return update


def main(output: Path, calls: int, kinds: list[str], *, rate: float, seconds: float) -> None:
    """Run the closed loop, and the open one where it has a length, in this process."""
    with Path(os.devnull).open("w") as sink:
        log = sys.stdout = KeptLog(sink)
        handler: Handler = importlib.import_module("portcullis.entrypoints.lambda_mcp").handler
        environment, series = Environment(handler, log), Series()
        environment.warm_up()
        closed_loop(environment, series, kinds, calls=calls)
        if seconds:
            open_loop(environment, series, seconds=seconds, rate=rate)
        sys.stdout = sys.__stdout__
    output.write_text(json.dumps(series.micros))


if __name__ == "__main__":
    _rate, _seconds = map(float, sys.argv[4:] or ("0", "0"))
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split(","), rate=_rate, seconds=_seconds)
