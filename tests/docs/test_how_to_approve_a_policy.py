"""The page about approving a policy: its parameters, its commands, its status."""

import json
import re
import shlex
from pathlib import Path

from local_stack.template_yaml import load_template
from portcullis.activation import status
from portcullis.activation.release import Waiting
from support.command_line import Terminal

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "approve-a-policy.md").read_text()
PARAMETERS = load_template(ROOT / "template.yaml")["Parameters"]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]


def section(heading: str) -> str:
    return PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def test_the_parameters_are_the_template_s() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", section("Turn it on"), re.MULTILINE))
    assert set(rows) <= set(PARAMETERS)
    assert {name for name in PARAMETERS if name.startswith("PolicyAppro")} <= set(rows)
    assert (
        f"{PARAMETERS['PolicyApprovalsNeeded']['Default']} by default"
        in rows["PolicyApprovalsNeeded"]
    )
    assert PARAMETERS["PolicyApprovalSeconds"]["Default"] == 3 * 86_400
    assert PARAMETERS["PolicyApprovers"]["Default"] == ""
    (deploy,) = [one for one in COMMANDS if one.startswith("sam deploy")]
    given = [word.partition("=")[0] for word in shlex.split(deploy) if "=" in word]
    assert set(given) <= set(PARAMETERS)


def test_the_status_has_the_form_of_one_that_waits() -> None:
    ((_, block),) = [one for one in BLOCKS if one[0] == "json"]
    told = json.loads(block)
    waiting = Waiting(**told.pop("waiting"))
    assert told == {"state": status.WAITING}
    assert (waiting.url or "").endswith(f"/approvals/{waiting.approval}")


def test_the_commands_are_commands() -> None:
    commands = [shlex.split(one) for one in COMMANDS if one.startswith("portcullis ")]
    assert [words[2] for words in commands] == ["show", "approve", "deny"]
    terminal = Terminal(transport=None)
    for words in commands:
        ran = terminal.run(*words[1:3], "--help")
        assert ran.exit_code == 0
        assert all(word in ran.stdout for word in words if word.startswith("--"))


def test_who_tries_it_has_the_tokens_it_names() -> None:
    source = (ROOT / "src" / "local_stack" / "supervisor.py").read_text()
    for token in re.findall(r"`(\w+_token)`", section("Try it")):
        assert f'"{token}"' in source
