"""The decision: what a policy says to one call at one instant.

Only the way from a call to the rules that match it may live here; the combination of what
they came to is in `combine`, shared with `explain`.
"""

from portcullis.policy.answers import hidden, nameless
from portcullis.policy.combine import combine
from portcullis.policy.conditions import holds
from portcullis.policy.decision import Decision, Deny
from portcullis.policy.model import Call, Instant, Kind, Policy, Rule, Section
from portcullis.policy.names import is_name
from portcullis.policy.paths import Context

_NO_ENTRIES = Section()


def evaluate(policy: Policy, call: Call, *, now: Instant) -> Decision:
    """Decide one call.

    Names are matched by exact code points; whether the server has such a tool at all is
    the gateway's question. Cost does not grow with the number of exact names.

    Args:
        policy: compiled.
        call: its arguments are normalised (`arguments.normalise`).
        now: the instant that `time` paths speak of.

    Returns:
        Allow or RequireApproval with the takes that must succeed first, or Deny. Never raises.
    """
    refusal = refused_by_name(policy, call)
    if refusal is not None:
        return refusal
    rules = matching_rules(policy, call)
    return combine(rules, holds, default=policy.default, context=Context(call, now))


def refused_by_name(policy: Policy, call: Call) -> Deny | None:
    """What the name alone decides: it can name nothing, or a hidden tool."""
    if not is_name(call.kind, call.name):
        return nameless(call.kind)
    if call.kind is Kind.TOOL and policy.hidden(call.name):
        return hidden(call)
    return None


def matching_rules(policy: Policy, call: Call) -> tuple[Rule, ...]:
    """The rules of the exact entry and of every pattern that matches the name."""
    section = policy.sections.get(call.kind, _NO_ENTRIES)
    rules = section.exact.get(call.name, ())
    for _, matches, more in section.patterns:
        if matches(call.name):
            rules += more
    return rules
