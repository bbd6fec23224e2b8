"""Evaluation: counters by scope, and what only policies built by hand can hold."""

from dataclasses import replace
from decimal import Decimal

import pytest

from policy_values import NOON, make_call, make_comparison, make_limit, make_principal
from portcullis.policy.answers import unknown_reason
from portcullis.policy.decision import Allow, Deny, Outcome, RequireApproval, Take
from portcullis.policy.evaluate import evaluate
from portcullis.policy.explain import ExplainedRule, Explanation, explain
from portcullis.policy.model import (
    Approval,
    Effect,
    Kind,
    Policy,
    Rule,
    Scope,
    Section,
    Truth,
)
from portcullis.policy.obligations import SHADOW_PREFIX
from portcullis.policy.paths import Context, compile_path

ALLOW = Rule(label="transfer/allow", effect=Effect.ALLOW)


def make_policy(*rules: Rule, default: Effect = Effect.DENY) -> Policy:
    return Policy(
        revision="sha256:0",
        default=default,
        hidden=lambda name: name == "hidden_tool",
        sections={Kind.TOOL: Section(exact={"transfer": rules})},
        document={},
    )


@pytest.mark.parametrize(
    "scope, counter",
    [
        (Scope.SESSION, "14:issuer.example|alice#session-1"),
        (Scope.PRINCIPAL, "14:issuer.example|alice"),
        (Scope.TOOL, "transfer"),
        (Scope.SERVER, ""),
    ],
)
def test_a_counter_belongs_to_those_who_share_it(scope: Scope, counter: str) -> None:
    limit = make_limit(scope=scope)
    decision = evaluate(make_policy(replace(ALLOW, limits=(limit,))), make_call(), now=NOON)
    take = Take(counter=counter, limit=limit, amount=Decimal(1), rule="transfer/allow")
    assert decision == Allow(rule="transfer/allow", obligations=(take,))


def test_no_two_principals_share_a_counter() -> None:
    limited = make_policy(replace(ALLOW, limits=(make_limit(scope=Scope.PRINCIPAL),)))
    one = make_principal(issuer="a|b", subject="c")
    other = make_principal(issuer="a", subject="b|c")
    decisions = [evaluate(limited, make_call(principal=who), now=NOON) for who in (one, other)]
    assert decisions[0] != decisions[1]


def test_two_rules_on_one_counter_take_once_and_name_the_stricter() -> None:
    rules = [
        Rule(label=label, effect=Effect.ALLOW, limits=(make_limit(maximum=Decimal(maximum)),))
        for label, maximum in (("c", 5), ("b", 3), ("a", 4), ("d", 3))
    ]
    decision = evaluate(make_policy(*rules), make_call(), now=NOON)
    assert isinstance(decision, Allow)
    assert decision.rule == "a"
    assert [(take.rule, take.limit.maximum) for take in decision.obligations] == [("b", Decimal(3))]


def test_takes_are_sorted_by_their_counter() -> None:
    limits = tuple(make_limit(identity=name) for name in ("z", "a", "m"))
    decision = evaluate(make_policy(replace(ALLOW, limits=limits)), make_call(), now=NOON)
    assert isinstance(decision, Allow)
    assert [take.limit.identity for take in decision.obligations] == ["a", "m", "z"]


def test_a_shadow_limit_counts_beside_the_enforced_one() -> None:
    limit = make_limit()
    shadow = Rule(label="transfer/shadow", effect=None, limits=(limit,), shadow=True)
    rules = (replace(ALLOW, limits=(limit,)), shadow)
    decision = evaluate(make_policy(*rules), make_call(), now=NOON)
    assert isinstance(decision, Allow)
    enforced, shadowed = decision.obligations
    assert (enforced.limit, enforced.shadow) == (limit, False)
    assert (shadowed.limit.identity, shadowed.shadow) == (f"{SHADOW_PREFIX}limit-1", True)


def test_the_first_unusable_amount_by_label_denies() -> None:
    spend = make_limit(amount_path=compile_path("args.amount"))
    rules = [Rule(label=label, effect=Effect.ALLOW, limits=(spend,)) for label in ("b", "a")]
    decision = evaluate(make_policy(*rules), make_call(), now=NOON)
    reason = "The amount `args.amount` is missing."
    assert decision == Deny(outcome=Outcome.INVALID_AMOUNT, rule="a", reason=reason)


