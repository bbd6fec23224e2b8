"""Rules about the files themselves: their length, their names, and what none may hold."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST = 400
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
BANNED_FUNCTIONS = re.compile(r"def (process|handle_data)\(")
MACHINE_PATHS = re.compile(r"(?<![\w.$}>:-])/(?:work|root|home/\w+|Users/\w+)/")
LOCK_ADDRESS = re.compile(r"(?:https?|file)://|--(?:extra-)?index-url|--find-links")
REQUIREMENT = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==(\S+)", re.MULTILINE)


def committed_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def committed_text() -> dict[str, str]:
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for path in committed_files()
        if b"\0" not in path.read_bytes()
    }


def lock_files() -> list[Path]:
    return sorted(
        [*ROOT.glob("locks/*.in"), *ROOT.glob("layers/*/requirements.in")],
        key=str,
    )


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(lock: Path) -> dict[str, str]:
    return {canonical(name): version for name, version in REQUIREMENT.findall(lock.read_text())}


def wanted(source: Path) -> set[str]:
    lines = [line.split("#")[0].strip() for line in source.read_text().splitlines()]
    requirements = [line for line in lines if line and not line.startswith("-")]
    return {canonical(re.split(r"[\[<>=!~; ]", line)[0]) for line in requirements}


def test_no_source_file_is_longer_than_the_cap() -> None:
    lengths = {
        name: text.count("\n") for name, text in committed_text().items() if name.endswith(".py")
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    modules = [path for path in committed_files() if path.suffix == ".py"]
    named = {str(path) for path in modules if {path.stem, path.parent.name} & BANNED_NAMES}
    assert named == set()


def test_no_function_has_a_name_that_says_nothing() -> None:
    sources = {name: text for name, text in committed_text().items() if name.endswith(".py")}
    assert [name for name, text in sources.items() if BANNED_FUNCTIONS.search(text)] == []


def test_no_committed_file_names_a_folder_of_one_machine() -> None:
    files = committed_text()
    assert [name for name, text in files.items() if MACHINE_PATHS.search(text)] == []


@pytest.mark.parametrize("start", ["work", "root", "home/me", "Users/me"])
def test_a_machine_path_is_recognised(start: str) -> None:
    assert MACHINE_PATHS.search(f'open("/{start}/file")')


def test_no_lock_names_an_address() -> None:
    files = [path for path in committed_files() if path.suffix != ".py"]  # what locks tools
    locks = [path for path in files if "lock" in path.name or "/locks/" in str(path)]
    locks += [source.with_suffix(".txt") for source in lock_files()]
    naming = {str(path) for path in locks if LOCK_ADDRESS.search(lock_body(path))}
    assert naming == set()


def lock_body(path: Path) -> str:
    """Answer the lock without the addresses npm adds that are no download: funding pages."""
    return re.sub(r'"funding": (\{[^}]*\}|\[[^]]*\])', "", path.read_text())


@pytest.mark.parametrize("source", lock_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_wanted_package_is_pinned_with_a_hash(source: Path) -> None:
    lock = source.with_suffix(".txt")
    assert wanted(source) - pinned(lock).keys() == set()
    blocks = re.split(r"\n(?=\S)", lock.read_text().strip())
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("source", lock_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_an_exact_version_asked_for_is_the_one_pinned(source: Path) -> None:
    asked = pinned(source)
    lock = pinned(source.with_suffix(".txt"))
    assert {name: lock.get(name) for name in asked} == asked


def test_what_runs_locally_is_what_is_tested() -> None:
    tested = pinned(ROOT / "locks/dev.txt")
    run = pinned(ROOT / "locks/run.txt")
    assert {name: tested.get(name) for name in run} == run
