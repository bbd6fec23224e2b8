"""The benchmark: `make bench`. Prints one table and writes it as JSON beside the others."""

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bench import cold_start, decision, handler, machine, peer
from bench.account import MINISTACK, furnish, running_ministack
from bench.children import ROOT, free_port, python, serving
from bench.samples import Row, table

RESULTS = ROOT / "bench" / "results"


def main(arguments: argparse.Namespace) -> None:
    """Measure everything and report it."""
    about = machine.describe(MINISTACK, peer.PEER)
    about["load_before"] = machine.load()
    rows = list(measure(arguments))
    about["load_after"] = machine.load()
    about["package_megabytes"] = round(cold_start.package_megabytes(), 1)
    print(table(rows), end="\n\n")
    print("\n".join(f"{name}: {value}" for name, value in about.items()))
    RESULTS.mkdir(exist_ok=True)
    name = datetime.now(UTC).strftime("%Y%m%d-%H%M%S.json")
    report: dict[str, Any] = {"about": about, "rows": [row.to_json() for row in rows]}
    (RESULTS / name).write_text(json.dumps(report, indent=2) + "\n")


def measure(arguments: argparse.Namespace) -> Iterator[Row]:
    """All parts, one after the other."""
    port = free_port()
    stub = python("bench.upstream_stub", str(port))
    with running_ministack() as endpoint, serving(stub, port=port) as upstream:
        function = handler.environment(endpoint, furnish(endpoint, f"{upstream.url}/mcp"))
        yield from handler.measure(
            function, calls=arguments.calls, seconds=arguments.seconds, rate=arguments.rate
        )
        yield from peer.measure(function, upstream, calls=arguments.peer_calls)
    yield from decision.measure(arguments.decisions)
    yield from cold_start.measure(arguments.cold_starts)


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """How many of each; the defaults take less than three minutes on two busy cores."""
    reader = argparse.ArgumentParser(prog="bench.gateway", description=__doc__)
    reader.add_argument("--calls", type=int, default=1000, help="of each kind, parts a and b")
    reader.add_argument("--seconds", type=float, default=10, help="of the open loop")
    reader.add_argument("--rate", type=float, default=100, help="calls a second, open loop")
    reader.add_argument("--peer-calls", type=int, default=150, help="of each target")
    reader.add_argument("--decisions", type=int, default=20_000)
    reader.add_argument("--cold-starts", type=int, default=9)
    return reader.parse_args(arguments)


if __name__ == "__main__":
    main(read_arguments(sys.argv[1:]))
