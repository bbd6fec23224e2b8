"""The params of each method: shapes, subjects, names (B12-B14, C02-C10, K05, K07)."""

from typing import Any

import pytest

from portcullis.protocol.messages import Subject
from portcullis.protocol.methods import METHODS, NOTIFICATIONS, SubjectKind
from portcullis.protocol.params import (
    LOG_LEVELS,
    SHAPES,
    CheckedParams,
    ParamsFault,
    is_subject_name,
    read_params,
)
from portcullis.protocol.versions import Era

CALL = METHODS["tools/call"]
COMPLETE = METHODS["completion/complete"]


def fault(method: str, params: dict[str, Any], era: Era = Era.MODERN) -> str:
    read = read_params(METHODS[method], era, params)
    assert isinstance(read, ParamsFault), read
    return read.message


def test_every_key_of_the_tables_has_a_shape() -> None:
    keys = {"_meta"}.union(
        *(row.params | row.modern_params for row in METHODS.values()),
        *(row.params for row in NOTIFICATIONS.values()),
    )
    assert keys == set(SHAPES)


def test_B13_absent_arguments_are_evaluated_as_an_empty_object() -> None:
    read = read_params(CALL, Era.LEGACY, {"name": "x"})
    assert read == CheckedParams(
        params={"name": "x", "arguments": {}}, subject=Subject(kind=SubjectKind.TOOL, name="x")
    )


@pytest.mark.parametrize("arguments", [None, [], "{}", 0, False])
@pytest.mark.parametrize("method", ["tools/call", "prompts/get"])
def test_B13_arguments_that_are_no_object_are_refused(method: str, arguments: Any) -> None:
    message = fault(method, {"name": "x", "arguments": arguments})
    assert message == "`params.arguments` must be an object"


def test_absent_arguments_of_a_prompt_stay_absent() -> None:
    read = read_params(METHODS["prompts/get"], Era.MODERN, {"name": "p"})
    assert isinstance(read, CheckedParams)
    assert read.params == {"name": "p"}


@pytest.mark.parametrize("name", [3, ["delete_broker"], {}, True, None])
def test_C08_a_name_of_another_type_is_refused(name: Any) -> None:
    assert fault("tools/call", {"name": name}) == "`params.name` must be a string"


NO_TOOL_NAMES = {
    "C02-trailing space": "delete_broker ",
    "C02-leading space": " delete_broker",
    "C02-tab": "delete_broker\t",
    "C02-newline": "delete_broker\n",
    "C02-no-break space": "delete_broker\u00a0",
    "C02-zero width": "delete\u200b_broker",
    "C02-BOM": "\ufeffdelete_broker",
    "C02-word joiner": "delete\u2060_broker",
    "C03-NUL": "delete_broker\0",
    "A17-NUL inside": "delete\0broker",
    "C04-Cyrillic": "d\u0435lete_broker",
    "C04-fullwidth": "\uff44elete_broker",
    "C05-NFD": "cafe\u0301_delete",
    "C05-NFC": "caf\u00e9_delete",
    "C06-soft hyphen": "delete_bro\u00adker",
    "C06-override": "\u202edelete_broker",
    "C06-tag": "delete_broker\U000e0041",
    "C07-slash": "delete_broker/",
    "C07-parent": "../delete_broker",
    "C07-query": "delete_broker?x=1",
    "C07-fragment": "delete_broker#x",
    "C07-percent": "delete%5Fbroker",
    "C07-namespace": "mq/delete_broker",
    "C09-empty": "",
    "C09-129": "x" * 129,
    "C09-1 MB": "x" * 1_000_000,
    "C10-star": "*",
    "C10-two stars": "**",
    "C10-glob": "get_*",
    "C10-dollar": "$default",
}


@pytest.mark.parametrize("name", [pytest.param(n, id=i) for i, n in NO_TOOL_NAMES.items()])
def test_a_name_outside_the_characters_of_tool_names_is_refused(name: str) -> None:
    message = fault("tools/call", {"name": name})
    assert message == "`params.name` is not a usable name"


@pytest.mark.parametrize("name", ["a", "A.b-c_9", "x" * 128, "_global", "__proto__", "..", "-"])
def test_C10_ordinary_names_are_ordinary(name: str) -> None:
    assert isinstance(read_params(CALL, Era.MODERN, {"name": name}), CheckedParams)


@pytest.mark.parametrize(
    "kind, name, is_name",
    [
        (SubjectKind.TASK, "uLklzQfR0e7aB1_6-cvdjQ", True),
        (SubjectKind.TASK, "x" * 128, True),
        (SubjectKind.TASK, "x" * 129, False),
        (SubjectKind.TASK, "a.b", False),
        (SubjectKind.PROMPT, "a prompt \u00e9", True),
        (SubjectKind.PROMPT, "x" * 256, True),
        (SubjectKind.PROMPT, "x" * 257, False),
        (SubjectKind.PROMPT, "", False),
        (SubjectKind.PROMPT, "a\nb", False),
        (SubjectKind.RESOURCE, "file:///a b", True),
        (SubjectKind.RESOURCE, "mq://brokers/x?action=delete", True),
        (SubjectKind.RESOURCE, "x" * 8192, True),
        (SubjectKind.RESOURCE, "x" * 8193, False),
        (SubjectKind.RESOURCE, "a\u200bb", False),
    ],
)
def test_names_of_prompts_resources_and_tasks_show_all_they_hold(
    kind: SubjectKind, name: str, is_name: bool
) -> None:
    assert is_subject_name(Subject(kind=kind, name=name)) is is_name


