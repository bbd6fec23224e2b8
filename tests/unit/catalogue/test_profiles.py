"""What was verified of a server counts for the tools that were looked at, and for no others."""

from typing import Any

import pytest

from portcullis_cli.catalogue.assess import assess
from portcullis_cli.catalogue.definition import read_definition
from portcullis_cli.catalogue.model import Category
from portcullis_cli.catalogue.tables import profiles
from support.tool_definitions import make_tool


@pytest.fixture
def verified_things(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The tools of a server whose profile says more than their words do."""
    tools = [make_tool("list_things", "Lists things.", filter={}), make_tool("get_thing")]
    rows = {one["name"]: {"category": "write", "notes": ["Asks for more."]} for one in tools}
    digests = {one["name"]: read_definition(one, prefix=()).digest for one in tools}
    profile = {"tools": rows, "definitions": digests}
    monkeypatch.setattr("portcullis_cli.catalogue.assess.profiles", lambda: {"things": profile})
    return tools


def test_a_profile_is_used_for_all_or_some_of_its_tools(
    verified_things: list[dict[str, Any]],
) -> None:
    for tools in (verified_things, verified_things[:1]):
        profile, found = assess(tools)
        assert profile == "things"
        assert {one.category for one in found} == {Category.WRITE}
        assert {one.notes for one in found} == {("Asks for more.",)}


def test_a_server_that_offers_more_than_the_verified_one_is_another(
    verified_things: list[dict[str, Any]],
) -> None:
    profile, found = assess([*verified_things, make_tool("list_more")])
    assert profile is None
    assert {one.category for one in found} == {Category.READ}
    assert assess([]) == (None, [])


@pytest.mark.parametrize(
    "changed",
    [
        {"description": "Deletes all things."},
        {"inputSchema": {"properties": {"filter": {}, "delete": {}}}},
    ],
)
def test_a_verified_name_with_another_definition_is_judged_by_its_words(
    verified_things: list[dict[str, Any]], changed: dict[str, Any]
) -> None:
    profile, found = assess([{**verified_things[0], **changed}, verified_things[1]])
    assert profile is None
    assert [one.notes for one in found] == [(), ("Asks for more.",)]
    assert "profile" not in {one.source for one in found[0].evidence}


def test_how_a_description_is_indented_makes_no_other_definition(
    verified_things: list[dict[str, Any]],
) -> None:
    indented = {**verified_things[0], "description": "\n    Lists\n    things.\n"}
    assert assess([indented])[0] == "things"


@pytest.mark.parametrize("server", sorted(profiles()))
def test_a_profile_says_nothing_that_is_no_category(server: str) -> None:
    for name, one in profiles()[server]["tools"].items():
        assert one["category"] in {category.value for category in Category}, name
        assert set(one) <= {"category", "notes"}
    assert set(profiles()[server]["definitions"]) == set(profiles()[server]["tools"])
