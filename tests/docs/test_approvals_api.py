"""The page of the approvals API names what the API answers, no more and no less."""

import re
from pathlib import Path

from portcullis.console.wording import REFUSALS
from support.console_fakes import CAROL_TOKEN, ConsoleWorld

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "approvals-api.md").read_text()


def section(heading: str) -> str:
    return PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def test_every_key_of_a_request_is_explained() -> None:
    world = ConsoleWorld()
    record = world.ask()
    told = world.api(CAROL_TOKEN, "GET", f"/approvals/{record.id}").tree
    listed = world.api(CAROL_TOKEN, "GET", "/approvals").tree["approvals"][0]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", section("A request"), re.MULTILINE)
    assert [key for key, _ in rows] == list(told)
    assert [key for key, text in rows if not text.startswith("of one request only")] == list(listed)


def test_every_status_of_a_refused_decision_is_explained() -> None:
    statuses = set(re.findall(r"^\| (\d{3}) \|", section("Errors"), re.MULTILINE))
    assert {str(fault.status) for fault in REFUSALS.values()} <= statuses
