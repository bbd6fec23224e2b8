"""The pages for who deploys: snippets that clients read, names and files that exist."""

import json
import re
from typing import Any

import pytest

from support.deployment import FUNCTIONS, ROOT, TEMPLATE

PAGES = ["deploy", "disaster-recovery", "threat-model", "upgrade"]
TEXT = {name: (ROOT / "docs" / f"{name}.md").read_text("utf-8") for name in PAGES}
SNIPPETS = [json.loads(found) for found in re.findall(r"```json\n(.*?)```", TEXT["deploy"], re.S)]
CLAUDE_CODE, CURSOR, VS_CODE = SNIPPETS
URL = re.compile(r"https://\w+\.execute-api\.[a-z0-9-]+\.amazonaws\.com/prod/mcp/amazon-mq")


@pytest.mark.parametrize(
    ("servers", "reference", "kind"),
    [
        (CLAUDE_CODE["mcpServers"], "${PORTCULLIS_TOKEN}", "http"),
        (CURSOR["mcpServers"], "${env:PORTCULLIS_TOKEN}", None),  # told by the url alone
        (VS_CODE["servers"], "${input:portcullis-token}", "http"),
    ],
    ids=["claude-code", "cursor", "vs-code"],
)
def test_a_client_s_snippet_names_the_url_and_keeps_the_token_elsewhere(
    servers: dict[str, Any], reference: str, kind: str | None
) -> None:
    (server,) = servers.values()
    assert URL.fullmatch(server["url"])
    assert server["headers"] == {"Authorization": f"Bearer {reference}"}
    assert server.get("type") == kind
    assert set(server) <= {"type", "url", "headers"}


def test_vs_code_asks_for_the_token_that_its_snippet_refers_to() -> None:
    (asked,) = VS_CODE["inputs"]
    assert (asked["id"], asked["type"], asked["password"]) == (
        "portcullis-token",
        "promptString",
        True,
    )


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_names_is_in_the_template_or_in_the_checkout(name: str) -> None:
    text = TEXT[name]
    known = {*TEMPLATE["Parameters"], *TEMPLATE["Outputs"], *TEMPLATE["Resources"], *FUNCTIONS}
    for word in re.findall(r"<([A-Z]\w+)>", text):
        assert word in TEMPLATE["Outputs"], word
    for word in re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]*)+)`", text):
        if word != "AllAtOnce":
            assert word in known, word
    for path in re.findall(r"(?<![\w/])((?:scripts|policies|tests)/[\w/.-]+\.\w+)", text):
        assert (ROOT / path).exists(), path


def test_the_first_call_s_body_is_a_call_of_the_tool() -> None:
    (body,) = re.findall(r"-d '(\{.*\})'", TEXT["deploy"])
    assert json.loads(body)["params"]["name"] == "list_brokers"


def test_the_alarms_that_roll_back_are_the_ones_named() -> None:
    for one in TEMPLATE["Globals"]["Function"]["DeploymentPreference"]["Alarms"]:
        assert f"`{one['Ref']}`" in TEXT["upgrade"]
