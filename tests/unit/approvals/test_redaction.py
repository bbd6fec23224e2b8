"""What a recording may not hold: by name, by shape, by schema and by the policy's own list."""

from typing import Any

import pytest

from portcullis.approvals.redaction import meets, redact
from portcullis.policy.paths import compile_path

NONE: dict[str, Any] = {"type": "object"}
SECRET = "hunter2-canary"


def left(arguments: Any, schema: Any = None, *paths: str) -> Any:
    found = redact(arguments, schema=schema or NONE, paths=[compile_path(one) for one in paths])
    assert SECRET not in repr(found), "nowhere in what is recorded"
    return found.arguments


@pytest.mark.parametrize(
    "arguments,expected",
    [
        ({"name": "a", "n": 1, "on": True}, {"name": "a", "n": 1, "on": True}),
        ({"password": SECRET}, {"password": "[redacted: string]"}),
        ({"user": {"api_key": 17}}, {"user": {"api_key": "[redacted: number]"}}),
        ({"password": {"value": SECRET}}, {"password": "[redacted: object]"}),
        ({"passwords": [SECRET]}, {"passwords": "[redacted: list]"}),
        ({"password": None, "secret": True}, {"password": None, "secret": True}),
        ({"env": [{"name": "DB_PASSWORD", "value": SECRET}]},
         {"env": [{"name": "DB_PASSWORD", "value": "[redacted: string]"}]}),
        ({"url": f"https://u:{SECRET}@host/"}, {"url": "[redacted: string]"}),
        ({"doc": f'{{"password": "{SECRET}"}}'}, {"doc": "[redacted: string]"}),
        ({"map": {f"password={SECRET}": 1}}, {"map": "[redacted: object]"}),
    ],
)  # fmt: skip
def test_R01_what_masking_hides_is_taken_out(arguments: Any, expected: Any) -> None:
    assert left(arguments) == expected


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"x": {"writeOnly": True}}},
        {"properties": {"x": {"type": "string", "format": "password"}}},
        {"properties": {"x": {"anyOf": [{"type": "null"}, {"format": "password"}]}}},
        {"properties": {"x": {"$ref": "#/$defs/S"}}, "$defs": {"S": {"writeOnly": True}}},
        {"properties": {"x": {"$ref": "#/$defs/a~1b"}}, "$defs": {"a/b": {"writeOnly": True}}},
        {"properties": {"x": {"$dynamicRef": "#S"}},
         "$defs": {"S": {"$dynamicAnchor": "S", "writeOnly": True}}},
        {"properties": {"x": {"$recursiveRef": "#"}}},
        {"allOf": [{"properties": {"x": {"items": {"writeOnly": True}}}}]},
        {"properties": {"x": {"additionalProperties": {"writeOnly": True}}}},
    ],
)  # fmt: skip
def test_R01_what_the_schema_calls_secret_is_taken_out(schema: Any) -> None:
    assert left({"x": SECRET, "y": "y"}, schema) == {"x": "[redacted: string]", "y": "y"}


def test_R01_a_property_of_an_inner_object_is_taken_out_alone() -> None:
    schema = {"properties": {"u": {"properties": {"x": {"writeOnly": True}}}}}
    assert left({"u": {"x": SECRET, "y": 1}}, schema) == {"u": {"x": "[redacted: string]", "y": 1}}


def test_R01_where_the_whole_schema_is_secret_nothing_is_left() -> None:
    found = redact({"x": SECRET}, schema={"additionalProperties": {"format": "password"}})
    assert (found.arguments, found.removed) == ({}, ((),))


def test_R01_where_a_name_of_an_argument_is_a_secret_nothing_is_left() -> None:
    assert left({f"password={SECRET}": 1}) == {}


