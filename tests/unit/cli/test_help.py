"""The help texts teach: every option is explained, and every example can be typed as it stands."""

import shlex
from pathlib import Path
from typing import Any

import boto3
import pytest

import command_pages
from portcullis.adapters.dynamodb_grants import ISSUER
from portcullis.adapters.dynamodb_sessions import DynamoDBSessionStore
from portcullis.policy.model import Instant, Principal
from support.command_line import NOW, Terminal
from portcullis_cli.decisions.app import INTERRUPTED
from support.console_fakes import CAROL_TOKEN, ConsoleWorld
from support.decision_lines import GATEWAY, Logs
from support.grants import make_grant
from support.verified_gateway import FIRST, VerifiedGateway

COMMANDS = command_pages.commands()
NAMES = [command.name for command in COMMANDS]
GROUPS = ("approvals", "grants", "servers", "sessions", "decisions", "kill-switch")
SAMPLE_ID = "3f6c1b0e9d2a4c5f8e7b6a5d4c3b2a19"


def open_session(table: str, name: str) -> None:
    """Open a session of the grant that the server keeps, too."""
    store = DynamoDBSessionStore(boto3.client("dynamodb"), table, cap=1, lifetime_seconds=3600)
    where: dict[str, Any] = {
        "principal_key": Principal(issuer=ISSUER, subject="build-agent").key,
        "server": "aws-iam",
        "session_id": name,
        "now": Instant(micros=NOW * 1_000_000),
    }
    store.open(**where)
    store.bind_upstream(**where, upstream_session="u")


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_every_option_is_explained_in_a_sentence(command: command_pages.Command) -> None:
    assert command.summary.endswith(".")
    assert all(option.help.endswith(".") for option in command.options)


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_every_example_can_be_run(
    command: command_pages.Command,
    world: ConsoleWorld,
    terminal: Terminal,
    table: str,
    bucket: str,
    tmp_path: Path,
) -> None:
    token = tmp_path / "token"
    token.write_text(CAROL_TOKEN)
    line = command.example.replace(SAMPLE_ID, world.ask().id)
    words = shlex.split(line.replace("~/.portcullis-token", str(token)))
    assert words[0] == "portcullis"
    assert " ".join(words[1:]).startswith(command.name)
    terminal.answers = "y\n"
    terminal.environment |= {"PORTCULLIS_TABLE": table, "PORTCULLIS_BUCKET": bucket}
    make_grant(table, name="build-agent")
    open_session(table, "c0ffee")
    if command.name in {"doctor", "verify"}:
        gateway = VerifiedGateway.on_account(table, bucket)
        terminal.transport = gateway.transport
        terminal.services["sts"] = boto3.client("sts")
        if command.name == "doctor":
            gateway.find = {CAROL_TOKEN: gateway.holders[FIRST]}.get
    if command.name.startswith("decisions"):
        terminal.services["logs"] = logs = Logs()
        terminal.environment["PORTCULLIS_LOG_GROUPS"] = GATEWAY
        logs.tell(words[-1])
        terminal.sleep = interrupt
    if command.name == "policy replay":
        terminal.services["logs"] = boto3.client("logs")
        terminal.services["logs"].create_log_group(logGroupName="gateway")
    ran = terminal.run(*words[1:])
    # There is no stack here to look at, and no call in the log to decide again.
    ends = {"status": 5, "decisions tail": INTERRUPTED, "policy replay": 6}
    assert ran.exit_code == ends.get(command.name, 0), ran.stderr


def interrupt(_seconds: float) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "words",
    [[], *([name] for name in GROUPS)],
    ids=["root", *GROUPS],
)
def test_without_a_command_the_help_is_shown(terminal: Terminal, words: list[str]) -> None:
    ran = terminal.run(*words)
    assert ran.exit_code == 2
    assert "Usage: portcullis" in ran.stdout + ran.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_help_is_plain_text(terminal: Terminal, command: command_pages.Command) -> None:
    ran = terminal.run(*command.name.split(), "--help")
    assert ran.exit_code == 0
    assert "Example: portcullis" in ran.stdout
    assert "\x1b" not in ran.stdout


def test_a_misspelt_command_is_a_usage_error(terminal: Terminal) -> None:
    ran = terminal.run("approvals", "aprove", "x")
    assert ran.exit_code == 2
    assert "approve" in ran.stderr
