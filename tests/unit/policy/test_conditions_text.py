"""`when:`: its shapes, its bounds, and what its faults say."""

from typing import Any

import pytest

from portcullis.policy.conditions_text import MAXIMUM_CONDITIONS, MAXIMUM_NESTING
from portcullis.policy.document import parse_document
from portcullis.policy.faults import PolicyFaults
from portcullis.policy.model import AllOf, AnyOf, Comparison, Condition, Kind, Not
from portcullis.policy.operators import OPERATORS
from portcullis.policy.words import OPERATOR_HINTS
from portcullis.values import JsonObject, JsonValue

ONE: JsonObject = {"path": "args.a", "op": "eq", "value": 1}
TWO: JsonObject = {"path": "args.b[*]", "op": "in", "value": [1, "x"], "match": "any"}


def documented(when: JsonValue) -> tuple[Condition, JsonValue]:
    """The condition of a rule, compiled and in its canonical form."""
    entry: JsonObject = {"action": "deny", "when": when}
    policy = parse_document({"version": "1", "default": "deny", "tools": {"t": entry}}).policy
    tools: Any = policy.document["tools"]
    condition = policy.sections[Kind.TOOL].exact["t"][0].when
    assert condition is not None
    return condition, tools["t"]["when"]


def compiled(when: JsonValue) -> Condition:
    """The condition of a rule."""
    return documented(when)[0]


def faults(when: JsonValue) -> list[str]:
    """The faults of a condition, without the path of its rule."""
    entry: JsonObject = {"action": "deny", "when": when}
    with pytest.raises(PolicyFaults) as raised:
        parse_document({"version": "1", "default": "deny", "tools": {"t": entry}})
    return [str(fault).removeprefix("tools.t.when") for fault in raised.value.faults]


def test_a_comparison_keeps_its_path_operator_operand_and_match() -> None:
    condition = compiled(TWO)
    assert isinstance(condition, Comparison)
    assert condition.path.text == "args.b[*]"
    assert (condition.operator, condition.operand, condition.match) == ("in", [1, "x"], "any")


def test_one_mapping_is_a_list_of_one() -> None:
    assert documented(ONE)[1] == documented([ONE])[1] == [ONE]
    assert isinstance(compiled(ONE), Comparison)


def test_exists_without_a_value_asks_whether_there_is_one() -> None:
    bare: JsonObject = {"path": "args.a", "op": "exists"}
    condition, form = documented([bare])
    assert isinstance(condition, Comparison)
    assert condition.operand is True
    assert form == [{**bare, "value": True}]
    assert documented(form)[1] == form
    assert faults([{**bare, "value": "yes"}])[0].startswith("[0].value")


def test_every_other_operator_needs_its_value() -> None:
    for name in set(OPERATORS) - {"exists"}:
        assert "`value` is missing" in faults({"path": "args.a", "op": name})[0]


def test_several_conditions_all_have_to_hold() -> None:
    condition, form = documented([ONE, TWO])
    assert isinstance(condition, AllOf)
    assert len(condition.parts) == 2
    assert form == [ONE, TWO]


def test_conditions_combine() -> None:
    condition, form = documented(
        [{"any": [ONE, {"all": [TWO]}]}, {"not": ONE}, {"not": [ONE, TWO]}]
    )
    assert isinstance(condition, AllOf)
    some, none, not_both = condition.parts
    assert isinstance(some, AnyOf)
    assert isinstance(some.parts[1], AllOf)
    assert isinstance(none, Not)
    assert isinstance(none.part, Comparison)
    assert isinstance(not_both, Not)
    assert isinstance(not_both.part, AllOf)
    assert form == [{"any": [ONE, {"all": [TWO]}]}, {"not": [ONE]}, {"not": [ONE, TWO]}]


