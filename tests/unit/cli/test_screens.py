"""What a person sees on the screen, command by command; the examples in the help are held beside.

The files in `golden` are whole screens: the lines that were typed, what came, and how it ended.
Read them when one changes. `PORTCULLIS_WRITE_SCREENS=1` writes them.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import boto3
import pytest
from moto import mock_aws

import command_pages
from portcullis_cli import command_groups
from support.command_line import Terminal
from support.engines import create_state_table
from support.grants import make_grant

GOLDEN: Final = Path(__file__).parent / "golden"
DIGEST: Final = re.compile(r"\b[0-9a-f]{16}\b")  # of a token, which differs
SHOP: Final = """---
version: "1"
default: deny
tools:
  list_things: {action: allow, rate_limit: {max: 2, window: 1m}}
  create_thing:
    rules:
      - name: costly
        action: require_approval
        approval: {approvers: [group:finance], timeout: 30m}
        when: [{path: args.price, op: gt, value: 100}]
      - {name: otherwise, action: allow}
  delete_thing: {action: deny, reason: Things are kept.}
tests:
  - {name: a cheap one, call: {tool: create_thing, args: {price: 7}}, expect: allow}
  - {name: a dear one, call: {tool: create_thing, args: {price: 700}}, expect: require_approval}
...
"""
WIDER: Final = SHOP.replace("value: 100}", "value: 900}").replace("max: 2,", "max: 20,")
FAULTY: Final = SHOP.replace("action: deny, reason", "action: dney, raeson").replace("7}", "seven}")
UNKNOWN: Final = SHOP.replace("list_things:", "lst_things:").replace("args.price", "args.prise")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A person in a folder with policies of a shop, beside a deployment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("USER", "anna")
    files = {"shop": SHOP, "wider": WIDER, "faulty": FAULTY, "unknown": UNKNOWN}
    for name, text in files.items():
        Path(f"{name}.yaml").write_text(text)
    Path("more.yaml").write_text(
        "tests:\n  - {name: kept, call: {tool: delete_thing}, expect: allow}\n"
    )
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="policies")
        table = create_state_table(boto3.client("dynamodb"))
        for server in ("shop", "wiki"):
            client.put_object(Bucket="policies", Key=f"active/policies/{server}.json", Body=b"{}")
        yield Terminal(
            s3=lambda: client,
            environment={
                "PORTCULLIS_BUCKET": "policies", "PORTCULLIS_TABLE": table, "USER": "anna",
            },
        )  # fmt: skip


def with_grants(terminal: Terminal) -> None:
    """An agent and an approver, and one whose time is over."""
    table = terminal.environment["PORTCULLIS_TABLE"]
    for name, role, days in (
        ("build", "agent", 30),
        ("carol", "approver", 30),
        ("old", "agent", 0),
    ):
        make_grant(table, name=name, role=role, days=days)


def nothing(_terminal: Terminal) -> None:
    """Nothing is there beforehand."""


SCREENS: Final[dict[str, tuple[Callable[[Terminal], None], tuple[str, ...]]]] = {
    "policy-validate-faults": (nothing, ("policy validate faulty.yaml",)),
    "policy-validate-warnings": (
        nothing, ("policy validate unknown.yaml --command ./shop --strict",)
    ),
    "policy-explain-deny": (nothing, ("policy explain shop.yaml delete_thing",)),
    "policy-test-fails": (nothing, ("policy test shop.yaml --cases more.yaml --boundaries",)),
    "policy-check-claims": (
        nothing,
        ("policy check shop.yaml --never delete_thing --never-without-approval create_thing",),
    ),
    "policy-diff-wider": (nothing, ("policy diff shop.yaml wider.yaml --server shop",)),
    "grants-list-all": (
        with_grants,
        (
            "grants revoke --name build",
            "grants list --all",
            "grants list",
            "grants revoke --name nobody",
        ),
    ),
    "grants-create-wrong": (
        nothing, ("grants create build", "grants create x --role approver --group group:y")
    ),
    "kill-switch-on-drill": (
        nothing,
        (
            "kill-switch status",
            "kill-switch on --reason drill --server shop",
            "kill-switch off --server wiki",
            "kill-switch off",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_reads_as_it_did(shop: Terminal, name: str) -> None:
    prepare, lines = SCREENS[name]
    prepare(shop)
    screen = ""
    for line in lines:
        ran = shop.run(*line.split())
        ended = f"(ends with {ran.exit_code})\n" if ran.exit_code else ""
        screen += f"$ portcullis {line}\n{ran.screen}{ended}"
    seen = "".join(f"{line.rstrip()}\n" for line in DIGEST.sub("0" * 16, screen).splitlines())
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("PORTCULLIS_WRITE_SCREENS"):
        file.write_text(seen)
    assert seen == file.read_text()


@pytest.mark.parametrize("words", [(), ("policy",)], ids=["all", "policy"])
def test_the_help_shows_every_command_once_in_some_group(words: tuple[str, ...]) -> None:
    shown = re.findall(r"^  ([a-z-]+)  +\S", Terminal().run(*words, "--help").stdout, re.MULTILINE)
    there = {
        command.name.split()[len(words)]
        for command in command_pages.commands()
        if command.name.split()[: len(words)] == [*words]
    }
    assert sorted(name for name in shown if name in there) == sorted(there)


def test_a_command_of_no_group_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_groups, "GROUPS", {"portcullis": {"First": ("lock",)}})
    shown = Terminal().run("--help").stdout
    assert shown.index("\nFirst:\n  lock  ") < shown.index("\nMore:\n") < shown.index("  scan  ")
