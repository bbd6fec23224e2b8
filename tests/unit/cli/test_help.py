"""The help texts teach: every option is explained, and every example can be typed as it stands.

What the examples print is kept in `golden/examples`, one file a command, and shown on
docs/reference/cli-output.md: look at a file when it changes.
"""

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import boto3
import pytest

import command_pages
from portcullis.adapters.dynamodb_grants import ISSUER
from portcullis.adapters.dynamodb_sessions import DynamoDBSessionStore
from portcullis.policy.model import Instant, Principal
from portcullis_cli.decisions.app import INTERRUPTED
from support.command_line import NOW, Ran, Terminal
from support.console_fakes import CAROL_TOKEN, ConsoleWorld
from support.decision_lines import GATEWAY, Logs
from support.grants import make_grant
from support.verified_gateway import FIRST, VerifiedGateway

COMMANDS = command_pages.commands()
NAMES = [command.name for command in COMMANDS]
GROUPS = ("approvals", "grants", "servers", "sessions", "decisions", "kill-switch")
SAMPLE_ID = "3f6c1b0e9d2a4c5f8e7b6a5d4c3b2a19"
TOKEN_FILE = "~/.portcullis-token"
WRITE = "PORTCULLIS_WRITE_EXAMPLES"
MOST_LINES = 80  # of a page that people read
CHANGING = (  # what moto and the random source make anew in every run
    (re.compile(r"\bpcl_[\w-]{43}"), "pcl_" + "x" * 43),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), str(UUID(int=7))),
    (re.compile(r"\b[0-9a-f]{16}\b"), "5b9ac3c212ae318e"),
    (re.compile(r"^\S+Z(?=  upload )", re.MULTILINE), "2027-01-15T07:59:00Z"),
)


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
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    token = tmp_path / "token"
    token.write_text(CAROL_TOKEN)
    request = world.ask().id
    line = command.example.replace(SAMPLE_ID, request)
    words = shlex.split(line.replace(TOKEN_FILE, str(token)))
    assert words[0] == "portcullis"
    assert " ".join(words[1:]).startswith(command.name)
    terminal.answers = "y\n"
    terminal.environment |= {"PORTCULLIS_TABLE": table, "PORTCULLIS_BUCKET": bucket}
    make_grant(table, name="build-agent")
    open_session(table, "c0ffee")
    surround(terminal, command.name, table, bucket, words[-1])
    ran = terminal.run(*words[1:])
    # There is no stack here to look at, and no call in the log to decide again.
    ends = {"status": 5, "decisions tail": INTERRUPTED, "policy replay": 6}
    assert ran.exit_code == ends.get(command.name, 0), ran.stderr
    held_to_what_is_kept(command, as_kept(ran, {request: SAMPLE_ID, str(token): TOKEN_FILE}))


def surround(terminal: Terminal, name: str, table: str, bucket: str, last: str) -> None:
    """Give a command what it talks to; `last` is the last word of its example."""
    if name in {"doctor", "verify"}:
        gateway = VerifiedGateway.on_account(table, bucket)
        terminal.transport = gateway.transport
        terminal.services["sts"] = boto3.client("sts")
        if name == "doctor":
            gateway.find = {CAROL_TOKEN: gateway.holders[FIRST]}.get
    if name.startswith("decisions"):
        terminal.services["logs"] = logs = Logs()
        terminal.environment["PORTCULLIS_LOG_GROUPS"] = GATEWAY
        logs.tell(last)
        denied = {"outcome": "denied_by_rule", "name": "delete_broker", "rule": "delete_broker"}
        logs.tell("a2", ago=50, **denied)
        terminal.sleep = interrupt
    if name == "policy replay":
        terminal.services["logs"] = boto3.client("logs")
        terminal.services["logs"].create_log_group(logGroupName="gateway")


def interrupt(_seconds: float) -> None:
    raise KeyboardInterrupt


def held_to_what_is_kept(command: command_pages.Command, printed: str) -> None:
    """Compare with the file that the page shows; write it where that was asked for."""
    kept = command_pages.kept_output(command)
    if WRITE in os.environ:
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(printed)
    assert kept.exists(), f"`{command.name}` has no kept output: run this test with {WRITE}=1"
    assert printed == kept.read_text(), f"`{command.name}` prints something else: look at it"


def as_kept(ran: Ran, names: Mapping[str, str]) -> str:
    """What was printed, with made-up names in place of those that each run has anew."""
    lines = ran.stdout.splitlines()
    if ran.stderr:
        lines += ["-- on stderr --", *ran.stderr.splitlines()]
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"... and {len(lines) - MOST_LINES} lines more"]
    text = "".join(f"{line.rstrip()}\n" for line in lines)
    for name, kept in names.items():
        text = text.replace(name, kept)
    for pattern, kept in CHANGING:
        text = pattern.sub(kept, text)
    return text


def test_nothing_is_kept_of_a_command_that_is_gone() -> None:
    kept = {command_pages.kept_output(command) for command in COMMANDS}
    assert set(command_pages.KEPT_OUTPUTS.glob("*")) == kept


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
