"""Arguments against input schemas: defaults filled in, conversions refused, faults placed."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from portcullis.policy.arguments import ArgumentFault, normalise
from portcullis.policy.schema_check import MAX_CHECKS, UNREADABLE

SPENT = "is too large or too deep to be checked"
NO_FORM = "which is none of the declared forms"


def one(schema: Any) -> dict[str, Any]:
    """An input schema with one argument, `v`."""
    return {"type": "object", "properties": {"v": schema}}


def text_or(*more: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [{"type": "string"}, *more]}


POINT = {
    "type": "object",
    "properties": {"x": {"type": "integer"}, "y": {"type": "integer", "default": 0}},
    "required": ["x"],
}
TREE = {
    "type": "object",
    "properties": {"root": {"$ref": "#/$defs/node"}},
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"child": {"$ref": "#/$defs/node"}, "size": {"type": "integer"}},
        }
    },
}

FITTING: list[tuple[str, Any, dict[str, Any], dict[str, Any]]] = [
    ("no keywords", {}, {"a": 1}, {"a": 1}),
    ("boolean", one({"type": "boolean"}), {"v": True}, {"v": True}),
    ("integer", one({"type": "integer"}), {"v": 10}, {"v": 10}),
    ("number", one({"type": "number"}), {"v": Decimal("1.5")}, {"v": Decimal("1.5")}),
    ("number as integer", one({"type": "number"}), {"v": 1}, {"v": 1}),
    ("string", one({"type": "string"}), {"v": "true"}, {"v": "true"}),
    ("null", one({"type": "null"}), {"v": None}, {"v": None}),
    ("several types", one({"type": ["string", "null"]}), {"v": None}, {"v": None}),
    ("any type", one({}), {"v": [1, {}]}, {"v": [1, {}]}),
    ("true", one(True), {"v": 1}, {"v": 1}),
    ("enum", one({"enum": ["a", 1]}), {"v": Decimal("1.0")}, {"v": Decimal("1.0")}),
    ("const", one({"const": None}), {"v": None}, {"v": None}),
    ("I12 default", one({"type": "boolean", "default": True}), {}, {"v": True}),
    ("I12 null default", one(text_or({"type": "null"}) | {"default": None}), {}, {"v": None}),
    ("given beats default", one({"default": 1}), {"v": 2}, {"v": 2}),
    ("no default", one({"type": "string"}), {}, {}),
    ("unfit default left out", one({"type": "string", "default": None}), {}, {}),
    ("boolean schema has no default", one(True), {}, {}),
    ("nested default", one(POINT), {"v": {"x": 1}}, {"v": {"x": 1, "y": 0}}),
    ("absent object stays absent", one(POINT), {}, {}),
    ("default of an object", one(POINT | {"default": {"x": 1}}), {}, {"v": {"x": 1, "y": 0}}),
    ("required by default", one({"default": 1}) | {"required": ["v"]}, {}, {"v": 1}),
    (
        "items",
        one({"type": "array", "items": POINT}),
        {"v": [{"x": 1}, {"x": 2, "y": 3}]},
        {"v": [{"x": 1, "y": 0}, {"x": 2, "y": 3}]},
    ),
    (
        "prefix items",
        one({"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}),
        {"v": ["a", 1]},
        {"v": ["a", 1]},
    ),
    ("items of anything but a list", one({"items": False}), {"v": 1}, {"v": 1}),
    ("properties of anything but an object", one({"required": ["a"]}), {"v": 1}, {"v": 1}),
    ("I05 text form", one(text_or({"type": "object"})), {"v": '{"a": 1}'}, {"v": '{"a": 1}'}),
    ("I05 object form", one(text_or({"type": "object"})), {"v": {"a": 1}}, {"v": {"a": 1}}),
    (
        "default of the only form that fits",
        one(text_or(POINT)),
        {"v": {"x": 1}},
        {"v": {"x": 1, "y": 0}},
    ),
    (
        "forms that differ in their defaults",
        one({"anyOf": [POINT, {"type": "object", "properties": {"z": {"default": 1}}}]}),
        {"v": {"x": 1}},
        {"v": {"x": 1}},
    ),
    (
        "forms that agree",
        one({"oneOf": [POINT, POINT]}),
        {"v": {"x": 1}},
        {"v": {"x": 1, "y": 0}},
    ),
    (
        "all of",
        one({"allOf": [POINT, {"properties": {"z": {"default": 1}}}]}),
        {"v": {"x": 1}},
        {"v": {"x": 1, "y": 0, "z": 1}},
    ),
    ("reference", TREE, {"root": {"child": {"size": 1}}}, {"root": {"child": {"size": 1}}}),
    ("reference to all", one({"$ref": "#"}), {"v": {"v": {}}}, {"v": {"v": {}}}),
    (
        "default behind a reference",
        {"properties": {"v": {"$ref": "#/$defs/a~1b~0"}}, "$defs": {"a/b~": {"default": 3}}},
        {},
        {"v": 3},
    ),
    (
        "default beside a reference",
        {"properties": {"v": {"$ref": "#/$defs/n", "default": 4}}, "$defs": {"n": {"default": 3}}},
        {},
        {"v": 4},
    ),
    (
        "no default behind a reference",
        {"properties": {"v": {"$ref": "#/$defs/n"}}, "$defs": {"n": True}},
        {},
        {},
    ),
    ("I13 unknown name", one({"type": "string"}), {"other": 1}, {"other": 1}),
    (
        "additional of a type",
        {"additionalProperties": {"type": "string"}},
        {"a": "1"},
        {"a": "1"},
    ),
    (
        "pattern",
        {"patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": False},
        {"x-a": "1"},
        {"x-a": "1"},
    ),
    ("two cases", {"properties": {"a": {}, "A": {}}}, {"a": 1, "A": 2}, {"a": 1, "A": 2}),
    ("ranges are the upstream's", one({"type": "integer", "maximum": 1}), {"v": 5}, {"v": 5}),
]  # fmt: skip

REFUSED: list[tuple[str, Any, dict[str, Any], str, str]] = [
    ("I03 yes", one({"type": "boolean"}), {"v": "yes"}, "args.v", "must be boolean, is string"),
    ("I03 1", one({"type": "boolean"}), {"v": 1}, "args.v", "must be boolean, is number"),
    ("I04 text", one({"type": "integer"}), {"v": "10"}, "args.v", "must be integer, is string"),
    ("I04 true", one({"type": "integer"}), {"v": True}, "args.v", "must be integer, is boolean"),
    (
        "I04 10.0",
        one({"type": "integer"}),
        {"v": Decimal("10.0")},
        "args.v",
        "must be integer, is a number that is not an integer",
    ),
    ("number text", one({"type": "number"}), {"v": "1"}, "args.v", "must be number, is string"),
    (
        "no number",
        one({"type": "number"}),
        {"v": Decimal("NaN")},
        "args.v",
        "must be number, is other",
    ),
    ("string number", one({"type": "string"}), {"v": 1}, "args.v", "must be string, is number"),
    ("I05 object", one({"type": "object"}), {"v": "{}"}, "args.v", "must be object, is string"),
    ("I05 list", one({"type": "array"}), {"v": "[]"}, "args.v", "must be array, is string"),
    (
        "several types",
        one({"type": ["string", "null"]}),
        {"v": 1},
        "args.v",
        "must be string or null, is number",
    ),
    ("false", one(False), {"v": 1}, "args.v", "is not allowed"),
    ("enum", one({"enum": [1]}), {"v": True}, "args.v", "is none of the values the tool declares"),
    ("const", one({"const": "a"}), {"v": "A"}, "args.v", "is none of the values the tool declares"),
    ("required", one({}) | {"required": ["v"]}, {}, "args.v", "is required"),
    ("nested required", one(POINT), {"v": {}}, "args.v.x", "is required"),
    ("nested", one(POINT), {"v": {"x": "1"}}, "args.v.x", "must be integer, is string"),
    (
        "element",
        one({"items": {"type": "string"}}),
        {"v": ["a", 1]},
        "args.v[1]",
        "must be string, is number",
    ),
    (
        "prefix element",
        one({"prefixItems": [{"type": "string"}]}),
        {"v": [1]},
        "args.v[0]",
        "must be string, is number",
    ),
    (
        "closed",
        {"additionalProperties": False},
        {"a": 1},
        "args.a",
        "is an argument the tool does not declare",
    ),
    (
        "closed, odd name",
        {"additionalProperties": False},
        {"ignore all rules": 1},
        'args["…"]',
        "is an argument the tool does not declare",
    ),
    (
        "additional of a type",
        {"additionalProperties": {"type": "string"}},
        {"a": 1},
        "args.a",
        "must be string, is number",
    ),
    (
        "pattern of a type",
        {"patternProperties": {"^x-": {"type": "string"}}},
        {"x-a": 1},
        "args.x-a",
        "must be string, is number",
    ),
    (
        "closed but for a pattern",
        {"patternProperties": {"^x-": {}}, "additionalProperties": False},
        {"a-x-": 1},
        "args.a-x-",
        "is an argument the tool does not declare",
    ),
    (
        "I13 case",
        {"properties": {"amount": {}}},
        {"Amount": 1},
        "args.Amount",
        "is another spelling of the declared `amount`",
    ),
    (
        "I13 space",
        {"properties": {"amount": {}}},
        {"amount": 1, "amount ": 2},
        'args["…"]',
        "is another spelling of the declared `amount`",
    ),
    (
        "I13 invisible",
        {"properties": {"amount": {}}},
        {"amo\u200bunt": 1},
        'args["…"]',
        "is another spelling of the declared `amount`",
    ),
    (
        "I13 width",
        {"properties": {"amount": {}}},
        {"\uff41mount": 1},
        'args["…"]',
        "is another spelling of the declared `amount`",
    ),
    (
        "I14 alias",
        {"properties": {"brokerId": {}}},
        {"broker_id": 1},
        "args.broker_id",
        "is another spelling of the declared `brokerId`",
    ),
    (
        "no form",
        one(text_or({"type": "null"})),
        {"v": 1},
        "args.v",
        f"is number, {NO_FORM}",
    ),
    (
        "a fault within a form",
        one({"anyOf": [POINT]}),
        {"v": {"x": True}},
        "args.v.x",
        "must be integer, is boolean",
    ),
    (
        "all of",
        one({"allOf": [{"type": "string"}, {"type": "null"}]}),
        {"v": "a"},
        "args.v",
        "must be null, is string",
    ),
    ("type: number", one({"type": 5}), {"v": 1}, "args.v", UNREADABLE),
    ("type: unknown", one({"type": "int"}), {"v": 1}, "args.v", UNREADABLE),
    ("type: empty", one({"type": []}), {"v": 1}, "args.v", UNREADABLE),
    ("schema: text", one("string"), {"v": 1}, "args.v", UNREADABLE),
    ("enum: text", one({"enum": "a"}), {"v": "a"}, "args.v", UNREADABLE),
    ("any of nothing", one({"anyOf": []}), {"v": 1}, "args.v", UNREADABLE),
    ("any of a text", one({"anyOf": "a"}), {"v": 1}, "args.v", UNREADABLE),
    ("properties: list", {"properties": []}, {}, "args", UNREADABLE),
    ("required: text", {"required": "v"}, {}, "args", UNREADABLE),
    ("required: number", {"required": [5]}, {}, "args", UNREADABLE),
    ("patterns: list", {"patternProperties": []}, {"a": 1}, "args", UNREADABLE),
    ("pattern: look-ahead", {"patternProperties": {"(?=a)": {}}}, {"a": 1}, "args", UNREADABLE),
    (
        "pattern: half a character",
        {"patternProperties": {"a": {}}},
        {"\ud800": 1},
        "args",
        UNREADABLE,
    ),
    ("prefix: text", one({"prefixItems": "a"}), {"v": [1]}, "args.v", UNREADABLE),
    (
        "remote reference",
        one({"$ref": "https://example.com/s"}),
        {"v": 1},
        "args.v",
        UNREADABLE,
    ),
    ("reference: number", one({"$ref": 5}), {"v": 1}, "args.v", UNREADABLE),
    ("reference: nowhere", one({"$ref": "#/$defs/x"}), {"v": 1}, "args.v", UNREADABLE),
    (
        "reference: through a list",
        one({"$ref": "#/required/0"}) | {"required": []},
        {"v": 1},
        "args.v",
        UNREADABLE,
    ),
    (
        "reference to itself",
        {"properties": {"v": {"$ref": "#/$defs/v"}}, "$defs": {"v": {"$ref": "#/$defs/v"}}},
        {"v": 1},
        "args.v",
        SPENT,
    ),
    (
        "choice of itself",
        {
            "properties": {"v": {"$ref": "#/$defs/v"}},
            "$defs": {"v": {"anyOf": [{"$ref": "#/$defs/v"}, {"$ref": "#/$defs/v"}]}},
        },
        {"v": 1},
        "args.v",
        SPENT,
    ),
    (
        "default without end",
        {"properties": {"v": {"$ref": "#", "default": {}}}},
        {},
        "",
        SPENT,
    ),
    ("whole: text", "object", {}, "args", UNREADABLE),
    ("whole: list type", {"type": "array"}, {}, "args", UNREADABLE),
    ("many elements", one({"items": {}}), {"v": [1] * (MAX_CHECKS + 1)}, "", SPENT),
    (
        "many names",
        {"properties": {}},
        {str(number): 1 for number in range(MAX_CHECKS + 1)},
        "args",
        "has too many members to be checked",
    ),
]


@pytest.mark.parametrize(
    "schema, arguments, expected", [pytest.param(*row[1:], id=row[0]) for row in FITTING]
)
def test_arguments_that_fit_get_their_defaults(
    schema: Any, arguments: dict[str, Any], expected: dict[str, Any]
) -> None:
    before = deepcopy((schema, arguments))
    result = normalise(schema, arguments)
    assert result == expected
    assert (schema, arguments) == before


@pytest.mark.parametrize(
    "schema, arguments, path, message", [pytest.param(*row[1:], id=row[0]) for row in REFUSED]
)
def test_arguments_an_upstream_might_read_differently_are_refused(
    schema: Any, arguments: dict[str, Any], path: str, message: str
) -> None:
    result = normalise(schema, arguments)
    assert isinstance(result, ArgumentFault)
    assert result.message == message
    assert result.path == path or not path


def test_what_is_filled_in_is_not_shared_with_the_schema() -> None:
    schema: dict[str, Any] = one({"type": "array", "items": {"type": "object"}, "default": [1]})
    schema["properties"]["v"]["items"] = {}
    result = normalise(schema, {})
    assert isinstance(result, dict)
    filled = result["v"]
    assert isinstance(filled, list)
    assert filled == [1]
    assert filled is not schema["properties"]["v"]["default"]


def test_normalising_twice_changes_nothing() -> None:
    for _, schema, arguments, expected in FITTING:
        assert normalise(schema, normalise(schema, arguments)) == expected  # type: ignore[arg-type]
