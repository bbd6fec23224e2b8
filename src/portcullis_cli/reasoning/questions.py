"""The questions people ask of a policy, over every name there can be."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from typing import Any, Final

import z3

from portcullis.policy.decision import Decision
from portcullis.policy.lock_text import PREFIX
from portcullis.policy.model import Comparison, Kind, Limit, Policy, Principal, Section
from portcullis.policy.names import is_pattern
from portcullis.values import JsonMapping
from portcullis_cli.reasoning.looser import counted, is_as_strict, looser_limits, weaker_approvals
from portcullis_cli.reasoning.slots import Question, comparisons_of
from portcullis_cli.reasoning.solve import ALLOW, ASK, DENY, Answer, Reasoner, word
from portcullis_cli.reasoning.texts import named_by, names_for

WORDS: Final = (ALLOW, ASK, DENY)
RANK: Final[Mapping[str, int]] = {DENY: 0, ASK: 1, ALLOW: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is asked about: the server, its tools where they are known, the caller where one is.

    `kind`: whether names are those of tools, of resources or of prompts.
    """

    server: str
    tools: Mapping[str, JsonMapping] | None = None
    caller: Principal | None = None
    kind: Kind = Kind.TOOL

    def question(self, name: str) -> Question:
        """The question about one name."""
        return Question(
            server=self.server,
            tool=name,
            kind=self.kind,
            definition=self.tools.get(name) if self.tools and self.kind is Kind.TOOL else None,
            caller=self.caller,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names to ask about; those in `invented` stand for all others that match alike."""

    names: tuple[str, ...]
    invented: frozenset[str]
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something with that name for which some call is decided differently.

    Where `before` and `after` are the same, a `limit` is looser, or the approval needs fewer
    people or other ones. `drift`: it is about every tool that came or changed after the lock.
    """

    tool: str
    before: str
    after: str
    answer: Answer
    kind: Kind = Kind.TOOL
    limit: Limit | None = None
    drift: str = ""

    @property
    def is_wider(self) -> bool:
        """Whether the new policy permits what the old one did not."""
        return self.before == self.after or RANK[self.after] > RANK[self.before]


def names_of(policies: Sequence[Policy], world: World, asked: Sequence[str] = ()) -> Names:
    """The server's tools; where they are not known, every name that can be told apart.

    `asked`: names and patterns that the question itself tells apart.
    """
    if world.tools is not None and world.kind is Kind.TOOL:
        return Names(names=tuple(sorted(world.tools)), invented=frozenset(), is_whole=True)
    exact: set[str] = set()
    patterns: set[str] = set()
    conditions: list[Comparison] = []
    for name in (*asked, *(name for policy in policies for name in _hidden(policy, world.kind))):
        (patterns if is_pattern(name) else exact).add(name)
    for policy in policies:
        section = policy.sections.get(world.kind, Section())
        exact |= set(section.exact)
        patterns |= {one for one, _, _ in section.patterns if not one.startswith(PREFIX)}
        conditions += _on_names(section)
        is_locked = policy.lock is not None and world.kind is Kind.TOOL
        exact |= set(policy.lock.pins) if policy.lock is not None and is_locked else set()
    is_tool = world.kind is Kind.TOOL
    exact |= set(named_by(conditions))
    found = names_for(sorted(patterns), sorted(exact), conditions, tools=is_tool)
    return Names(
        names=found.texts, invented=frozenset(found.texts) - exact, is_whole=found.is_whole
    )


def kinds_of(policies: Sequence[Policy]) -> list[Kind]:
    """Tools; and resources and prompts where policies may decide differently of them."""
    are_alike = len({policy.default for policy in policies}) == 1
    return [
        kind
        for kind in Kind
        if kind is Kind.TOOL or not are_alike or any(_has_entries(one, kind) for one in policies)
    ]


def _has_entries(policy: Policy, kind: Kind) -> bool:
    section = policy.sections.get(kind, Section())
    return bool(section.exact or section.patterns)


def possible(policy: Policy, name: str, world: World) -> Mapping[str, Answer]:
    """What can ever be decided of a tool: an answer for each word."""
    reasoner = Reasoner([policy], world.question(name))
    return {wanted: reasoner.decided(0, wanted) for wanted in WORDS}


def changes(old: Policy, new: Policy, name: str, world: World) -> Iterator[Change]:
    """Every way in which the new policy decides some call of a tool differently."""
    reasoner = Reasoner([old, new], world.question(name))
    if reasoner.are_alike:
        return
    for before, after in product(WORDS, repeat=2):
        if before != after:
            answer = reasoner.find(
                z3.And(reasoner.verdicts[0][before], reasoner.verdicts[1][after]),
                _decides(before, after),
            )
            if answer.example is not None or not answer.is_certain:
                yield Change(tool=name, kind=world.kind, before=before, after=after, answer=answer)
    limits = [counted(one, reasoner.limits(at), world.kind) for at, one in enumerate((old, new))]
    for decided, limit, answer in looser_limits(reasoner, *limits):
        yield Change(
            tool=name, kind=world.kind, before=decided, after=decided, answer=answer, limit=limit
        )
    weaker = weaker_approvals(reasoner)
    if weaker is not None:
        yield Change(tool=name, kind=world.kind, before=ASK, after=ASK, answer=weaker)


def drift_changes(old: Policy, new: Policy) -> Iterator[Change]:
    """What is decided differently of tools that are not as they were locked."""
    if old.lock is None or new.lock is None:
        return
    certain = Answer(example=None, is_certain=True)
    for drift, one, other in (
        ("changed", old.lock.changed, new.lock.changed),
        ("added", old.lock.added, new.lock.added),
    ):
        before, after = (str(rule.effect and rule.effect.value) for rule in (one, other))
        if before != after or (before == ASK and not is_as_strict(other.approval, one.approval)):
            yield Change(tool="*", before=before, after=after, answer=certain, drift=drift)


def _hidden(policy: Policy, kind: Kind) -> Sequence[str]:
    hidden: Any = policy.document.get("hide") if kind is Kind.TOOL else None
    return hidden or ()


def _on_names(section: Section) -> Iterator[Comparison]:
    """Conditions on the name itself, in any rule."""
    of_entries = [*section.exact.values(), *(rules for _, _, rules in section.patterns)]
    for rule in chain.from_iterable(of_entries):
        yield from (one for one in comparisons_of(rule.when) if one.path.root == "tool")


def _decides(before: str, after: str) -> Callable[[Sequence[Decision]], bool]:
    def is_it(decisions: Sequence[Decision]) -> bool:
        return [word(one) for one in decisions] == [before, after]

    return is_it
