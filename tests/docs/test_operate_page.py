"""The page for operators knows every alarm, every query and every parameter it is read for."""

import re
from pathlib import Path

import pytest

from portcullis.adapters.embedded_metrics import FAULTS
from support.deployment import RESOURCES, TEMPLATE, of_type

PAGE = (Path(__file__).parents[2] / "docs" / "operate.md").read_text()
ALARMS = of_type("AWS::CloudWatch::Alarm")
SILENCE = {"notBreaching": "fine", "ignore": "stays as it was", "breaching": "sounds"}


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def test_the_alarms_are_listed_with_what_their_silence_means() -> None:
    rows = re.findall(r"^\| \[`(\w+)`\]\(#(\w+)\) \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE)
    assert [name for name, _, _ in rows] == ALARMS
    for name, anchor, silence in rows:
        assert anchor == name.lower()
        assert SILENCE[RESOURCES[name]["Properties"]["TreatMissingData"]] in silence


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_has_its_page_of_the_runbook(alarm: str) -> None:
    text = PAGE.split(f"\n### {alarm}\n", 1)[1].split("\n##", 1)[0]
    assert len(text.split()) > 20, "what it means and what to do"


def test_every_fault_has_a_place_to_look_at() -> None:
    text = PAGE.split("\n### GatewayFaultsAlarm\n", 1)[1].split("\n###", 1)[0]
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == FAULTS


def test_every_query_is_listed() -> None:
    named = {
        RESOURCES[name]["Properties"]["Name"]["Fn::Sub"].partition("/")[2]
        for name in of_type("AWS::Logs::QueryDefinition")
    }
    assert set(re.findall(r"^\| `([^`]+)` \|", section("Queries"), re.MULTILINE)) == named


def test_what_the_page_names_in_the_template_is_there() -> None:
    known = {*TEMPLATE["Parameters"], *TEMPLATE["Resources"], *TEMPLATE["Outputs"]}
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+(?:Arn|Url)?)`", PAGE))
    assert named - known == set()
