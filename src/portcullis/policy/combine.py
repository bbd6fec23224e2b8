"""How what the matching rules came to becomes one decision.

Only the combination may live here, shared by `evaluate` and `explain`. In this order:

1. A deny rule that applies denies.
2. A rule that could not be evaluated denies if it could have restricted: a deny rule, an
   approval rule, or a rule with limits (it cannot be told whether its limit applies).
3. Something must permit: an approval rule that applies (a person is asked first), an
   allow rule that applies, or `default: allow` where no enforced rule of the name has the
   effect allow: an author's allow rules say when, and the default does not widen them.
4. Every limit of every rule that applies becomes a take; an unusable amount denies.

Shadow rules are judged one by one and reported; they never permit or block. Among several
candidates the lowest label determines, so the order of rules in a file never matters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from portcullis.policy.answers import asked, denied, indeterminate, unknown_reason, unpermitted
from portcullis.policy.decision import Allow, Decision, Deny
from portcullis.policy.json_types import INDETERMINATE, TRUE
from portcullis.policy.model import Condition, Effect, Rule, Truth
from portcullis.policy.obligations import could_restrict, takes_of
from portcullis.policy.paths import Context
from portcullis.policy.shadow import with_shadow

Judge: TypeAlias = Callable[[Condition, Context], Truth]

_ALLOW, _DENY, _ASK = Effect.ALLOW, Effect.DENY, Effect.REQUIRE_APPROVAL
_DEFAULT_PERMITS = Rule(label="default", effect=Effect.ALLOW)


@dataclass(slots=True)
class _Tally:
    """The enforced rules of a call by what they came to, and the shadow rules apart."""

    is_named: bool  # some rule, shadow or not, matched the name
    has_allow: bool = False  # some enforced rule has the effect allow, applying or not
    denying: list[Rule] = field(default_factory=list)
    asking: list[Rule] = field(default_factory=list)
    allowing: list[Rule] = field(default_factory=list)
    limiting: list[Rule] = field(default_factory=list)
    unknown: list[Rule] = field(default_factory=list)
    shadow: list[tuple[Rule, Truth]] = field(default_factory=list)

    def add_applying(self, rule: Rule) -> None:
        """Sort in a rule that applies."""
        if rule.effect is _ALLOW:
            self.allowing.append(rule)
        elif rule.effect is _DENY:
            self.denying.append(rule)
        elif rule.effect is _ASK:
            self.asking.append(rule)
        if rule.limits:
            self.limiting.append(rule)


def combine(rules: Sequence[Rule], judge: Judge, *, default: Effect, context: Context) -> Decision:
    """Judge the rules matching a call and combine what they came to. Never raises.

    Args:
        rules: every rule of the policy that matches the call's name.
        judge: evaluates a condition; `holds`, or a slower one that answers the same.
        default: what happens where no rule permits.
        context: the call and the instant.
    """
    tally = _tally(rules, judge, context)
    decision = _restriction(tally, context) or _permission(tally, default, context)
    return with_shadow(decision, tally.shadow, context) if tally.shadow else decision


def _tally(rules: Sequence[Rule], judge: Judge, context: Context) -> _Tally:
    tally = _Tally(is_named=bool(rules))
    for rule in rules:
        truth = TRUE if rule.when is None else judge(rule.when, context)
        if rule.shadow:
            tally.shadow.append((rule, truth))
            continue
        if rule.effect is _ALLOW:
            tally.has_allow = True
        if truth is TRUE:
            tally.add_applying(rule)
        elif truth is INDETERMINATE:
            tally.unknown.append(rule)
    return tally


def _restriction(tally: _Tally, context: Context) -> Deny | None:
    if tally.denying:
        return denied(min(tally.denying, key=_label))
    unknown = [rule for rule in tally.unknown if could_restrict(rule)]
    if unknown:
        return indeterminate(min(unknown, key=_label), context)
    return None


def _permission(tally: _Tally, default: Effect, context: Context) -> Decision:
    permit = _permit(tally, default)
    if permit is None:
        unknown = min(tally.unknown, key=_label) if tally.unknown else None
        undecided = unknown_reason(unknown, context) if unknown else None
        return unpermitted(context.call, is_named=tally.is_named, undecided=undecided)
    takes = takes_of(sorted(tally.limiting, key=_label), context)
    if isinstance(takes, Deny):
        return takes
    if permit.effect is _ALLOW:
        return Allow(rule=permit.label, obligations=takes)
    return asked(permit, takes)


def _permit(tally: _Tally, default: Effect) -> Rule | None:
    """The rule that permits; the default stands in as a rule of its own."""
    if tally.asking:
        return min(tally.asking, key=_most_approvals)
    if tally.allowing:
        return min(tally.allowing, key=_label)
    return _DEFAULT_PERMITS if default is _ALLOW and not tally.has_allow else None


def _label(rule: Rule) -> str:
    return rule.label


def _most_approvals(rule: Rule) -> tuple[int, str]:
    """Where several rules ask, the one that wants the most approvals binds."""
    return (-rule.approval.min_approvals if rule.approval else 0, rule.label)
