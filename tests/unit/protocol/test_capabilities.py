"""Neither side is told of what a buffered gateway cannot carry (A6, A4.1, A4.10, K05)."""

from typing import Any

import pytest

from portcullis.protocol.capabilities import (
    accepts_tasks,
    discover_result,
    forwarded_params,
    initialize_result,
    negotiated_version,
)
from portcullis.values import JsonObject
from support.http_requests import admitted, legacy_request, modern_meta, modern_request

TASKS = "io.modelcontextprotocol/tasks"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
SERVER: JsonObject = {
    "tools": {"listChanged": True, "x": 1},
    "resources": {"subscribe": True, "listChanged": True},
    "prompts": {},
    "logging": {},
    "completions": {},
    "tasks": {"requests": {}},
    "experimental": {"y": {"subscribe": True}},
    "odd": 3,
    "extensions": {TASKS: {}, "com.example/z": {"a": 1}},
}
TOLD = {
    "tools": {"x": 1},
    "resources": {},
    "prompts": {},
    "logging": {},
    "completions": {},
    "experimental": {"y": {"subscribe": True}},
    "odd": 3,
    "extensions": {"com.example/z": {"a": 1}},
}


def test_A4_10_a_forwarded_initialize_declares_what_can_be_carried() -> None:
    params = {
        "protocolVersion": "1999-01-01",
        "capabilities": {
            "sampling": {},
            "elicitation": {"url": {}},
            "roots": {"listChanged": True},
            "tasks": {},
            "experimental": {"x": {}},
            "extensions": {TASKS: {}, "a/b": {}},
        },
        "clientInfo": {"name": "c", "version": "1"},
    }
    request = admitted(legacy_request("initialize", params))
    assert forwarded_params(request, request.params) == {
        "protocolVersion": "2025-11-25",
        "capabilities": {"experimental": {"x": {}}, "extensions": {"a/b": {}}},
        "clientInfo": {"name": "c", "version": "1"},
    }


def test_an_initialize_without_capabilities_declares_none() -> None:
    params = {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {}}
    request = admitted(legacy_request("initialize", params))
    assert forwarded_params(request, {"clientInfo": {}}) == params


def test_other_params_are_forwarded_as_they_are() -> None:
    request = admitted(legacy_request())
    assert forwarded_params(request, request.params) is request.params


def test_modern_requests_declare_no_tasks() -> None:
    declared: dict[str, Any] = {"elicitation": {}, "extensions": {TASKS: {}, "a/b": {}}}
    request = admitted(modern_request(meta=modern_meta(**{CAPABILITIES_KEY: declared, "x/y": 1})))
    forwarded = forwarded_params(request, request.params)
    kept: JsonObject = {"elicitation": {}, "extensions": {"a/b": {}}}
    assert forwarded == {
        **request.params,
        "_meta": modern_meta(**{CAPABILITIES_KEY: kept, "x/y": 1}),
    }


@pytest.mark.parametrize("declared", [{}, {"sampling": {}}, {"extensions": {}}])
def test_modern_requests_without_tasks_pass_untouched(declared: dict[str, Any]) -> None:
    request = admitted(modern_request(meta=modern_meta(**{CAPABILITIES_KEY: declared})))
    assert forwarded_params(request, request.params) is request.params


def test_modern_params_without_meta_pass_untouched() -> None:
    params: JsonObject = {"name": "x"}
    assert forwarded_params(admitted(modern_request()), params) is params


def test_A6_an_initialize_result_offers_what_can_be_carried() -> None:
    result: JsonObject = {
        "protocolVersion": "2025-06-18",
        "capabilities": {**SERVER},
        "serverInfo": {"name": "s"},
        "instructions": "i",
        "_meta": {"a": 1},
    }
    assert initialize_result(result) == {**result, "capabilities": TOLD}
    assert negotiated_version(result) == "2025-06-18"


@pytest.mark.parametrize("version", ["2024-11-05", "2026-07-28", "", None, 3])
def test_an_initialize_result_of_a_revision_not_served_is_unusable(version: Any) -> None:
    result: JsonObject = {"protocolVersion": version, "capabilities": {}}
    assert negotiated_version(result) is None
    assert initialize_result(result) is None


def test_capabilities_that_are_no_object_are_none() -> None:
    assert initialize_result({"protocolVersion": "2025-11-25"}) == {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
    }


def test_A3_12_A6_a_discover_result_is_private_and_offers_what_can_be_carried() -> None:
    result: JsonObject = {
        "resultType": "complete",
        "supportedVersions": ["2027-01-01", "2026-07-28", "2025-11-25", 3],
        "capabilities": {**SERVER},
        "ttlMs": 90_000,
        "cacheScope": "public",
    }
    assert discover_result(result, max_ttl_ms=30_000) == {
        "resultType": "complete",
        "supportedVersions": ["2026-07-28", "2025-11-25"],
        "capabilities": {**TOLD, "extensions": {TASKS: {}, "com.example/z": {"a": 1}}},
        "ttlMs": 30_000,
        "cacheScope": "private",
    }


@pytest.mark.parametrize("capabilities", [None, {}, {"extensions": []}, {"extensions": {TASKS: 1}}])
def test_the_gateways_own_tasks_are_offered_whatever_the_server_offers(capabilities: Any) -> None:
    result: JsonObject = {"supportedVersions": ["2026-07-28"], "capabilities": capabilities}
    told = discover_result(result, max_ttl_ms=1)
    assert told is not None
    assert told["capabilities"] == {"extensions": {TASKS: {}}}


@pytest.mark.parametrize(
    "declared, accepts",
    [
        ({}, False),
        ({"extensions": {TASKS: {}}}, True),
        ({"extensions": {TASKS: {"x": 1}}}, True),
        ({"extensions": {TASKS: True}}, False),
        ({"extensions": TASKS}, False),
        ({TASKS: {}}, False),
    ],
)
def test_a_client_accepts_tasks_when_its_extension_is_an_object(
    declared: dict[str, Any], accepts: bool
) -> None:
    assert accepts_tasks(declared) is accepts


def test_the_elicitation_of_a_modern_client_is_forwarded() -> None:
    declared: dict[str, Any] = {"elicitation": {"url": {}}}
    request = admitted(modern_request(meta=modern_meta(**{CAPABILITIES_KEY: declared})))
    assert forwarded_params(request, request.params) is request.params


@pytest.mark.parametrize("versions", [None, "2026-07-28", [], ["2027-01-01"], [["2026-07-28"]]])
def test_a_discover_result_without_a_common_revision_is_unusable(versions: Any) -> None:
    assert discover_result({"supportedVersions": versions}, max_ttl_ms=1) is None
