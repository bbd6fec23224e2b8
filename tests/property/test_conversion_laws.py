"""A converted policy lets nothing pass that its source refuses, whatever source and call."""

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from portcullis.policy.faults import PolicyFaults
from portcullis_cli.conversion.conversion import Converted, convert
from portcullis_cli.conversion.reading import Reader
from portcullis_cli.conversion.theirs import decide
from portcullis_cli.conversion.trial import verdict
from portcullis_cli.conversion.writing import Choices

pytestmark = pytest.mark.property

KEYS = ("a", "b", "a b", "dash-ed")
# Numbers that a double holds: of others the gateway and the source read different ones.
SCALARS: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, False, 0, 1, 5, -1, 0.5, 1e21, "", "5", "0.5", "true", "<nil>", "abc", "ab\nc",
     "1e+21", "[1 2]", "map[a:1]"]
)  # fmt: skip
VALUES: st.SearchStrategy[Any] = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(st.sampled_from(KEYS), SCALARS)
)
PATTERNS = st.sampled_from(
    ["", "a", "^a", "c$", "b.c", "a|b", "^(abc|5)$", "(?i)AB", r"\d", "[^a]"]
)
PATHS = st.lists(st.sampled_from(KEYS), min_size=1, max_size=2).map(
    lambda keys: "args." + ".".join(keys)
)
OPERANDS: dict[str, st.SearchStrategy[Any]] = {
    "eq": VALUES,
    "neq": VALUES,
    "in": st.lists(VALUES, max_size=3),
    "not_in": st.lists(VALUES, max_size=3),
    "lt": st.sampled_from([0, 1, 5, 0.5]),
    "lte": st.sampled_from([0, 1, 5, 0.5]),
    "gt": st.sampled_from([0, 1, 5, 0.5]),
    "gte": st.sampled_from([0, 1, 5, 0.5]),
    "regex": PATTERNS,
    "contains": SCALARS,
    "exists": st.booleans(),
}


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    op = draw(st.sampled_from(sorted(OPERANDS)))
    return {"path": draw(PATHS), "op": op, "value": draw(OPERANDS[op])}


SOME = st.lists(conditions(), min_size=1, max_size=3)
RULES = st.one_of(
    st.builds(lambda found: {"name": "n", "conditions": found}, SOME),
    st.builds(lambda found: {"name": "n", "action": "require_approval", "conditions": found}, SOME),
    st.just({"name": "n", "action": "deny"}),
    st.just({"name": "n", "action": "require_approval"}),
    st.just({"name": "n", "rate_limit": "5/day"}),
    st.just({"name": "n", "conditions": [{"path": "state.pay.c", "op": "lte", "value": 9}],
             "state": {"counter": "c", "window": "day", "increment_from": "args.a"}}),
)  # fmt: skip
TOOLS = ("pay", "list", "drop")
INTERCEPT = st.fixed_dictionaries(
    {
        "version": st.just("1"),
        "default": st.sampled_from(["allow", "deny"]),
        "tools": st.dictionaries(
            st.sampled_from([*TOOLS, "*"]),
            st.fixed_dictionaries({"rules": st.lists(RULES, max_size=3)}),
            min_size=1,
        ),
    },
    optional={"hide": st.sampled_from([["drop"], ["*"]])},
)
ENTRIES = st.lists(st.fixed_dictionaries({"conditions": SOME}), max_size=2)
HOSTED = st.fixed_dictionaries(
    {
        "version": st.just("1"),
        "default": st.sampled_from(["allow", "deny"]),
        "tools": st.dictionaries(
            st.sampled_from(TOOLS),
            st.fixed_dictionaries({"deny_if": ENTRIES}, optional={"require": ENTRIES}),
            min_size=1,
        ),
    }
)
ARGUMENTS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3)


def converted(tree: dict[str, Any]) -> Converted | None:
    """The conversion, None where it refuses; a result that lets more pass is no refusal."""
    refusals: list[str] = []
    try:
        return convert(json.dumps(tree).encode(), Reader(), Choices(approvers=("carol",)))
    except PolicyFaults as faulty:
        refusals += map(str, faulty.faults)
    assert not [text for text in refusals if "would let" in text or text.startswith("here: ")]
    return None


@settings(deadline=None, max_examples=80)
@given(st.one_of(INTERCEPT, HOSTED), st.lists(ARGUMENTS, min_size=1, max_size=10))
def test_nothing_passes_that_was_refused(tree: dict[str, Any], calls: list[dict[str, Any]]) -> None:
    result = converted(tree)
    assume(result is not None)
    assert result is not None

    for tool in (*TOOLS, "another"):
        for args in calls:
            ours = verdict(result.loaded.policy, tool, args, server="mq")
            assert ours >= decide(result.source, tool, args), (tool, args, result.text)


@settings(deadline=None, max_examples=20)
@given(INTERCEPT)
def test_a_conversion_says_the_same_again(tree: dict[str, Any]) -> None:
    first, second = converted(tree), converted(tree)

    assert (first and first.text) == (second and second.text)
