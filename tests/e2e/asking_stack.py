"""The local gateway before a server whose calls need approvals, and the people around it.

The server is the recorder of the threat cases: it keeps what arrived, and can be made to hang.
Times that people wait for are shortened in a copy of the template; nothing else of it differs.
"""

import contextlib
import json
import os
import signal
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.ready_process import ROOT, ReadyLine
from conformance.stack import local_stack
from e2e.running_stack import RunningStack, until
from support.approval_clients import Approver
from support.http_calls import post
from threats.recorder import Recorder, serving

SERVER = "asking"
TOOL = "put_user_policy"
TOOLS: list[dict[str, Any]] = [{"name": TOOL, "inputSchema": {"type": "object"}}]
MODERN = "2026-07-28"
ENDS_SECONDS = 20.0

Json = dict[str, Any]


def policy(timeout: str = "10m", *, minimum: int = 1, more: str = "") -> str:
    """A policy that asks for every call of the one tool."""
    return (
        f'version: "1"\ndefault: deny\ntools:\n  {TOOL}:\n    action: require_approval\n'
        f"    approval: {{approvers: [group:platform], timeout: {timeout}, "
        f"min_approvals: {minimum}}}\n{more}"
    )


@dataclass(frozen=True)
class AskingStack:
    """One running gateway; `recorder` is what lies behind it."""

    ready: ReadyLine
    recorder: Recorder

    @property
    def running(self) -> RunningStack:
        return RunningStack(self.ready)

    @property
    def approver(self) -> Approver:
        return Approver(self.ready["console_url"], self.ready["approver_token"])

    @property
    def second_approver(self) -> Approver:
        return Approver(self.ready["console_url"], self.ready["admin_token"])

    def send(
        self, method: str, params: Json, *, capabilities: Json | None = None, who: str = "agent"
    ) -> tuple[int, Any]:
        """One request of the 2026-07-28 revision; answers the status and the message."""
        held = {
            **params,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": capabilities or {},
            },
        }
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": held}
        status, _, body = post(
            self.ready["mcp_urls"][SERVER],
            json.dumps(message).encode(),
            {
                "Authorization": f"Bearer {self.ready[f'{who}_token']}",
                "Content-Type": "application/json",
                "Accept": "application/json, text/event-stream",
                "MCP-Protocol-Version": MODERN,
                "Mcp-Method": method,
                "Mcp-Name": str(params.get("name", params.get("taskId", ""))),
            },
        )
        return status, json.loads(body)

    def call(self, arguments: Json, **more: Any) -> Json:
        """Call the tool; answers the result."""
        _, message = self.send("tools/call", {"name": TOOL, "arguments": arguments}, **more)
        result: Json = message["result"]
        return result

    def asked(self, arguments: Json, **more: Any) -> str:
        """Call the tool, and answer the id of the request that came of it."""
        told = decision(self.call(arguments, **more))
        assert told["outcome"] == "approval_required", told
        return str(told["approval"]["id"])

    def executed(self, arguments: Json) -> int:
        """How often exactly this call reached the server."""
        return sum(call["arguments"] == arguments for call in self.recorder.calls())

    def view(self, approval: str) -> Json:
        """What the console says of a request."""
        status, _, body = post(
            f"{self.ready['console_url']}/{approval}",
            headers={
                "Authorization": f"Bearer {self.ready['approver_token']}",
                "Accept": "application/json",
            },
            method="GET",
        )
        assert status == 200, body
        view: Json = json.loads(body)
        return view

    def ended(self, approval: str, state: str, *, within: float = ENDS_SECONDS) -> Json:
        """Wait until a request is in a state; answers what the console then says."""

        def look() -> Json | None:
            view = self.view(approval)
            return view if view["state"] == state else None

        return until(look, within=within, what=f"request {approval} in state {state}")

    def execution(self, approval: str) -> str:
        """What Step Functions says of the request's execution."""
        client = self.running.aws("stepfunctions")
        (machine,) = client.list_state_machines()["stateMachines"]
        arn = machine["stateMachineArn"].replace(":stateMachine:", ":execution:")
        return str(client.describe_execution(executionArn=f"{arn}:{approval}")["status"])

    def executors(self) -> list[int]:
        """The processes that run the executor now."""
        return [
            int(folder.name)
            for folder in Path("/proc").iterdir()
            if folder.name.isdigit() and _runs(folder, b"lambda_executor", self.ready["pid"])
        ]

    def kill_executors(self) -> None:
        for pid in self.executors():
            os.kill(pid, signal.SIGKILL)


def decision(result: Json) -> Json:
    """What a result says to machines."""
    told: Json = result["_meta"]["portcullis/decision"]
    return told


def some_arguments() -> Json:
    """Arguments no other test has."""
    return {"user_name": f"user-{uuid.uuid4().hex[:12]}", "actions": ["s3:GetObject"]}


def at_once(look: Any, *, within: float = ENDS_SECONDS, what: str = "event") -> Any:
    """Wait for something that is about to happen."""
    deadline = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < deadline, f"no {what} within {within} s"
        time.sleep(0.02)
    return seen


@contextlib.contextmanager
def asking_stack(**parameters: str) -> Iterator[AskingStack]:
    """Start everything; the policy is in force and can be changed. `parameters` are the stack's."""
    recorder = Recorder(TOOLS)
    with (
        serving(recorder) as port,
        tempfile.TemporaryDirectory() as folder,
        local_stack(
            {SERVER: f"http://127.0.0.1:{port}/mcp"},
            _policies(Path(folder)),
            TEMPLATE=str(_impatient_template(Path(folder))),
            PARAMETERS=json.dumps({"ApprovalHoldSeconds": "3", **parameters}),
        ) as ready,
    ):
        yield AskingStack(ready, recorder)


def _policies(folder: Path) -> Path:
    policies = folder / "policies"
    policies.mkdir()
    (policies / f"{SERVER}.yaml").write_text(policy())
    return policies


def _impatient_template(folder: Path) -> Path:
    """The template with the workflow's rests cut short; paths lead back to the checkout."""
    text = (ROOT / "template.yaml").read_text("utf-8")
    for old, new in (
        ('FinishSeconds: "200"', 'FinishSeconds: "3"'),
        ('RestSeconds: "60"', 'RestSeconds: "1"'),
        ("CodeUri: src/", f"CodeUri: {ROOT}/src/"),
        ("DefinitionUri: src/", f"DefinitionUri: {ROOT}/src/"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / "template.yaml"
    path.write_text(text)
    return path


def _runs(folder: Path, handler: bytes, ancestor: int) -> bool:
    """Whether a process runs a handler and descends from another one."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        if handler not in (folder / "cmdline").read_bytes():
            return False
        pid = int(folder.name)
        while pid > 1:
            if pid == ancestor:
                return True
            stat = Path(f"/proc/{pid}/stat").read_text("latin-1")
            pid = int(stat.rpartition(") ")[2].split()[1])
    return False
