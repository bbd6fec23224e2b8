"""Many processes at once against one counter store: who passes, and what is in the store.

A racer is a process of its own, as two environments of a Lambda function are: it shares no
lock, no cache and no interpreter with the others. For each race it reads what to take from
stdin, says `ready`, starts at the next line, and prints how many of its calls passed.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from portcullis.adapters.dynamodb_counters import DynamoDBCounterStore
from portcullis.errors import CounterStoreError
from portcullis.gateway.ports import Reserved
from portcullis.policy.decision import Take
from portcullis.policy.model import Scope
from support.engines import ROOT, make_client
from support.takes import at, make_limit, make_take


@dataclass(frozen=True, kw_only=True)
class Race:
    """What every racer does: `calls` takes of `amount` against a limit, on one table."""

    endpoint: str
    table: str
    kind: str  # sliding, fixed or two-items
    maximum: int
    calls: int
    amount: int = 1


def takes_of(race: Race) -> list[Take]:
    """The takes of one call."""
    fixed = race.kind == "fixed"
    limit = make_limit(race.maximum, fixed=fixed, spend=race.amount != 1)
    takes = [make_take(limit, amount=race.amount)]
    if race.kind == "two-items":
        other = make_limit(race.maximum, fixed=True, scope=Scope.SERVER, identity="all")
        takes.append(make_take(other, counter="", amount=race.amount))
    return takes


class Racers:
    """Processes that are kept for several races; each makes a new store for each race."""

    def __init__(self, count: int) -> None:
        self._processes = [_start(name) for name in range(count)]

    def run(self, race: Race) -> int:
        """Run a race; answers how many calls passed in all."""
        for process in self._processes:
            _say(process, json.dumps(asdict(race)))
        for process in self._processes:
            assert _hear(process) == "ready"
        for process in self._processes:
            _say(process, "go")
        return sum(int(_hear(process)) for process in self._processes)

    def end(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.kill()
            process.communicate()


def _start(name: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(Path(__file__)), str(name)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=_environment(),
    )


def _say(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _hear(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _environment() -> dict[str, str]:
    return {
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }


def _passed(name: str, race: Race) -> int:
    client = make_client(race.endpoint)
    store = DynamoDBCounterStore(client, race.table)
    client.describe_table(TableName=race.table)  # a connection, before the start
    _print("ready")
    sys.stdin.readline()
    passed = 0
    for n in range(race.calls):
        try:
            answer = store.reserve(
                takes_of(race), server="mq", reservation_id=f"{name}-{n}", now=at(n / 1000)
            )
        except CounterStoreError:
            continue  # denied: state kept moving
        passed += isinstance(answer, Reserved)
    return passed


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    for line in sys.stdin:
        _print(str(_passed(sys.argv[1], Race(**json.loads(line)))))
