"""Build a function's package: `sam build` calls this (src/Makefile).

Usage: python3.13 build_function.py LOGICAL_ID; the result goes to $ARTIFACTS_DIR.

A package holds the modules that the function's handler imports, directly or by others, and
the files beside them; nothing of the command line, the local stack or another function.
"""

import ast
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from build_output import finish, require_runtime

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"


def build(handler: str, target: Path) -> None:
    """Copy what `handler` (a module's name) needs to `target`."""
    for path in sorted(needed(handler)):
        copy = target / path.relative_to(SOURCE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    finish(target, mounted_at="/var/task")


def handler_of(logical_id: str) -> str:
    """The module of a function's handler, as the template says it."""
    text = (ROOT / "template.yaml").read_text("utf-8")
    found = re.search(
        rf"^  {logical_id}:\n(?:(?:    .*)?\n)*?      Handler: ([\w.]+)\.\w+$", text, re.MULTILINE
    )
    if found is None:
        raise SystemExit(f"template.yaml has no handler for `{logical_id}`")
    return found[1]


def needed(handler: str) -> set[Path]:
    """Every file of a function's package."""
    found: set[Path] = set()
    waiting = [handler]
    while waiting:
        module = waiting.pop()
        for path in files(module):
            if path not in found:
                found.add(path)
                waiting += imported(path)
    return found | {path for module in found for path in beside(module)}


def files(module: str) -> Iterator[Path]:
    """A module's file and those of the packages it is in; nothing for a module of others."""
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        place = SOURCE.joinpath(*parts[:count])
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if path.is_file():
                yield path


def imported(path: Path) -> Iterator[str]:
    """What a module's file imports, at its head or later; there are no relative imports."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def beside(module: Path) -> Iterator[Path]:
    """The files of a package that are no modules: its pages, say."""
    if module.name != "__init__.py":
        return
    package = module.parent
    for path in sorted(package.rglob("*")):
        inner = path.relative_to(package).parts[:-1]
        in_another = any((package / part / "__init__.py").exists() for part in inner)
        is_code = path.suffix.startswith(".py") or "__pycache__" in inner
        if path.is_file() and not is_code and not in_another:
            yield path


if __name__ == "__main__":
    require_runtime()
    build(handler_of(sys.argv[1]), Path(os.environ["ARTIFACTS_DIR"]))