@pytest.mark.parametrize("ref", ["#/$defs/R", "#/$defs/T", "#"])
def test_a_definition_that_holds_itself_is_read_once(ref: str) -> None:
    schema = {
        "properties": {"x": {"type": "string", "$ref": ref}},
        "$defs": {"R": {"$ref": "#/$defs/R", "items": {"$ref": "#/$defs/R"}}, "T": True},
    }
    assert left({"x": "a"}, schema) == {"x": "a"}


def test_R01_a_secret_is_found_through_definitions_that_hold_each_other() -> None:
    schema = {
        "properties": {"p": {"$ref": "#/$defs/A"}, "q": {"$ref": "#/$defs/B"}, "r": {}},
        "$defs": {
            "A": {"anyOf": [{"$ref": "#/$defs/B"}, {"writeOnly": True}]},
            "B": {"items": {"$ref": "#/$defs/A"}},
        },
    }
    gone = "[redacted: string]"
    assert left({"p": SECRET, "q": SECRET, "r": 1}, schema) == {"p": gone, "q": gone, "r": 1}


def test_a_schema_whose_references_multiply_takes_no_longer_for_it() -> None:
    definitions: dict[str, Any] = {
        f"d{at}": {"anyOf": [{"$ref": f"#/$defs/d{at + 1}"}] * 10} for at in range(300)
    }
    schema = {"properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": {**definitions, "d300": {}}}
    assert left({"x": "a"}, schema) == {"x": "a"}


@pytest.mark.parametrize(
    "ref", ["#/nothing", "#/properties/x/type/y", "other.json", "#anchor", 5, None]
)
def test_R01_what_cannot_be_read_of_a_schema_is_taken_for_secret(ref: Any) -> None:
    schema = {"properties": {"x": {"type": "string", "$ref": ref}, "y": {}}}
    assert left({"x": SECRET, "y": "a"}, schema) == {"x": "[redacted: string]", "y": "a"}


def test_R01_the_policy_s_list_takes_out_whatever_stands_there() -> None:
    arguments = {"a": {"b": SECRET, "0": 1}, "rows": [{"v": SECRET}, {"v": False, "w": 2}]}
    assert left(arguments, NONE, "args.a.b", "args.rows[*].v", "args.rows[2].w") == {
        "a": {"b": "[redacted: string]", "0": 1},
        "rows": [{"v": "[redacted: string]"}, {"v": "[redacted: boolean]", "w": 2}],
    }
    assert left({"a": [SECRET, "b"]}, NONE, "args.a[0]") == {"a": ["[redacted: string]", "b"]}


@pytest.mark.parametrize(
    "value,expected",
    [
        (f'{{"note": "{SECRET}"}}', "[redacted: string]"),  # an object as a JSON text
        ([{"note": SECRET}], "[redacted: list]"),
        ({"note": SECRET}, {"note": "[redacted: string]"}),
        (5, 5),
        (None, None),
    ],
)
def test_R01_a_value_of_another_shape_may_hold_what_the_list_means(
    value: Any, expected: Any
) -> None:
    assert left({"user": value}, NONE, "args.user.note") == {"user": expected}


def test_R01_one_element_without_its_list_may_be_what_the_list_means() -> None:
    rows = {"rows": {"v": SECRET}, "b": 1}
    assert left(rows, NONE, "args.rows[*].v") == {"rows": "[redacted: object]", "b": 1}


@pytest.mark.parametrize(
    "path,removed,expected",
    [
        ("args.a", ("a",), True),
        ("args.a.b", ("a",), True),
        ("args.a", ("a", "b"), True),
        ("args.a", (), True),
        ("args.b", ("a",), False),
        ("args.a[*].c", ("a", 3), True),
        ("args.a[0]", ("a", 1), False),
        ('args.a["0"]', ("a", 0), False),
        ("args.a[*]", ("a", "b"), False),
    ],
)
def test_R06_a_path_meets_what_it_leads_to_into_or_over(
    path: str, removed: Any, expected: bool
) -> None:
    assert meets(compile_path(path).steps, removed) is expected
