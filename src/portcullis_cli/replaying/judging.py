"""One policy, asked again about recorded calls in the order of their time.

Only the decision about a call without its secrets, and the counting of limits, may live here.
What hangs on a value that was taken out is not guessed: it cannot be told.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from portcullis.adapters.memory_counters import MemoryCounterStore
from portcullis.approvals.redaction import Steps, meets
from portcullis.errors import CounterStoreError
from portcullis.gateway.ports import Refused
from portcullis.gateway.recording import RecordedCall
from portcullis.policy.combine import combine
from portcullis.policy.conditions import holds
from portcullis.policy.decision import Decision, Deny, RequireApproval
from portcullis.policy.evaluate import evaluate, matching_rules, refused_by_name
from portcullis.policy.json_types import every, negation, some
from portcullis.policy.model import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Effect,
    Not,
    Path,
    Policy,
    Rule,
    Truth,
)
from portcullis.policy.paths import Context
from portcullis_cli.reasoning.solve import word
from portcullis_cli.replaying.lines import LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a policy says of a call: `allow`, `limit`, `require_approval` or `deny`.

    `window_seconds` is the longest of the limits that it met.
    """

    decided: str
    rule: str | None
    window_seconds: int = 0


class Judge:
    """Decides the calls of one log under one policy. Its counters begin empty."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._counters = MemoryCounterStore()

    def judge(
        self, recorded: RecordedCall, *, decision_id: str, was_not_sent: bool
    ) -> Verdict | None:
        """The verdict, and what it takes from limits; None where a secret decides.

        Calls come in the order of their time. `was_not_sent`: what it took was given back.
        """
        decision = _decision(self._policy, recorded)
        if decision is None:
            return None
        refused = self._refused(decision, recorded, decision_id, was_not_sent=was_not_sent)
        return Verdict(
            decided=word(decision) if refused is None else LIMIT,
            rule=decision.rule if refused is None else refused,
            window_seconds=_longest_window(decision),
        )

    def _refused(
        self, decision: Decision, recorded: RecordedCall, decision_id: str, *, was_not_sent: bool
    ) -> str | None:
        """The rule whose limit refuses; what waits for a person takes nothing yet."""
        if isinstance(decision, Deny) or not decision.obligations:
            return None
        takes, server, now = decision.obligations, recorded.call.server, recorded.at
        try:
            if isinstance(decision, RequireApproval):
                full = self._counters.check(takes, server=server, now=now)
                return None if full is None else full.take.rule
            reserved = self._counters.reserve(
                takes, server=server, reservation_id=decision_id, now=now
            )
        except CounterStoreError:  # as the gateway: what cannot be counted is denied
            return takes[0].rule
        if isinstance(reserved, Refused):
            return reserved.take.rule
        if was_not_sent:
            self._counters.release(reserved, now=now)
        return None


def _longest_window(decision: Decision) -> int:
    takes = () if isinstance(decision, Deny) else decision.obligations
    return max((one.limit.window_seconds for one in takes if not one.shadow), default=0)


def _decision(policy: Policy, recorded: RecordedCall) -> Decision | None:
    call, removed = recorded.call, recorded.removed
    if not removed:
        return evaluate(policy, call, now=recorded.at)
    refusal = refused_by_name(policy, call)
    if refusal is not None:
        return refusal
    rules = [rule for rule in matching_rules(policy, call) if not rule.shadow]
    context = Context(call, recorded.at)
    truths = [(rule, _truth(rule.when, context, removed)) for rule in rules]
    denies = any(rule.effect is Effect.DENY and truth is Truth.TRUE for rule, truth in truths)
    if not denies and any(_hangs(rule, truth, removed) for rule, truth in truths):
        return None
    return combine(
        rules,
        lambda condition, _context: _truth(condition, context, removed),
        default=policy.default,
        context=context,
    )


def _hangs(rule: Rule, truth: Truth, removed: Sequence[Steps]) -> bool:
    """Whether it cannot be told if a rule applies, or how much it takes, for what was removed."""
    if truth is Truth.INDETERMINATE and any(_touches(one, removed) for one in _paths(rule.when)):
        return True
    amounts = [limit.amount_path for limit in rule.limits if limit.amount_path is not None]
    return truth is Truth.TRUE and any(_touches(one, removed) for one in amounts)


def _truth(condition: Condition | None, context: Context, removed: Sequence[Steps]) -> Truth:
    """Kleene's logic, in which a comparison with what was removed is not known."""
    if condition is None:
        return Truth.TRUE
    if isinstance(condition, Comparison):
        unknown = _is_unknown(condition, removed)
        return Truth.INDETERMINATE if unknown else holds(condition, context)
    if isinstance(condition, AllOf):
        return every(_truth(part, context, removed) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return some(_truth(part, context, removed) for part in condition.parts)
    return negation(_truth(condition.part, context, removed))


def _is_unknown(condition: Comparison, removed: Sequence[Steps]) -> bool:
    """A marker stands where a value was: whether there was one is still known."""
    if condition.operator != "exists":
        return _touches(condition.path, removed)
    below = [one for one in removed if not one or len(one) < len(condition.path.steps)]
    return _touches(condition.path, below)


def _paths(condition: Condition | None) -> Iterator[Path]:
    if isinstance(condition, Comparison):
        yield condition.path
    elif isinstance(condition, Not):
        yield from _paths(condition.part)
    elif condition is not None:
        for part in condition.parts:
            yield from _paths(part)


def _touches(path: Path, removed: Sequence[Steps]) -> bool:
    return path.root == "args" and any(meets(path.steps, one) for one in removed)
