"""A small explicit-state checker: every world that can be reached, breadth first.

It knows nothing of approvals. A world is any hashable value; what can happen in it is a
function from a world to moves. A breach of a law is answered with the shortest way to it.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeAlias, TypeVar

W = TypeVar("W", bound=Hashable)


class Move(NamedTuple, Generic[W]):
    """One thing that can happen, and the world after it.

    `is_sure`: it happens by itself, whatever people do or leave. `is_rest`: a wait that ends
    with nothing changed, the only thing that may happen again and again.
    """

    label: str
    world: W
    is_sure: bool = False
    is_rest: bool = False


_Edge: TypeAlias = tuple[int, Move[W]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Law(Generic[W]):
    """What holds in every world."""

    name: str
    holds: Callable[[W], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach(Generic[W]):
    """A law that does not hold: the shortest way there, and the world it does not hold in."""

    law: str
    steps: tuple[str, ...]
    world: W

    def __str__(self) -> str:
        lines = [f"broken: {self.law}"]
        lines += [f"  {number:2}. {step}" for number, step in enumerate(self.steps, 1)]
        return "\n".join(lines)


@dataclass(slots=True)
class Graph(Generic[W]):
    """Every reachable world, in the order of its distance from the start, and its moves."""

    worlds: list[W] = field(default_factory=list)
    moves: list[list[_Edge[W]]] = field(default_factory=list)
    parents: list[tuple[int, str]] = field(default_factory=list)

    def breach(self, law: str, number: int, further: Sequence[str] = ()) -> Breach[W]:
        """Answer the way from the start to a world that breaks a law."""
        steps: deque[str] = deque(further)
        at = number
        while at:
            at, label = self.parents[at]
            steps.appendleft(label)
        return Breach(law=law, steps=tuple(steps), world=self.worlds[number])


def explore(
    start: W, moves_in: Callable[[W], Iterable[Move[W]]], laws: Sequence[Law[W]]
) -> Graph[W] | Breach[W]:
    """Visit every world that can be reached; stop at the first that breaks a law."""
    numbers = {start: 0}
    graph: Graph[W] = Graph(worlds=[start], parents=[(0, "")])
    for number, world in enumerate(graph.worlds):  # the list grows behind the loop
        for law in laws:
            if not law.holds(world):
                return graph.breach(law.name, number)
        edges: list[_Edge[W]] = []
        for move in moves_in(world):
            target = numbers.setdefault(move.world, len(graph.worlds))
            if target == len(graph.worlds):
                graph.worlds.append(move.world)
                graph.parents.append((number, move.label))
            edges.append((target, move))
        graph.moves.append(edges)
    return graph


def stuck(graph: Graph[W], law: Law[W]) -> Breach[W] | None:
    """Find a world where nothing happens by itself any more and the law does not hold."""
    for number, edges in enumerate(graph.moves):
        if not any(move.is_sure for _, move in edges) and not law.holds(graph.worlds[number]):
            return graph.breach(law.name, number)
    return None


def hopeless(graph: Graph[W], law: Law[W]) -> Breach[W] | None:
    """Find a world from which none where the law holds can be reached."""
    sources: list[list[int]] = [[] for _ in graph.worlds]
    for number, edges in enumerate(graph.moves):
        for target, _ in edges:
            sources[target].append(number)
    reaching = {number for number, world in enumerate(graph.worlds) if law.holds(world)}
    waiting = list(reaching)
    while waiting:
        fresh = [one for one in sources[waiting.pop()] if one not in reaching]
        reaching.update(fresh)
        waiting.extend(fresh)
    for number in range(len(graph.worlds)):
        if number not in reaching:
            return graph.breach(law.name, number)
    return None


def endless(graph: Graph[W], name: str, counts: Callable[[W, Move[W]], bool]) -> Breach[W] | None:
    """Find a circle among the moves that count, from one world back to itself."""
    finished: set[int] = set()
    for root in range(len(graph.worlds)):
        path: dict[int, str] = {}  # the worlds on the way down, and the move that left each
        todo = [(root, iter(graph.moves[root]))] if root not in finished else []
        while todo:
            number, edges = todo[-1]
            for target, move in edges:
                if target in finished or not counts(graph.worlds[number], move):
                    continue
                path[number] = move.label
                if target in path:
                    circle = list(path)[list(path).index(target) :]
                    return graph.breach(name, target, [path[one] for one in circle])
                todo.append((target, iter(graph.moves[target])))
                break
            else:
                finished.add(number)
                todo.pop()
                path.pop(number, None)
    return None
