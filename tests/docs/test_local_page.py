"""The page on the local gateway names the variables and keys that there are, and no other."""

import json
import re
from pathlib import Path

import pytest

from local_stack import local_settings, supervisor
from local_stack.local_settings import read_local_settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "local.md").read_text()


def first_column(heading: str) -> set[str]:
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return set(re.findall(r"^\| `([^`]+)`", section, re.MULTILINE))


def test_every_variable_is_explained() -> None:
    told = re.search(r'"""Read (.*?); all may be absent', Path(local_settings.__file__).read_text())
    assert told is not None
    assert first_column("Start it") == set(re.findall(r"[A-Z]+", told[1]))


def test_every_key_of_the_ready_line_is_explained() -> None:
    source = (
        Path(supervisor.__file__).read_text().split('"event": "ready"', 1)[1].split("}\n", 1)[0]
    )
    keys = set(re.findall(r'^ +"(\w+)":', source, re.MULTILINE)) | {"event"}
    assert first_column("The ready line") == keys


@pytest.mark.parametrize("line", re.findall(r"^.*make run$", PAGE, re.MULTILINE))
def test_the_commands_shown_are_understood(line: str, tmp_path: Path) -> None:
    words = re.findall(r"([A-Z]+)=('[^']*'|\S+)", line)
    settings = {name: value.strip("'") for name, value in words}
    if "POLICIES" in settings:
        settings["POLICIES"] = str(tmp_path)
    read = read_local_settings(settings)
    assert str(read.port) == settings.get("PORT", "0")
    assert set(json.loads(settings.get("PARAMETERS", "{}"))) <= read.parameters.keys()


def test_the_policies_are_those_of_the_repository_where_nothing_is_said() -> None:
    read = read_local_settings({})
    assert (read.host, read.port, read.policies) == ("127.0.0.1", 0, ROOT / "policies")
