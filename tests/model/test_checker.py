"""The checker itself, on worlds small enough to be looked through by eye."""

from collections.abc import Callable, Iterable, Mapping

import pytest

from model.checker import Breach, Graph, Law, Move, endless, explore, hopeless, stuck

Edges = Mapping[int, Iterable[int]]
SQUARE: Edges = {0: (1, 2), 1: (3,), 2: (3,), 3: ()}
CIRCLE: Edges = {0: (1, 4), 1: (2,), 2: (3,), 3: (1,), 4: ()}


def moves_of(
    edges: Edges, *, sure: Iterable[int] = (), rests: Iterable[int] = ()
) -> Callable[[int], list[Move[int]]]:
    """Moves between numbers; those from `sure` happen by themselves, those from `rests` rest."""

    def moves(world: int) -> list[Move[int]]:
        return [
            Move(f"{world} to {target}", target, is_sure=world in sure, is_rest=world in rests)
            for target in edges[world]
        ]

    return moves


def graph_of(edges: Edges, **marks: Iterable[int]) -> Graph[int]:
    graph = explore(0, moves_of(edges, **marks), [])
    assert isinstance(graph, Graph)
    return graph


def is_not(number: int) -> Law[int]:
    return Law(name=f"never {number}", holds=lambda world: world != number)


def test_every_world_is_visited_once() -> None:
    assert graph_of(SQUARE).worlds == [0, 1, 2, 3]


def test_a_breach_is_told_with_the_shortest_way_to_it() -> None:
    breach = explore(0, moves_of({0: (1, 3), 1: (2,), 2: (3,), 3: ()}), [is_not(3)])
    assert isinstance(breach, Breach)
    assert (breach.law, breach.steps, breach.world) == ("never 3", ("0 to 3",), 3)


def test_a_breach_reads_as_numbered_steps() -> None:
    breach = explore(0, moves_of(SQUARE), [is_not(3)])
    assert str(breach) == "broken: never 3\n   1. 0 to 1\n   2. 1 to 3"


def test_the_first_world_is_held_against_the_laws_too() -> None:
    breach = explore(0, moves_of(SQUARE), [is_not(0)])
    assert isinstance(breach, Breach)
    assert breach.steps == ()


def test_where_nothing_happens_by_itself_the_law_must_hold() -> None:
    graph = graph_of(SQUARE, sure=(0, 1))
    assert stuck(graph, Law(name="an end", holds=lambda world: world in (2, 3))) is None
    breach = stuck(graph, Law(name="an end", holds=lambda world: world == 3))
    assert breach is not None
    assert breach.world == 2


def test_a_place_without_a_way_to_the_end_is_found() -> None:
    at_four: Law[int] = Law(name="four", holds=lambda world: world == 4)
    breach = hopeless(graph_of(CIRCLE), at_four)
    assert breach is not None
    assert breach.steps == ("0 to 1",)
    assert hopeless(graph_of({**CIRCLE, 2: (3, 4)}), at_four) is None


def test_a_circle_is_told_with_the_way_around_it() -> None:
    breach = endless(graph_of(CIRCLE), "no circle", lambda _, move: not move.is_rest)
    assert breach is not None
    assert breach.steps == ("0 to 1", "1 to 2", "2 to 3", "3 to 1")


def test_a_circle_that_rests_is_none() -> None:
    graph = graph_of(CIRCLE, rests=(3,))
    assert endless(graph, "no circle", lambda _, move: not move.is_rest) is None


def test_a_world_that_leads_to_itself_is_a_circle() -> None:
    breach = endless(graph_of({0: (1,), 1: (1,)}), "no circle", lambda *_: True)
    assert breach is not None
    assert breach.steps == ("0 to 1", "1 to 1")


def test_two_ways_to_one_world_are_no_circle() -> None:
    assert endless(graph_of(SQUARE), "no circle", lambda *_: True) is None


@pytest.mark.parametrize("edges", [SQUARE, CIRCLE], ids=["square", "circle"])
def test_laws_that_hold_leave_the_whole_graph(edges: Edges) -> None:
    graph = explore(0, moves_of(edges), [is_not(9)])
    assert isinstance(graph, Graph)
    assert len(graph.moves) == len(graph.worlds) == len(edges)
