"""The questions people ask of a policy, over every tool name there can be."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import z3

from portcullis.policy.decision import Allow, Decision
from portcullis.policy.lock_text import PREFIX
from portcullis.policy.model import Kind, Limit, Policy, Principal
from portcullis.policy.names import is_pattern
from portcullis.values import JsonMapping
from portcullis_cli.reasoning.slots import Question
from portcullis_cli.reasoning.solve import ALLOW, ASK, DENY, Answer, Reasoner, word
from portcullis_cli.reasoning.texts import names_for

WORDS: Final = (ALLOW, ASK, DENY)
RANK: Final[Mapping[str, int]] = {DENY: 0, ASK: 1, ALLOW: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is asked about: the server, its tools where they are known, the caller where one is."""

    server: str
    tools: Mapping[str, JsonMapping] | None = None
    caller: Principal | None = None

    def question(self, name: str) -> Question:
        """The question about one tool."""
        return Question(
            server=self.server,
            tool=name,
            definition=None if self.tools is None else self.tools.get(name),
            caller=self.caller,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Tool names to ask about; those in `invented` stand for all others that match alike."""

    names: tuple[str, ...]
    invented: frozenset[str]
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A tool for which some call is decided differently. `limit`: only its limit is looser."""

    tool: str
    before: str
    after: str
    answer: Answer
    limit: Limit | None = None

    @property
    def is_wider(self) -> bool:
        """Whether the new policy permits what the old one did not."""
        return self.limit is not None or RANK[self.after] > RANK[self.before]


def names_of(policies: Sequence[Policy], world: World) -> Names:
    """The server's tools; where they are not known, every name that a policy can tell apart."""
    if world.tools is not None:
        return Names(names=tuple(sorted(world.tools)), invented=frozenset(), is_whole=True)
    exact: set[str] = set()
    patterns: set[str] = set()
    for policy in policies:
        section = policy.sections[Kind.TOOL]
        exact |= set(section.exact)
        patterns |= {one for one, _, _ in section.patterns if not one.startswith(PREFIX)}
        exact |= set() if policy.lock is None else set(policy.lock.pins)
        hidden: Any = policy.document.get("hide") or ()
        for name in hidden:
            (patterns if is_pattern(name) else exact).add(name)
    found = names_for(sorted(patterns), sorted(exact))
    return Names(
        names=found.texts, invented=frozenset(found.texts) - exact, is_whole=found.is_whole
    )


def possible(policy: Policy, name: str, world: World) -> Mapping[str, Answer]:
    """What can ever be decided of a tool: an answer for each word."""
    reasoner = Reasoner([policy], world.question(name))
    return {wanted: reasoner.decided(0, wanted) for wanted in WORDS}


def changes(old: Policy, new: Policy, name: str, world: World) -> Iterator[Change]:
    """Every way in which the new policy decides some call of a tool differently."""
    reasoner = Reasoner([old, new], world.question(name))
    for before, after in product(WORDS, repeat=2):
        if before != after:
            answer = reasoner.find(
                z3.And(reasoner.verdicts[0][before], reasoner.verdicts[1][after]),
                _decides(before, after),
            )
            if answer.example is not None or not answer.is_certain:
                yield Change(tool=name, before=before, after=after, answer=answer)
    yield from _looser(reasoner, name)


def _looser(reasoner: Reasoner, name: str) -> Iterator[Change]:
    """Limits of the old policy that the new one does not keep as tight for some allowed call."""
    for rule, limit in reasoner.limits(0):
        as_tight = [
            reasoner.applies(other) for other, one in reasoner.limits(1) if _is_as_tight(one, limit)
        ]
        wanted = z3.And(
            reasoner.applies(rule),
            reasoner.verdicts[0][ALLOW],
            reasoner.verdicts[1][ALLOW],
            z3.Not(z3.Or(*as_tight)),
        )
        answer = reasoner.find(wanted, _decides(ALLOW, ALLOW))
        if answer.example is not None and not _keeps(answer, limit):
            yield Change(tool=name, before=ALLOW, after=ALLOW, answer=answer, limit=limit)


def _decides(before: str, after: str) -> Any:
    def is_it(decisions: Sequence[Decision]) -> bool:
        return [word(one) for one in decisions] == [before, after]

    return is_it


def _keeps(answer: Answer, limit: Limit) -> bool:
    """Whether what the new policy takes of the example is as tight after all."""
    assert answer.example is not None  # noqa: S101 - asked for one only
    decided = answer.example.decisions[1]
    return isinstance(decided, Allow) and any(
        _is_as_tight(take.limit, limit) for take in decided.obligations
    )


def _is_as_tight(one: Limit, other: Limit) -> bool:
    """Whether a limit lets through no more than another one, by the same counting."""
    return (
        one.scope is other.scope
        and one.algorithm is other.algorithm
        and one.window_seconds >= other.window_seconds
        and one.maximum <= other.maximum
        and _amount(one) == _amount(other)
    )


def _amount(limit: Limit) -> str | None:
    return None if limit.amount_path is None else limit.amount_path.text
