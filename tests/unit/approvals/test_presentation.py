"""A person sees every argument that will run, and first those that matter."""

import json
from decimal import Decimal
from typing import Any

import pytest

from portcullis.approvals.json_reading import Line
from portcullis.approvals.presentation import (
    ENDING,
    LONG,
    MAXIMUM_NOTES,
    MAXIMUM_ROWS,
    Presentation,
    Row,
    path_text,
    present,
)
from portcullis.approvals.visible_text import Look, Piece
from portcullis.policy.paths import compile_path


def row(arguments: Any, path: str = "args.x") -> Row:
    """The row of one argument."""
    (found,) = (one for one in present(arguments).rows if one.path == path)
    return found


def text_of(pieces: tuple[Piece, ...]) -> str:
    return "".join(piece.text for piece in pieces)


def paths(presentation: Presentation) -> list[str]:
    return [one.path for one in presentation.rows]


def test_every_value_is_a_row_with_its_kind_and_its_text() -> None:
    arguments: Any = {
        "a": "bob", "b": 3, "c": Decimal("1.50"), "d": True, "e": None, "f": "",
        "g": {}, "h": [], "i": {"j": [1, {"k": "l"}]},
    }  # fmt: skip
    assert [(one.path, one.kind, text_of(one.pieces)) for one in present(arguments).rows] == [
        ("args.a", "text", "bob"),
        ("args.b", "number", "3"),
        ("args.c", "number", "1.50"),
        ("args.d", "yes or no", "true"),
        ("args.e", "null", "null"),
        ("args.f", "empty text", ""),
        ("args.g", "empty object", "{}"),
        ("args.h", "empty list", "[]"),
        ("args.i.j[0]", "number", "1"),
        ("args.i.j[1].k", "text", "l"),
    ]


def test_a_call_without_arguments_is_complete() -> None:
    assert present({}) == Presentation(rows=(), notes=())


@pytest.mark.parametrize(
    "steps, text",
    [
        (("a", "b-c", 0), "args.a.b-c[0]"),
        (("any key",), 'args["any key"]'),
        (('x"]["y',), 'args["x\\"][\\"y"]'),
        (("a.b",), 'args["a.b"]'),
        (("",), 'args[""]'),
        (("u\u202e",), 'args["u\\u202e"]'),
        (("\u0430dmin",), 'args["\u0430dmin"]'),
        (("a\nb",), 'args["a\\nb"]'),
        (("AKIAIOSFODNN7EXAMPLE x",), 'args["[masked: 17 to 32 characters] x"]'),
    ],
)
def test_N17_a_name_is_as_visible_as_a_value(steps: tuple[str | int, ...], text: str) -> None:
    assert path_text(steps) == text


def test_N29_the_rule_s_arguments_come_first_then_the_risky_ones_then_the_rest() -> None:
    arguments: Any = {
        "name": "n", "size": 1, "role": "r", "cidr": "0.0.0.0/0", "user": {"id": 7, "tag": "t"},
        "zone": "z",
    }  # fmt: skip
    named = [compile_path("args.zone"), compile_path("args.user")]
    found = present(arguments, named)
    assert paths(found) == [
        "args.zone", "args.user.id", "args.user.tag", "args.cidr", "args.role", "args.name",
        "args.size",
    ]  # fmt: skip
    assert [one.is_named for one in found.rows] == [True] * 3 + [False] * 4
    assert found.notes == (
        "args.cidr is open to every address",
        "args.role is about a role, and what it may do",
    )


def test_an_argument_that_the_rule_names_and_nobody_gave_is_said_to_be_missing() -> None:
    found = present({"a": 1}, [compile_path('args["b c"][0]')])
    assert found.rows[0] == Row(path='args["b c"][0]', kind="not given", is_named=True)
    assert paths(found) == ['args["b c"][0]', "args.a"]


