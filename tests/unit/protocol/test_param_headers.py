"""Headers that mirror arguments: declared, compared, computed (A2.13; D10, M02)."""

from decimal import Decimal
from typing import Any

import pytest
from mcp.shared import inbound as sdk

from portcullis.protocol.codes import Code
from portcullis.protocol.messages import Rejection
from portcullis.protocol.param_headers import (
    check_param_headers,
    declared_headers,
    param_headers,
)
from support.http_requests import admitted, legacy_request, modern_request

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "amount": {"type": "integer", "x-mcp-header": "Amount"},
        "dry": {"type": "boolean", "x-mcp-header": "Dry-Run"},
        "place": {
            "type": "object",
            "properties": {"zone": {"type": "string", "x-mcp-header": "Zone"}},
        },
        "plain": {"type": "string", "default": {"x-mcp-header": "no annotation"}},
        "enum": {"enum": [{"x-mcp-header": "no annotation either"}]},
        "choice": {"anyOf": "no list", "$defs": [], "properties": []},
    },
}


def check(arguments: dict[str, Any], *headers: tuple[str, str], schema: Any = None) -> Any:
    request = modern_request(params={"name": "get_info", "arguments": arguments})
    with_headers = type(request)(
        method="POST", headers=(*request.headers, *headers), body=request.body
    )
    inbound = admitted(with_headers)
    return check_param_headers(inbound, SCHEMA if schema is None else schema, inbound.arguments)


def test_declared_headers_are_found_along_chains_of_properties() -> None:
    found = {header.name: (header.path, header.type) for header in declared_headers(SCHEMA)}
    assert found == {
        "mcp-param-region": (("region",), "string"),
        "mcp-param-amount": (("amount",), "integer"),
        "mcp-param-dry-run": (("dry",), "boolean"),
        "mcp-param-zone": (("place", "zone"), "string"),
    }


AGREEING: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("nothing stated, nothing given", {}, []),
    ("equal strings", {"region": "eu"}, [("Mcp-Param-Region", "eu")]),
    ("name without case", {"region": "eu"}, [("MCP-PARAM-REGION", "eu")]),
    ("spaces trimmed", {"region": "eu"}, [("Mcp-Param-Region", " eu\t")]),
    ("wrapped", {"region": "\u00e9"}, [("Mcp-Param-Region", "=?base64?w6k=?=")]),
    ("null is absent", {"region": None}, []),
    ("D10 5.0 is 5", {"amount": 5}, [("Mcp-Param-Amount", "5.0")]),
    ("D10 5 is 5.0", {"amount": 5.0}, [("Mcp-Param-Amount", "5")]),
    ("beyond 2^53", {"amount": 2**53 + 1}, [("Mcp-Param-Amount", str(2**53 + 1))]),
    ("boolean", {"dry": True}, [("Mcp-Param-Dry-Run", "true")]),
    ("boolean false", {"dry": False}, [("Mcp-Param-Dry-Run", "false")]),
    ("nested", {"place": {"zone": "a"}}, [("Mcp-Param-Zone", "a")]),
    ("a path through a scalar", {"place": "x"}, []),
    ("nothing can mirror a list", {"region": ["eu"]}, []),
    ("nothing can mirror a fraction", {"region": 1.5}, []),
    ("undeclared header", {}, [("Mcp-Param-Other", "x"), ("Mcp-Param-Other", "y")]),
    ("a number where a string is declared", {"region": 7}, [("Mcp-Param-Region", "7")]),
]


@pytest.mark.parametrize(
    "arguments, headers", [pytest.param(a, h, id=f"A2.13-{name}") for name, a, h in AGREEING]
)
def test_headers_that_say_what_the_arguments_say_pass(
    arguments: dict[str, Any], headers: list[tuple[str, str]]
) -> None:
    assert check(arguments, *headers) is None


