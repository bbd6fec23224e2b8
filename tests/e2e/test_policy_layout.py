"""A policy is laid out on disk, and the gateway takes it as the revision that it was."""

import json
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from e2e.running_stack import RunningStack
from e2e.test_policy_push import command
from portcullis.policy.yaml_text import parse_text

pytestmark = pytest.mark.e2e

LOOSE = "tools:\n    list_users: {'action': allow}  # looking\ndefault: deny\nversion: '1'\n"
LAID_OUT = """\
---
version: "1"
default: deny

tools:
  list_users: {action: allow}  # looking
...
"""


def said(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    return done.returncode, done.stdout


def test_a_policy_that_was_laid_out_is_the_same_revision(
    stack: RunningStack, tmp_path: Path
) -> None:
    file = tmp_path / "aws-iam.yaml"
    file.write_text(LOOSE)
    revision = command(stack, "validate", str(file)).stdout.rpartition(" ")[2]
    assert said(command(stack, "fmt", str(file), "--check")) == (1, f"{file}: would change\n")
    assert said(command(stack, "fmt", str(file))) == (0, f"{file}: laid out\n")
    assert said(command(stack, "fmt", str(file), "--check")) == (0, f"{file}: is in the layout\n")
    assert file.read_text() == LAID_OUT
    assert command(stack, "validate", str(file)).stdout.endswith(revision)


def test_the_schema_that_is_written_fits_what_the_gateway_takes(
    stack: RunningStack, tmp_path: Path
) -> None:
    schema, file = tmp_path / "policy.schema.json", tmp_path / "aws-iam.yaml"
    file.write_text(LAID_OUT)
    assert said(command(stack, "schema", "-o", str(schema))) == (0, f"wrote {schema}\n")
    assert command(stack, "push", str(file), "--replace").returncode == 0
    validator = Draft202012Validator(json.loads(schema.read_text()))
    assert validator.is_valid(parse_text(LAID_OUT).tree)
    assert not validator.is_valid(parse_text(LAID_OUT.replace("action", "acton")).tree)
