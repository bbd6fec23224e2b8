"""Part d: CPU of importing the handler in a fresh process, beside what boto3 alone costs.

The clients are made but not used: what a Lambda environment does before its first event.
Bytecode is there already (a first round that does not count sees to it), but for one row:
`sam build` leaves the bytecode of the function's own source behind.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib.metadata import files
from pathlib import Path

from bench.account import gateway_environment
from bench.children import ROOT, base_environment
from bench.samples import Row, summarise

PART = "d cold start"
_TIMED = "import time; began = time.process_time(); {}; print(time.process_time() - began)"
_FLOOR = "import json, boto3; boto3.client('dynamodb')"
_HANDLER = "import portcullis.entrypoints.lambda_mcp"
_NOWHERE = "http://127.0.0.1:9"
_SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:s"  # noqa: S105 - a name
_SERVERS = '{"amazon-mq": "mq", "aws-iam": "iam"}'


def measure(repetitions: int) -> Iterator[Row]:
    """Import in turn, each time in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        bare = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "src" / "portcullis", Path(folder) / "portcullis", ignore=bare)
        programs = {
            "boto3 with a DynamoDB client, and json": (_FLOOR, {}),
            "the gateway's handler": (_HANDLER, {}),
            "the same, our source without bytecode": (
                _HANDLER,
                {"PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"},
            ),
        }
        samples: dict[str, list[float]] = {name: [] for name in programs}
        for number in range(repetitions + 1):
            for name, (program, changed) in programs.items():
                spent = _cpu_of(program, changed)
                if number:
                    samples[name].append(spent * 1000)
    for name, times in samples.items():
        yield summarise(PART, name, times, unit="ms CPU")


def package_megabytes() -> float:
    """What is deployed for the gateway, unpacked, without boto3 and without bytecode."""
    lock = (ROOT / "layers" / "gateway" / "requirements.txt").read_text()
    names = re.findall(r"^([A-Za-z0-9_.-]+)==", lock, re.MULTILINE)
    layer = [Path(str(one.locate())) for name in names for one in files(name) or ()]
    source = list((ROOT / "src").rglob("*"))
    sizes = [
        path.stat().st_size
        for path in (*layer, *source)
        if path.is_file() and path.suffix != ".pyc"
    ]
    return sum(sizes) / 1e6


def _cpu_of(program: str, changed: Mapping[str, str]) -> float:
    settings = gateway_environment(endpoint=_NOWHERE, secret=_SECRET, servers=_SERVERS)
    run = subprocess.run(
        [sys.executable, "-c", _TIMED.format(program)],
        env={**base_environment(), **settings, **changed},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(run.stdout.splitlines()[-1])
