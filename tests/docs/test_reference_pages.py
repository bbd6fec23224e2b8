"""The reference pages name what the code has: nothing less, nothing more."""

import dataclasses
import re
import subprocess
from collections.abc import Collection
from pathlib import Path

import pytest

import reference_pages
from portcullis.adapters.embedded_metrics import UNITS
from portcullis.gateway.ports import DecisionRecord
from portcullis.policy.decision import Outcome
from portcullis.policy.model import Algorithm, Scope
from portcullis.policy.policy_text import parse_policy
from portcullis.policy.words import ACTIONS, CASE_KEYS, RULE_KEYS, TOP_KEYS

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
LISTED = subprocess.run(
    ["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True
)
PAGES = [ROOT / name for name in LISTED.stdout.splitlines()]
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")


def words_in_table(page: Path, heading: str) -> set[str]:
    section = page.read_text().split(f"# {heading}\n", 1)[1].split("\n#", 1)[0]
    return set(re.findall(r"^\| `([^`]+)`", section, re.MULTILINE))


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("path", sorted(REFERENCE.glob("*.md")), ids=lambda path: path.stem)
def test_the_tables_are_the_codes_own(path: Path) -> None:
    page = path.read_text()
    assert reference_pages.render(page) == page, "run `make docs`"


def test_every_table_the_code_has_is_on_a_page() -> None:
    pages = "".join(path.read_text() for path in REFERENCE.glob("*.md"))
    shown = {found["name"] for found in reference_pages.BLOCK.finditer(pages)}
    assert shown == set(reference_pages.TABLES)


def test_every_outcome_is_explained() -> None:
    explained = words_in_table(REFERENCE / "wire-replies.md", "Outcomes")
    assert explained == {outcome.value for outcome in Outcome}


@pytest.mark.parametrize(
    "heading,words",
    [
        pytest.param("The document", TOP_KEYS, id="top"),
        pytest.param("A rule", RULE_KEYS, id="rule"),
        pytest.param("Actions", ACTIONS, id="actions"),
        pytest.param("Tests", (*CASE_KEYS, "args", "principal", "at"), id="tests"),
        pytest.param("Scopes", [scope.value for scope in Scope], id="scopes"),
        pytest.param("Algorithms", [one.value for one in Algorithm], id="algorithms"),
    ],
)
def test_every_word_of_the_policy_file_is_explained(heading: str, words: Collection[str]) -> None:
    assert words_in_table(REFERENCE / "policy.md", heading) == set(words)


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", REFERENCE / "policy.md"], ids=lambda path: path.name
)
def test_the_policies_shown_can_be_uploaded(page: Path) -> None:
    blocks = re.findall(r"^```yaml\n(version:.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    assert blocks
    for block in blocks:
        assert parse_policy(block).warnings == ()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link[0]]
    for target, anchor in links:
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), f"{target}#{anchor}"


def test_every_decision_is_listed() -> None:
    decisions = ROOT / "docs" / "decisions"
    listed = {target for target, _ in LINK.findall((decisions / "README.md").read_text())}
    assert listed == {path.name for path in decisions.glob("0*.md")}


def test_every_field_of_the_decision_log_is_explained() -> None:
    explained = words_in_table(REFERENCE / "decision-log.md", "Fields")
    assert explained == {one.name for one in dataclasses.fields(DecisionRecord)}


def test_every_setting_of_a_hosted_server_is_explained() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "src" / "mcp_host").rglob("*.py"))
    explained = words_in_table(REFERENCE / "settings.md", "Hosted servers")
    assert explained == set(re.findall(r'"(MCP_HOST_[A-Z_]+)"', sources))


def test_every_metric_is_explained_with_its_unit() -> None:
    text = (REFERENCE / "decision-log.md").read_text().split("## Metrics\n", 1)[1]
    assert dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", text, re.MULTILINE)) == UNITS
