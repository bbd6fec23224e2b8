"""What a policy says of one tool to a caller of whom nothing is known: in a word, and its limits.

A summary of rules, not a decision: conditions are not evaluated, they are told to be there.
`policy explain` decides one call, `policy check` reasons about all of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from portcullis.policy.drift import Drifted, drifted
from portcullis.policy.evaluate import matching_rules, refused_by_name
from portcullis.policy.model import Call, Effect, Kind, Limit, Policy, Principal, Rule
from portcullis.policy.obligations import could_restrict
from portcullis.values import JsonMapping
from portcullis_cli.ages import exactly

HIDDEN: Final = "hidden"
DENIED: Final = "denied"
APPROVAL: Final = "approval"
ALLOWED: Final = "allowed"
BY_ARGUMENTS: Final = "it depends"

_SOMEBODY: Final = Principal(issuer="", subject="")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolWord:
    """One tool: `word` of the five above, why, its limits, how it differs from the lock."""

    tool: str
    word: str
    why: str
    limits: tuple[str, ...] = ()
    drift: str = ""


def word_of(policy: Policy | None, server: str, tool: str, definition: JsonMapping) -> ToolWord:
    """Summarise what a policy says of a tool as its server shows it now."""
    if policy is None:
        return ToolWord(tool=tool, word=DENIED, why="no policy is in force")
    call = Call(
        server=server, kind=Kind.TOOL, name=tool, arguments={}, principal=_SOMEBODY, session=""
    )
    found = None if policy.lock is None else drifted(policy.lock, tool, definition)
    if refused_by_name(policy, call) is not None:
        is_hidden = policy.hidden(tool)
        why = "as if there were no such tool" if is_hidden else "no tool can have this name"
        word = HIDDEN if is_hidden else DENIED
        return ToolWord(tool=tool, word=word, why=why, drift=_drift(found))
    rules = [rule for rule in matching_rules(policy, call) if not rule.shadow]
    word, why = _with_drift(*_word(rules, policy.default), found)
    return ToolWord(
        tool=tool,
        word=word,
        why=why,
        limits=() if word == DENIED else tuple(dict.fromkeys(_limits(rules))),
        drift=_drift(found),
    )


def _word(rules: Sequence[Rule], default: Effect) -> tuple[str, str]:
    """The word for what enforced rules come to, in the order in which they bind."""
    denying, asking, allowing = (
        [rule for rule in rules if rule.effect is effect]
        for effect in (Effect.DENY, Effect.REQUIRE_APPROVAL, Effect.ALLOW)
    )
    if always := _always(denying):
        return DENIED, f"denied by {_labels(always)}"
    permits = default is Effect.ALLOW and not allowing
    if not asking and not allowing and not permits:
        return DENIED, "no rule permits it"
    unless = _unless(rules, is_asked=bool(_always(asking)))
    if always := _always(asking):
        return (BY_ARGUMENTS if unless else APPROVAL), f"approval by {_labels(always)}{unless}"
    if always := _always(allowing):
        return (BY_ARGUMENTS if unless else ALLOWED), f"allowed by {_labels(always)}{unless}"
    if permits:
        return (BY_ARGUMENTS if unless else ALLOWED), f"allowed by default{unless}"
    return BY_ARGUMENTS, f"on conditions of {_labels(rules)}"


def _unless(rules: Sequence[Rule], *, is_asked: bool) -> str:
    """The rules that restrict some calls; `is_asked`: people are asked about all of them.

    One with limits, or that asks, refuses where its condition cannot be evaluated.
    """
    found: dict[str, list[Rule]] = {"denies": [], "asks people": [], "cannot be evaluated": []}
    for rule in rules:
        if rule.when is None or not could_restrict(rule):
            continue
        asks = rule.effect is Effect.REQUIRE_APPROVAL and not is_asked
        other = "asks people" if asks else "cannot be evaluated"
        found["denies" if rule.effect is Effect.DENY else other].append(rule)
    return "".join(f", unless {_labels(some)} {verb}" for verb, some in found.items() if some)


def _with_drift(word: str, why: str, found: Drifted | None) -> tuple[str, str]:
    """Drift never widens: what the rules deny stays denied."""
    if found is None or word == DENIED or found.rule.effect is Effect.ALLOW:
        return word, why
    if found.rule.effect is Effect.DENY or found.rule.approval is None:
        return DENIED, f"denied by {found.rule.label}"
    if word == BY_ARGUMENTS:
        return word, f"{why}; people are asked by {found.rule.label}"
    return APPROVAL, f"approval by {found.rule.label}"


def _drift(found: Drifted | None) -> str:
    if found is None:
        return ""
    return f"changed: {', '.join(found.parts)}" if found.parts else "new"


def _always(rules: Sequence[Rule]) -> list[Rule]:
    return [rule for rule in rules if rule.when is None]


def _labels(rules: Sequence[Rule]) -> str:
    return ", ".join(sorted({rule.label for rule in rules}))


def _limits(rules: Sequence[Rule]) -> Iterator[str]:
    for rule in rules:
        on = "" if rule.when is None else ", on conditions"
        for limit in rule.limits:
            yield f"{limit_words(limit)}{on}"


def limit_words(limit: Limit) -> str:
    """A limit in words: `10 in 1 min per session`."""
    amount = "" if limit.amount_path is None else f" of {limit.amount_path.text}"
    return f"{limit.maximum}{amount} in {exactly(limit.window_seconds)} per {limit.scope.value}"