WRONG_SHAPES: list[tuple[str, dict[str, Any]]] = [
    ("tools/list", {"cursor": None}),
    ("tools/list", {"cursor": 3}),
    ("resources/read", {"uri": ["x"]}),
    ("resources/read", {}),
    ("resources/read", {"uri": "x", "inputResponses": []}),
    ("tools/call", {"name": "x", "requestState": {}}),
    ("tools/call", {"name": "x", "_meta": None}),
    ("prompts/get", {}),
    ("completion/complete", {"ref": {}, "argument": {}}),
    ("completion/complete", {"ref": {"type": "ref/prompt", "name": "p"}}),
    ("completion/complete", {"ref": {"type": "ref/prompt", "name": "p"}, "argument": []}),
    ("completion/complete", {"ref": [], "argument": {}}),
    ("completion/complete", {"ref": {"type": "ref/prompt", "uri": "p"}, "argument": {}}),
    ("completion/complete", {"ref": {"type": "ref/tool", "name": "p"}, "argument": {}}),
    ("completion/complete", {"ref": {"type": ["ref/prompt"], "name": "p"}, "argument": {}}),
    ("completion/complete", {"ref": {"type": "ref/prompt", "name": 1}, "argument": {}}),
    ("completion/complete", {"ref": {"type": "ref/prompt", "name": "a\nb"}, "argument": {}}),
    (
        "completion/complete",
        {"ref": {"type": "ref/prompt", "name": "p", "NAME": "q"}, "argument": {}},
    ),
    ("logging/setLevel", {"level": "loud"}),
    ("logging/setLevel", {"level": 1}),
    ("logging/setLevel", {}),
    ("initialize", {"protocolVersion": 1, "capabilities": {}, "clientInfo": {}}),
]


@pytest.mark.parametrize("method, params", WRONG_SHAPES)
def test_params_of_another_shape_are_refused(method: str, params: dict[str, Any]) -> None:
    assert fault(method, params).startswith("`params.")


@pytest.mark.parametrize(
    "reference, subject",
    [
        ({"type": "ref/prompt", "name": "p"}, Subject(kind=SubjectKind.PROMPT, name="p")),
        (
            {"type": "ref/resource", "uri": "f://{x}"},
            Subject(kind=SubjectKind.RESOURCE, name="f://{x}"),
        ),
    ],
)
def test_K05_K07_a_completion_names_what_it_refers_to(
    reference: dict[str, Any], subject: Subject
) -> None:
    params: dict[str, Any] = {
        "ref": {**reference, "title": "T"},
        "argument": {"name": "a"},
        "context": {},
    }
    read = read_params(COMPLETE, Era.LEGACY, params)
    assert read == CheckedParams(
        params={"ref": reference, "argument": {"name": "a"}, "context": {}}, subject=subject
    )


@pytest.mark.parametrize("level", sorted(LOG_LEVELS))
def test_every_log_level_can_be_set(level: str) -> None:
    read = read_params(METHODS["logging/setLevel"], Era.LEGACY, {"level": level})
    assert read == CheckedParams(params={"level": level}, subject=None)


def test_B14_retry_keys_exist_in_the_modern_era_only() -> None:
    params: dict[str, Any] = {"name": "x", "inputResponses": {}, "requestState": "s"}
    legacy = read_params(CALL, Era.LEGACY, dict(params))
    modern = read_params(CALL, Era.MODERN, dict(params))
    assert isinstance(legacy, CheckedParams)
    assert isinstance(modern, CheckedParams)
    assert sorted(legacy.params) == ["arguments", "name"]
    assert sorted(modern.params) == ["arguments", "inputResponses", "name", "requestState"]


@pytest.mark.parametrize(
    "said",
    [
        {"argument": {"name": 1}},
        {"argument": {"name": "a", "value": ["b"]}},
        {"argument": {}, "context": {"arguments": []}},
    ],
)
def test_a_completion_with_unusable_arguments_is_refused(said: dict[str, Any]) -> None:
    params = {"ref": {"type": "ref/prompt", "name": "p"}, **said}
    assert isinstance(read_params(METHODS["completion/complete"], Era.LEGACY, params), ParamsFault)


def test_a_completion_keeps_what_is_known_and_one_value_an_argument() -> None:
    params: dict[str, Any] = {
        "ref": {"type": "ref/prompt", "name": "p"},
        "argument": {"name": "a", "value": "b", "more": 1},
        "context": {"arguments": {"a": "other", "c": "d"}, "more": 1},
    }
    checked = read_params(METHODS["completion/complete"], Era.LEGACY, params)
    assert isinstance(checked, CheckedParams)
    assert checked.params["argument"] == {"name": "a", "value": "b"}
    assert checked.params["context"] == {"arguments": {"c": "d"}}
