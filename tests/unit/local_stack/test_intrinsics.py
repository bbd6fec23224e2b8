from pathlib import Path
from typing import Any

import pytest

from local_stack.errors import TemplateError
from local_stack.intrinsics import Physical, Resolver
from local_stack.template_yaml import load_template

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Size": {"Type": "Number", "Default": 3},
        "Flag": {"Type": "String", "Default": "false", "AllowedValues": ["true", "false"]},
        "Names": {"Type": "CommaDelimitedList", "Default": "a, b"},
    },
    "Conditions": {"On": {"Fn::Equals": [{"Ref": "Flag"}, "true"]}},
    "Mappings": {"M": {"x": {"y": "found"}}},
}
TEMPLATE["Resources"] = {"F": {"Properties": {"AutoPublishAlias": "live"}}, "Table": {}}
PHYSICAL = {
    "F": Physical(ref="f", arn="arn:f"),
    "Key": Physical(ref="key"),
    "Table": Physical(ref="the-table", arn="arn:table"),
}


def resolve(tree: object, **parameters: str) -> Any:
    return Resolver(TEMPLATE, parameters=parameters, physical=PHYSICAL).resolve(tree)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"Ref": "Size"}, "3"),
        ({"Ref": "Names"}, ["a", "b"]),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Ref": "Table"}, "the-table"),
        ({"Fn::GetAtt": ["Table", "Arn"]}, "arn:table"),
        ({"Fn::Sub": "${Table}/${Table.Arn}/${!Kept}/${Size}"}, "the-table/arn:table/${Kept}/3"),
        ({"Fn::Sub": ["${A}${Size}", {"A": {"Ref": "Key"}}]}, "key3"),
        ({"Ref": "F.Alias"}, "arn:f:live"),
        ({"Fn::Sub": "${F.Alias}/${F}"}, "arn:f:live/f"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Size"}]]}, "a-3"),
        ({"Fn::Select": ["1", {"Ref": "Names"}]}, "b"),
        ({"Fn::Split": [",", "x,y"]}, ["x", "y"]),
        ({"Fn::If": ["On", 1, 2]}, 2),
        ({"Fn::Not": [{"Fn::Equals": ["a", "b"]}]}, True),
        ({"Fn::FindInMap": ["M", "x", "y"]}, "found"),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}, {"b": [1]}),
        ({"Condition": {"StringEquals": {"k": "v"}}}, {"Condition": {"StringEquals": {"k": "v"}}}),
        (7, 7),
    ],
)
def test_a_function_is_carried_out(tree: object, expected: object) -> None:
    assert resolve(tree) == expected


def test_a_given_parameter_replaces_the_default() -> None:
    assert resolve({"Fn::If": ["On", "yes", "no"]}, Flag="true") == "yes"


@pytest.mark.parametrize(
    "tree",
    [
        {"Fn::ImportValue": "x"},
        {"Ref": "Table.Alias"},
        {"Ref": "Nothing.Alias"},
        {"Ref": "Nothing"},
        {"Fn::GetAtt": ["Table", "StreamArn"]},
        {"Fn::GetAtt": ["Key", "Arn"]},
        {"Fn::If": ["Unknown", 1, 2]},
        {"Fn::FindInMap": ["M", "x", "z"]},
        {"Fn::Sub": "${Nothing.Arn}"},
    ],
)
def test_what_is_not_known_is_an_error(tree: object) -> None:
    with pytest.raises(TemplateError):
        resolve(tree)


@pytest.mark.parametrize("parameters", [{"Other": "1"}, {"Flag": "maybe"}])
def test_a_parameter_that_the_template_would_refuse_is_an_error(
    parameters: dict[str, str],
) -> None:
    with pytest.raises(TemplateError):
        resolve(1, **parameters)


def test_a_parameter_without_a_value_is_an_error() -> None:
    with pytest.raises(TemplateError):
        Resolver({"Parameters": {"P": {"Type": "String"}}}, parameters={}, physical={})


def test_tags_become_the_long_form(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("a: !Ref X\nb: !GetAtt X.Arn\nc: !If [C, !Sub '${X}', {k: !Ref Y}]\n")
    assert load_template(path) == {
        "a": {"Ref": "X"},
        "b": {"Fn::GetAtt": ["X", "Arn"]},
        "c": {"Fn::If": ["C", {"Fn::Sub": "${X}"}, {"k": {"Ref": "Y"}}]},
    }


@pytest.mark.parametrize("text", ["a: !Transform x", "- a", "a: [", "a: !Join {x: 1}\nb: ]"])
def test_a_file_that_is_no_template_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(text)
    with pytest.raises(TemplateError):
        load_template(path)
