"""Shadow rules: what they would have said, beside a decision they do not touch.

Only the judging of shadow rules may live here. Each one is judged alone, as if it were
enforced and the only rule that restricts; its limits count in counters of their own.
"""

from collections.abc import Iterable
from dataclasses import replace

from portcullis.policy.answers import asked, denied, indeterminate
from portcullis.policy.decision import Decision, Deny, RequireApproval, Take
from portcullis.policy.model import Effect, Rule, Truth
from portcullis.policy.obligations import could_restrict, merged, takes_of
from portcullis.policy.paths import Context


def with_shadow(
    decision: Decision, verdicts: Iterable[tuple[Rule, Truth]], context: Context
) -> Decision:
    """Add what each shadow rule would have said, and its takes where the call is permitted."""
    shadowed: list[Deny | RequireApproval] = []
    takes: list[Take] = []
    for rule, truth in sorted(verdicts, key=lambda verdict: verdict[0].label):
        said = _said(rule, truth, context)
        if isinstance(said, tuple):
            takes += said
        else:
            shadowed.append(said)
            takes += said.obligations if isinstance(said, RequireApproval) else ()
    if isinstance(decision, Deny):
        return replace(decision, shadowed=tuple(shadowed))
    obligations = (*decision.obligations, *merged(takes))
    return replace(decision, obligations=obligations, shadowed=tuple(shadowed))


def _said(rule: Rule, truth: Truth, context: Context) -> Deny | RequireApproval | tuple[Take, ...]:
    if truth is Truth.INDETERMINATE and could_restrict(rule):
        return indeterminate(rule, context)
    if truth is not Truth.TRUE:
        return ()
    if rule.effect is Effect.DENY:
        return denied(rule)
    takes = takes_of([rule], context)
    if isinstance(takes, Deny):
        return takes
    return asked(rule, takes) if rule.effect is Effect.REQUIRE_APPROVAL else takes
