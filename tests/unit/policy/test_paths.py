"""Paths: what compiles, what is refused, and what a look-up finds."""

from types import MappingProxyType
from typing import Any

import pytest

from policy_values import NOON, make_call, make_context, make_principal
from portcullis.policy.compile_error import PathError
from portcullis.policy.model import Each, Instant
from portcullis.policy.paths import (
    MAX_STEPS,
    MAX_VALUES,
    TIME_FIELDS,
    Context,
    Missing,
    compile_path,
    lookup,
    lookup_each,
)
from portcullis.values import JsonValue


@pytest.mark.parametrize(
    "text, root, steps",
    [
        ("args", "args", ()),
        ("tool", "tool", ()),
        ("server", "server", ()),
        ("args.a", "args", ("a",)),
        ("args.a-b_c$", "args", ("a-b_c$",)),
        ("args.größe", "args", ("größe",)),
        ("args.a[0][12]", "args", ("a", 0, 12)),
        ("args.a[*].b", "args", ("a", Each.EACH, "b")),
        ("args[*]", "args", (Each.EACH,)),
        ("args.0", "args", ("0",)),
        ('args["a.b"].c', "args", ("a.b", "c")),
        (r'args["a\"]\u00e9 \\"]', "args", ('a"]é \\',)),
        ("principal.key", "principal", ("key",)),
        ("principal.groups[*]", "principal", ("groups", Each.EACH)),
        ('principal.tags["a.b"]', "principal", ("tags", "a.b")),
        ("principal.claims.a[0].b", "principal", ("claims", "a", 0, "b")),
        ("principal.claims", "principal", ("claims",)),
        ("time.hour", "time", ("hour",)),
        ("args" + ".a" * MAX_STEPS, "args", ("a",) * MAX_STEPS),
    ],
)
def test_a_path_compiles_to_its_root_and_steps(
    text: str, root: str, steps: tuple[object, ...]
) -> None:
    path = compile_path(text)
    assert (path.text, path.root, path.steps) == (text, root, steps)


