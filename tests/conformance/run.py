"""Measure conformance: `python -m conformance.run --direct` or `--gateway`.

`--direct` runs the public suite against the everything server; `--gateway` runs it once more
through a local gateway in front of that server and compares check by check. Prints one line a
revision and every complaint; the exit code is 1 when there is any.
"""

import argparse
import sys
import time

from conformance.bearer_relay import bearer_relay
from conformance.compare import complaints_direct, complaints_gateway, load_expectations
from conformance.stack import EVERYTHING, everything_server, local_stack
from conformance.suite import REVISIONS, SuiteRun, is_installed, run_suite


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def measured(url: str, where: str) -> dict[str, SuiteRun]:
    """Run every revision against `url` and say what passed."""
    runs = {}
    for revision in REVISIONS:
        started = time.monotonic()
        run = run_suite(url, revision)
        runs[revision] = run
        seconds = time.monotonic() - started
        say(f"{revision} {where}: {run.passed}/{len(run.required)} in {seconds:.1f} s")
    return runs


def gateway_complaints(direct: dict[str, SuiteRun], upstream: str) -> list[str]:
    """Run the suite through a gateway of its own and compare."""
    expected = load_expectations()
    with (
        local_stack({EVERYTHING: upstream}) as ready,
        bearer_relay(ready["mcp_urls"][EVERYTHING], ready["agent_token"]) as url,
    ):
        through = measured(url, "through the gateway")
    return [
        complaint
        for revision in REVISIONS
        for complaint in complaints_gateway(direct[revision], through[revision], expected[revision])
    ]


def complaints(*, through_gateway: bool) -> list[str]:
    """Every complaint of the chosen measurement."""
    expected = load_expectations()
    with everything_server() as upstream:
        direct = measured(upstream, "directly")
        found = [
            complaint
            for revision in REVISIONS
            for complaint in complaints_direct(direct[revision], expected[revision])
        ]
        return found + (gateway_complaints(direct, upstream) if through_gateway else [])


def main() -> None:
    """Measure and say so."""
    parser = argparse.ArgumentParser(description="Run the public MCP conformance suite.")
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--direct", action="store_true", help="the fixture alone")
    chosen.add_argument("--gateway", action="store_true", help="also through a local gateway")
    arguments = parser.parse_args()
    if not is_installed():
        sys.exit("the conformance suite is not installed; run `make node`")
    found = complaints(through_gateway=arguments.gateway)
    for line in found:
        say(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
