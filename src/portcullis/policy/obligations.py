"""Obligations: which counters a permitted call must take from.

Only the making and merging of takes may live here. Two takes on one counter are merged,
because a store can neither judge them apart nor write one item twice in a transaction:
the amount is taken once, and the smaller maximum binds.
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from portcullis.policy.amounts import InvalidAmount, amount_of
from portcullis.policy.decision import Deny, Outcome, Take
from portcullis.policy.model import Call, Effect, Limit, Rule, Scope
from portcullis.policy.paths import Context

SHADOW_PREFIX = "shadow:"


def could_restrict(rule: Rule) -> bool:
    """Whether a rule denies, asks or limits, so that not knowing it must deny."""
    return bool(rule.limits) or rule.effect in (Effect.DENY, Effect.REQUIRE_APPROVAL)


def takes_of(rules: Iterable[Rule], context: Context) -> tuple[Take, ...] | Deny:
    """The merged takes of rules that apply, or a Deny for the first unusable amount."""
    takes: list[Take] = []
    for rule in rules:
        for limit in rule.limits:
            amount = amount_of(limit, context)
            if isinstance(amount, InvalidAmount):
                return Deny(outcome=Outcome.INVALID_AMOUNT, rule=rule.label, reason=amount.reason)
            takes.append(_take(rule, limit, amount, context.call))
    return merged(takes) if len(takes) > 1 else tuple(takes)


def merged(takes: Iterable[Take]) -> tuple[Take, ...]:
    """At most one take a counter, sorted by the counter's name, so order of rules is lost."""
    binding: dict[tuple[str, str], Take] = {}
    for take in takes:
        name = (take.limit.identity, take.counter)
        other = binding.get(name)
        if other is None or _strictness(take) < _strictness(other):
            binding[name] = take
    return tuple(binding[name] for name in sorted(binding))


def _strictness(take: Take) -> tuple[Decimal, str]:
    return (take.limit.maximum, take.rule)


def _take(rule: Rule, limit: Limit, amount: Decimal, call: Call) -> Take:
    return Take(
        counter=_counter(limit.scope, call),
        limit=replace(limit, identity=SHADOW_PREFIX + limit.identity) if rule.shadow else limit,
        amount=amount,
        rule=rule.label,
        shadow=rule.shadow,
    )


def _counter(scope: Scope, call: Call) -> str:
    """Who shares the counter; sessions are minted by the gateway and never hold a `#`."""
    if scope is Scope.SESSION:
        return f"{call.principal.key}#{call.session}"
    if scope is Scope.PRINCIPAL:
        return call.principal.key
    return call.name if scope is Scope.TOOL else ""
