"""Build a layer from its lock: `sam build` calls this (layers/layer.mk).

Usage: python3.13 build_layer.py FOLDER; the result goes to $ARTIFACTS_DIR/python.

FOLDER holds requirements.txt, and services.txt where botocore comes along: the services
whose models are kept. Wheels are taken for the functions' processor and system, by hash, and
nothing is ever built from source, so any machine can do it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from build_output import finish, require_runtime

# Amazon Linux 2023 has glibc 2.34; what was built for an older one runs on it.
_GLIBC_MINORS = (34, 31, 28, 26, 24, 17)
_PLATFORMS = [*(f"manylinux_2_{minor}_aarch64" for minor in _GLIBC_MINORS), "manylinux2014_aarch64"]

_USELESS_FOLDERS = {"__pycache__", "tests"}
_USELESS_SUFFIXES = {".c", ".h", ".pxd", ".pyi", ".pyx"}
_USELESS_FILES = {"py.typed"}
# Of a package's own description its name and version, its entry points and its licences stay.
_USELESS_METADATA = {"INSTALLER", "RECORD", "REQUESTED", "WHEEL", "direct_url.json"}


def build(source: Path, target: Path) -> None:
    """Install what FOLDER's lock says into `target`, without what no function imports."""
    install(source / "requirements.txt", target)
    for path in list(useless(target)):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    services = source / "services.txt"
    if services.exists():
        keep_models(target / "botocore" / "data", set(services.read_text("utf-8").split()))
    strip(target)
    finish(target, mounted_at="/opt/python")


def install(lock: Path, target: Path) -> None:
    """Unpack the locked wheels, exactly these and no others."""
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    command += ["--target", str(target), "--requirement", str(lock)]
    command += ["--require-hashes", "--no-deps", "--no-compile", "--only-binary=:all:"]
    command += ["--implementation=cp", "--python-version=3.13"]
    command += [f"--abi={name}" for name in ("cp313", "abi3", "none")]
    command += [f"--platform={name}" for name in _PLATFORMS]
    if subprocess.run(command, check=False).returncode:  # noqa: S603 - pip, on our own lock
        raise SystemExit(f"pip could not install `{lock}`")


def useless(folder: Path) -> Iterator[Path]:
    """What no function needs of its packages."""
    yield folder / "bin"
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            if path.name in _USELESS_FOLDERS:
                yield path
        elif path.parent.suffix == ".dist-info":
            if path.name in _USELESS_METADATA:
                yield path
        elif path.suffix in _USELESS_SUFFIXES or path.name in _USELESS_FILES:
            yield path


def keep_models(data: Path, services: set[str]) -> None:
    """Throw away botocore's models of the services that nobody calls: most of its size."""
    missing = {name for name in services if not (data / name).is_dir()}
    if missing:
        raise SystemExit(f"botocore has no model of `{min(missing)}`")
    for path in data.iterdir():
        if path.is_dir() and path.name not in services:
            shutil.rmtree(path)


def strip(folder: Path) -> None:
    """Take the symbols out of native code, where $STRIP names a tool that knows this processor.

    It is not looked for: with whatever a machine happens to have, no two would build the same.
    """
    tool = os.environ.get("STRIP")
    if tool:
        libraries = sorted(map(str, folder.rglob("*.so*")))
        subprocess.run([tool, "--strip-unneeded", *libraries], check=True)  # noqa: S603 - asked for


if __name__ == "__main__":
    require_runtime()
    build(Path(sys.argv[1]), Path(os.environ["ARTIFACTS_DIR"]) / "python")
