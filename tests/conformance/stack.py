"""The processes the conformance runs and the end-to-end tests need."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from conformance.ready_process import ROOT, TESTS, ReadyLine, ReadyProcess

POLICIES: Final = TESTS / "e2e" / "policies"
EVERYTHING: Final = "everything"
HOST: Final = "127.0.0.1"
STACK_SECONDS: Final = 100


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with the project's folders importable, plus `extra`."""
    path = os.pathsep.join([str(ROOT / "src"), str(TESTS)])
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **extra}


@contextlib.contextmanager
def everything_server() -> Iterator[str]:
    """The conformance fixture on a free port; yields its MCP URL."""
    command = [sys.executable, "-m", "conformance.everything_server"]
    with ReadyProcess(command, env=child_environment({})) as child:
        yield str(child.ready["url"])


@contextlib.contextmanager
def local_stack(
    upstreams: Mapping[str, str], policies: Path = POLICIES, **more: str
) -> Iterator[ReadyLine]:
    """The local gateway with `upstreams` (server name → MCP URL) beside its own servers.

    `more` are further variables of the local runner. Yields its ready line: mcp_urls,
    console_url, tokens, aws_endpoint_url, bucket, table, and `pid` of the runner.
    """
    servers = {name: {"url": url} for name, url in upstreams.items()}
    extra = {
        "HOST": HOST,
        "PORT": "0",
        "POLICIES": str(policies),
        "SERVERS": json.dumps(servers),
        **more,
    }
    command = [sys.executable, "-m", "local_stack"]
    environment = child_environment(extra)
    with ReadyProcess(command, env=environment, ready_within=STACK_SECONDS) as child:
        yield {**child.ready, "pid": child.pid}
