"""The life of an approval, checked in every order in which things can happen to it.

What is modelled: two approvers, the agent that asks again, takes back and picks up, the clock,
the workflow, its executor and a stray second delivery of it, each of which may stop or die
between any two steps. What is not: that a step itself goes wrong half-way (the stores' own
tests), more than one request, and clocks that differ. A decision of the last moment may be
written when the deadline has come, and is then good: what counts is when it was made.
"""

import sys
from dataclasses import dataclass, replace
from functools import cache

import pytest

from model.approval_casts import ANNA, CANCELS, CASTS
from model.approval_laws import ALL_LAWS, check
from model.approval_world import Cast, Rules, World
from model.checker import Breach, Graph
from model.seeded_bugs import SEEDS, Seed
from portcullis.approvals.states import TERMINAL, State

NEVER_APPROVED = ("one person twice", "the requester too", "only the requester")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came to pass in the worlds of one play."""

    worlds: int
    moves: int
    states: frozenset[State]
    sent: frozenset[State]  # where the call had been sent
    handed: frozenset[State]  # where the outcome had been handed over


def checked(cast: Cast, *, reduced: bool = True) -> Graph[World]:
    found = check(cast, Rules(), reduced=reduced)
    assert isinstance(found, Graph), found
    return found


@cache
def seen(name: str) -> Seen:
    graph = checked(CASTS[name])
    return Seen(
        worlds=len(graph.worlds),
        moves=sum(map(len, graph.moves)),
        states=frozenset(world.kept.state for world in graph.worlds),
        sent=frozenset(world.kept.state for world in graph.worlds if world.sends),
        handed=frozenset(world.kept.state for world in graph.worlds if world.handed),
    )


@pytest.mark.parametrize("name", CASTS)
def test_N22_N26_every_order_of_events_keeps_every_law(name: str) -> None:
    summary = seen(name)
    sys.stdout.write(f"{name}: {summary.worlds} worlds, {summary.moves} moves\n")
    assert summary.states >= {State.PENDING, State.EXPIRED}


@pytest.mark.parametrize("name", NEVER_APPROVED)
def test_N09_N34_what_only_one_person_or_the_requester_wants_is_never_sent(name: str) -> None:
    ended = {State.DENIED, State.EXPIRED, State.CANCELLED}
    assert seen(name).states <= {State.PENDING, *ended}
    assert seen(name).sent == set()


def test_the_model_comes_to_every_state_and_hands_every_end_over() -> None:
    summary = seen("one of two")
    assert summary.states == set(State)
    assert summary.sent == {State.EXECUTING, State.DONE, State.UNKNOWN}
    assert summary.handed == TERMINAL


def test_the_orders_that_are_left_out_would_have_shown_nothing_else() -> None:
    cast = replace(CASTS["one of one"], actors=(ANNA, CANCELS))
    every, fewer = checked(cast, reduced=False), checked(cast)
    assert len(fewer.worlds) < len(every.worlds)
    assert facts(fewer) == facts(every)


def facts(graph: Graph[World]) -> set[object]:
    """What can be seen from outside: the record and what was sent, together."""
    return {(world.kept, world.sends) for world in graph.worlds}


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_a_seeded_bug_is_found(seed: Seed) -> None:
    breach = check(CASTS[seed.cast], seed.rules, only=seed.law)
    assert isinstance(breach, Breach), f"not found in {len(breach.worlds)} worlds"
    assert breach.law == seed.law


def test_every_law_is_broken_by_some_seeded_bug() -> None:
    assert {seed.law for seed in SEEDS} == ALL_LAWS


def test_a_counterexample_reads_as_a_story() -> None:
    (seed,) = (seed for seed in SEEDS if seed.name == "a claim needs no approval")
    assert str(check(CASTS[seed.cast], seed.rules)) == STORY


STORY = """\
broken: the call is sent only when enough people other than the requester have said yes
   1. stray executor reads
   2. stray executor goes on under the policy
   3. stray executor reserves the limits
   4. stray executor decides to claim
   5. stray executor claims the call
   6. stray executor sends the call and is answered"""
