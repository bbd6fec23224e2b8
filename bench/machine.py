"""What a number means nothing without: the machine, its load, the date, the versions."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("boto3", "aws-lambda-powertools", "google-re2", "urllib3")
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def describe(ministack: Path, peer: Path) -> dict[str, Any]:
    """The machine and the versions; the last two are read from their own environments."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
        "ministack": _version_in(ministack, "ministack"),
        "fastmcp": _version_in(peer, "fastmcp"),
    }


def load() -> list[float]:
    """The load averages over 1, 5 and 15 minutes."""
    return [round(one, 2) for one in os.getloadavg()]


def cpu_seconds(pid: int) -> float | None:
    """The CPU time a process has used (proc(5), stat, fields 14 and 15); None where unknown."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def _version_in(environment: Path, name: str) -> str:
    found = sorted(environment.glob(f"lib/python*/site-packages/{name}-*.dist-info"))
    return found[0].name.split("-")[1].removesuffix(".dist") if found else "not installed"
