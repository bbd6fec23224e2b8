"""The tutorial, followed to the letter: every command typed, every output compared."""

import os
from pathlib import Path

from conformance.ready_process import ROOT
from e2e.pages import Shell, followed, is_like

PAGE = ROOT / "docs" / "tutorial.md"
OURS = ("PYTHONPATH", "MAKE", "MFLAGS", "AWS_", "PORTCULLIS_", "COLUMNS")  # not a newcomer's


def test_everything_the_tutorial_shows_happens(tmp_path: Path) -> None:
    theirs = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    environment = {**theirs, "TMPDIR": str(tmp_path), "NO_PROXY": "127.0.0.1"}
    with Shell(ROOT, environment) as shell:
        wrong = [*followed(PAGE.read_text("utf-8"), shell)]
    assert not wrong, "\n\n".join(wrong)


def test_a_screen_that_differs_is_not_taken_for_the_shown_one() -> None:
    screen = ["one", "two 2", "three"]
    assert is_like(["one", "two …", "three"], screen)
    assert is_like(["…", "three", "…"], screen)
    assert not is_like(["one", "…"], [])
    assert not is_like(["one", "two …"], screen)
    assert not is_like(["…", "two", "…"], screen)