@pytest.mark.parametrize(
    "text, message, suggestion",
    [
        ("", "path `` starts with no known root", "start with `args`"),
        (
            "amount",
            "path `amount` starts with no known root",
            "write `args.amount` for an argument",
        ),
        ("arg.a", "path `arg.a` starts with no known root", "write `args.a`"),
        ("arguments.a", "path `arguments.a` starts with no known root", "write `args.a`"),
        ("Args.a", "path `Args.a` starts with no known root", "write `args.a`"),
        (
            "args.",
            "path `args.` cannot be read at `.`",
            'steps are `.key`, `["any key"]`, `[0]` and `[*]`',
        ),
        (
            "args.a b",
            "path `args.a b` cannot be read at ` b`",
            'steps are `.key`, `["any key"]`, `[0]` and `[*]`',
        ),
        (
            "args..a",
            "path `args..a` cannot be read at `..a`",
            'steps are `.key`, `["any key"]`, `[0]` and `[*]`',
        ),
        (
            "args.*",
            "path `args.*` cannot be read at `.*`",
            'steps are `.key`, `["any key"]`, `[0]` and `[*]`',
        ),
        (
            "args['a']",
            "path `args['a']` cannot be read at `['a']`",
            'steps are `.key`, `["any key"]`, `[0]` and `[*]`',
        ),
        (
            "args.a[00]",
            "path `args.a[00]` cannot be read at `[00]`",
            'steps are `.key`, `["any key"]`, `[0]` and `[*]`',
        ),
        ("args.a[-1]", "path `args.a[-1]` has a negative index", "count from the start: `[0]`"),
        ('args[""]', 'path `args[""]` has an empty key', None),
        (r'args["\x"]', r'path `args["\x"]` has a quoted key that is no JSON string', None),
        pytest.param("args" + ".a" * 100, "a path has more than 64 steps", None, id="I19"),
        ("tool.name", "path `tool.name` reaches into a text", None),
        ("server[0]", "path `server[0]` reaches into a text", None),
        (
            "time",
            "path `time` names no known field",
            "one of epoch, hour, minute, weekday, date",
        ),
        ("time.hours", "path `time.hours` names no known field", "did you mean `hour`"),
        ("time.hour.x", "path `time.hour.x` reaches into a text", None),
        (
            "principal",
            "path `principal` names no known field",
            "one of issuer, subject, key, groups, tags, claims",
        ),
        ("principal.sub", "path `principal.sub` names no known field", "did you mean `subject`"),
        ("principal.key.x", "path `principal.key.x` reaches into a text", None),
        ("principal.tags[0]", "path `principal.tags[0]` looks for a list in an object", None),
        ("principal.tags.a.b", "path `principal.tags.a.b` reaches into a text", None),
        ("principal.claims[*]", "path `principal.claims[*]` looks for a list in an object", None),
        (
            "principal.groups.platform",
            "path `principal.groups.platform` looks for a key in a list",
            "use the operator `contains` on `principal.groups`",
        ),
        ("principal.groups[0].x", "path `principal.groups[0].x` reaches into a text", None),
        ("args.a\n", "path `args.a\ufffd` cannot be read at `\ufffd`", None),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(
    text: str, message: str, suggestion: str | None
) -> None:
    with pytest.raises(PathError) as refused:
        compile_path(text)
    assert refused.value.message == message
    if suggestion is not None:
        assert refused.value.suggestion == suggestion


def test_a_long_path_is_quoted_shortly() -> None:
    with pytest.raises(PathError) as refused:
        compile_path("x" * 500)
    assert len(refused.value.message) < 130


@pytest.mark.parametrize(
    "text, arguments, found",
    [
        ("args.a", {"a": 1}, 1),
        ("args.a", {"a": None}, None),
        ("args.a", {}, Missing.ABSENT),
        ("args.a.b", {"a": {"b": 1}}, 1),
        ("args.a.b", {"a.b": 1}, Missing.ABSENT),
        ('args["a.b"]', {"a.b": 1, "a": {"b": 2}}, 1),
        ("args.a.b", {"a": {}}, Missing.ABSENT),
        ("args.a.b", {"a": None}, Missing.ABSENT),
        ("args.a.b.c", {}, Missing.ABSENT),
        ("args.a.b", {"a": "text"}, Missing.MISMATCH),
        ("args.a.b", {"a": True}, Missing.MISMATCH),
        ("args.a.b", {"a": [{"b": 1}]}, Missing.MISMATCH),
        ("args.a.b.c", {"a": 1}, Missing.MISMATCH),
        ("args.a[0]", {"a": [1]}, 1),
        ("args.a[1]", {"a": [1]}, Missing.ABSENT),
        ("args.a[0]", {"a": {"0": 1}}, Missing.MISMATCH),
        ("args.a[0]", {"a": "text"}, Missing.MISMATCH),
        ("args.a[0]", {"a": None}, Missing.ABSENT),
        ("args.0", {"0": 1}, 1),
        ("args.a[*]", {"a": [1]}, Missing.MISMATCH),
    ],
)
def test_a_look_up_finds_the_value_or_says_why_not(
    text: str, arguments: dict[str, JsonValue], found: object
) -> None:
    assert lookup(compile_path(text), make_context(arguments)) == found


@pytest.mark.parametrize(
    "text, arguments, found",
    [
        ("args.a[*]", {"a": [1, 2]}, [1, 2]),
        ("args.a[*]", {"a": []}, [Missing.EMPTY_LIST]),
        ("args.a[*]", {"a": None}, [Missing.NO_LIST]),
        ("args.a[*]", {}, [Missing.NO_LIST]),
        ("args.a[*]", {"a": "ab"}, [Missing.MISMATCH]),
        ("args.a[*]", {"a": {"0": 1}}, [Missing.MISMATCH]),
        (
            "args.a[*].b",
            {"a": [{"b": 1}, {}, 5, None]},
            [1, Missing.ABSENT, Missing.MISMATCH, Missing.ABSENT],
        ),
        (
            "args.a[*].b[*]",
            {"a": [{"b": [1, 2]}, {"b": []}, {}, {"b": 3}]},
            [1, 2, Missing.EMPTY_LIST, Missing.NO_LIST, Missing.MISMATCH],
        ),
        ("args.a[*][0]", {"a": [[1], [], {}]}, [1, Missing.ABSENT, Missing.MISMATCH]),
        ("args.a[*].b[*]", {"a": 1}, [Missing.MISMATCH]),
    ],
)
def test_a_look_up_of_each_element_keeps_what_is_missing_in_its_place(
    text: str, arguments: dict[str, JsonValue], found: list[object]
) -> None:
    assert lookup_each(compile_path(text), make_context(arguments)) == found


@pytest.mark.parametrize("path_text", [pytest.param("args.a[*]", id="I18")])
def test_a_huge_list_is_not_looked_through(path_text: str) -> None:
    elements: list[JsonValue] = [1] * (MAX_VALUES + 1)
    path = compile_path(path_text)
    assert lookup_each(path, make_context({"a": elements})) == [Missing.TOO_MANY]
    assert len(lookup_each(path, make_context({"a": elements[1:]}))) == MAX_VALUES


def test_the_call_itself_is_reached() -> None:
    context = make_context({"a": 1}, name="get_info", server="amazon-mq")
    assert lookup(compile_path("tool"), context) == "get_info"
    assert lookup(compile_path("server"), context) == "amazon-mq"
    assert lookup(compile_path("args"), context) == {"a": 1}


def test_read_only_arguments_are_read_as_objects() -> None:
    arguments: Any = MappingProxyType({"a": MappingProxyType({"b": 1})})
    context = Context(make_call(arguments), NOON)
    assert lookup(compile_path("args.a.b"), context) == 1
    assert lookup(compile_path("args"), context).__class__ is dict
    assert lookup(compile_path("args.c"), context) is Missing.ABSENT


def test_every_field_of_the_principal_is_reached() -> None:
    principal = make_principal(groups=("a", "b"), tags={"team": "x"}, claims={"n": {"m": 1}})
    context = make_context(principal=principal)
    found = {
        field: lookup(compile_path(f"principal.{field}"), context)
        for field in ("issuer", "subject", "key", "groups", "tags.team", "claims.n.m")
    }
    assert found == {
        "issuer": "issuer.example",
        "subject": "alice",
        "key": "14:issuer.example|alice",
        "groups": ["a", "b"],
        "tags.team": "x",
        "claims.n.m": 1,
    }


@pytest.mark.parametrize(
    "micros, fields",
    [
        (
            0,
            {"epoch": 0, "hour": 0, "minute": 0, "weekday": "thu", "date": "1970-01-01"},
        ),
        (
            NOON.micros + 3_661_999_999,
            {
                "epoch": 1_795_438_861,
                "hour": 13,
                "minute": 1,
                "weekday": "mon",
                "date": "2026-11-23",
            },
        ),
    ],
)
def test_time_is_utc(micros: int, fields: dict[str, JsonValue]) -> None:
    context = Context(make_call(), Instant(micros=micros))
    found = {name: lookup(compile_path(f"time.{name}"), context) for name in TIME_FIELDS}
    assert found == fields


def test_groups_that_nobody_told_are_missing_and_not_an_empty_list() -> None:
    context = make_context(principal=make_principal(groups=None))
    assert lookup(compile_path("principal.groups"), context) is Missing.ABSENT
    told = make_context(principal=make_principal(groups=()))
    assert lookup(compile_path("principal.groups"), told) == []
