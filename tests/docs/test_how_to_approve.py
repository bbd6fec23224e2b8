"""The page about approving a call, carried out as it stands there."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from browser.console_server import ConsoleServer, console_server
from portcullis.approvals.states import State
from portcullis.console import wording
from portcullis.console.wording import Fault
from portcullis.gateway.approval_wording import told
from portcullis.policy.model import Kind
from portcullis.policy.policy_text import parse_policy
from portcullis_cli.kept_grants import TABLE_VARIABLE
from support.approval_records import make_record, make_vote
from support.command_line import Terminal
from support.console_fakes import CAROL_TOKEN
from support.engines import create_state_table

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "approve-a-call.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = [
    line
    for kind, block in BLOCKS
    if kind == "sh"
    for line in block.replace("\\\n", " ").splitlines()
]
TEXTS = [" ".join(block.split()) for kind, block in BLOCKS if kind == "text"]
LINK = "https://gate.example/approvals/" + "0" * 31 + "1"


@pytest.fixture
def console() -> Iterator[ConsoleServer]:
    with console_server() as server:
        for _ in range(3):
            server.world.ask()
        yield server


def test_the_commands_do_what_the_page_says(console: ConsoleServer) -> None:
    terminal = Terminal(answers="y\n")
    terminal.environment["PORTCULLIS_CONSOLE_URL"] = f"{console.url}/approvals"
    listed = [line for line in COMMANDS if line.startswith("portcullis approvals")]
    assert len(listed) == 4
    for line in listed:
        ran = terminal.run(*shlex.split(line)[1:])
        assert ran.exit_code == 0, ran.stderr
    assert states(console) == [State.APPROVED, State.DENIED, State.PENDING]


def test_the_api_does_what_the_page_says(console: ConsoleServer) -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "PORTCULLIS_CONSOLE_URL": f"{console.url}/approvals",
        "PORTCULLIS_TOKEN": CAROL_TOKEN,
    }
    (script,) = (block for kind, block in BLOCKS if kind == "sh" and "curl" in block)
    ran = subprocess.run(
        ["sh", "-euc", script], env=environment, check=True, capture_output=True, timeout=30
    )
    assert ran.stdout.count(b'"id":') == 5  # three in the list, then one, and one again
    assert b'"error"' not in ran.stdout
    assert states(console) == [State.PENDING, State.PENDING, State.APPROVED]


def states(console: ConsoleServer) -> list[State]:
    store = console.world.store
    found = [store.read(f"{number:032x}") for number in (1, 2, 3)]
    return [record.state for record in found if record is not None]


def test_the_grant_is_made_as_the_page_says() -> None:
    (line,) = (line for line in COMMANDS if line.startswith("portcullis grants"))
    with mock_aws():
        table = create_state_table(boto3.client("dynamodb"))
        terminal = Terminal(environment={TABLE_VARIABLE: table})
        ran = terminal.run(*shlex.split(line)[1:])
    assert ran.exit_code == 0
    assert ran.stdout.startswith("pcl_")


def test_the_policy_asks() -> None:
    (block,) = (block for kind, block in BLOCKS if kind == "yaml")
    parsed = parse_policy(block)
    assert parsed.warnings == ()
    (rule,) = parsed.policy.sections[Kind.TOOL].exact["put_user_policy"]
    assert rule.approval is not None
    assert rule.approval.timeout_seconds == 1800


@pytest.mark.parametrize("state,text", [*zip([State.PENDING, State.DENIED], TEXTS, strict=True)])
def test_the_agent_is_told_what_the_page_says(state: State, text: str) -> None:
    denial = make_vote("carol", comment="not in May") if state is State.DENIED else None
    record = make_record(
        state=state, denial=denial, reason="A person looks at permissions.", link=LINK
    )
    record = replace(record, expires_at=record.asked_at + 1800)
    assert told(record, state).reason == text


def test_every_status_of_a_refusal_is_explained() -> None:
    section = PAGE.split("### By the API")[1].split("\n## ")[0]
    explained = set(re.findall(r"\d{3}", " ".join(re.findall(r"^\| ([\d, ]+) \|", section, re.M))))
    faults = [one for one in vars(wording).values() if isinstance(one, Fault)]
    faults += wording.REFUSALS.values()
    # A wrong path or method, and a bug of ours, are nobody's business here.
    assert explained == {str(fault.status) for fault in faults} - {"405", "500"}