def test_an_approval_that_names_nobody_denies() -> None:
    rule = Rule(label="transfer/ask", effect=Effect.REQUIRE_APPROVAL)
    decision = evaluate(make_policy(rule), make_call(), now=NOON)
    reason = "Rule `transfer/ask` asks for an approval but names nobody to give it."
    assert decision == Deny(outcome=Outcome.DENIED_BY_RULE, rule="transfer/ask", reason=reason)


def test_of_two_approvals_the_one_wanting_more_binds() -> None:
    rules = [
        Rule(
            label=label,
            effect=Effect.REQUIRE_APPROVAL,
            approval=Approval(approvers=("x",), timeout_seconds=60, min_approvals=wanted),
        )
        for label, wanted in (("a", 1), ("c", 2), ("b", 2))
    ]
    decision = evaluate(make_policy(*rules), make_call(), now=NOON)
    assert isinstance(decision, RequireApproval)
    assert decision.rule == "b"


def test_a_deny_rule_without_a_reason_gets_a_sentence() -> None:
    rule = Rule(label="transfer/no", effect=Effect.DENY)
    decision = evaluate(make_policy(rule), make_call(), now=NOON)
    reason = "Rule `transfer/no` denies this call."
    assert decision == Deny(outcome=Outcome.DENIED_BY_RULE, rule="transfer/no", reason=reason)


def test_a_kind_without_a_section_is_the_defaults_business() -> None:
    call = make_call(kind=Kind.PROMPT, name="plan")
    denied = evaluate(make_policy(ALLOW), call, now=NOON)
    reason = "No rule of the policy permits the prompt `plan`."
    assert denied == Deny(outcome=Outcome.DENIED_BY_DEFAULT, rule=None, reason=reason)
    opened = evaluate(make_policy(default=Effect.ALLOW), call, now=NOON)
    assert opened == Allow(rule="default")


@pytest.mark.parametrize(
    "kind, name, outcome, reason",
    [
        (Kind.TOOL, "hidden_tool", Outcome.HIDDEN, "Unknown tool: hidden_tool"),
        (Kind.TOOL, "no such\x00name", Outcome.UNKNOWN_TOOL, "No tool can have this name."),
        (Kind.RESOURCE, "", Outcome.UNKNOWN_TOOL, "No resource can have this name."),
    ],
)
def test_a_name_alone_can_decide(kind: Kind, name: str, outcome: Outcome, reason: str) -> None:
    policy = make_policy(ALLOW, default=Effect.ALLOW)
    call = make_call(kind=kind, name=name)
    denial = Deny(outcome=outcome, rule=None, reason=reason)
    assert evaluate(policy, call, now=NOON) == denial
    assert explain(policy, call, now=NOON) == Explanation(decision=denial, rules=())


def test_a_rule_without_a_condition_is_never_unknown_and_has_words_even_so() -> None:
    rule = Rule(label="x", effect=Effect.DENY)
    said = "Rule `x` could not be evaluated: it has no condition."
    assert unknown_reason(rule, Context(make_call(), NOON)) == said


def test_an_explanation_shows_every_rule_that_matched_the_name() -> None:
    large = make_comparison("args.amount", "gt", 500)
    rules = (
        Rule(label="transfer/large", effect=Effect.DENY, when=large),
        Rule(label="transfer/tried", effect=Effect.DENY, when=large, shadow=True),
        ALLOW,
    )
    explanation = explain(make_policy(*rules), make_call({"amount": "secret"}), now=NOON)
    assert [(rule.label, rule.effect, rule.shadow, rule.truth) for rule in explanation.rules] == [
        ("transfer/large", Effect.DENY, False, Truth.INDETERMINATE),
        ("transfer/tried", Effect.DENY, True, Truth.INDETERMINATE),
        ("transfer/allow", Effect.ALLOW, False, Truth.TRUE),
    ]
    assert explanation.rules[2] == ExplainedRule(
        label="transfer/allow",
        effect=Effect.ALLOW,
        shadow=False,
        truth=Truth.TRUE,
        condition=None,
    )
    assert "secret" not in repr(explanation)
