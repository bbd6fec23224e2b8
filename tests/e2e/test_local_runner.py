"""`python -m local_stack` as a person uses it: what it prints, and how it ends."""

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from conformance.stack import child_environment
from local_stack.provision import Clients
from portcullis.adapters.dynamodb_grants import DynamoDBGrants, Grant, Role
from support.http_calls import post

SOUND = """\
version: "1"
default: deny
tools:
  list_brokers: {action: allow}
  delete_broker: {action: require_approval, approval: {approvers: ["group:on call"]}}
"""
FAULTY = 'version: "1"\ndefault: deny\ntools:\n  list_users: {action: alow}\n'
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    },
}


class Runner:
    """One run of the local stack; `errors` collects its stderr."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "local_stack"],
            env=child_environment(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._errors: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.child.stderr is not None
        for line in self.child.stderr:
            self._errors.put(line)

    def first_line(self) -> str:
        assert self.child.stdout is not None
        return self.child.stdout.readline()

    def errors(self) -> str:
        """What it said on stderr; only complete once it has ended."""
        lines = []
        with contextlib.suppress(queue.Empty):
            while True:
                lines.append(self._errors.get_nowait())
        return "".join(lines)

    def end(self, number: signal.Signals) -> int:
        """Send a signal and answer the exit status."""
        self.child.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        status = self.child.wait(60)
        self._reader.join(10)
        return status

    def close(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.wait()
        assert self.child.stdout is not None
        assert self.child.stderr is not None
        self.child.stdout.close()
        self.child.stderr.close()


@contextlib.contextmanager
def running(**environment: str) -> Iterator[Runner]:
    runner = Runner(environment)
    try:
        yield runner
    finally:
        runner.close()


def descendants(pid: int) -> set[int]:
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            after_name = (folder / "stat").read_text("latin-1").rpartition(") ")[2].split()
            if after_name[0] != "Z":
                parents[int(folder.name)] = int(after_name[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def all_gone(pids: set[int], *, within: float = 10) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def policies(tmp_path: Path) -> str:
    (tmp_path / "amazon-mq.yaml").write_text(SOUND)
    (tmp_path / "aws-iam.yaml").write_text(FAULTY)
    return str(tmp_path)


def initialize(ready: dict[str, Any], token: str | None) -> int:
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        **({"Authorization": f"Bearer {token}"} if token else {}),
    }
    url = ready["mcp_urls"]["amazon-mq"]
    return post(url, json.dumps(INITIALIZE).encode(), headers)[0]


def console(ready: dict[str, Any], token: str | None) -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return post(ready["console_url"], headers=headers, method="GET")[0]


def grant(ready: dict[str, Any], token: str) -> Grant | None:
    grants = DynamoDBGrants(Clients(ready["aws_endpoint_url"])["dynamodb"], ready["table"])
    return grants.find(token, now_seconds=0)


def the_console_serves_the_people_of_the_ready_line(ready: dict[str, Any]) -> None:
    base_url = ready["mcp_urls"]["extra"].removesuffix("/mcp/extra")
    assert ready["console_url"] == f"{base_url}/approvals"
    assert console(ready, None) == 401
    assert console(ready, ready["agent_token"]) == 403
    for name, role in (("approver", Role.APPROVER), ("admin", Role.ADMIN)):
        token = ready[f"{name}_token"]
        assert console(ready, token) == 200
        assert initialize(ready, token) in {401, 403}
        held = grant(ready, token)
        assert held is not None
        assert (held.name, held.person, held.role) == (f"local-{name}", f"local-{name}", role)
        assert set(held.groups) == {"approvers", "on call", "platform"}


def test_it_says_where_it_is_serves_both_agents_and_ends_without_a_trace(policies: str) -> None:
    servers = json.dumps({"extra": {"url": "http://127.0.0.1:9/mcp"}})
    with running(PORT="0", POLICIES=policies, SERVERS=servers) as runner:
        ready = json.loads(runner.first_line())
        assert ready["event"] == "ready"
        assert set(ready["mcp_urls"]) == {"amazon-mq", "aws-iam", "extra"}
        assert {"bucket", "table"} <= set(ready)
        the_console_serves_the_people_of_the_ready_line(ready)
        assert initialize(ready, None) == 401
        assert initialize(ready, "pcl_nobody") == 401
        assert initialize(ready, ready["agent_token"]) == 200
        assert initialize(ready, ready["second_agent_token"]) == 200
        children = descendants(runner.child.pid)
        assert len(children) >= 8  # the emulator and one environment a function
        started = time.monotonic()
        assert runner.end(signal.SIGTERM) == 0
        assert time.monotonic() - started < 10
        assert all_gone(children)
        errors = runner.errors()
        assert "aws-iam.yaml: line 4" in errors
        assert "`extra` has no policy" in errors


def test_its_children_die_with_it_when_it_is_killed(policies: str, tmp_path: Path) -> None:
    # What is killed cannot remove its folder of temporary files.
    with running(POLICIES=policies, TMPDIR=str(tmp_path)) as runner:
        assert runner.first_line()
        children = descendants(runner.child.pid)
        runner.end(signal.SIGKILL)
        assert children
        assert all_gone(children)


def test_every_call_is_refused_and_the_person_is_told_once_the_account_is_gone(
    policies: str,
) -> None:
    with running(POLICIES=policies) as runner:
        ready = json.loads(runner.first_line())
        assert initialize(ready, ready["agent_token"]) == 200
        for pid in descendants(runner.child.pid):
            if b"local_stack.emulator" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        assert initialize(ready, ready["agent_token"]) == 503
        assert runner.end(signal.SIGTERM) == 0
        assert runner.errors().count("the emulated aws account has ended") == 1


def test_it_can_be_stopped_while_it_starts(policies: str) -> None:
    with running(POLICIES=policies) as runner:
        deadline = time.monotonic() + 20
        while not descendants(runner.child.pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        children = descendants(runner.child.pid)
        assert runner.end(signal.SIGINT) == 130
        assert all_gone(children)


def test_a_port_that_is_taken_is_one_clear_line(policies: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(PORT=str(port), POLICIES=policies) as runner:
            assert runner.wait() == 1
            errors = runner.errors()
    assert f"cannot listen on `127.0.0.1:{port}`" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"PARAMETERS": '{"NoSuchParameter": "1"}'}, "no parameter `NoSuchParameter`"),
        ({"PARAMETERS": '{"SessionCap": "many"}'}, "`GatewayFunction` did not start: missing"),
        ({"SERVERS": '{"Not Ours": {"url": "http://127.0.0.1:9/mcp"}}'}, "`SERVERS`: `Not Ours`"),
        ({"SERVERS": '{"x": {"uri": "http://127.0.0.1:9/mcp"}}'}, "did you mean `url`"),
        ({"SERVERS": '{"aws-iam": {"url": "http://127.0.0.1:9/"}}'}, "`aws-iam` is taken"),
        ({"TEMPLATE": os.devnull}, "`TEMPLATE` is not a file"),
        ({"POLICIES": os.devnull}, "`POLICIES` is not a folder"),
    ],
)
def test_what_it_cannot_start_with_is_one_clear_line(
    environment: dict[str, str], told: str, policies: str
) -> None:
    with running(**{"POLICIES": policies, **environment}) as runner:
        assert runner.wait() == 1
        errors = runner.errors()
    ours = [line for line in errors.splitlines() if line.startswith("local stack: ")]
    assert len(ours) == 1
    assert told in ours[0]
    assert "Traceback" not in errors
