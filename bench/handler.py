"""Parts a and b: what the handler adds to a call, without and with one durable counter."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.account import gateway_environment
from bench.children import ROOT, base_environment, free_port, python, serving
from bench.samples import Row, summarise

_ADDED, _COUNTER = "a added time", "b with a counter"
_ROWS = {
    "allowed": (_ADDED, "allowed, no limit"),
    "denied": (_ADDED, "denied by a rule"),
    "counted": (_COUNTER, "ministack: allowed under a limit"),
    "limited": (_COUNTER, "ministack: over its limit"),
    "floor": (_COUNTER, "ministack: floor, one bare update_item"),
    "open": (_COUNTER, "ministack: mixed verdicts, open loop, with the upstream"),
}
_ROWS_ON_STUB = {
    "counted": (_COUNTER, "stub: allowed under a limit"),
    "floor": (_COUNTER, "stub: floor, one bare update_item"),
}


def environment(endpoint: str, secret: str) -> dict[str, str]:
    """The function's environment; the stub is registered, as its one server."""
    made = gateway_environment(endpoint=endpoint, secret=secret, servers="{}")
    return {**made, "AWS_ENDPOINT_URL_DYNAMODB": endpoint}


def measure(
    function: Mapping[str, str], *, calls: int, seconds: float, rate: float
) -> Iterator[Row]:
    """Run the handler in a process with the function's environment, then on the store's stub."""
    kinds = "allowed,counted,denied,limited"
    series = _run(function, str(calls), kinds, str(rate), str(seconds))
    for name, (part, title) in _ROWS.items():
        more = {"calls/s": rate} if name == "open" else {}
        yield summarise(part, title, (one / 1000 for one in series[name]), more=more)
    port = free_port()
    with serving(python("bench.store_stub", str(port)), port=port) as store:
        series = _run({**function, "AWS_ENDPOINT_URL_DYNAMODB": store.url}, str(calls), "counted")
    for name, (part, title) in _ROWS_ON_STUB.items():
        yield summarise(part, title, (one / 1000 for one in series[name]))


def _run(function: Mapping[str, str], *arguments: str) -> dict[str, list[float]]:
    """Microseconds by series."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "series.json"
        subprocess.run(
            python("bench.handler_run", str(output), *arguments),
            env={**base_environment(), **function},
            cwd=ROOT,
            check=True,
        )
        series: dict[str, list[float]] = json.loads(output.read_text())
    return series
