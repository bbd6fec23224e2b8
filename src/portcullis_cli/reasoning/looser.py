"""Where two policies decide alike, whether the new one still holds calls back as much.

A limit is kept by one limit that is as tight and counts at least the same calls: two limits
that are only together as tight as one let more through, each by its own counter.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import z3

from portcullis.policy.decision import Decision, Deny, RequireApproval
from portcullis.policy.model import (
    Algorithm,
    Approval,
    Effect,
    Kind,
    Limit,
    Policy,
    Rule,
    Scope,
)
from portcullis.policy.names import is_pattern
from portcullis_cli.reasoning.slots import comparisons_of
from portcullis_cli.reasoning.solve import ALLOW, ASK, Answer, Reasoner, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A limit with its rule, and the entry whose calls its counter counts."""

    rule: Rule
    limit: Limit
    entry: str


def counted(policy: Policy, rules: Sequence[tuple[Rule, Limit]], kind: Kind) -> list[Counted]:
    """The limits with the entries that they stand under."""
    section = policy.sections[kind] if rules else None
    patterns = {
        id(rule): name
        for name, _, of_name in (section.patterns if section else ())
        for rule in of_name
    }
    return [
        Counted(rule=rule, limit=limit, entry=patterns.get(id(rule), "")) for rule, limit in rules
    ]


def looser_limits(
    reasoner: Reasoner, old: Sequence[Counted], new: Sequence[Counted]
) -> Iterator[tuple[str, Limit, Answer]]:
    """Limits that the new policy does not keep as tight for some call that both let through."""
    for decided in (ALLOW, ASK):
        for one in old:
            answer = _kept(reasoner, decided, one, [more for more in new if _is_kept(one, more)])
            if answer.example is not None or not answer.is_certain:
                yield decided, one.limit, answer


def weaker_approvals(reasoner: Reasoner) -> Answer | None:
    """A call that fewer or other people than before can approve; None where there is none."""
    found: Answer | None = None
    for before, first in _asking(reasoner, 0):
        for after, second in _asking(reasoner, 1):
            if is_as_strict(after.approval, before.approval):
                continue
            asked = z3.And(reasoner.verdicts[0][ASK], reasoner.verdicts[1][ASK], first, second)
            answer = reasoner.find(asked, _are_asked_by(before, after))
            if answer.example is not None:
                return answer
            found = found if answer.is_certain else answer
    return found


def _kept(reasoner: Reasoner, decided: str, one: Counted, kept: Sequence[Counted]) -> Answer:
    """A call that one limit counts and a kept one does not; of the kept ones the best."""
    verdicts = [verdict[decided] for verdict in reasoner.verdicts]
    here = z3.And(*verdicts, reasoner.applies(one.rule))
    worst: Answer | None = None
    for more in kept:
        gap = z3.And(here, z3.Not(reasoner.applies(more.rule)))
        answer = reasoner.find(gap, _escapes(decided, one.limit, more.limit))
        if answer.example is None and answer.is_certain:
            return answer
        worst = answer if worst is None or worst.example is None else worst
    return worst or reasoner.find(here, _escapes(decided, one.limit, None))


def _escapes(
    decided: str, limit: Limit, kept: Limit | None
) -> Callable[[Sequence[Decision]], bool]:
    def is_it(decisions: Sequence[Decision]) -> bool:
        old, new = decisions
        if isinstance(old, Deny) or isinstance(new, Deny) or {word(old), word(new)} != {decided}:
            return False
        counts = any(take.limit.identity == limit.identity for take in old.obligations)
        return counts and not any(
            kept is not None
            and take.limit.identity == kept.identity
            and take.limit.maximum <= kept.maximum
            for take in new.obligations
        )

    return is_it


def _is_kept(one: Counted, other: Counted) -> bool:
    """Whether a limit lets through no more than one does, of all calls that this one counts."""
    return _is_as_tight(other.limit, one.limit) and (
        other.limit.identity == one.limit.identity
        or one.limit.scope is Scope.TOOL
        or not one.entry
        or _counts_all(other, one.entry)
    )


def _counts_all(other: Counted, entry: str) -> bool:
    """Whether one counter of a limit counts every tool of an entry."""
    start = other.entry.removesuffix("*")
    is_wider = other.entry.endswith("*") and not is_pattern(start) and entry.startswith(start)
    is_by_tool = any(one.path.root == "tool" for one in comparisons_of(other.rule.when))
    return (other.entry == entry or is_wider) and not is_by_tool


def _is_as_tight(one: Limit, other: Limit) -> bool:
    """Whether a limit lets through no more than another one, of the same calls."""
    is_as_long = (
        one.window_seconds >= other.window_seconds
        if one.algorithm is Algorithm.SLIDING_WINDOW
        else one.window_seconds % other.window_seconds == 0  # its windows begin with the other's
    )
    return (
        is_as_long
        and one.scope is other.scope
        and one.algorithm is other.algorithm
        and one.maximum <= other.maximum
        and _amount(one) == _amount(other)
    )


def _amount(limit: Limit) -> str | None:
    return None if limit.amount_path is None else limit.amount_path.text


def _asking(reasoner: Reasoner, number: int) -> list[tuple[Rule, Any]]:
    """The rules that ask, each with when it is the one that binds: who wants the most approvals."""
    asking = sorted(
        (one for one in reasoner.rules[number] if one.effect is Effect.REQUIRE_APPROVAL),
        key=_order,
    )
    return [
        (
            one,
            z3.And(
                reasoner.applies(one), *(z3.Not(reasoner.applies(more)) for more in asking[:at])
            ),
        )
        for at, one in enumerate(asking)
    ]


def _order(rule: Rule) -> tuple[int, str]:
    return (-rule.approval.min_approvals if rule.approval else 0, rule.label)


def is_as_strict(new: Approval | None, old: Approval | None) -> bool:
    """Whether an approval needs no fewer people than another one, and no others."""
    if new is None or old is None:
        return False
    return new.min_approvals >= old.min_approvals and set(new.approvers) <= set(old.approvers)


def _are_asked_by(before: Rule, after: Rule) -> Callable[[Sequence[Decision]], bool]:
    def is_it(decisions: Sequence[Decision]) -> bool:
        asked = [one.rule for one in decisions if isinstance(one, RequireApproval)]
        return asked == [before.label, after.label]

    return is_it
