"""The counters of one principal under a policy, by their own keys, and how much of them is used.

Pure but for nothing: which counters there are follows from the policy, whoever reads them.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from portcullis.adapters.counter_items import use_of
from portcullis.adapters.dynamodb_calls import Item
from portcullis.policy.decision import Take
from portcullis.policy.model import Instant, Kind, Limit, Policy, Rule, Scope
from portcullis.policy.obligations import SHADOW_PREFIX
from portcullis.policy.windows import difference

_ONE = Decimal(1)
_MICROS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """One counter. `slot` is that of sessions' counters, `tool` that of a tool's."""

    take: Take
    slot: int | None = None
    tool: str = ""

    @property
    def is_shared(self) -> bool:
        """Whether other principals' calls are counted in it, too."""
        return self.take.limit.scope in (Scope.TOOL, Scope.SERVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How much of a limit is used. `clear_at`: when all of it is free again, epoch seconds."""

    counter: Counter
    used: Decimal
    remaining: Decimal
    clear_at: int | None


def counters_of(
    policy: Policy, tools: Collection[str], *, principal_key: str, slots: Collection[int]
) -> list[Counter]:
    """Every counter that calls of a principal can be taken from, each once.

    `tools` are the names that patterns are matched with: a counter of a tool is one of a name.
    """
    values = _Values(principal_key=principal_key, slots=slots)
    found: dict[tuple[Scope, str, str], Counter] = {}
    for rule, names in _rules(policy, tools):
        for limit in rule.limits:
            for one in _counters(rule, limit, names, values):
                found.setdefault((limit.scope, one.take.counter, one.take.limit.identity), one)
    return sorted(found.values(), key=_order)


def unlisted(policy: Policy, *, has_tools: bool) -> list[str]:
    """The rules with a limit per name, by pattern, whose names cannot be told.

    Tools are listed where their list is stored; there is no list of resources and prompts here.
    """
    return sorted(
        {
            rule.label
            for kind, section in policy.sections.items()
            if not (kind is Kind.TOOL and has_tools)
            for _, _, rules in section.patterns
            for rule in rules
            if any(limit.scope is Scope.TOOL for limit in rule.limits)
        }
    )


def use_in(item: Item, counter: Counter, *, now: Instant) -> Use:
    """How much of a counter is used, told by the item that holds it.

    Raises:
        ValueError: the item is not one that the gateway writes.
        ArithmeticError: a sum cannot be kept exactly.
    """
    used, clear = use_of(item, counter.take, now=now)
    left = max(difference(counter.take.limit.maximum, used), Decimal(0))
    clear_at = None if clear is None else -(-clear // _MICROS)
    return Use(counter=counter, used=used, remaining=left, clear_at=clear_at)


def _rules(policy: Policy, tools: Collection[str]) -> Iterator[tuple[Rule, Collection[str]]]:
    """Every rule with limits, and the names of calls that it can match."""
    for kind, section in policy.sections.items():
        known = tools if kind is Kind.TOOL else ()
        entries: Mapping[str, tuple[Rule, ...]] = section.exact
        for name, rules in entries.items():
            yield from ((rule, (name,)) for rule in rules)
        for _, matches, rules in section.patterns:
            names = [name for name in known if matches(name)]
            yield from ((rule, names) for rule in rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Values:
    """Whose calls are counted."""

    principal_key: str
    slots: Collection[int]


def _counters(
    rule: Rule, limit: Limit, names: Collection[str], values: _Values
) -> Iterator[Counter]:
    if rule.shadow:
        limit = replace(limit, identity=SHADOW_PREFIX + limit.identity)

    def take(counter: str) -> Take:
        return Take(counter=counter, limit=limit, amount=_ONE, rule=rule.label, shadow=rule.shadow)

    if limit.scope is Scope.SESSION:
        for slot in values.slots:
            yield Counter(take=take(f"{values.principal_key}#slot-{slot}"), slot=slot)
    elif limit.scope is Scope.TOOL:
        yield from (Counter(take=take(name), tool=name) for name in names)
    else:
        yield Counter(take=take(values.principal_key if limit.scope is Scope.PRINCIPAL else ""))


def _order(counter: Counter) -> tuple[str, int, str, str]:
    slot = -1 if counter.slot is None else counter.slot
    return (counter.take.limit.scope.value, slot, counter.take.rule, counter.tool)