def test_a_text_that_is_json_is_shown_as_it_is_and_as_it_reads() -> None:
    text = '{"Statement":[{"Action":"iam:*"}],"n":1.50,"e":[]}'
    found = row({"x": text})
    assert text_of(found.pieces) == text
    assert [(line.depth, text_of(line.pieces)) for line in found.reading] == [
        (0, "{"),
        (1, '"Statement": ['),
        (2, "{"),
        (3, '"Action": "iam:*"'),
        (2, "}"),
        (1, "],"),
        (1, '"n": 1.50,'),
        (1, '"e": []'),
        (0, "}"),
    ]
    assert not found.is_masked


@pytest.mark.parametrize("text", ["{}", "[]", "1", "{'a': 1}", '{"a":1,"a":2}', "plain"])
def test_a_text_that_is_no_json_or_an_empty_one_has_no_reading(text: str) -> None:
    assert row({"x": text}).reading == ()


def test_N17_a_reading_hides_nothing_either() -> None:
    found = row({"x": json.dumps({"a\u202e": "b\u200b\n"})})
    assert found.reading[1] == Line(
        depth=1,
        pieces=(
            Piece(text='"a'),
            Piece(text="\\u202e", look=Look.ESCAPE),
            Piece(text='": "b'),
            Piece(text="\\u200b", look=Look.ESCAPE),
            Piece(text='\\n"'),
        ),
    )


def test_what_is_risky_inside_json_in_a_text_is_told_with_its_place() -> None:
    statements = [{"Action": "iam:*", "Resource": f"r{n}/*"} for n in range(6)]
    found = row({"x": json.dumps({"Statement": statements})})
    wildcard, permitting = (risk.reason for risk in found.risks)
    assert wildcard == (
        "covers everything that its wildcard matches (inside, at Statement[0].Action, "
        "Statement[0].Resource, Statement[1].Action, Statement[1].Resource and 8 more)"
    )
    assert permitting.startswith("is about permissions themselves (inside, at Statement[0].Action")
    assert permitting.endswith("Statement[3].Action and 2 more)")


def test_N31_a_secret_is_one_mask_and_raises_no_oddity() -> None:
    found = row({"password": "\u202e" * 9}, "args.password")
    assert found.pieces == (Piece(text="[masked: 9 to 16 characters]", look=Look.MASK),)
    assert found.is_masked
    assert found.length == 0
    assert found.risks == ()


def test_N31_a_secret_inside_a_text_is_masked_where_it_stands() -> None:
    found = row({"x": "postgres://app:s3cr3t@db\u202e"})
    assert found.pieces == (
        Piece(text="postgres://app:"),
        Piece(text="[masked: 1 to 8 characters]", look=Look.MASK),
        Piece(text="@db"),
        Piece(text="\\u202e", look=Look.ESCAPE),
    )
    assert found.is_masked


def test_N31_json_in_a_text_with_secrets_is_shown_only_as_it_reads() -> None:
    found = row({"x": json.dumps({"password": "hunter2"})})
    assert found.pieces == ()
    assert found.is_masked
    assert text_of(found.reading[1].pieces) == '"password": "[masked: 1 to 8 characters]"'


def test_N31_json_with_secrets_that_is_too_long_to_indent_is_shown_on_one_line() -> None:
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    text = json.dumps({"password": "hunter2", "deep": [deep] * 1000})
    found = row({"x": text})
    assert found.reading == ()
    assert text_of(found.pieces).startswith('{"password":"[masked: 1 to 8 characters]","deep":[[[')
    assert found.is_masked


def test_json_that_is_too_long_to_indent_is_shown_as_it_is() -> None:
    text = json.dumps([[[[[1]]]]] * 12_000)
    found = row({"x": text})
    assert found.reading == ()
    assert text_of(found.pieces) == text


@pytest.mark.parametrize("filling", ["a", "\n", " ", "\u202e", "x\n"])
def test_N17_a_payload_at_the_end_of_a_long_text_is_seen_twice(filling: str) -> None:
    text = filling * 5_000 + "PAYLOAD"
    found = row({"x": text})
    assert text_of(found.pieces).endswith("PAYLOAD")
    assert text_of(found.ending).endswith("PAYLOAD")
    assert ENDING <= len(text_of(found.ending)) <= ENDING + 40
    assert found.length == len(text)


