"""The public suite's scenarios for tasks, where each task is a call that waits for a person.

The suite wants tools that take a while. Here they answer at once, and what takes a while is the
approval: a policy asks for every call the suite expects a task of, and a person says yes to all
but those it means to look at while they wait.
"""

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from conformance.bearer_relay import bearer_relay
from conformance.ready_process import ReadyLine
from conformance.stack import local_stack
from conformance.suite import is_installed, run_scenario
from support.approval_clients import Approver
from threats.recorder import Recorder, Scripted, reply, serving

pytestmark = [pytest.mark.node, pytest.mark.timeout(120)]

NUMBER: Final = {"type": "object", "properties": {"seconds": {"type": "number"}}}
TOOLS: Final[list[dict[str, Any]]] = [
    {"name": "greet", "inputSchema": {"type": "object"}},
    {"name": "slow_compute", "inputSchema": NUMBER},
    {"name": "failing_job", "inputSchema": {"type": "object"}},
    {"name": "protocol_error_job", "inputSchema": {"type": "object"}},
]
STAYS_SECONDS: Final = 60  # a call for as long is one the suite wants to see waiting
POLICY: Final = """\
version: "1"
default: deny
tools:
  greet: {action: allow}
  slow_compute:
    rules:
      - {action: allow}
      - action: require_approval
        when: [{path: args.seconds, op: gt, value: 0}]
        approval: {approvers: [group:platform], show: [args.seconds]}
  failing_job: {action: require_approval, approval: {approvers: [group:platform]}}
  protocol_error_job: {action: require_approval, approval: {approvers: [group:platform]}}
"""

# The scenarios that apply to tasks which wait for one thing, and never ask the client for input.
APPLICABLE: Final = (
    "tasks-capability-negotiation",
    "tasks-dispatch-and-envelope",
    "tasks-lifecycle",
    "tasks-request-headers",
    "tasks-request-state-removal",
    "tasks-wire-fields",
)


def discovered(message: dict[str, Any]) -> Scripted:
    """What a server says of itself that knows no tasks."""
    return reply(
        message,
        {
            "resultType": "complete",
            "ttlMs": 0,
            "cacheScope": "private",
            "supportedVersions": ["2026-07-28"],
            "capabilities": {"tools": {}},
        },
    )


def answer(message: dict[str, Any]) -> Scripted:
    """What the suite's tools do, at once."""
    params = message["params"]
    match params["name"]:
        case "greet":
            text, is_error = f"Hello, {params['arguments']['name']}!", False
        case "protocol_error_job":
            error = {"code": -32603, "message": "the job broke"}
            body = {"jsonrpc": "2.0", "id": message["id"], "error": error}
            return Scripted(body=json.dumps(body).encode())
        case "failing_job":
            text, is_error = "the job failed", True
        case name:
            text, is_error = f"{name} is done", False
    content = [{"type": "text", "text": text}]
    return reply(message, {"resultType": "complete", "content": content, "isError": is_error})


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadyLine]:
    """A gateway before the suite's tools, with a person behind it.

    Each scenario has a server of its own: a call that another scenario made, and did not fetch
    the result of, would be answered with that result instead of a task.
    """
    if not is_installed():
        pytest.fail("tests/node is not installed; run `make setup`")
    policies: Path = tmp_path_factory.mktemp("policies")
    for scenario in APPLICABLE:
        (policies / f"{scenario}.yaml").write_text(POLICY)
    recorder = Recorder(TOOLS, scripts={"tools/call": answer, "server/discover": discovered})
    with serving(recorder) as port:
        servers = dict.fromkeys(APPLICABLE, f"http://127.0.0.1:{port}/mcp")
        with local_stack(servers, policies) as ready, somebody_who_approves(ready):
            yield ready


@contextlib.contextmanager
def somebody_who_approves(ready: ReadyLine) -> Iterator[None]:
    """A person who says yes to each request soon after it is made, but to the long ones."""
    approver = Approver(ready["console_url"], ready["approver_token"])
    headers = {"Authorization": f"Bearer {ready['approver_token']}", "Accept": "application/json"}
    is_over = threading.Event()

    def look() -> None:
        with httpx2.Client(headers=headers, timeout=30) as client:
            while not is_over.wait(0.5):
                for one in client.get(ready["console_url"]).json()["approvals"]:
                    if one["state"] == "PENDING":
                        seen = client.get(f"{ready['console_url']}/{one['id']}").json()
                        if seen["arguments"].get("seconds", 0) < STAYS_SECONDS:
                            approver.decide(one["id"], "approve")

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@pytest.mark.parametrize("scenario", APPLICABLE)
def test_a_call_that_waits_is_a_task_as_the_suite_wants_it(ready: ReadyLine, scenario: str) -> None:
    with bearer_relay(ready["mcp_urls"][scenario], ready["agent_token"]) as url:
        checks = run_scenario(url, scenario)
    failed = {check: found for check, found in checks.items() if "FAILURE" in found}
    assert checks
    assert failed == {}
