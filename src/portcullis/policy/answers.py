"""The decisions a single rule stands for, and the sentences that explain them to an agent.

Only the making of decision values may live here. Sentences name rules, paths and JSON
types, never argument values.
"""

from portcullis.policy.compile_error import shown
from portcullis.policy.conditions import first_unknown, trace
from portcullis.policy.decision import Deny, Outcome, RequireApproval, Take
from portcullis.policy.model import Call, Kind, Rule
from portcullis.policy.paths import Context


def denied(rule: Rule) -> Deny:
    """A deny rule applies."""
    reason = rule.reason or f"Rule {shown(rule.label)} denies this call."
    return Deny(outcome=Outcome.DENIED_BY_RULE, rule=rule.label, reason=reason)


def indeterminate(rule: Rule, context: Context) -> Deny:
    """A rule that could have restricted could not be evaluated."""
    reason = unknown_reason(rule, context)
    return Deny(outcome=Outcome.INDETERMINATE, rule=rule.label, reason=reason)


def asked(rule: Rule, takes: tuple[Take, ...]) -> RequireApproval | Deny:
    """An approval rule applies; one that names nobody to ask can only deny."""
    if rule.approval is None:
        reason = f"Rule {shown(rule.label)} asks for an approval but names nobody to give it."
        return Deny(outcome=Outcome.DENIED_BY_RULE, rule=rule.label, reason=reason)
    return RequireApproval(
        rule=rule.label, reason=rule.reason, approval=rule.approval, obligations=takes
    )


def unpermitted(call: Call, *, is_named: bool, undecided: str | None) -> Deny:
    """Nothing permits the call; `undecided` says why an allow rule could not be evaluated."""
    what = f"the {call.kind.value} {shown(call.name)}"
    named = f"No rule permits this call of {what}."
    reason = named if is_named else f"No rule of the policy permits {what}."
    if undecided:
        reason = f"{reason} {undecided}"
    return Deny(outcome=Outcome.DENIED_BY_DEFAULT, rule=None, reason=reason)


def unknown_reason(rule: Rule, context: Context) -> str:
    """Why a rule could not be evaluated."""
    why = first_unknown(trace(rule.when, context)) if rule.when else "it has no condition"
    return f"Rule {shown(rule.label)} could not be evaluated: {why}."


def hidden(call: Call) -> Deny:
    """The tool is hidden: the words are those for a tool that does not exist."""
    return Deny(outcome=Outcome.HIDDEN, rule=None, reason=f"Unknown tool: {call.name}")


def nameless(kind: Kind) -> Deny:
    """The text asked for cannot name anything of this kind."""
    reason = f"No {kind.value} can have this name."
    return Deny(outcome=Outcome.UNKNOWN_TOOL, rule=None, reason=reason)
