"""The examples of how to register a server are sound, once the deployment permits them."""

import json
import re
from pathlib import Path

import pytest

from portcullis.registration.model import Permits
from portcullis.registration.registration_text import parse_registration_text
from support.deployment import TEMPLATE

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "how-to" / "register-a-server.md").read_text()
REFERENCE = (DOCS / "reference" / "registration.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(# incoming/servers/([a-z-]+)\.yaml\n.*?)```", PAGE, re.DOTALL)
ARN = re.compile(r"arn:aws:(lambda|secretsmanager):[^\s]+")


def permits() -> Permits:
    named = [found[0] for found in re.finditer(ARN, PAGE)]
    return Permits(
        functions=frozenset(arn for arn in named if ":lambda:" in arn),
        secrets=frozenset(arn for arn in named if ":secretsmanager:" in arn),
        signs=True,
        longest_seconds=25,
    )


@pytest.mark.parametrize(("text", "server"), EXAMPLES)
def test_an_example_is_a_registration(text: str, server: str) -> None:
    assert parse_registration_text(text, server=server, permits=permits()).revision


def test_every_way_to_register_and_to_end_a_server_is_shown() -> None:
    made = [
        parse_registration_text(text, server=server, permits=permits()) for text, server in EXAMPLES
    ]
    assert len(EXAMPLES) == PAGE.count("```yaml")
    assert any(one.function for one in made)
    assert {type(one.credential).__name__ for one in made if one.endpoint} == {
        "SecretCredential", "SigV4Credential",
    }  # fmt: skip
    assert made[-1].is_removed


def test_the_example_of_a_policy_is_json_without_wildcard_actions() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    for statement in json.loads(text)["Statement"]:
        assert "*" not in str(statement["Action"])


@pytest.mark.parametrize("page", [PAGE, REFERENCE], ids=["how-to", "reference"])
def test_the_parameters_and_outputs_it_names_exist(page: str) -> None:
    known = set(TEMPLATE["Parameters"]) | set(TEMPLATE["Outputs"]) | set(TEMPLATE["Resources"])
    named = set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", page))
    assert named - known == set()
