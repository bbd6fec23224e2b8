"""A cold start pays for every import, so the handlers may load only what they need.

Each handler is imported in an interpreter of its own, with the settings it would have.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEVER = {
    "awslabs", "cryptography", "httpx", "httpx2", "jinja2", "jsonschema", "jwt", "local_stack",
    "mcp", "mcp_host", "nacl", "portcullis_cli",
    "mcp_types", "moto", "pydantic", "pytest", "requests", "starlette", "typer", "uvicorn",
}  # fmt: skip
LIST_MODULES = "import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"


def loaded_by(module: str) -> set[str]:
    """Import `module` with nothing but src on the path; answer the top-level packages loaded."""
    run = subprocess.run(
        [sys.executable, "-c", LIST_MODULES.format(module=module)],
        env={"PYTHONPATH": str(ROOT / "src"), "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return {name.split(".")[0] for name in json.loads(run.stdout)}


@pytest.mark.parametrize(
    "module",
    ["portcullis.entrypoints.bootstrap", "portcullis.entrypoints.authorizer"],
)
def test_the_cold_path_of_a_call_loads_no_heavy_package(module: str) -> None:
    assert loaded_by(module) & (NEVER | {"yaml"}) == set()


@pytest.mark.parametrize("module", ["portcullis.policy.evaluate", "portcullis.protocol.inbound"])
def test_the_pure_core_loads_no_aws_library(module: str) -> None:
    assert loaded_by(module) & (NEVER | {"boto3", "botocore", "yaml"}) == set()