@pytest.mark.parametrize(
    "when,told",
    [
        ([], ": a list of conditions must not be empty (list at least one)"),
        ("x", ": the text `x` stands where a condition like"),
        ([[ONE]], "[0]: a list stands where a condition like"),
        ({"any": []}, ".any: `any` must not be empty"),
        ({"any": ONE}, ".any: a mapping stands where `any` must be (write it in `[...]`)"),
        ({"all": 5}, ".all: the number `5` stands where `all` must be"),
        ({"not": []}, ".not: a list of conditions must not be empty"),
        ({"not": None}, ".not: `null` stands where a condition like"),
        ({**ONE, "any": [ONE]}, ": `any` must be alone in its condition"),
        ({"any": [ONE], "all": [ONE]}, ": `any` must be alone in its condition"),
        ({"path": "args.a", "op": "eq"}, ": `value` is missing"),
        ({**ONE, "op": 5}, ".op: the number `5` stands where one of eq, neq"),
        ({**ONE, "path": "state.calls"}, ".path: path `state.calls` starts with no known root"),
        ({**ONE, "path": None}, ".path: `null` stands where a text must be"),
        ({**ONE, "path": "args." + "a" * 500}, ".path: the text must not be longer than 500"),
        ({**ONE, "op": "lt", "value": "1"}, ".value: `lt` takes a number"),
        ({**ONE, "op": "regex", "value": "("}, ".value: `regex`: the pattern is not RE2"),
        ({**ONE, "match": "any"}, ".match: `match` goes with a `[*]` in the path (remove it)"),
        ({**ONE, "path": "args.a[*]"}, ": a path with `[*]` needs `match`"),
        ({**TWO, "match": "none"}, ".match: `none` is not one of any, all (write `any` under"),
        ({**TWO, "match": True}, ".match: `true` stands where one of any, all must be"),
        ({"path": "args.a", "gt": 5}, ".gt: the key `gt` is unknown (write `op: gt, value: ...`)"),
        ({"path": "args.a", "operator": 5}, ".operator: the key `operator` is unknown"),
    ],
)
def test_a_faulty_condition_is_told_in_one_line(when: JsonValue, told: str) -> None:
    (fault,) = faults(when)
    assert fault.startswith(told)


def test_faults_of_one_comparison_are_told_together() -> None:
    assert len(faults({"path": "x", "op": "==", "value": 1, "match": "some"})) == 3


def test_faults_of_all_conditions_are_told() -> None:
    assert len(faults([ONE, {**ONE, "op": "is"}, {"not": {**ONE, "path": "x"}}, 5])) == 3


def nested(levels: int) -> JsonObject:
    """A comparison under so many `any`."""
    condition = ONE
    for _ in range(levels):
        condition = {"any": [condition]}
    return condition


def test_nesting_ends_at_the_limit() -> None:
    compiled(nested(MAXIMUM_NESTING - 1))
    (fault,) = faults(nested(MAXIMUM_NESTING))
    assert fault.endswith("conditions must not be nested more than 8 levels deep")


def test_deep_nesting_is_refused_without_following_it() -> None:
    assert len(faults(nested(200))) == 1


def test_the_number_of_conditions_ends_at_the_limit() -> None:
    half: list[JsonValue] = [ONE] * (MAXIMUM_CONDITIONS // 2)
    compiled([{"any": half}, {"not": half}])
    message = ": a rule must not have more than 64 conditions"
    assert faults([{"any": half}, {"not": half}, ONE]) == [message]
    assert faults([ONE] * 65) == [": a list of conditions must not have more than 64 elements"]


@pytest.mark.parametrize("word", OPERATOR_HINTS)
def test_every_hint_about_an_operator_names_one_that_exists(word: str) -> None:
    assert word not in OPERATORS
    (fault,) = faults({**ONE, "op": word})
    assert "did you mean" in fault or "write" in fault
    meant = OPERATOR_HINTS[word].removeprefix("did you mean ").strip("`")
    assert meant in OPERATORS or meant.startswith("write")
