"""The command line, run in this process by a person at a keyboard or by a script."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
import httpx2
from typer.testing import CliRunner

from portcullis_cli.app import APP
from portcullis_cli.connection import TOKEN_VARIABLE, URL_VARIABLE
from portcullis_cli.kept_grants import TABLE_VARIABLE
from portcullis_cli.kill_switch import BUCKET_VARIABLE
from portcullis_cli.log_groups import GROUPS_VARIABLE
from portcullis_cli.surroundings import Surroundings
from portcullis_cli.tool_source import ServerTools, Target
from support.console_fakes import CAROL_TOKEN

URL = "https://gate.example/approvals"
_UNSET = (BUCKET_VARIABLE, GROUPS_VARIABLE, TABLE_VARIABLE, URL_VARIABLE)
NOW = 1_800_000_000  # 2027-01-15T08:00:00Z


SAMPLE = ServerTools(
    name="sample-server",
    version="1.0",
    tools=(
        {
            "name": "list_things",
            "description": "List every thing.",
            "inputSchema": {"type": "object", "properties": {"next_token": {"type": "string"}}},
            "annotations": {"readOnlyHint": True},
        },
        {
            "name": "create_thing",
            "description": "Create a thing.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "password": {"type": "string"},
                    "publicly_accessible": {"type": "boolean", "default": True},
                },
            },
        },
        {
            "name": "put_user_policy",
            "description": "Write a policy of a user.",
            "inputSchema": {
                "type": "object",
                "properties": {"policy_document": {"type": "string"}},
            },
        },
        {"name": "delete_thing", "inputSchema": {"type": "object"}},
    ),
)


class SomeKey:
    """A key that signs everything alike."""

    def sign(self, **_arguments: Any) -> dict[str, bytes]:
        return {"Signature": b"signature"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command did."""

    exit_code: int
    stdout: str
    stderr: str
    screen: str = ""  # both, in the order in which they were written

    @property
    def tree(self) -> Any:
        """The one line of JSON that it wrote, and nothing else."""
        assert self.stderr == ""
        assert self.stdout.count("\n") == 1
        return json.loads(self.stdout)


@dataclass(kw_only=True)
class Terminal:
    """A person at a keyboard, or a script; `answers` is what they type when they are asked."""

    transport: httpx2.BaseTransport | None = None
    answers: str | None = None
    s3: Callable[[], Any] = lambda: boto3.client("s3")
    dynamodb: Callable[[], Any] = lambda: boto3.client("dynamodb")
    sleep: Callable[[float], None] = lambda _seconds: None
    environment: dict[str, str] = field(default_factory=dict)
    server: ServerTools = SAMPLE
    asked: list[Target] = field(default_factory=list)
    services: dict[str, Any] = field(default_factory=dict)  # clients of further AWS services

    def run(self, *arguments: str, token: str = CAROL_TOKEN) -> Ran:
        """Run `portcullis` with these arguments."""
        environment = {TOKEN_VARIABLE: token, URL_VARIABLE: URL, **self.environment}
        around = Surroundings(
            aws=lambda service: self.services.get(service) or SomeKey(),
            environment=environment,
            is_terminal=lambda: self.answers is not None,
            dynamodb=self.dynamodb,
            s3=self.s3,
            now=lambda: NOW,
            sleep=self.sleep,
            transport=self.transport,
            read_tools=self._read_tools,
        )
        result = CliRunner().invoke(
            APP,
            arguments,
            obj=around,
            input=self.answers,
            env={**dict.fromkeys(_UNSET), **environment},
            prog_name="portcullis",
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(
            exit_code=result.exit_code,
            stdout=result.stdout,
            stderr=result.stderr,
            screen=result.output,
        )

    def _read_tools(self, target: Target) -> ServerTools:
        self.asked.append(target)
        return self.server