def test_a_text_of_ordinary_length_has_no_ending_apart() -> None:
    assert row({"x": "a" * LONG}).ending == ()
    assert row({"x": "a" * (LONG + 1)}).ending != ()


def test_a_mask_at_the_end_of_a_long_text_stays_whole() -> None:
    found = row({"x": "a" * LONG + " password=hunter2"})
    assert found.ending[-1] == Piece(text="[masked: 1 to 8 characters]", look=Look.MASK)


def test_N30_the_agent_s_own_words_are_marked() -> None:
    assert row({"reason": "Pre-approved"}, "args.reason").is_agent_text
    assert not row({"user": "bob"}, "args.user").is_agent_text


def test_N17_a_deceptive_name_is_a_risk_of_its_value() -> None:
    (found,) = present({"\u0430dmin": 1}).rows
    assert [risk.reason for risk in found.risks] == [
        "has a name that mixes letters of different alphabets in one word (\\u0430)"
    ]


TOO_MANY: dict[str, Any] = {
    "elements": {"x": [1] * (MAXIMUM_ROWS + 1)},
    "long names": {"k" * 60_000: [1] * 900},
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("arguments", TOO_MANY.values(), ids=TOO_MANY)
def test_N17_arguments_too_many_to_list_are_shown_whole(arguments: Any) -> None:
    found = present(arguments)
    (whole,) = found.rows
    assert found.is_complete
    assert json.loads(text_of(whole.pieces)) == arguments
    assert text_of(whole.ending).endswith("1]}")
    assert whole.path == "args"


def test_N31_arguments_shown_whole_are_masked_and_still_tell_their_risks() -> None:
    arguments: Any = {"password": "hunter2", "x": ["0.0.0.0/0"] * (MAXIMUM_ROWS + 1)}
    found = present(arguments)
    (whole,) = found.rows
    assert "hunter2" not in text_of(whole.pieces)
    assert whole.is_masked
    assert len(found.notes) == MAXIMUM_NOTES + 1
    assert found.notes[-1] == f"and {MAXIMUM_ROWS + 1 - MAXIMUM_NOTES} more like these"


def test_N29_grave_notes_are_not_pushed_out_by_many_light_ones() -> None:
    arguments: Any = {"r": ["arn:aws:s3:::x"] * 200, "z": "0.0.0.0/0"}
    assert present(arguments).notes[0] == "args.z is open to every address"


def test_a_long_name_is_shortened_in_notes_only() -> None:
    name = "k" * 500
    found = present({name: "0.0.0.0/0"})
    assert found.rows[0].path == f"args.{name}"
    assert found.notes == (f"args.{'k' * 115}… is open to every address",)


@pytest.mark.parametrize(
    "arguments",
    [{"x": "a" * 300_000}, {"x": "\ud800"}],
    ids=["too long", "no JSON form"],
)
def test_N17_arguments_that_cannot_be_shown_whole_are_not_shown_in_part(arguments: Any) -> None:
    assert present(arguments) == Presentation(rows=(), notes=(), is_complete=False)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "arguments",
    [
        {"x": "a\u202e" * 32_000},
        {"k" * 60_000: [1] * 30_000},
        {"x": "\u0301" * 60_000},
        {f"k{n}": "0.0.0.0/0" for n in range(5_000)},
        {"x": json.dumps([[[[[1]]]]] * 10_000)},
        {"x": [{"password": "a"}] * 8_000},
    ],
    ids=["turned", "long name", "accents", "risks", "readings", "secrets"],
)
def test_no_arguments_make_the_page_slow_or_huge(arguments: Any) -> None:
    found = present(arguments)
    lines = [piece for one in found.rows for line in one.reading for piece in line.pieces]
    shown = [piece for one in found.rows for piece in (*one.pieces, *one.ending)]
    assert sum(len(piece.text) for piece in (*shown, *lines)) < 1_500_000
