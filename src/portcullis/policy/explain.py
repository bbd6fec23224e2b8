"""The explanation: a decision with what every matching rule and condition came to.

Only the slow, complete form of `evaluate` may live here, for people who write policies.
It shows rules, paths, operators and JSON types, never argument values.
"""

from dataclasses import dataclass

from portcullis.policy.combine import combine
from portcullis.policy.conditions import Traced, trace
from portcullis.policy.decision import Decision
from portcullis.policy.evaluate import matching_rules, refused_by_name
from portcullis.policy.model import Call, Condition, Effect, Instant, Policy, Rule, Truth
from portcullis.policy.paths import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedRule:
    """What one matching rule came to; `condition` is None for a rule without `when`."""

    label: str
    effect: Effect | None
    shadow: bool
    truth: Truth
    condition: Traced | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A decision and every rule that matched the call's name, in the order of the policy."""

    decision: Decision
    rules: tuple[ExplainedRule, ...]


def explain(policy: Policy, call: Call, *, now: Instant) -> Explanation:
    """Decide one call as `evaluate` does, evaluating every condition of every matching rule.

    Returns:
        The same decision as `evaluate` gives; no rules where the name alone decided.
        Never raises.
    """
    refusal = refused_by_name(policy, call)
    if refusal is not None:
        return Explanation(decision=refusal, rules=())
    context = Context(call, now)
    rules = matching_rules(policy, call)
    explained = tuple(_explained(rule, context) for rule in rules)
    decision = combine(rules, _judge, default=policy.default, context=context)
    return Explanation(decision=decision, rules=explained)


def _judge(condition: Condition, context: Context) -> Truth:
    return trace(condition, context).truth


def _explained(rule: Rule, context: Context) -> ExplainedRule:
    condition = None if rule.when is None else trace(rule.when, context)
    return ExplainedRule(
        label=rule.label,
        effect=rule.effect,
        shadow=rule.shadow,
        truth=Truth.TRUE if condition is None else condition.truth,
        condition=condition,
    )
