"""The command as a process of its own: what a machine can do to it ends in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")


def run(*words: str, stdout: int, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "portcullis_cli", *words],
        env={**os.environ, **more},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.skipif(not FULL.exists(), reason="this machine has no such device")
def test_a_full_disk_is_told_in_one_line() -> None:
    with FULL.open("w") as full:
        ran = run("policy", "schema", stdout=full.fileno())
    assert (ran.returncode, ran.stderr) == (5, "portcullis: no space left on device\n")


def test_an_address_of_aws_that_is_none_is_told_in_one_line() -> None:
    ran = run(
        *("grants", "list", "--table", "t"),
        stdout=subprocess.PIPE,
        AWS_ENDPOINT_URL="nowhere",
        AWS_DEFAULT_REGION="us-east-1",
    )
    assert (ran.returncode, ran.stderr) == (
        5,
        "portcullis: AWS cannot be called: InvalidConfigError\n",
    )
