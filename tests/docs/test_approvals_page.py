"""The approvals page and the life cycle say the same."""

import re
from pathlib import Path

from portcullis.approvals.states import TRANSITIONS, State

PAGE = (Path(__file__).parents[2] / "docs" / "approvals.md").read_text()
SECTION = PAGE.split("## States\n", 1)[1].split("\n## ", 1)[0]


def test_every_state_is_explained() -> None:
    assert set(re.findall(r"^\| `([A-Z]+)` \| [^`|]+ \|$", SECTION, re.MULTILINE)) == {
        state.value for state in State
    }


def test_every_arrow_is_listed() -> None:
    listed = re.findall(r"^\| `([A-Z]+)` \| ([a-z]+) \| `([A-Z]+)` \|$", SECTION, re.MULTILINE)
    arrows = [
        (state.value, event.value, after.value)
        for state, events in TRANSITIONS.items()
        for event, after in events.items()
    ]
    assert sorted(listed) == sorted(arrows)
