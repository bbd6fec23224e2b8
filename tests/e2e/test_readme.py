"""The README's transcript, carried out: `make run`, then the calls as they stand there."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.ready_process import ROOT, ReadyLine, ReadyProcess
from conformance.stack import child_environment
from e2e.pages import blocks

README = (ROOT / "README.md").read_text()
SHOWN_URL = "http://127.0.0.1:8080/mcp/amazon-mq"
CALL = re.compile(r"`(call [^`]+)`:\n\n```json\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadyLine]:
    """The gateway as `make run` starts it, on a free port."""
    environment = child_environment({"PORT": "0", "TMPDIR": str(tmp_path_factory.mktemp("run"))})
    inherited = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}  # of the `make test` this may run under
    environment = {name: value for name, value in environment.items() if name not in inherited}
    with ReadyProcess(["make", "--silent", "run"], env=environment) as child:
        yield child.ready


def sh_block(start: str) -> str:
    (found,) = (
        block.text
        for block in blocks(README)
        if block.language == "sh" and block.text.startswith(start)
    )
    return found


def is_shown(shown: Any, answered: Any) -> bool:
    """Whether everything that is shown was answered; what is left out may be anything."""
    if isinstance(shown, dict):
        return isinstance(answered, dict) and all(
            key in answered and is_shown(value, answered[key]) for key, value in shown.items()
        )
    return bool(shown == answered)


def test_what_make_run_prints_has_every_key_that_is_shown(running: ReadyLine) -> None:
    (shown,) = (json.loads(line) for line in README.splitlines() if line.startswith('{"event"'))
    assert shown.keys() <= running.keys()
    assert shown["mcp_urls"].keys() <= running["mcp_urls"].keys()
    assert running["agent_token"].startswith(shown["agent_token"].removesuffix("…"))


@pytest.mark.parametrize("command,reply", CALL.findall(README), ids=["allowed", "denied"])
def test_a_call_is_answered_as_shown(
    running: ReadyLine, command: str, reply: str, tmp_path: Path
) -> None:
    url, token = running["mcp_urls"]["amazon-mq"], running["agent_token"]
    script = sh_block("call()").replace(SHOWN_URL, url) + command
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={"PATH": os.environ["PATH"], "TOKEN": token, "NO_PROXY": "127.0.0.1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert is_shown(json.loads(reply), json.loads(done.stdout)), done.stdout
