"""Pages of lists: what is removed, what stays (2.K, C11, L08; A6, A3.5)."""

from decimal import Decimal
from typing import Any

import pytest

from portcullis.protocol.cache_hints import privatise
from portcullis.protocol.lists import filter_list, next_cursor, tools_of
from portcullis.protocol.messages import Request
from portcullis.values import JsonObject, JsonValue
from support.http_requests import admitted, legacy_request, modern_request

HIDDEN = "delete_broker"


def modern(method: str = "tools/list") -> Request:
    return admitted(modern_request(method, {}))


def legacy(method: str = "tools/list") -> Request:
    return admitted(legacy_request(method, {}))


def tool(name: JsonValue, **more: JsonValue) -> JsonObject:
    return {"name": name, "inputSchema": {"type": "object"}, **more}


def filtered(result: JsonObject, request: Request | None = None) -> Any:
    return filter_list(
        result, request or legacy(), is_visible=lambda name: name != HIDDEN, max_ttl_ms=30_000
    )


def test_K02_hidden_tools_leave_and_everything_else_stays_in_order() -> None:
    kept = [tool("b", **{"x-vendor": None, "execution": {}}), tool("a", annotations={"n": 1})]
    result: JsonObject = {"tools": [kept[0], tool(HIDDEN), kept[1]], "nextCursor": "", "x": [1]}
    assert filtered(result) == {"tools": kept, "nextCursor": "", "x": [1]}


def test_K02_a_page_left_empty_keeps_its_cursor() -> None:
    result: JsonObject = {"tools": [tool(HIDDEN)], "nextCursor": "p2"}
    assert filtered(result) == {"tools": [], "nextCursor": "p2"}


NO_TOOLS: dict[str, JsonValue] = {
    "L08-no name": {"inputSchema": {}},
    "L08-name a number": tool(3),
    "L08-name a list": tool(["get_info"]),
    "L08-no object": "get_info",
    "L08-null": None,
    "K15-control character": tool("get\x00info"),
    "K15-tag character": tool("get\U000e0041info"),
    "K15-space": tool("get info"),
    "C11-star": tool("*"),
    "K15-two names": tool("get_info", Name="delete_broker"),
    "K15-folding name": {**tool("get_info"), "\uff4eame": "delete_broker"},
}


@pytest.mark.parametrize("entry", [pytest.param(e, id=n) for n, e in NO_TOOLS.items()])
def test_an_entry_that_is_no_sound_tool_is_removed(entry: JsonValue) -> None:
    assert filtered({"tools": [entry, tool("other")]}) == {"tools": [tool("other")]}
    assert tools_of([{"tools": [entry, tool("other")]}]) == {"other": tool("other")}


@pytest.mark.parametrize("twin", ["get_info", "GET_INFO"])
def test_K15_tools_that_share_a_name_are_all_removed(twin: str) -> None:
    page: JsonObject = {"tools": [tool("get_info"), tool("x"), tool(twin)]}
    assert filtered(page) == {"tools": [tool("x")]}
    assert tools_of([{"tools": [tool("get_info"), tool("x")]}, {"tools": [tool(twin)]}]) == {
        "x": tool("x")
    }


@pytest.mark.parametrize(
    "method, key, name_key, names",
    [
        ("prompts/list", "prompts", "name", ["a", "A", "p q"]),
        ("resources/list", "resources", "uri", ["f://a", "f://A"]),
        ("resources/templates/list", "resourceTemplates", "uriTemplate", ["f://{a}"]),
    ],
)
def test_K05_other_lists_are_filtered_likewise(
    method: str, key: str, name_key: str, names: list[str]
) -> None:
    entries: list[JsonValue] = [{name_key: name, "title": "n"} for name in names]
    result: JsonObject = {key: [*entries, {name_key: HIDDEN}, {name_key: ""}, {"other": 1}]}
    assert filtered(result, legacy(method)) == {key: entries}


MALFORMED: dict[str, JsonObject] = {
    "L08-not a list": {"tools": {"a": 1}},
    "L08-absent": {},
    "L07-case variant": {"tools": [], "Tools": [tool(HIDDEN)]},
    "L07-variant of the cursor": {"tools": [], "NextCursor": "x"},
}


@pytest.mark.parametrize("result", [pytest.param(r, id=n) for n, r in MALFORMED.items()])
def test_a_result_that_is_no_list_of_its_kind_is_refused(result: JsonObject) -> None:
    assert filtered(result) is None
    assert tools_of([result]) is None


def test_a_method_that_lists_nothing_has_no_list() -> None:
    assert filtered({"tools": []}, legacy("ping")) is None


@pytest.mark.parametrize(
    "stated, kept",
    [
        ({"ttlMs": 3_600_000, "cacheScope": "public"}, 30_000),
        ({"ttlMs": 10}, 10),
        ({"ttlMs": Decimal("10.5")}, 10),
        ({"ttlMs": -5}, 0),
        ({"ttlMs": True}, 0),
        ({"ttlMs": "9"}, 0),
        ({}, 0),
    ],
)
def test_K10_A3_5_a_modern_page_is_private_and_no_older_than_the_policy(
    stated: JsonObject, kept: int
) -> None:
    result: JsonObject = {"resultType": "complete", "tools": [], **stated}
    assert filtered(result, modern()) == {
        "resultType": "complete",
        "tools": [],
        "cacheScope": "private",
        "ttlMs": kept,
    }


def test_A3_5_a_result_that_asks_for_input_is_not_marked() -> None:
    asking: JsonObject = {"resultType": "input_required"}
    assert privatise(asking, max_ttl_ms=1) is asking


def test_the_cursor_of_the_next_page() -> None:
    assert next_cursor({"nextCursor": ""}) == ""
    assert next_cursor({}) is None
    assert next_cursor({"nextCursor": 3}) is None
