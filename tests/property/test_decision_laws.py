"""Laws of the decision, over random policies and calls."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from policy_values import NOON, make_call
from portcullis.policy.decision import Allow, Decision, Deny, Outcome, RequireApproval
from portcullis.policy.document import parse_document
from portcullis.policy.evaluate import evaluate, matching_rules
from portcullis.policy.explain import explain
from portcullis.policy.model import (
    AllOf,
    AnyOf,
    Call,
    Comparison,
    Condition,
    Effect,
    Kind,
    Not,
    Policy,
    Rule,
    Section,
    Truth,
)
from portcullis.policy.paths import compile_path
from portcullis.values import JsonValue
from reference.evaluator import decide
from strategies import (
    PATTERNS,
    PROMPTS,
    RESOURCES,
    TOOLS,
    conditions,
    locked_policies,
    policies,
    rules,
)

pytestmark = pytest.mark.property

CALLS_A_POLICY = 10
LAW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
REFERENCE = settings(LAW, max_examples=200)  # times CALLS_A_POLICY: 2000 pairs

_TEXTS = ["eu-west-1", "us-east-1", "mq.t3.micro", "prod", "prod-abc", "10", "true", "",
          "10.1.2.3", "10.0.0.0/9", "2001:db8::1", "x" * 10]  # fmt: skip
SCALARS: SearchStrategy[JsonValue] = st.one_of(
    st.sampled_from(_TEXTS),
    st.sampled_from([True, False, None]),
    st.integers(-3, 3),
    st.integers(-(10**13), 10**13),
    st.sampled_from([Decimal("0.5"), Decimal("10.0"), Decimal("-1.25"), Decimal("1E+2")]),
)
AMOUNTS: SearchStrategy[JsonValue] = st.one_of(
    st.integers(-1, 100),
    st.sampled_from([Decimal("0.01"), Decimal("9E+2"), Decimal("1E-19"), 10**20, True, "5"]),
)
VALUES: SearchStrategy[JsonValue] = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=3).map(list[JsonValue]), st.just({}), st.just({"a": 1})
)


def _objects(**members: SearchStrategy[JsonValue]) -> SearchStrategy[JsonValue]:
    return st.fixed_dictionaries({}, optional=dict(members))


ARGUMENTS: SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "region": VALUES,
        "size": VALUES,
        "publicly_accessible": VALUES,
        "tags": st.one_of(_objects(owner=VALUES), SCALARS),
        "subnets": st.one_of(st.lists(SCALARS, max_size=3).map(list[JsonValue]), SCALARS),
        "statements": st.one_of(
            st.lists(st.one_of(_objects(action=VALUES), SCALARS), max_size=3).map(list[JsonValue]),
            SCALARS,
        ),
        "amount": AMOUNTS,
        "items": st.lists(_objects(price=AMOUNTS), max_size=2).map(list[JsonValue]),
    },
)
NAMES = {
    Kind.TOOL: TOOLS,
    Kind.RESOURCE: (*RESOURCES[:1], "s3://bucket/a", "x"),
    Kind.PROMPT: (PROMPTS[0], "plans", "other"),
}


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """A call of something the policies may name, mostly of tools."""
    kind = draw(st.sampled_from([Kind.TOOL, Kind.TOOL, Kind.TOOL, Kind.RESOURCE, Kind.PROMPT]))
    return make_call(draw(ARGUMENTS), kind=kind, name=draw(st.sampled_from(NAMES[kind])))


@st.composite
def policies_and_calls(draw: st.DrawFn) -> tuple[Policy, list[Call]]:
    """A policy, and calls of the names that most of its rules are about."""
    document = draw(st.one_of(policies(), locked_policies()))
    document.setdefault("tools", {"*": {"rules": [draw(rules()) for _ in range(4)]}})
    policy = loaded(document)
    named = [
        call
        for kind, names in NAMES.items()
        for call in (make_call(kind=kind, name=name) for name in names)
        if not (kind is Kind.TOOL and policy.hidden(call.name))
    ]
    named.sort(key=lambda call: -len(matching_rules(policy, call)))
    several = st.lists(ARGUMENTS, min_size=CALLS_A_POLICY, max_size=CALLS_A_POLICY)
    ruled = [call for call in named if matching_rules(policy, call)][:3] or named
    asked = [
        replace(draw(st.sampled_from(ruled)), arguments=arguments) for arguments in draw(several)
    ]
    return policy, [*asked, draw(calls())]


def loaded(document: Mapping[str, Any]) -> Policy:
    return parse_document(dict(document)).policy


def summary(decision: Decision) -> tuple[Any, ...]:
    """A decision in the words of the reference evaluator."""
    takes = () if isinstance(decision, Deny) else decision.obligations
    return (
        {Allow: "allow", Deny: "deny", RequireApproval: "require_approval"}[type(decision)],
        outcome(decision).value,
        decision.rule,
        frozenset(
            (
                take.rule,
                take.amount,
                take.limit.maximum,
                take.limit.window_seconds,
                take.limit.scope.value,
                take.counter,
                take.shadow,
            )
            for take in takes
        ),
        tuple((outcome(one).value, one.rule) for one in decision.shadowed),
    )


def outcome(decision: Decision) -> Outcome:
    if isinstance(decision, Deny):
        return decision.outcome
    return Outcome.ALLOWED if isinstance(decision, Allow) else Outcome.APPROVAL_REQUIRED


def openness(decision: Decision) -> int:
    """How far a decision lets a call go: not, after a person agreed, at once."""
    return {Deny: 0, RequireApproval: 1, Allow: 2}[type(decision)]


def with_rules(policy: Policy, kind: Kind, name: str, rules: tuple[Rule, ...]) -> Policy:
    """The policy with another exact entry."""
    section = policy.sections[kind]
    changed = replace(section, exact={**section.exact, name: rules})
    return replace(policy, sections={**policy.sections, kind: changed})


@REFERENCE
@given(policies_and_calls())
def test_the_decision_is_the_reference_evaluators(pair: tuple[Policy, list[Call]]) -> None:
    policy, asked = pair
    for call in asked:
        expected = decide(dict(policy.document), call)
        assert summary(evaluate(policy, call, now=NOON)) == expected


@LAW
@given(policies_and_calls())
def test_the_explanation_agrees_with_the_decision(pair: tuple[Policy, list[Call]]) -> None:
    policy, asked = pair
    for call in asked:
        explanation = explain(policy, call, now=NOON)
        assert explanation.decision == evaluate(policy, call, now=NOON)
        if explanation.rules:
            labels = [rule.label for rule in matching_rules(policy, call)]
            assert [rule.label for rule in explanation.rules] == labels


@LAW
@given(policies_and_calls(), st.randoms(use_true_random=False))
def test_the_order_of_rules_never_matters(pair: tuple[Policy, list[Call]], shuffler: Any) -> None:
    policy, asked = pair

    def shuffled(items: Any) -> tuple[Any, ...]:
        listed = list(items)
        return tuple(shuffler.sample(listed, len(listed)))

    sections = {
        kind: Section(
            exact={name: shuffled(section.exact[name]) for name in shuffled(section.exact)},
            patterns=shuffled(
                (text, matches, shuffled(rules)) for text, matches, rules in section.patterns
            ),
        )
        for kind, section in policy.sections.items()
    }
    other = replace(policy, sections=sections)
    for call in asked:
        assert evaluate(other, call, now=NOON) == evaluate(policy, call, now=NOON)


@LAW
@pytest.mark.parametrize("label", [pytest.param("!first", id="I23"), "~last"])
@given(policies_and_calls(), conditions())
def test_adding_a_deny_rule_never_opens(
    label: str, pair: tuple[Policy, list[Call]], condition: dict[str, Any]
) -> None:
    policy, asked = pair
    (added,) = matching_rules(
        loaded(
            {
                "version": "1",
                "default": "deny",
                "tools": {"x": {"action": "deny", "when": condition}},
            }
        ),
        make_call(name="x"),
    )
    for call in asked:
        rules = policy.sections[call.kind].exact.get(call.name, ())
        more = (*rules, replace(added, label=label))
        before = evaluate(policy, call, now=NOON)
        after = evaluate(with_rules(policy, call.kind, call.name, more), call, now=NOON)
        assert openness(after) in (0, openness(before))


@LAW
@given(policies_and_calls(), policies())
def test_adding_an_unrelated_tool_changes_nothing(
    pair: tuple[Policy, list[Call]], donor: dict[str, Any]
) -> None:
    policy, asked = pair
    more = [rule for _, _, rules in loaded(donor).sections[Kind.TOOL].patterns for rule in rules]
    wider = with_rules(policy, Kind.TOOL, "an_unrelated_tool", tuple(more))
    for call in asked:
        assert evaluate(wider, call, now=NOON) == evaluate(policy, call, now=NOON)


@LAW
@given(policies_and_calls())
def test_shadow_rules_never_change_whether_a_call_goes_through(
    pair: tuple[Policy, list[Call]],
) -> None:
    policy, asked = pair
    for call in asked:
        enforced = tuple(rule for rule in matching_rules(policy, call) if not rule.shadow)
        alone = with_rules(replace(policy, sections=_EMPTY), call.kind, call.name, enforced)
        one, other = evaluate(policy, call, now=NOON), evaluate(alone, call, now=NOON)
        assert (outcome(one), one.rule) == (outcome(other), other.rule)


_EMPTY = {kind: Section() for kind in Kind}


@LAW
@given(policies_and_calls())
def test_what_cannot_be_told_never_permits(pair: tuple[Policy, list[Call]]) -> None:
    """Make every condition unknown: nothing that depends on one may then permit."""
    policy, asked = pair
    for call in asked:
        _require_no_unknown_permits(policy, call)


def _require_no_unknown_permits(policy: Policy, call: Call) -> None:
    unknown = tuple(
        rule if rule.when is None else replace(rule, when=_unknown(rule.when))
        for rule in matching_rules(policy, call)
        if not rule.shadow
    )
    blind = with_rules(replace(policy, sections=_EMPTY), call.kind, call.name, unknown)
    decision = evaluate(blind, call, now=NOON)
    if isinstance(decision, Deny):
        return
    permitting = [rule for rule in unknown if rule.label == decision.rule]
    assert all(rule.when is None for rule in permitting)
    assert all(
        rule.effect is Effect.ALLOW and not rule.limits for rule in unknown if rule.when is not None
    )


def _cannot_tell(_: JsonValue) -> Truth:
    return Truth.INDETERMINATE


def _unknown(condition: Condition) -> Condition:
    if isinstance(condition, Comparison):
        # Of a value that is always there: of no elements a list's test is not asked.
        return replace(
            condition,
            path=compile_path("tool"),
            test=lambda _: Truth.INDETERMINATE,
            operator="blind",
        )
    if isinstance(condition, Not):
        return Not(part=_unknown(condition.part))
    parts = tuple(map(_unknown, condition.parts))
    return AllOf(parts=parts) if isinstance(condition, AllOf) else AnyOf(parts=parts)


def test_the_calls_meet_the_policies() -> None:
    assert set(NAMES[Kind.TOOL]) == set(TOOLS)
    assert "*" in PATTERNS