DIFFERING: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("D10 other amount", {"amount": 5000}, [("Mcp-Param-Amount", "5")]),
    ("header missing", {"region": "eu"}, []),
    ("argument missing", {}, [("Mcp-Param-Region", "eu")]),
    ("argument null", {"region": None}, [("Mcp-Param-Region", "null")]),
    ("stated twice", {"region": "eu"}, [("Mcp-Param-Region", "eu"), ("mcp-param-region", "eu")]),
    ("malformed sentinel", {"region": "x"}, [("Mcp-Param-Region", "=?base64?eB==?=")]),
    ("Latin-1", {"region": "\u00e9"}, [("Mcp-Param-Region", "\u00e9")]),
    ("close to 5", {"amount": 5}, [("Mcp-Param-Amount", "5.0000000000000000000001")]),
    ("scientific", {"amount": 5}, [("Mcp-Param-Amount", "5e0")]),
    ("strings are not numbers", {"region": "5"}, [("Mcp-Param-Region", "5.0")]),
    ("True is not true", {"dry": True}, [("Mcp-Param-Dry-Run", "True")]),
    ("a boolean is no integer", {"amount": True}, [("Mcp-Param-Amount", "1")]),
    ("a list under a header", {"region": ["eu"]}, [("Mcp-Param-Region", "eu")]),
]


@pytest.mark.parametrize(
    "arguments, headers", [pytest.param(a, h, id=f"A2.13-{name}") for name, a, h in DIFFERING]
)
def test_headers_that_say_something_else_are_refused(
    arguments: dict[str, Any], headers: list[tuple[str, str]]
) -> None:
    rejection = check(arguments, *headers)
    assert isinstance(rejection, Rejection)
    assert (rejection.status, rejection.code, rejection.id) == (400, Code.HEADER_MISMATCH, 1)


def one(**annotated: Any) -> dict[str, Any]:
    return {"properties": {"a": {"type": "string", "x-mcp-header": "A"}, **annotated}}


INVALID_SCHEMAS: dict[str, Any] = {
    "no schema": None,
    "a list": [],
    "at the root": {"type": "string", "x-mcp-header": "A"},
    "not a token": one(b={"type": "string", "x-mcp-header": "a b"}),
    "empty token": one(b={"type": "string", "x-mcp-header": ""}),
    "token of another type": one(b={"type": "string", "x-mcp-header": 3}),
    "number": one(b={"type": "number", "x-mcp-header": "B"}),
    "no type": one(b={"x-mcp-header": "B"}),
    "list of types": one(b={"type": ["string"], "x-mcp-header": "B"}),
    "same token in another case": one(b={"type": "string", "x-mcp-header": "a"}),
    "in items": one(b={"items": {"type": "string", "x-mcp-header": "B"}}),
    "in anyOf": one(b={"anyOf": [{"type": "string", "x-mcp-header": "B"}]}),
    "in $defs": {**one(), "$defs": {"x": {"type": "string", "x-mcp-header": "B"}}},
    "in properties below anyOf": {
        **one(),
        "anyOf": [{"properties": {"b": {"type": "string", "x-mcp-header": "B"}}}],
    },
}


@pytest.mark.parametrize("schema", [pytest.param(s, id=n) for n, s in INVALID_SCHEMAS.items()])
def test_one_invalid_annotation_switches_the_check_of_the_tool_off(schema: Any) -> None:
    assert declared_headers(schema) == ()
    assert check({"a": "x"}, ("Mcp-Param-A", "y"), schema=schema or {}) is None
    if schema is not None and schema != []:
        assert sdk.find_invalid_x_mcp_header(schema) is not None


@pytest.mark.parametrize(
    "arguments, headers",
    [
        ({}, {}),
        (
            {"region": "eu", "amount": 5, "dry": False},
            {"region": "eu", "amount": "5", "dry-run": "false"},
        ),
        ({"region": "\u00e9 "}, {"region": "=?base64?w6kg?="}),
        ({"amount": Decimal("5.00")}, {"amount": "5"}),
        ({"amount": Decimal("5.5"), "region": {}}, {}),
        ({"place": {"zone": "z"}}, {"zone": "z"}),
    ],
)
def test_M02_headers_for_the_upstream_are_computed_from_the_arguments(
    arguments: dict[str, Any], headers: dict[str, str]
) -> None:
    computed = param_headers(SCHEMA, arguments)
    assert dict(computed) == {f"mcp-param-{name}": value for name, value in headers.items()}


def test_only_modern_tool_calls_are_checked() -> None:
    legacy = admitted(legacy_request(params={"name": "get_info", "arguments": {"region": "eu"}}))
    listing = admitted(modern_request("tools/list", {}))
    assert check_param_headers(legacy, SCHEMA, legacy.arguments) is None
    assert check_param_headers(listing, SCHEMA, {"region": "eu"}) is None
