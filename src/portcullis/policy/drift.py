"""Drift: what a policy says to the call of a tool that is not the one somebody looked at.

Only the comparison of a definition with its pin, and what it makes of a decision, may live
here. Drift never widens: what the rules deny stays denied, whatever `drift` says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

from portcullis.policy.compile_error import shown
from portcullis.policy.decision import Allow, Decision, Deny, Outcome, RequireApproval
from portcullis.policy.evaluate import evaluate
from portcullis.policy.model import Approval, Call, Effect, Instant, Lock, Pin, Policy, Rule
from portcullis.strictjson import canonical
from portcullis.values import JsonMapping, JsonObject

# What people read apart. Whatever else a definition holds is in the digest of all of it.
PARTS: Mapping[str, tuple[str, ...]] = {
    "description": ("title", "description"),
    "schema": ("inputSchema", "outputSchema"),
    "annotations": ("annotations",),
}
OTHER = "other parts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """A tool that is not as it was locked: `parts` of it changed, or (no parts) it is new."""

    rule: Rule
    outcome: Outcome
    parts: tuple[str, ...] = ()


def decide(policy: Policy, call: Call, definition: JsonMapping | None, *, now: Instant) -> Decision:
    """Decide one call of what its server shows now.

    Args:
        policy: compiled, with its lock if it has one.
        call: its arguments are normalised.
        definition: of the called tool as the server lists it; None for what is no tool.
        now: the instant that `time` paths speak of.

    Returns:
        What `evaluate` answers, unless the tool drifted: then never more than that. Never raises.
    """
    decision = evaluate(policy, call, now=now)
    if policy.lock is None or definition is None:
        return decision
    found = drifted(policy.lock, call.name, definition)
    if found is None or found.rule.effect is Effect.ALLOW:
        return decision
    if found.rule.effect is Effect.DENY or found.rule.approval is None:
        return Deny(
            outcome=found.outcome,
            rule=found.rule.label,
            reason=f"{told(call.name, found)} It is denied until somebody has accepted it.",
            shadowed=decision.shadowed,
        )
    return _asked(told(call.name, found), found.rule.label, found.rule.approval, decision)


def drifted(lock: Lock, name: str, definition: JsonMapping) -> Drifted | None:
    """How a tool differs from the lock; None where it does not."""
    pin = lock.pins.get(name)
    if pin is None:
        return Drifted(rule=lock.added, outcome=Outcome.TOOL_ADDED)
    now = pin_of(definition, pin.category)
    if now == pin:
        return None
    return Drifted(rule=lock.changed, outcome=Outcome.TOOL_CHANGED, parts=changed_parts(pin, now))


def changed_parts(before: Pin, after: Pin) -> tuple[str, ...]:
    """The names of what differs between two definitions of one tool."""
    parts = tuple(part for part in PARTS if getattr(before, part) != getattr(after, part))
    return parts or (OTHER,)


def pin_of(definition: JsonMapping, category: str) -> Pin:
    """The pin of a tool as its server lists it.

    Raises:
        StrictJsonError: it has no JSON form; nothing that was parsed is such a one.
    """
    digests = {
        part: _digest({key: definition[key] for key in keys if key in definition})
        for part, keys in PARTS.items()
    }
    return Pin(category=category, definition=_digest({**definition}), **digests)


def told(name: str, found: Drifted) -> str:
    """One sentence on how a tool drifted, without anything that its server wrote."""
    if not found.parts:
        return f"The tool {shown(name)} is new: it is not in the lock of its server."
    parts = " and ".join(f"its {part}" for part in found.parts)
    return f"The tool {shown(name)} has changed since it was locked: {parts}."


def _asked(why: str, label: str, approval: Approval, decision: Decision) -> Decision:
    """A person is asked about what the rules would let through."""
    if isinstance(decision, Deny):
        return decision
    if isinstance(decision, Allow):
        return RequireApproval(
            rule=label,
            reason=why,
            approval=approval,
            obligations=decision.obligations,
            shadowed=decision.shadowed,
        )
    reason = f"{why} {decision.reason}" if decision.reason else why
    if approval.min_approvals > decision.approval.min_approvals:
        return replace(decision, rule=label, reason=reason, approval=approval)
    return replace(decision, reason=reason)


def _digest(value: JsonObject) -> str:
    return sha256(canonical(value)).hexdigest()
