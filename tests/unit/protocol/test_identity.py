"""What the gateway says it is."""

import tomllib
from pathlib import Path

from portcullis.protocol.identity import GATEWAY_INFO

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"


def test_the_stated_version_is_the_one_of_the_distribution() -> None:
    assert GATEWAY_INFO["version"] == tomllib.loads(PYPROJECT.read_text())["project"]["version"]
